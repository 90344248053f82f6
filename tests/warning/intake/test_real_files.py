"""The two real New York files: what is kept, what is repaired, what is lost."""

import csv
from collections import Counter

from tests.conftest import SharedData
from tests.warning.intake.tables import NOW_MS, run
from warning.intake.mapping_files import load_mapping


def test_the_file_without_a_header_keeps_every_row(shared_data: SharedData) -> None:
    """At least 99 % of 17,418 rows are kept; the 325 closed before they were created lose the closing alone."""
    outcome = run(shared_data("nyc311-jan2020.csv"), mapping=load_mapping("nyc311-headerless"))
    assert outcome.read == 17_418
    assert len(outcome.ids) >= 0.99 * 17_418
    assert outcome.repairs["closed_at", "closed_before_created"] == 325
    assert Counter(kind for _, kind, _ in outcome.life) == {"RESOLVED": len(outcome.ids) - 325}
    assert outcome.rows == list(range(1, 17_419))


def test_every_shifted_borough_is_repaired_by_a_named_rule(shared_data: SharedData) -> None:
    """A tax lot and a community board give their borough, all else the city; no cell is repaired unseen."""
    path = shared_data("nyc311-jan2020.csv")
    with path.open(newline="") as file:
        cells = [row[4] for row in csv.reader(file)]
    boroughs = {"BRONX", "BROOKLYN", "MANHATTAN", "QUEENS", "STATEN ISLAND"}
    shifted = sum(cell not in boroughs for cell in cells)
    outcome = run(path, mapping=load_mapping("nyc311-headerless"))
    repaired = {rule: count for (field, rule), count in outcome.repairs.items() if field == "area"}
    assert set(repaired) == {"tax_lot", "community_board", "unspecified_borough", "shifted_time", "unknown_borough"}
    assert sum(repaired.values()) == shifted
    assert set(outcome.areas) == {"New York City"} | {f"New York City/{name}" for name in boroughs}
    lots = [area for cell, area in zip(cells, outcome.areas, strict=True) if cell.isdigit() and cell.startswith("4")]
    assert set(lots) == {"New York City/QUEENS"}


def test_the_full_schema_keeps_every_row(shared_data: SharedData) -> None:
    """At least 99.9 % of 4,969 rows are kept, placed by borough and community board, with department and text."""
    outcome = run(shared_data("nyc311-animals-2025q1.csv"), mapping=load_mapping("nyc311"), now_ms=NOW_MS)
    assert outcome.read == 4_969
    assert len(outcome.ids) >= 0.999 * 4_969
    assert sum(area.count("/") == 2 for area in outcome.areas) > 4_900
    assert "Neglected" in outcome.texts
    assert len(outcome.life) == 4_692


def test_the_same_file_gives_the_same_tickets(shared_data: SharedData) -> None:
    """Two runs agree in every row, rejection, repair and life event."""
    path, mapping = shared_data("nyc311-jan2020.csv"), load_mapping("nyc311-headerless")
    assert run(path, mapping=mapping) == run(path, mapping=mapping)
