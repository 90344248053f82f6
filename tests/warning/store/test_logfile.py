"""Recorded logs: what was written is read, and a damaged log is refused at the line that is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from tests.warning.engine.tickets import CITY, START, columns, tick
from tests.warning.engine.tickets import Row as Ticket
from warning.domain.control import Control, ControlKind
from warning.domain.errors import InvalidInputError
from warning.domain.series import SeriesKey, SeriesKind
from warning.domain.ticket import LifeEvent
from warning.engine.records import Record
from warning.intake.columns import Dictionary, TicketColumns
from warning.store.logfile import LOG_VERSION, LogHeader, decode_record, read_header, read_records, write_log
from warning.store.schemas import schema

HEADER = LogHeader(version=LOG_VERSION, jurisdiction=CITY, zone="UTC", mapping="test", inputs=["a.csv"])
RECORDS: list[Record] = [
    tick(5, START),
    columns([Ticket(time=START, id="A", text="噪音 noise"), Ticket(time=START + 1, id="B", category="停车")]),
    columns([Ticket(time=START + 9, id="A", kind=LifeEvent.RESOLVED)]),
    columns([]),
    Control(
        kind=ControlKind.PROTECT,
        jurisdiction=CITY,
        effective_from=START,
        series=SeriesKey(SeriesKind.AREA_CATEGORY, CITY, "停车"),
    ),
    tick(6, START + 1),
]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Write the records as a log."""
    path = tmp_path / "test.log"
    assert write_log(path, HEADER, RECORDS) == len(RECORDS)
    return path


def plain(record: Record) -> object:
    """Return a record as something that compares."""
    if not isinstance(record, TicketColumns):
        return record
    arrays = {name: getattr(record, name) for name in TicketColumns.__slots__}
    return {
        name: value.decoded() if isinstance(value, Dictionary) else np.asarray(value).tolist()
        for name, value in arrays.items()
    }


def test_what_was_written_is_read(log: Path) -> None:
    """Header and records come back equal and in order, hashes of 64 bits included."""
    assert read_header(log) == HEADER
    assert [plain(record) for record, _ in read_records(log)] == [plain(record) for record in RECORDS]


def test_the_bytes_read_add_up(log: Path) -> None:
    """Each record comes with the bytes of its line, so that progress ends at the file's size."""
    first = len(log.read_bytes().splitlines(keepends=True)[0])
    assert first + sum(size for _, size in read_records(log)) == log.stat().st_size


def test_every_line_satisfies_the_schema(log: Path) -> None:
    """The published schema describes each kind of line."""
    for line in log.read_text(encoding="utf-8").splitlines():
        jsonschema.validate(json.loads(line), schema("log"))


def _damaged(log: Path, number: int, line: bytes) -> Path:
    lines = log.read_bytes().splitlines(keepends=True)
    lines[number - 1] = line
    log.write_bytes(b"".join(lines))
    return log


@pytest.mark.parametrize(
    ("number", "line", "problem"),
    [
        (2, b'{"type":"tick","jurisdiction":"T"', "line 2"),
        (3, b"\xff\xfe\n", "line 3"),
        (3, b'{"type":"surprise"}\n', "line 3"),
        (3, b'{"type":"tick","jurisdiction":"T","number":"x","watermark":0,"read_to":0}\n', "line 3"),
        (7, b'{"type":"log","version":1,"jurisdiction":"T","zone":"UTC","mapping":"m","inputs":[]}\n', "header"),
    ],
    ids=["cut off", "not text", "unknown kind", "wrong type", "second header"],
)
def test_a_damaged_line_is_named(log: Path, number: int, line: bytes, problem: str) -> None:
    """A line that cannot be read is refused with its number and what to do."""
    with pytest.raises(InvalidInputError, match=problem) as refused:
        list(read_records(_damaged(log, number, line)))
    assert "xport" in refused.value.advice


@pytest.mark.parametrize(
    ("number", "part"),
    [(2, ()), (3, ()), (3, ("area",)), (6, ()), (6, ("control",)), (6, ("control", "series"))],
    ids=["tick", "tickets", "column", "control line", "control", "its series"],
)
def test_what_a_newer_program_added_is_not_passed_over(log: Path, number: int, part: tuple[str, ...]) -> None:
    """A state that left it out would be another one: whatever part of a record it is in, the record is refused."""
    line = json.loads(log.read_bytes().splitlines()[number - 1])
    inner = line
    for name in part:
        inner = inner[name]
    inner["added"] = 1
    text = json.dumps(line).encode()
    with pytest.raises(InvalidInputError, match="unknown field `added`"):
        decode_record(text, "tickets/0@7")
    with pytest.raises(InvalidInputError, match=f"line {number}.*unknown field `added`"):
        list(read_records(_damaged(log, number, text + b"\n")))


def test_columns_that_do_not_fit_are_refused(log: Path) -> None:
    """Columns of several lengths, and codes without values, are no batch."""
    batch = json.loads(log.read_bytes().splitlines()[2])
    for wrong in ({"time": [1]}, {"area": {"codes": [0, 7], "values": ["x"]}}):
        with pytest.raises(InvalidInputError, match="line 3"):
            list(read_records(_damaged(log, 3, json.dumps(batch | wrong).encode() + b"\n")))


@pytest.mark.parametrize(
    ("first", "problem"),
    [
        (b"", "log"),
        (b"id,created\n", "line 1"),
        (b'{"type":"tick","jurisdiction":"T","number":1,"watermark":0,"read_to":0}\n', "header"),
        (b'{"type":"log","version":99,"jurisdiction":"T","zone":"UTC","mapping":"m","inputs":[]}\n', "version 99"),
    ],
    ids=["empty", "another file", "no header", "of the future"],
)
def test_a_file_that_is_no_log_is_refused(log: Path, first: bytes, problem: str) -> None:
    """An empty file, another file and a log of another version are refused at once."""
    with pytest.raises(InvalidInputError, match=problem):
        read_header(_damaged(log, 1, first) if first else _emptied(log))


def _emptied(log: Path) -> Path:
    log.write_bytes(b"")
    return log
