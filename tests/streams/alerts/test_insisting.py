"""Work on the database is tried until it is taken, and why it is not is known for as long as that is so."""

from __future__ import annotations

import asyncio

import pytest

from streams.alerts.insisting import Insistence
from streams.alerts.loops import Loops
from warning.service.ports import StoreBusyError


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("insisting", "loops"):
        monkeypatch.setattr(f"streams.alerts.{module}.RETRY_SECONDS", 0.01)


def refused() -> StoreBusyError:
    return StoreBusyError("the disk is full", 1, "磁盘已满")


def test_it_is_tried_until_it_is_taken() -> None:
    """The answer comes once the database gives one; meanwhile the problem is known in both languages."""
    insistence, told = Insistence(), list[str]()

    def work() -> int:
        if len(told) < 3:
            told.append(insistence.problem_zh)
            raise refused()
        return 7

    assert asyncio.run(insistence.on(work)) == 7
    assert told == ["", "磁盘已满", "磁盘已满"]
    assert insistence.problem == ""


def test_what_one_part_can_do_says_nothing_of_another() -> None:
    """Reads that work do not make people believe that a full disk is gone."""
    insistence = Insistence()
    insistence.failed("commit", refused())
    asyncio.run(insistence.on(lambda: None, "snapshot"))
    insistence.worked("AlertPublisher")
    assert "the disk is full" in insistence.problem
    insistence.worked("commit")
    assert insistence.problem == ""


class _Step:
    """Something that the database refuses at first; ``active`` ends it."""

    pause = 0.0

    def __init__(self, times: int, active: asyncio.Event, insistence: Insistence) -> None:
        self.steps, self.problems = 0, list[str]()
        self.done = asyncio.Event()
        self._times, self._active, self._insistence = times, active, insistence

    async def step(self) -> bool:
        self.steps += 1
        self.problems.append(self._insistence.problem)
        if self.steps <= self._times:
            raise refused()
        if self.steps == self._times + 2:
            self._active.clear()
            self.done.set()
        return True

    async def stop(self) -> None:
        self.stopped = True


def test_loops_go_on_after_a_refusal() -> None:
    """A step that was refused is tried again, and the problem is gone once it works; a loop at rest does nothing."""

    async def run() -> _Step:
        active, insistence = asyncio.Event(), Insistence()
        step = _Step(2, active, insistence)
        loops = Loops([step], active=active, insistence=insistence)
        await loops.start()
        await asyncio.sleep(0)
        assert step.steps == 0
        active.set()
        async with asyncio.timeout(10):
            await step.done.wait()
        await loops.stop()
        return step

    step = asyncio.run(run())
    assert step.steps == 4
    assert [bool(problem) for problem in step.problems] == [False, True, True, False]
    assert step.stopped
