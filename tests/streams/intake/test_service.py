"""How an intake worker says it does while its brokers say nothing, and why it ends."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from prometheus_client import CollectorRegistry

from streams.failures import frames_of
from streams.intake import service as module
from streams.intake.beside import DatabaseSide
from streams.intake.inputs import Inputs
from streams.intake.judging import Judge, Judged, Received
from streams.intake.service import LONG_SECONDS, STUCK_SECONDS, IntakeFailedError, IntakeService
from streams.intake.sources import RememberedSources
from streams.log_topic import LogTopic
from streams.sending import Sender
from tests.streams.intake.parts import NOW, RAW, Registered, events, judge_over, ticket
from warning.service.ports import StoreBusyError
from warning.settings import Settings
from warning.store.sql.database import Database


class Gate:
    """Holds up who comes until it is opened."""

    def __init__(self, *, opened: bool) -> None:
        self.reached, self.opened = asyncio.Event(), asyncio.Event()
        if opened:
            self.opened.set()

    async def passed(self) -> None:
        self.reached.set()
        await self.opened.wait()


class Quiet(Sender):
    """Takes everything; settles once it is let."""

    def __init__(self, settings: Settings, settles: Gate) -> None:
        super().__init__(settings)
        self._settles = settles

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def send(self, *_: object, **__: object) -> asyncio.Future[object]:
        return asyncio.get_running_loop().create_future()

    async def settle(self) -> None:
        await self._settles.passed()


class OneRecord(Inputs):
    """Has one record, then none; commits once it is let."""

    def __init__(self, settings: Settings, commits: Gate) -> None:
        super().__init__(settings, [RAW], lambda: NOW)
        self._commits = commits
        self._records = events(ticket(1))
        self.empty = asyncio.Event()
        self._held.set()

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def poll(self) -> list[Received]:
        await asyncio.sleep(0.01)
        found, self._records = self._records, []
        if not found:
            self.empty.set()
        self.positions = {TopicPartition(each.topic, each.partition): each.offset + 1 for each in found}
        return found

    async def ask_ends(self) -> None: ...

    async def commit(self, places: Iterable[TopicPartition]) -> None:
        await self._commits.passed()


class Watch:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("hangs", ["settle", "commit"])
def test_a_step_that_does_not_end_is_told(hangs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker whose brokers do not answer a send or a commit is soon not ready, then not alive, and both again once
    they do, though no input record waits.
    """
    watch = Watch()
    monkeypatch.setattr(module, "steady_seconds", watch)
    database = Database(tmp_path / "d.db")
    try:
        asyncio.run(_told(hangs, watch, database))
    finally:
        database.close()


def test_what_ends_a_worker_is_told_without_a_ticket(tmp_path: Path) -> None:
    """An error's words may be those of the ticket it was met with: where and what it was is told, and no more."""

    class Failing(Judge):
        def __init__(self) -> None: ...

        def judge(self, records: object) -> Judged:
            raise ValueError("Li Lei, 13800138000")

    async def story(database: Database) -> IntakeFailedError:
        inputs = OneRecord(Settings(), Gate(opened=True))
        intake = intake_over(database, inputs, Quiet(Settings(), Gate(opened=True)), Failing())
        with pytest.raises(IntakeFailedError) as caught:
            await intake._run()
        return caught.value

    database = Database(tmp_path / "d.db")
    try:
        error = asyncio.run(story(database))
    finally:
        database.close()
    assert f"(ValueError); it had polled up to {RAW}/0@1" in str(error)
    told = frames_of(error)
    assert "ValueError" in told
    assert any(each.endswith(" judge") for each in told)
    assert "Li Lei" not in str([str(error), *told])


def test_a_worker_that_nothing_is_sent_to_is_ready_once_the_database_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that started before its database was there says so, and is ready when it is, though no record has come."""
    monkeypatch.setattr(module, "_AGAIN_SECONDS", 0.01)
    answers = iter([StoreBusyError("the database has not answered yet", 1, "数据库尚未应答")])
    said: list[tuple[bool, str]] = []

    async def find_log() -> LogTopic:
        for error in answers:
            raise error
        said.append((intake.health().ready, intake.health().detail))
        return LogTopic("tickets", 1)

    async def story() -> None:
        work = asyncio.create_task(intake._run())
        try:
            await asyncio.wait_for(inputs.empty.wait(), 10)
        finally:
            work.cancel()
            await asyncio.wait([work])

    database = Database(tmp_path / "d.db")
    inputs = OneRecord(Settings(), Gate(opened=True))
    inputs._records = []
    sender = Quiet(Settings(), Gate(opened=True))
    intake = intake_over(database, inputs, sender, judge_over(), find_log)
    try:
        asyncio.run(story())
    finally:
        database.close()
    assert said == [(False, "the database has not answered yet. Send it again in 1 s.")]
    assert _said(intake) == (True, True)


async def _at_once() -> LogTopic:
    return LogTopic("tickets", 1)


def intake_over(
    database: Database,
    inputs: Inputs,
    sender: Sender,
    judge: Judge,
    find_log: Callable[[], Awaitable[LogTopic]] = _at_once,
) -> IntakeService:

    return IntakeService(
        Settings(),
        find_log=find_log,
        judge=judge,
        inputs=inputs,
        new_sender=lambda: sender,
        beside=DatabaseSide(Settings(), database, RememberedSources(Registered()), lambda: NOW),
        clock=lambda: NOW,
        registry=CollectorRegistry(),
    )


async def _told(hangs: str, watch: Watch, database: Database) -> None:
    settles, commits = Gate(opened=hangs != "settle"), Gate(opened=hangs != "commit")
    gate = settles if hangs == "settle" else commits
    inputs = OneRecord(Settings(), commits)
    intake = intake_over(database, inputs, Quiet(Settings(), settles), judge_over())
    work = asyncio.create_task(intake._run())
    try:
        await asyncio.wait_for(gate.reached.wait(), 10)
        assert _said(intake) == (True, True)
        watch.now += LONG_SECONDS + 1
        assert _said(intake) == (True, False)
        assert intake.health().detail == "the step in hand has not ended for 6 s"
        watch.now += STUCK_SECONDS
        assert _said(intake) == (False, False)
        gate.opened.set()
        await asyncio.wait_for(inputs.empty.wait(), 10)
        assert _said(intake) == (True, True)
    finally:
        work.cancel()
        await asyncio.wait([work])


def _said(intake: IntakeService) -> tuple[bool, bool]:
    health = intake.health()
    return health.alive, health.ready
