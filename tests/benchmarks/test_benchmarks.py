"""The benchmarks run: every job on a tiny city, and the command line."""

from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from benchmarks import batches, engine, store
from benchmarks.__main__ import main
from benchmarks.city import make
from benchmarks.process import measured
from benchmarks.suite import BENCHMARKS
from benchmarks.tables import Table, spread


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Files of a city of 2,000 tickets in two days."""
    folder = tmp_path_factory.mktemp("city")
    files = {"csv": str(folder / "city.csv"), "mapping": str(folder / "city.yaml")}
    make(**files, tickets=2_000, days=2, closed=True)
    return files


def test_a_city_is_the_same_each_time(city: dict[str, str], tmp_path: Path) -> None:
    """The same city is written to the byte, in the order of its times."""
    again = tmp_path / "again.csv"
    make(str(again), str(tmp_path / "city.yaml"), tickets=2_000, days=2, closed=True)
    assert again.read_bytes() == Path(city["csv"]).read_bytes()
    assert pl.read_csv(again)["Created"].is_sorted()


def test_jobs_count_every_ticket(city: dict[str, str]) -> None:
    """Reading, the engine, the back-test and the bare group_by all see each ticket."""
    runs = [engine.read(**city), engine.engine(**city), engine.whole(**city), engine.bare(city["csv"])]
    assert [run["tickets"] for run in runs] == [2_000] * 4
    assert runs[2]["life_events"] > 3_000


def test_batches_are_all_accepted(city: dict[str, str]) -> None:
    """The tickets of one quarter of an hour are new ones, beside those the engine has learned."""
    assert batches.batches(**city, rows=1_000)["accepted"] == 4_000


def test_state_has_a_size(city: dict[str, str]) -> None:
    """Remembered tickets and snapshots take memory, and a snapshot is restored."""
    assert batches.dedupe(10_000, 1_000)["bytes_per_ticket"] > 17
    assert batches.snapshot(**city, quota=2_000)["megabytes"] > 0.1


def test_the_store_is_measured(city: dict[str, str]) -> None:
    """A city's tickets go into a database and out of it, and pages of alerts are found by every query."""
    assert store.tickets(**city)["bytes"] > 50
    assert set(store.pages(60)) == set(store.QUERIES)


def test_a_job_runs_in_a_process_of_its_own(city: dict[str, str]) -> None:
    """A measured job returns its figures and its peak memory."""
    figures = measured("benchmarks.engine:bare", {"csv": city["csv"]}, environment={"POLARS_MAX_THREADS": "1"})
    assert figures["tickets"] == 2_000
    assert figures["peak_mb"] > 20


def test_benchmarks_are_listed_and_run() -> None:
    """--list names every benchmark, and a named one prints its table."""
    listed = CliRunner().invoke(main, ["--list"]).output
    assert [line.split()[0] for line in listed.splitlines()] == list(BENCHMARKS)
    assert "| tickets remembered |" in CliRunner().invoke(main, ["dedupe", "--quick"], catch_exceptions=False).stdout


def test_a_table_is_markdown() -> None:
    """Repetitions are written as median and range, in a Markdown table."""
    assert spread([3, 1, 2]) == "2 (1 to 3)"
    table = Table("T", ["", "n"], [["a", spread([1_000])]], ["why"])
    assert table.markdown().splitlines()[2:] == ["|  | n |", "| --- | ---: |", "| a | 1,000 |", "", "- why"]
