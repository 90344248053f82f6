"""Wire types between workers of different versions: what an older one does with what a newer one wrote."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from streams.records import (
    Flushed,
    NewerRecordError,
    Outcomes,
    Poison,
    Rejected,
    Report,
    decode,
    decode_report,
    encode,
    encode_report,
)
from tests.warning import samples
from warning.domain.control import Control, ControlKind
from warning.engine.records import Tick, TickReport

TOLD: list[msgspec.Struct] = [
    Flushed(topic="tickets.raw", partition=1, next_offset=8, latest=5, at=9, end=True),
    Rejected(source="desk", topic="tickets.raw", partition=1, offset=7, at=3, reject=samples.reject()),
    Outcomes(
        log="tickets",
        partition=1,
        offset=7,
        source="desk",
        received=9,
        ticket_id=["a"],
        time=[1],
        category=["c"],
        area=["x"],
        outcome=[3],
    ),
]
REPORT = Report(
    era=1,
    partition=2,
    report=TickReport(
        tick=Tick(jurisdiction="city", number=9, watermark=900_000, read_to=1_000_000),
        shards=(2,),
        signals=[samples.signal()],
        points=[],
        counts=[],
        life=[],
    ),
    controls=(Control(kind=ControlKind.PROTECT, jurisdiction="city", effective_from=0),),
)


_MAPPING = "analysed"
"""Of a report, no object with fields: its names are values."""


def newer(record: Any) -> Any:
    """Return a record as a later version may write it: with a further field in every object, and a higher version."""
    if isinstance(record, list):
        return [newer(each) for each in record]
    if not isinstance(record, dict):
        return record
    made = {name: value if name == _MAPPING else newer(value) for name, value in record.items()} | {"added": [1]}
    return made | {"version": record["version"] + 1} if "version" in record else made


@pytest.mark.parametrize("record", TOLD, ids=lambda record: type(record).__name__)
def test_what_tells_of_something_is_read_without_what_was_added(record: msgspec.Struct) -> None:
    """Neither a dead letter nor an outcome is lost because an intake or detect worker was upgraded first."""
    read = decode(json.dumps(newer(json.loads(encode(record)))).encode(), type(record))
    assert read == msgspec.structs.replace(record, version=2)


def test_a_report_is_read_without_what_was_added() -> None:
    """Detect workers may be upgraded before the alert worker."""
    read = decode_report(msgspec.msgpack.encode(newer(msgspec.msgpack.decode(encode_report(REPORT)))))
    assert (read.version, read.era, read.partition) == (2, REPORT.era, REPORT.partition)
    assert (read.report, read.controls) == (REPORT.report, REPORT.controls)


@pytest.mark.parametrize(
    ("version", "error"), [(2, NewerRecordError), (1, msgspec.ValidationError), ("2", msgspec.ValidationError)]
)
def test_what_a_newer_worker_means_is_never_taken_for_rubbish(version: object, error: type[Exception]) -> None:
    """A known field with a new kind of value ends an older worker; what no version of the program wrote does not."""
    said = json.loads(encode(TOLD[1])) | {"version": version}
    said["reject"]["reason"] = "a_later_one"
    with pytest.raises(error):
        decode(json.dumps(said).encode(), Rejected)
    with pytest.raises(msgspec.DecodeError):
        decode(b"[1]", Rejected)


def test_what_takes_tickets_out_of_the_log_is_refused_with_anything_unknown() -> None:
    """Half understood it would make another state than a newer worker has."""
    poison = Poison(topic="tickets", partition=1, offset=7, rows=[0, 4], at=3, reason="ends the process")
    assert decode(encode(poison), Poison) == poison
    said = json.loads(encode(poison))
    with pytest.raises(NewerRecordError, match=r"of version 2, .* reads 1.*Upgrade"):
        decode(json.dumps(newer(said)).encode(), Poison)
    with pytest.raises(msgspec.ValidationError, match="unknown field `added`"):
        decode(json.dumps(said | {"added": 1}).encode(), Poison)
