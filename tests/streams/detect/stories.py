"""A log of one of two partitions, what a stage by itself says of it, and a partition's state that reads it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from streams.detect.partition import PartitionState
from streams.generations import Generation
from streams.records import Report
from tests.streams.detect.worlds import World, messages_of, reports_of
from tests.warning.engine.test_controls import NOISE, control
from tests.warning.engine.tickets import START, city, log
from warning.domain.control import ControlKind
from warning.engine.records import Record

TWO = Generation(topic="tickets", partitions=2)


def records() -> list[Record]:
    said = log(city(days=2.6))
    said.insert(120, control(ControlKind.PROTECT, at=START, series=NOISE))
    said.insert(121, control(ControlKind.RELEASE, at=START, series=NOISE))
    return said


RECORDS = records()
MESSAGES = messages_of(RECORDS, TWO)[0]
EXPECTED = reports_of(RECORDS, TWO, 0)


def run(story: Callable[[World], Awaitable[None]], **how: int) -> World:
    async def told() -> World:
        world = World(**how)
        await story(world)
        return world

    return asyncio.run(told())


def latest(reports: list[Report]) -> list[Report]:
    """Return the last report of each tick: an earlier one was said again."""
    found = {report.report.tick.number: report for report in reports}
    return [found[number] for number in sorted(found)]


async def begun(world: World) -> PartitionState:
    state = world.state()
    await state.load()
    return state


SMALL = log(city(days=1.2), batch=3)
FEW = messages_of(SMALL, TWO)[0]
"""Several batches between two ticks."""
