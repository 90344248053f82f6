"""Loading history into a data folder, and writing a data folder's log out; a service may be running on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from warning.bootstrap.folder import build_state, jurisdiction_of, open_store, zone_of
from warning.domain.bucket import MINUTE_MS
from warning.engine.grid import Grid
from warning.intake.columns import TicketColumns
from warning.intake.files import read_files
from warning.intake.mapping_files import load_mapping
from warning.intake.register import load_register
from warning.runtime.clock import Clock, now_ms
from warning.service.errors import BadInputError
from warning.service.ports import Loaded, StoreBusyError
from warning.store.logfile import LOG_VERSION, LogHeader, write_log
from warning.store.sql import meta
from warning.store.sql.dead_letters import Refused, SqlDeadLetters
from warning.store.sql.history import Load, SqlHistory

if TYPE_CHECKING:
    from warning.domain.reject import Reject
    from warning.engine.records import Record
    from warning.intake.normalise import Normalised
    from warning.runtime.state import LiveState
    from warning.settings import Settings
    from warning.store.sql.database import Database

LIVE_LOG = "live"
"""What stands in the header of a service's log in place of a mapping."""


class LogTrimmedError(BadInputError):
    """The log's first records were deleted: with what is loaded the engine would begin anew without them."""

    def __init__(self, since: str) -> None:
        super().__init__(
            "history",
            f"the log reaches back to {since} only, what came in before was deleted (setting retention.log_days); a "
            "load begins all learning anew, so of that time nothing would be known but what the files bring",
            "Add files that reach up to then, and go on with --force (over HTTP: force=true).",
            f"history: 日志只保留到 {since},更早收到的数据已按 retention.log_days 删除;载入会重新学习,"
            "此前的情况只剩文件中的内容。请准备覆盖到该时间的文件,再加 --force (HTTP: force=true) 继续。",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LogExtent:
    """How far a live log reaches.

    since, until : watermarks of its first and last tick, None where there is none yet
    whole : whether it still has its first record
    """

    since: int | None
    until: int | None
    whole: bool


Extent: TypeAlias = Callable[[], LogExtent]
"""Tells how far the live log reaches, where it is not in the database."""


def load_history(
    paths: Sequence[Path],
    *,
    mapping: str,
    settings: Settings,
    source: str = "",
    force: bool = False,
    clock: Clock = now_ms,
    progress: Callable[[int], None] | None = None,
    extent: Callable[[Settings, Database], Extent] | None = None,
) -> Loaded:
    """Load files as history into the data folder; a running service takes them over by itself."""
    database = open_store(settings)
    try:
        told = None if extent is None else extent(settings, database)
        load = HistoryLoad(settings, database, clock, force=force, extent=told)
        return load_files(paths, mapping=mapping, settings=settings, source=source, load=load, progress=progress)
    finally:
        database.close()


def load_files(
    paths: Sequence[Path],
    *,
    mapping: str,
    settings: Settings,
    source: str,
    load: HistoryLoad,
    progress: Callable[[int], None] | None = None,
) -> Loaded:
    """Read files into a load of history; ``source`` empty: the mapping's."""
    read_by = load_mapping(mapping)
    read_by = read_by.model_copy(update={"source": source or read_by.source, "zone": settings.zone or read_by.zone})
    register = load_register(Path(settings.register_file)) if settings.register_file else None
    parts = read_files(paths, read_by, register=register, now_ms=load.now_ms, progress=progress)
    return load.run(parts, files=tuple(path.name for path in paths), mapping=read_by.name, source=read_by.source)


class HistoryLoad:
    """Writes tickets as history, some thousand rows a transaction, and begins the new era when all are there.

    Raises LogTrimmedError, unless it is forced, where the live log has lost its beginning.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        clock: Clock,
        *,
        force: bool = False,
        extent: Extent | None = None,
    ) -> None:
        self._database = database
        self._grid = Grid(zone_of(settings))
        self._history = SqlHistory(database)
        self._letters = SqlDeadLetters(database)
        self.now_ms = clock()
        self._now = self._grid.moment(self.now_ms)
        step = settings.service.tick_minutes * MINUTE_MS
        log = _extent_of(settings, database) if extent is None else extent()
        before = self.now_ms - settings.engine.lateness_minutes * MINUTE_MS
        self._until = log.until if log.until is not None else before // step * step
        self._cut = log.since or self._until
        self._gap = None if log.whole else self._grid.moment(self._cut).isoformat()
        if self._gap is not None and not force:
            raise LogTrimmedError(self._gap)

    def run(self, parts: Iterable[Normalised], *, files: tuple[str, ...], mapping: str, source: str) -> Loaded:
        """Store all parts; returns what came of them.

        A load that is broken off, or that brings nothing, leaves nothing that counts and begins no era.
        """
        with self._database.write() as connection:
            load_id = self._history.begin_load(connection, Load(files=files, mapping=mapping, loaded_at=self._now))
        try:
            loaded = self._stored(load_id, parts, source)
        except BaseException:
            self._drop(load_id)
            raise
        if not loaded.rows:
            self._drop(load_id)
            return loaded
        refused = sum(loaded.rejected.values())
        with self._database.write() as connection:
            self._history.end_load(connection, load_id, rows=loaded.rows, rejected=refused, until_ms=self._until)
            era = meta.get_number(connection, meta.ERA) + 1
            meta.put(connection, meta.ERA, era)
            if self._gap is not None:
                meta.put(connection, meta.FORCED, era)
        return loaded

    def _stored(self, load_id: int, parts: Iterable[Normalised], source: str) -> Loaded:
        rows = newer = 0
        rejected: Counter[str] = Counter()
        for part in parts:
            events = TicketColumns.joined([part.tickets, part.life])
            older = events.take(np.nonzero(events.time < self._cut)[0])
            self._store(load_id, older, [_refused(source, reject) for reject in part.rejects])
            rows, newer = rows + len(older), newer + len(events) - len(older)
            rejected.update(reject.reason.value for reject in part.rejects)
        until = self._grid.moment(self._until).isoformat()
        rejects = dict(sorted(rejected.items()))
        return Loaded(rows=rows, newer=newer, rejected=rejects, until=until, gap=self._gap)

    def _drop(self, load_id: int) -> None:
        """Take a load back; where the disk refuses even that, retention does it later."""
        with suppress(StoreBusyError), self._database.write() as connection:
            self._history.drop_load(connection, load_id)

    def _store(self, load_id: int, events: TicketColumns, refused: Sequence[Refused]) -> None:
        with self._database.write() as connection:
            self._history.add(connection, load_id, events)
            self._letters.add(connection, refused, at=self._now, until=self._now)


def _extent_of(settings: Settings, database: Database) -> LogExtent:
    """Return how far the log in the database reaches."""
    state = build_state(settings, database)
    tick = state.last_tick()
    return LogExtent(since=state.live_since(), until=None if tick is None else tick.watermark, whole=state.is_whole())


def _refused(source: str, reject: Reject) -> Refused:
    """Return a dead letter without an original: the file itself is that."""
    return Refused(source=source, ticket_id="", reject=reject, original=b"")


def export_live_log(settings: Settings, out: Path) -> int:
    """Write the log of a data folder, its history first, as a file for back-tests; returns how many records."""
    database = open_store(settings)
    try:
        state = build_state(settings, database)
        header = LogHeader(
            version=LOG_VERSION,
            jurisdiction=jurisdiction_of(settings),
            zone=zone_of(settings),
            mapping=LIVE_LOG,
            inputs=[],
        )
        return write_log(out, header, _whole_log(state))
    finally:
        database.close()


def _whole_log(state: LiveState) -> Iterator[Record]:
    yield from state.history_records()
    for _, record in state.records(after=0):
        yield record
