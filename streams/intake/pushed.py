"""One record of ``tickets.pushed`` -> the tickets that the API read, or a fault.

What is in the topic was judged by this program; only its form is looked at, so that no other writer can end a worker
further on.
"""

from __future__ import annotations

import numpy as np

from warning.domain.area import AreaPath
from warning.domain.errors import InvalidInputError
from warning.domain.reject import RejectReason
from warning.domain.ticket import LifeEvent
from warning.intake.columns import TicketColumns
from warning.intake.envelopes import Fault
from warning.intake.normalise import OLDEST_MS
from warning.store.logfile import decode_record

LATEST_MS = 1 << 46
"""The year 4199: beyond it a number is no time."""
_KINDS = np.array(sorted(LifeEvent), np.uint8)
_ADVICE = (
    "tickets.pushed 只由本程序的 API 写入;请经 HTTP 接口推送,或把原始工单写入 tickets.raw。",
    "Only the API of this program writes into tickets.pushed: push by HTTP, or write tickets into tickets.raw.",
)


def decode_pushed(value: bytes | None, jurisdiction: str) -> TicketColumns | Fault:
    """Read a record; whatever the bytes are, nothing is raised."""
    try:
        record = decode_record(value or b"", "tickets.pushed")
    except (InvalidInputError, UnicodeDecodeError, OverflowError, RecursionError) as error:
        return _fault("", type(error).__name__)
    if not isinstance(record, TicketColumns):
        return _fault("type", type(record).__name__)
    if record.jurisdiction != jurisdiction:
        return _fault("jurisdiction", record.jurisdiction)
    return _sound(record)


def _sound(record: TicketColumns) -> TicketColumns | Fault:
    if not len(record):
        return _fault("row", "0")
    if not np.isin(record.kind, _KINDS).all():
        return _fault("kind", str(record.kind.max()))
    for name, times in (("time", record.time), ("version", record.version)):
        if times.min() < OLDEST_MS or times.max() > LATEST_MS:
            return _fault(name, f"{times.min()} - {times.max()}")
    if "" in record.category.only_used().values:
        return _fault("category", "")
    for area in record.area.only_used().values:
        try:
            AreaPath.parse(area)
        except ValueError:
            return _fault("area", area)
    return record


def _fault(field: str, value: str) -> Fault:
    return Fault(RejectReason.BAD_TYPE, field, value, _ADVICE)
