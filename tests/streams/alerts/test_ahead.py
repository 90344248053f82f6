"""Partitions a whole past ahead of others: what is held is bounded, and what is said is the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import replace

import pytest

from streams.alerts.signals import Signals
from streams.alerts.store import AlertStore
from streams.following import Follower
from streams.reading import Message
from streams.records import Report
from tests.streams.alerts.reports import oracle, reports_of, same, surging
from tests.streams.alerts.stored import judged_number, stored, told_twice
from tests.streams.alerts.test_signals import PATIENCE, Topic, state_of
from tests.warning.engine.tickets import log
from warning.engine.grid import Grid
from warning.engine.records import Record
from warning.store.sql.database import Database

MOST = 100
"""Of some 500 ticks."""


@pytest.fixture(scope="module", name="records")
def _records() -> list[Record]:
    """A log of six days with two bursts."""
    return log(surging())


@pytest.fixture(scope="module", name="reports")
def _reports(records: list[Record]) -> list[Report]:
    """What three partitions report of it."""
    return reports_of(records, 3)


@pytest.fixture(autouse=True)
def _few_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.alerts.ahead.MOST_AHEAD", MOST)


def one_after_another(reports: Sequence[Report]) -> list[Report]:
    """Return all that one partition reports, then all that the next does."""
    return sorted(reports, key=lambda report: report.partition)


class Looked(Topic):
    """A topic that looks at what its reader holds."""

    def __init__(self, reports: Sequence[Report]) -> None:
        super().__init__(reports)
        self.state: Signals | None = None
        self.most = 0
        self.reads = 0

    async def read(
        self, topic: str, partition: int, first: int, until: int | None = None
    ) -> AsyncGenerator[Message, None]:
        self.reads += 1
        async for message in super().read(topic, partition, first, until):
            yield message
            assert self.state is not None
            self.most = max(self.most, self.state._stage.held)


def follow(database: Database, topic: Looked, *, rounds: int = 1000) -> None:
    """Run a worker, which goes back as often as it must but for a limit; it stores a snapshot and ends."""
    state = topic.state = state_of(AlertStore(database, Grid("UTC")))

    async def run() -> None:
        follower = Follower(topic, "signals", 0, state)
        committing = asyncio.create_task(state.commit_always())
        async with asyncio.timeout(PATIENCE):
            for _ in range(rounds):
                await follower.catch_up()
                await follower.between(state.read_again)
                if state.next_offset == len(topic.messages):
                    break
            await follower.between(state.save_snapshot)
        committing.cancel()
        with suppress(asyncio.CancelledError):
            await committing

    asyncio.run(run())


def test_before_the_first_tick(file_database: Database, records: list[Record], reports: list[Report]) -> None:
    """While nobody follows a partition the ticks held of others are bounded; then all is said, by workers in turn."""
    given = one_after_another(reports)
    there = Looked([report for report in given if report.partition < 2])
    follow(file_database, there)
    assert (there.most, judged_number(file_database)) == (MOST, -1)
    topic = Looked(given)
    for _ in range(4):
        follow(file_database, topic, rounds=3)
    assert judged_number(file_database) == reports[-1].report.tick.number
    found, said = stored(file_database), oracle(records)[0]
    assert topic.most == MOST
    assert topic.reads > 2
    assert said.alerts
    assert same(found, said)
    assert told_twice(file_database, found) == []


def test_a_new_era(file_database: Database, records: list[Record], reports: list[Report]) -> None:
    """Its partitions may be learned anew one after another: what is held of them is bounded, and nothing is lost."""
    half = len(reports) // 2
    follow(file_database, Looked(reports[:half]))
    before = stored(file_database)
    anew = [replace(report, era=1) for report in one_after_another(reports)]
    topic = Looked([*reports[:half], *anew])
    follow(file_database, topic)
    found, said = stored(file_database), oracle(records)[0]
    assert before.alerts
    assert topic.most == MOST
    assert topic.reads > 2
    assert same(found, said)
    assert told_twice(file_database, found) == []
    assert judged_number(file_database) == reports[-1].report.tick.number
