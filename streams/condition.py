"""The running cluster as the API and the page see it: by what its processes store in the database."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from streams import marks
from streams.absences import absences
from streams.alerts.store import SCOPE
from warning.domain.bucket import MINUTE_MS
from warning.runtime.clock import GuardedClock, steady_seconds
from warning.service.ports import Condition, Freshness, StoreBusyError
from warning.service.words import Words
from warning.store.sql import meta
from warning.store.sql.alerts import SqlAlerts
from warning.store.sql.log import SqlLog
from warning.store.sql.stage_snapshots import StageSnapshots

if TYPE_CHECKING:
    from collections.abc import Mapping

    from warning.engine.grid import Grid
    from warning.runtime.clock import Clock
    from warning.store.sql.database import Database

LOOK_SECONDS = 1.0
FEED_SECONDS = 0.2
STOP_SECONDS = 5.0
"""A thread that a database does not answer is not waited for any longer: the process ends without it."""
QUIET_MS = 20 * MINUTE_MS
"""A tick is due every quarter of an hour at least."""

_LOG = logging.getLogger(__name__)


class ClusterRuntime:
    """Implements :class:`warning.service.ports.Runtime`.

    Two threads look into the database, one for all who ask: how the cluster does, every second, and, while somebody
    waits for it, whether the feed has grown. Nobody who asks waits for a database that is away.

    silent_after : a source that was not heard for so long is shown as silent
    """

    def __init__(self, database: Database, grid: Grid, clock: Clock, *, silent_after: timedelta) -> None:
        self._database = database
        self._grid = grid
        self._clock = clock
        self._silent_after = silent_after
        self._alerts = SqlAlerts(database)
        self._log = SqlLog(database)
        self._snapshots = StageSnapshots(database)
        self._condition = Condition(
            ready=False,
            progress="正在连接数据库 connecting to the database",
            applied_position=0,
            newest_position=0,
            applied_at=None,
            watermark=None,
            snapshot_at=None,
        )
        self._feed = _FeedWatch(self._alerts)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="condition", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()
        self._feed.start()

    def stop(self) -> None:
        """End."""
        self._stopping.set()
        self._feed.stop()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def condition(self) -> Condition:
        """Return how the cluster does, as of a second ago."""
        return self._condition

    def now(self) -> datetime:
        """Return the time in the service's zone."""
        return self._grid.moment(self._clock())

    def wait_for_feed(self, sequence: int, timeout: float) -> bool:
        """Block until the feed has something after ``sequence`` (True), or the time is over."""
        return self._feed.wait(sequence, timeout)

    def look(self) -> None:
        """Look once."""
        try:
            self._condition = self._seen()
        except StoreBusyError as error:
            if not self._condition.problem:
                _LOG.warning("the database does not answer", extra={"problem": str(error)})
            self._condition = replace(self._condition, problem=str(error), problem_zh=error.zh)
        except Exception as error:  # noqa: BLE001  the thread's loop: what it shows must not stay as it was for ever
            words = _unknown(error)
            if self._condition.problem != words.en:
                _LOG.exception("the cluster's condition cannot be told")
            self._condition = replace(self._condition, problem=words.en, problem_zh=words.zh)

    def _run(self) -> None:
        self.look()
        while not self._stopping.wait(LOOK_SECONDS):
            self.look()

    def _seen(self) -> Condition:
        with self._database.read() as connection:
            applied = meta.get_number(connection, meta.APPLIED)
            judged = marks.judged(connection)
            waited_for = marks.waited_for(connection)
            left_out = absences(connection).left_out()
        snapshot = self._snapshots.positions(SCOPE).get(SCOPE)
        notice = self._notice(judged, waited_for, left_out)
        moment = self._grid.moment
        return Condition(
            ready=True,
            progress="",
            applied_position=applied,
            newest_position=applied,
            applied_at=None if judged is None else moment(judged.at),
            watermark=None if judged is None else moment(judged.watermark),
            snapshot_at=None if snapshot is None else snapshot.taken_at,
            freshness=tuple(self._freshness()),
            notice=notice.en,
            notice_zh=notice.zh,
        )

    def _freshness(self) -> list[Freshness]:
        now = self.now()
        return [
            Freshness(
                source=source,
                last_received_at=heard.received_at,
                last_event_at=heard.event_at,
                silent=now - heard.received_at > self._silent_after,
            )
            for source, heard in self._log.heard().items()
        ]

    def _notice(
        self, judged: marks.JudgedTick | None, waited_for: marks.WaitedFor | None, left_out: Mapping[int, int]
    ) -> Words:
        if isinstance(self._clock, GuardedClock) and self._clock.jump_ms:
            minutes = round(self._clock.jump_ms / MINUTE_MS)
            return Words(f"本机时钟跳变了 {minutes:+,} 分钟。", f"This machine's clock jumped by {minutes:+,} minutes.")
        if waited_for is not None:
            return _overdue(waited_for, self._grid.moment(waited_for.watermark))
        if left_out:
            return _left_out(len(left_out), self._grid.moment(min(left_out.values())))
        quiet = judged is not None and self._clock() - judged.at > QUIET_MS
        return _nothing_judged(self._grid.moment(judged.at)) if judged is not None and quiet else Words("", "")


def _unknown(error: Exception) -> Words:
    kind = type(error).__name__
    return Words(
        f"无法得知集群状态 ({kind}),以下为此前所见。请查看本进程日志。",
        f"How the cluster does cannot be told ({kind}); what is shown is from before. See this process's log.",
    )


def _overdue(waited_for: marks.WaitedFor, watermark: datetime) -> Words:
    names = ", ".join(map(str, waited_for.partitions))
    return Words(
        f"日志分区 {names} 尚未上报 {watermark:%m-%d %H:%M} 的时钟,预警判定在等待。请检查检测进程。",
        f"The log's partitions {names} have not reported {watermark:%d %b %H:%M}; no alert is judged until they do. "
        "Check the detect workers.",
    )


def _left_out(shards: int, since: datetime) -> Words:
    return Words(
        f"日志的 {shards} 个分片自 {since:%m-%d %H:%M} 起未参与判定:其类别以及总量、部门、渠道的预警待恢复后补判。"
        "请检查检测进程。",
        f"{shards} of the log's shards are left out since {since:%d %b %H:%M}: alerts of their categories, and of "
        "totals, departments and channels, come when they are back. Check the detect workers.",
    )


def _nothing_judged(since: datetime) -> Words:
    return Words(
        f"自 {since:%m-%d %H:%M} 起没有新的判定。请检查接入、检测与预警进程。",
        f"Nothing was judged since {since:%d %b %H:%M}. Check the intake, detect and alert workers.",
    )


@dataclass(slots=True)
class _Waiters:
    count: int = 0
    newest: int = 0


class _FeedWatch:
    """One thread that polls the feed's newest number for all who wait for it."""

    def __init__(self, alerts: SqlAlerts) -> None:
        self._alerts = alerts
        self._state = _Waiters()
        self._changed = threading.Condition()
        self._stopping = False
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def wait(self, sequence: int, timeout: float) -> bool:
        end = steady_seconds() + timeout
        with self._changed:
            self._state.count += 1
            self._changed.notify_all()
            try:
                return self._changed.wait_for(
                    lambda: self._state.newest > sequence or self._stopping, max(0.0, end - steady_seconds())
                ) and (self._state.newest > sequence)
            finally:
                self._state.count -= 1

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._state.count or self._stopping)
                if self._stopping:
                    return
            newest = self._newest()
            with self._changed:
                if newest > self._state.newest:
                    self._state.newest = newest
                    self._changed.notify_all()
                self._changed.wait_for(lambda: self._stopping, FEED_SECONDS)

    def _newest(self) -> int:
        try:
            newest = self._alerts.feed_bounds()[1]
        except StoreBusyError:
            return 0
        except Exception:  # noqa: BLE001  the thread's loop: those who wait would wait in vain ever after
            if not self._failing:
                _LOG.exception("the feed cannot be looked at; it is tried again")
            self._failing = True
            return 0
        self._failing = False
        return newest
