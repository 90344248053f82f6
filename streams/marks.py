"""What the processes of a cluster tell each other by single values in the database (beside :mod:`..store.sql.meta`)."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from warning.store.sql import meta

JUDGED = "judged"
"""The last tick whose alerts are stored."""
FILED = "filed_offset"
"""The next record of ``tickets.rejected`` to be filed."""
COUNTED = "outcomes_offset"
"""The next record of ``outcomes`` to be stored."""
WAITING = "waited_for"
"""The partitions whose report of a tick is overdue."""


class JudgedTick(msgspec.Struct, kw_only=True, frozen=True):
    """The last tick judged: its number and watermark (milliseconds), and when it was stored."""

    number: int
    watermark: int
    at: int
    era: int = 0


class WaitedFor(msgspec.Struct, kw_only=True, frozen=True):
    """Partitions of the log whose report of a tick with this watermark is overdue; none: nothing is."""

    partitions: tuple[int, ...]
    watermark: int


def judged(connection: Connection) -> JudgedTick | None:
    """Return the last tick judged."""
    text = meta.get(connection, JUDGED)
    return None if text is None else msgspec.json.decode(text, type=JudgedTick)


def put_judged(connection: Connection, value: JudgedTick) -> None:
    """Note the last tick judged."""
    meta.put(connection, JUDGED, msgspec.json.encode(value).decode())


def waited_for(connection: Connection) -> WaitedFor | None:
    """Return what is overdue; None: nothing is."""
    text = meta.get(connection, WAITING)
    found = None if text is None else msgspec.json.decode(text, type=WaitedFor)
    return found if found is not None and found.partitions else None


def put_waited_for(connection: Connection, value: WaitedFor) -> None:
    """Note what is overdue."""
    meta.put(connection, WAITING, msgspec.json.encode(value).decode())
