"""The alert worker's state over a database, without Kafka: commits, eras, other processes, a database that is away."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from streams.absences import Absence
from streams.alerts.insisting import Insistence
from streams.alerts.signals import Signals
from streams.alerts.stage import Judged
from streams.alerts.store import AlertStore, Reached, Step
from streams.following import Follower
from streams.reading import LogLostError, Message
from streams.records import Report, encode_report
from tests.streams.alerts.reports import alert_stage, oracle, reports_of, surging
from tests.streams.alerts.stored import judged_number, stored, told_twice
from tests.streams.test_absences import placed
from tests.warning.engine.tickets import CITY, log
from warning.engine.grid import Grid
from warning.engine.records import Record
from warning.runtime.backtest import Collected
from warning.store.sql.database import Database
from warning.store.sql.errors import OvertakenError, StoreUnwritableError
from warning.store.sql.log import SqlLog

NOW = 1_700_900_000_000
PATIENCE = 60.0


@pytest.fixture(scope="module")
def records() -> list[Record]:
    """A log of six days with two bursts."""
    return log(surging())


@pytest.fixture(scope="module")
def reports(records: list[Record]) -> list[Report]:
    """What three partitions report of it."""
    return reports_of(records, 3)


@pytest.fixture(scope="module")
def said(records: list[Record]) -> Collected:
    """What an engine says of it."""
    return oracle(records)[0]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A database with its tables."""
    database = Database(tmp_path / "cluster.db")
    database.migrate()
    yield database
    database.close()


class Topic:
    """The topic ``signals`` in memory; implements :class:`streams.following.Reads`."""

    def __init__(self, reports: Sequence[Report]) -> None:
        self.messages = [
            Message("signals", 0, offset, None, encode_report(report), (), NOW) for offset, report in enumerate(reports)
        ]

    async def read(
        self, topic: str, partition: int, first: int, until: int | None = None
    ) -> AsyncGenerator[Message, None]:
        for message in self.messages[first:until]:
            yield message


class Failing(AlertStore):
    """A database that refuses to take the first few commits."""

    refuse = 0

    def commit(self, steps: Sequence[Step], at: int, *, expected: Reached) -> Reached:
        if self.refuse:
            self.refuse -= 1
            raise StoreUnwritableError("cluster.db", "the disk is full", "磁盘已满")
        return super().commit(steps, at, expected=expected)


def state_of(store: AlertStore, insistence: Insistence | None = None) -> Signals:
    """Return a worker's state that is not loaded yet."""
    return Signals(store, alert_stage, clock=lambda: NOW, insistence=insistence or Insistence())


def follow(
    database: Database, reports: Sequence[Report], *, store: AlertStore | None = None, keep: bool = True
) -> None:
    """Run a worker from what is stored to the end of its topic; it is then killed, or takes a snapshot before."""
    state = state_of(store or AlertStore(database, Grid("UTC")))

    async def run() -> None:
        follower = Follower(Topic(reports), "signals", 0, state)
        committing = asyncio.create_task(state.commit_always())
        catching_up = asyncio.create_task(follower.catch_up())
        async with asyncio.timeout(PATIENCE):
            done, _ = await asyncio.wait({committing, catching_up}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            if keep:
                await follower.between(state.save_snapshot)
            else:
                await state._steps.join()
        committing.cancel()
        with suppress(asyncio.CancelledError):
            await committing

    asyncio.run(run())


@pytest.mark.parametrize("keep", [True, False])
def test_workers_one_after_another_store_what_one_engine_says(
    database: Database, reports: list[Report], said: Collected, *, keep: bool
) -> None:
    """Each begins where the one before stored its snapshot, or at the beginning, and says nothing twice."""
    for end in (200, 201, 900, 1400, len(reports)):
        follow(database, reports[:end], keep=keep)
    found = stored(database)
    assert (found.alerts, found.signals, found.points) == (said.alerts, said.signals, said.points)
    assert told_twice(database, found) == []
    assert judged_number(database) == reports[-1].report.tick.number


def test_a_new_era_replaces_what_was_said(database: Database, reports: list[Report]) -> None:
    """Until it is where the old era was nothing is said; then what it says stands, and what it lost is closed."""
    half = len(reports) // 3 * 2
    follow(database, reports[:half])
    before = stored(database).alerts
    again = [
        replace(report, era=1) for report in reports if report.report.tick.number > reports[0].report.tick.number + 300
    ]
    follow(database, [*reports[:half], *again[:30]])
    assert stored(database).alerts == before
    for end in (600, 1000, len(again)):
        follow(database, [*reports[:half], *again[:end]])
    expected = _said_anew(again)
    found = stored(database).alerts
    assert before
    assert {i: a for i, a in found.items() if i in expected.alerts} == expected.alerts
    assert all(alert.closed_at is not None for i, alert in found.items() if i not in expected.alerts)
    assert judged_number(database) == reports[-1].report.tick.number


def _said_anew(reports: Sequence[Report]) -> Collected:
    said, stage = Collected(), alert_stage(1)
    for report in reports:
        for judged in stage.take(report):
            said.add(judged.output)
    return said


def test_a_worker_that_was_overtaken_ends(database: Database, reports: list[Report]) -> None:
    """One that wakes up after another went on stores nothing, and fails so that its process ends."""
    follow(database, reports[:300], keep=False)
    store = AlertStore(database, Grid("UTC"))
    overtaken = Step(position=1, judged=first_judged(reports), era=0)
    with pytest.raises(OvertakenError):
        store.commit([overtaken], NOW, expected=Reached())
    assert store.reached().position > 1


def first_judged(reports: Sequence[Report]) -> list[Judged]:
    """Return what is said of the first tick."""
    stage = alert_stage()
    return next(judged for report in reports if (judged := stage.take(report)))


def test_a_commit_whose_answer_was_lost_is_not_made_twice(database: Database, reports: list[Report]) -> None:
    """Trying it again finds what is stored already, and changes nothing."""
    store = AlertStore(database, Grid("UTC"))
    step = Step(position=3, judged=first_judged(reports), era=0)
    store.commit([step], NOW, expected=Reached())
    before = stored(database)
    store.commit([step], NOW + 1, expected=Reached())
    assert store.reached().position == 3
    assert stored(database).alerts == before.alerts


async def _decided(database: Database, reports: Sequence[Report], *, wait: float, keep: bool) -> Signals:
    """Run a worker to the end of its topic, let it decide as often as it wants to, and end it."""
    state = state_of(AlertStore(database, Grid("UTC")))
    follower = Follower(Topic(reports), "signals", 0, state)
    committing = asyncio.create_task(state.commit_always())
    async with asyncio.timeout(PATIENCE):
        before = -1
        while len(state.absences) > before or state.next_offset < len(reports):
            before = len(state.absences)
            await follower.catch_up()
            await follower.between(lambda: state.decide(wait))
            await follower.between(state.read_again)
        await (follower.between(state.save_snapshot) if keep else state._steps.join())
    committing.cancel()
    with suppress(asyncio.CancelledError):
        await committing
    return state


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_decided_one_engine_says_of_the_log_with_it(
    database: Database, records: list[Record], reports: list[Report], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whenever workers decide and die while partitions drift apart, an engine says it of the log with the decisions."""
    if seed % 2:  # nor does it matter how many ticks are held
        monkeypatch.setattr("streams.alerts.ahead.MOST_AHEAD", 15)
    rng = random.Random(seed)
    meetings = range(0, len(reports), 300)
    given = [report for first in meetings for report in _drifting(reports[first : first + 300], rng)]
    for end in [*sorted({*meetings, *rng.sample(range(len(given)), 12)}), len(given)]:
        asyncio.run(_decided(database, given[:end], wait=0.0, keep=rng.random() < 0.4))
    decided = AlertStore(database, Grid("UTC")).absences()
    assert len({each.tick for each in decided.known if each.out}) > 1
    assert any(not each.out for each in decided.known)
    expected, found = oracle(placed(records, decided))[0], stored(database)
    assert (found.alerts, found.signals) == (expected.alerts, expected.signals)
    assert told_twice(database, found) == []
    assert expected.alerts
    assert judged_number(database) == reports[-1].report.tick.number
    assert sorted(_outbox(database)) == sorted(str(c) for each in decided.known for c in each.controls(CITY))


def _drifting(reports: Sequence[Report], rng: random.Random) -> list[Report]:
    """Return the reports with each partition's in order, one of them far ahead or behind for a while."""
    queues = [[report for report in reports if report.partition == number] for number in range(3)]
    given: list[Report] = []
    while any(queues):
        queue = rng.choice([queue for queue in queues if queue])
        some = rng.randint(1, 60)
        given += queue[:some]
        del queue[:some]
    return given


def _outbox(database: Database) -> list[str]:
    return [str(record) for _, record in SqlLog(database).read()]


def test_a_partition_that_reports_is_waited_for_until_too_much_waits(
    database: Database, reports: list[Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is decided before the time is over; beyond the ticks that may wait the time does not count."""
    ticks = sorted({report.report.tick.number for report in reports})
    given = [r for r in reports if r.partition != 1 or r.report.tick.number <= ticks[5]]
    given = [r for r in given if r.report.tick.number <= ticks[15]]
    state = asyncio.run(_decided(database, given, wait=PATIENCE, keep=True))
    assert (len(state.absences), judged_number(database)) == (0, ticks[5])
    monkeypatch.setattr("streams.alerts.signals.MOST_HELD", 9)
    state = asyncio.run(_decided(database, given, wait=PATIENCE, keep=True))
    assert (len(state.absences), judged_number(database)) == (1, ticks[15])
    assert state.absences.left_out().keys() == {shard for r in reports if r.partition == 1 for shard in r.report.shards}


def test_who_does_not_know_of_a_decision_stores_nothing(database: Database, reports: list[Report]) -> None:
    """A process that was paused while another left shards out can neither judge with them nor decide."""
    store = AlertStore(database, Grid("UTC"))
    step = Step(position=3, judged=first_judged(reports), era=0)
    store.decide(AWAY, CITY, NOW, expected=Reached())
    with pytest.raises(OvertakenError):
        store.commit([step], NOW, expected=Reached())
    with pytest.raises(OvertakenError):
        store.decide(replace_tick(AWAY), CITY, NOW, expected=Reached(tick=7))
    assert store.absences().known == (AWAY,)


def test_a_decision_whose_answer_was_lost_is_made_once(database: Database) -> None:
    """Trying it again finds what is stored already."""
    store = AlertStore(database, Grid("UTC"))
    for _ in range(2):
        assert store.decide(AWAY, CITY, NOW, expected=Reached()) == Reached(absences=1)
    assert store.absences().known == (AWAY,)
    assert len(_outbox(database)) == 2


AWAY = Absence(tick=1, since=1, shards=(1, 4), out=True)


def replace_tick(absence: Absence) -> Absence:
    """Return the same from a later tick on."""
    return Absence(tick=absence.tick + 1, since=absence.since, shards=absence.shards, out=absence.out)


def test_a_database_that_refuses_is_waited_for(
    database: Database, reports: list[Report], said: Collected, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it refused is kept and stored when it takes it: nothing is lost, nothing is said twice."""
    monkeypatch.setattr("streams.alerts.insisting.RETRY_SECONDS", 0.01)
    store = Failing(database, Grid("UTC"))
    store.refuse = 5
    follow(database, reports, store=store)
    assert store.refuse == 0
    assert stored(database).alerts == said.alerts
    assert told_twice(database, stored(database)) == []


def test_a_topic_that_was_made_anew_is_named(database: Database, reports: list[Report]) -> None:
    """Where the topic ends before what was stored the worker fails, and does not take other reports for known ones."""
    follow(database, reports[:300], keep=False)
    state = state_of(AlertStore(database, Grid("UTC")))

    async def run(check: Callable[[str], None]) -> None:
        await Follower(Topic(reports[:30]), "signals", 0, state).catch_up()
        check("signals")

    with pytest.raises(LogLostError, match="signals/0"):
        asyncio.run(run(state.check_reached))
