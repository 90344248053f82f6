"""A small city's export, and what a run over a file of it gave."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from warning.domain.area import AreaRegister
from warning.domain.reject import Reject
from warning.domain.ticket import LifeEvent
from warning.intake.files import read_files
from warning.intake.mapping import Mapping
from warning.intake.mapping_files import parse_mapping

NOW_MS = 1_767_225_600_000
"""2026-01-01 00:00 UTC: the clock of these tests."""

HEADER = ("id", "created", "closed", "type", "district", "note")
GOOD = ("T{number}", "2025-06-0{number} 08:00:00", "2025-06-0{number} 09:00:00", "Noise", "North", "loud")

CITY_YAML = """
name: city
title: {zh: 某市, en: A city}
jurisdiction: city
source: hotline
zone: America/New_York
columns:
  id: public
  created: public
  closed: public
  type: {class: public, also: [kind, 类型]}
  district: public
  note: sensitive
  caller: never
fields:
  ticket_id: id
  created_at: {column: created, formats: ["%Y-%m-%d %H:%M:%S"]}
  closed_at: {column: closed, formats: ["%Y-%m-%d %H:%M:%S"]}
  category: type
  text: note
area:
  - fixed: City
  - column: district
"""


def city(**changes: str) -> Mapping:
    """The city's mapping; each change replaces a line of its YAML by key (``zone="zone: UTC"``)."""
    lines = CITY_YAML.splitlines()
    for key, line in changes.items():
        lines = [line if old.strip().startswith(f"{key}:") else old for old in lines]
    return parse_mapping("\n".join(lines), "city.yaml")


def good(number: int) -> tuple[str, ...]:
    """A row without fault, of the given number (1 to 9)."""
    return tuple(cell.format(number=number) for cell in GOOD)


def line(cells: Iterable[str]) -> str:
    """A CSV line of cells that need no quotes."""
    return ",".join(cells) + "\n"


def csv_text(*rows: Sequence[str] | str) -> str:
    """A CSV file: the header, then rows given as cells or as raw lines."""
    return line(HEADER) + "".join(row if isinstance(row, str) else line(row) for row in rows)


@dataclass(frozen=True)
class Outcome:
    """What a run over files gave."""

    ids: list[str]
    rows: list[int]
    times: list[int]
    areas: list[str]
    categories: list[str]
    texts: list[str]
    life: list[tuple[str, str, int]]
    rejects: list[Reject]
    repairs: Counter[tuple[str, str]]
    read: int

    @property
    def refused(self) -> list[tuple[int, str, str]]:
        """Row, field and reason of each rejection."""
        return [(reject.row, reject.field, reject.reason.value) for reject in self.rejects]


def run(
    *paths: Path | str,
    mapping: Mapping | None = None,
    register: AreaRegister | None = None,
    now_ms: int | None = NOW_MS,
) -> Outcome:
    """Read files with the city's mapping (or another) and gather what came out."""
    parts = list(read_files(paths, mapping or city(), register=register, now_ms=now_ms))
    repairs: Counter[tuple[str, str]] = Counter()
    for part in parts:
        repairs.update(part.repairs)
    return Outcome(
        ids=[str(value) for part in parts for value in part.tickets.ticket_id],
        rows=[row for part in parts for row in part.tickets.row.tolist()],
        times=[time for part in parts for time in part.tickets.time.tolist()],
        areas=[area for part in parts for area in part.tickets.area.decoded()],
        categories=[name for part in parts for name in part.tickets.category.decoded()],
        texts=[str(text) for part in parts for text in part.tickets.text],
        life=[
            (str(ticket_id), LifeEvent(kind).name, time)
            for part in parts
            for ticket_id, kind, time in zip(
                part.life.ticket_id, part.life.kind.tolist(), part.life.time.tolist(), strict=True
            )
        ],
        rejects=[reject for part in parts for reject in part.rejects],
        repairs=repairs,
        read=sum(part.rows for part in parts),
    )
