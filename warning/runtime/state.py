"""The durable side of the embedded runtime: everything that its threads read and write, over one database."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from warning.engine.records import Output, Record, Tick
from warning.intake.columns import TicketColumns
from warning.runtime.backtest import Collected
from warning.runtime.history import history_log
from warning.service.ports import Freshness
from warning.store.sql import meta
from warning.store.sql.alert_rows import close_lost
from warning.store.sql.alerts import SqlAlerts
from warning.store.sql.dead_letters import SqlDeadLetters
from warning.store.sql.history import SqlHistory
from warning.store.sql.log import SqlLog
from warning.store.sql.outputs import SqlOutputs
from warning.store.sql.snapshots import SqlSnapshots, pack

if TYPE_CHECKING:
    from warning.engine.grid import Grid
    from warning.runtime.intake import Judged
    from warning.store.sql.database import Database


RECORDS_AT_ONCE = 32
"""Log records fetched together: of the largest pushes they hold more tickets than the loop applies in one step."""

PROBE_BYTES = 256 << 10
"""Less would find room where a push finds none: a full disk takes small writes where older ones were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restorable:
    """An engine's state after the log record at ``position``."""

    position: int
    taken_at: datetime
    state: dict[str, Any]


class LiveState:
    """One jurisdiction's log, outputs and snapshots.

    original_hours : how long the originals of refused items are kept
    silent_after : a source that was not heard for so long is shown as silent
    on_append : called after the log has grown, in the thread that wrote
    """

    def __init__(
        self,
        database: Database,
        *,
        jurisdiction: str,
        grid: Grid,
        tick_ms: int,
        original_hours: int,
        silent_after: timedelta,
    ) -> None:
        self.database = database
        self.jurisdiction = jurisdiction
        self.on_append: Callable[[], None] = lambda: None
        self._grid = grid
        self._tick_ms = tick_ms
        self._original_hours = original_hours
        self._silent_after = silent_after
        self._log = SqlLog(database)
        self._history = SqlHistory(database)
        self._outputs = SqlOutputs()
        self._snapshots = SqlSnapshots(database)
        self._letters = SqlDeadLetters(database)
        self._alerts = SqlAlerts(database)
        self._newest = self._log.newest()
        self._heard_to: int | None = None
        self._noting = threading.Lock()

    # --- the log ------------------------------------------------------------------------------------------------------

    def append(self, records: Sequence[Record], at: int) -> None:
        """Add records to the log, durably."""
        with self.database.write() as connection:
            positions = self._log.append(connection, records, at)
        self._note(records, positions)

    def write(self, judged: Sequence[Judged], at: int) -> None:
        """Append what platforms pushed and file what was refused, together or not at all."""
        records = [part.tickets for part in judged if len(part.tickets)]
        refused = [each for part in judged for each in part.refused]
        received = self._grid.moment(at)
        with self.database.write() as connection:
            positions = self._log.append(connection, records, at)
            self._letters.add(
                connection,
                refused,
                at=received,
                until=received + timedelta(hours=self._original_hours),
            )
        self._note(records, positions)

    def _note(self, records: Sequence[Record], positions: Sequence[int]) -> None:
        """Remember how far the log goes and what event times are in it, and tell who waits for that."""
        latest = max((int(r.time.max()) for r in records if isinstance(r, TicketColumns)), default=None)
        with self._noting:
            self._newest = max([self._newest, *positions])
            if latest is not None:
                self._heard_to = latest if self._heard_to is None else max(latest, self._heard_to)
        self.on_append()

    def take_heard(self) -> int | None:
        """Return the largest event time appended since the last call; None when no ticket was."""
        with self._noting:
            heard, self._heard_to = self._heard_to, None
        return heard

    def records(self, *, after: int, rows: int | None = None, until: int | None = None) -> Iterator[tuple[int, Record]]:
        """Yield records after a position, until some ``rows`` of tickets were given or a position was reached."""
        given = 0
        for position, record in self._log.read(after, at_once=RECORDS_AT_ONCE):
            if until is not None and position > until:
                return
            yield position, record
            given += len(record) if isinstance(record, TicketColumns) else 1
            if rows is not None and given >= rows:
                return

    def newest_position(self) -> int:
        """Return the log's newest position, also of what another process or thread appended."""
        newest = self._log.newest()
        with self._noting:
            self._newest = max(self._newest, newest)
            return self._newest

    def is_whole(self) -> bool:
        """Whether the log still has its first record: only then can everything be derived from it again."""
        return self._log.bounds()[0] <= 1

    def last_tick(self) -> Tick | None:
        """Return the log's last tick."""
        return self._log.last_tick()

    def latest_event(self) -> int | None:
        """Return the largest event time that any source told of."""
        heard = self._log.heard().values()
        return max((int(each.event_at.timestamp() * 1000) for each in heard), default=None)

    # --- outputs and snapshots ----------------------------------------------------------------------------------------

    def applied(self) -> int:
        """Return the position up to which the engine's answers are stored."""
        with self.database.read() as connection:
            return meta.get_number(connection, meta.APPLIED)

    def commit(self, steps: Sequence[tuple[int, Record, Output]], at: int) -> None:
        """Store the engine's answers and the position they reach, together."""
        with self.database.write() as connection:
            self._outputs.commit(connection, steps, at)

    def save_snapshot(self, position: int, era: int, state: dict[str, Any], at: int) -> None:
        """Store an engine's state; older ones but one go."""
        packed = pack(msgspec.msgpack.encode(state))
        with self.database.write() as connection:
            self._snapshots.save(connection, position, era, packed, at)
            self._snapshots.prune(connection, era)

    def latest_snapshot(self, era: int) -> Restorable | None:
        """Return the newest state of an era."""
        kept = self._snapshots.latest(era)
        if kept is None:
            return None
        return Restorable(position=kept.position, taken_at=kept.taken_at, state=msgspec.msgpack.decode(kept.payload))

    def refuses(self) -> bool:
        """Whether the latest write of any thread was refused."""
        return self.database.refusal is not None

    def probe(self) -> bool:
        """Write as much as a push brings, and take it away again; raises StoreUnwritableError where no room is."""
        for value in (" " * PROBE_BYTES, ""):
            with self.database.write() as connection:
                meta.put(connection, meta.PROBE, value)
        return True

    # --- history ------------------------------------------------------------------------------------------------------

    def era(self) -> int:
        """Return the number of the present era: how often history was loaded."""
        with self.database.read() as connection:
            return meta.get_number(connection, meta.ERA)

    def history_rows(self) -> int:
        """Return how many tickets of history there are."""
        return sum(load.rows for load in self._history.loads())

    def history_records(self) -> Iterator[Record]:
        """Yield the records that come before the live log in this era."""
        until = max((load.until_ms for load in self._history.loads()), default=0)
        if not until:
            return iter(())
        return history_log(
            self._history.history_records(),
            jurisdiction=self.jurisdiction,
            step_ms=self._tick_ms,
            cut=min(until, self.live_since() or until),
            muted_until=until,
        )

    def live_since(self) -> int | None:
        """Return the watermark of the log's first tick: what is history lies before it."""
        tick = self._log.first_tick()
        return None if tick is None else tick.watermark

    def begin_era(self, said: Collected, at: int) -> None:
        """Store what an engine that was built anew said of the live log, and close the alerts it does not follow.

        Where nothing but the snapshot was lost, all of it is stored already and stays as it is.
        """
        again = Output(
            signals=list(said.signals.values()), alerts=list(said.alerts.values()), points=list(said.points.values())
        )
        followed = frozenset(i for i, alert in said.alerts.items() if alert.closed_at is None)
        with self.database.write() as connection:
            self._outputs.restate(connection, again, at)
            close_lost(connection, followed, self._grid.moment(at))

    def feed_newest(self) -> int:
        """Return the newest sequence number of the live feed."""
        return self._alerts.feed_bounds()[1]

    # --- what people see ----------------------------------------------------------------------------------------------

    def freshness(self, now: datetime) -> list[Freshness]:
        """Return how fresh each source's data is."""
        return [
            Freshness(
                source=source,
                last_received_at=heard.received_at,
                last_event_at=heard.event_at,
                silent=now - heard.received_at > self._silent_after,
            )
            for source, heard in self._log.heard().items()
        ]
