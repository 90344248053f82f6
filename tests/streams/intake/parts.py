"""Parts that tests of the intake put together: a judge over registered sources, and records as they come."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from streams.intake.batching import Batcher
from streams.intake.judging import Judge, Received
from streams.intake.sources import Mappings, RememberedSources
from streams.records import Headers, Rejected, decode
from warning.intake.columns import TicketColumns
from warning.service.ports import Source, StoreBusyError
from warning.store.logfile import decode_record

CITY = "city"
RAW, PUSHED = "tickets.raw", "tickets.pushed"
NOW = int(datetime(2026, 5, 4, 12, tzinfo=UTC).timestamp() * 1000)
SHARDS = 8


class Registered:
    """Sources as a database knows them, which may be away."""

    def __init__(self, **mappings: str) -> None:
        self.mappings = mappings
        self.away = False

    def sources(self) -> Sequence[Source]:
        if self.away:
            raise StoreBusyError("the database is away", 1, "数据库不在")
        return [Source(name=name, mapping=mapping, title_zh="", title_en="") for name, mapping in self.mappings.items()]


def ticket(number: int = 1, **changes: Any) -> dict[str, Any]:
    """Return an event in the service's own fields."""
    event = {
        "ticket_id": f"T{number}",
        "created_at": "2026-05-04T11:00:00+00:00",
        "category": "noise",
        "area": "City/East",
        "department": "police",
        "channel": "phone",
    }
    return {name: value for name, value in (event | changes).items() if value is not None}


def received(value: bytes | None, offset: int = 0, *, topic: str = RAW, partition: int = 0, **headers: str) -> Received:
    """Return a record; headers by their names, with ``_`` for ``-``."""
    named: Headers = [(name.replace("_", "-"), text.encode()) for name, text in headers.items()]
    return Received(topic, partition, offset, value, list(named))


def events(*each: object, offset: int = 0, partition: int = 0, **headers: str) -> list[Received]:
    """Return records of one event each."""
    return [
        received(json.dumps(event).encode(), offset + index, partition=partition, **headers)
        for index, event in enumerate(each)
    ]


def judge_over(registered: Registered | None = None, *, known: bool = True, most: int = 1_000) -> Judge:
    """Return a judge that has heard once which sources there are."""
    sources = RememberedSources(registered or Registered())
    if known:
        sources.refresh()
    return Judge(
        jurisdiction=CITY,
        raw=RAW,
        pushed=PUSHED,
        default="kafka",
        mapping_of=Mappings(sources, "", "kafka"),
        register=None,
        batcher=Batcher(CITY, SHARDS, most),
        clock=lambda: NOW,
    )


def log_of(batches: Sequence[tuple[int, bytes]]) -> list[TicketColumns]:
    """Return the batches that were written for the log."""
    found = [decode_record(value, "log") for _, value in batches]
    return [each for each in found if isinstance(each, TicketColumns)]


def ids_of(batches: Sequence[tuple[int, bytes]]) -> list[str]:
    """Return the ids of all tickets in batches, sorted."""
    return sorted(name for batch in log_of(batches) for name in batch.ticket_id[batch.kind == 0].tolist())


def letters_of(letters: Sequence[tuple[str, bytes]]) -> list[Rejected]:
    return [decode(value, Rejected) for _, value in letters]
