"""What a cluster's database holds, read as a test compares it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import select

from streams import marks
from tests.stored import alerts_in, points_in, signals_in
from tests.warning.engine.tickets import CITY
from warning.bootstrap.folder import store_of
from warning.domain.evidence import EvidencePoint
from warning.domain.series import SeriesKey, SeriesKind
from warning.engine.shard_stage import shard_of_series
from warning.runtime.backtest import Collected
from warning.settings import Settings
from warning.store.sql.database import Database
from warning.store.sql.tables import feed

PointKey = tuple[str, str, str]
"""Series, length of the bucket and its start."""


@contextmanager
def database_of(settings: Settings) -> Iterator[Database]:
    """Open the database of the settings."""
    database = store_of(settings)
    try:
        yield database
    finally:
        database.close()


def said_of(settings: Settings) -> Collected:
    """Return everything that is stored."""
    said = Collected()
    with database_of(settings) as database, database.read() as connection:
        said.alerts, said.signals, said.points = alerts_in(connection), signals_in(connection), points_in(connection)
    return said


def judged_tick(settings: Settings) -> int:
    """Return the number of the last tick whose alerts are stored; -1: none."""
    with database_of(settings) as database, database.read() as connection:
        judged = marks.judged(connection)
    return -1 if judged is None else judged.number


def feed_of(settings: Settings) -> list[tuple[str, str]]:
    """Return what the live feed told, in order: alert and rule."""
    with database_of(settings) as database, database.read() as connection:
        wanted = select(feed.c.subject, feed.c.change).order_by(feed.c.sequence)
        return [(row.subject, row.change) for row in connection.execute(wanted)]


def apart_from_expected(
    points: Mapping[PointKey, EvidencePoint], shards: Collection[int]
) -> dict[PointKey, EvidencePoint]:
    """Return points of which those of some shards (of 8) do not say what was expected: see :mod:`streams.courses`."""

    def of_them(series: SeriesKey) -> bool:
        return series.kind is SeriesKind.AREA_CATEGORY and shard_of_series(CITY, series, 8) in shards

    return {
        key: replace(each, expected=0.0, upper_bound=0.0) if of_them(each.series) else each
        for key, each in points.items()
    }
