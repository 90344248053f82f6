"""Single values that a restart needs, stored in the transaction of what they tell of."""

from __future__ import annotations

from sqlalchemy import Connection, select

from warning.store.sql.statements import upsert
from warning.store.sql.tables import meta

APPLIED = "applied_position"
"""The last log position whose outputs are stored; it never goes back, also when an engine is built anew."""
ERA = "era"
"""Grows when history is loaded: snapshots of an older era are of another past."""
CLOCK = "clock"
LOG_TOPIC = "log_topic"
"""Name, without the prefix, of the topic that is a cluster's log now; none: ``tickets``."""
RELAYED = "relayed_position"
"""The position of the log up to which a cluster's topic ``reviews`` has everything."""
PUBLISHED = "published_feed"
"""The number of the feed up to which a cluster's topic ``alerts`` has everything."""
FORCED = "forced_era"
"""The last era that may begin with a log whose beginning was deleted, because a person said so."""
PROBE = "probe"
"""Room taken for a moment, to see whether there is some."""


def get(connection: Connection, key: str) -> str | None:
    """Return a value; None where none was set."""
    return connection.execute(select(meta.c.value).where(meta.c.key == key)).scalar()


def get_number(connection: Connection, key: str, default: int = 0) -> int:
    """Return a value that is a whole number."""
    value = get(connection, key)
    return default if value is None else int(value)


def put(connection: Connection, key: str, value: str | int) -> None:
    """Set a value."""
    upsert(connection, meta, [{"key": key, "value": str(value)}])
