"""Chores: each in its own time, and none for another's failure."""

from __future__ import annotations

import logging
import threading

import pytest

from warning.domain.errors import InvalidInputError
from warning.runtime import chores as module
from warning.runtime.chores import Chore, Chores
from warning.runtime.clock import steady_seconds

PATIENCE = 5.0


class _Counted:
    """Counts how often it was done, and tells when it was often enough."""

    def __init__(self, enough: int, error: Exception | None = None) -> None:
        self.done = 0
        self.enough = threading.Event()
        self._enough = enough
        self._error = error

    def __call__(self) -> None:
        self.done += 1
        if self.done >= self._enough:
            self.enough.set()
        if self._error is not None:
            raise self._error


def test_a_chore_is_done_again_and_again() -> None:
    """A chore is done for the first time after its interval, and then each time it is over."""
    often, rare = _Counted(3), _Counted(1)
    chores = Chores([Chore("often", 0.01, often), Chore("rare", 3600.0, rare)])
    chores.start()
    assert often.enough.wait(PATIENCE)
    chores.stop()
    assert rare.done == 0


@pytest.mark.parametrize("error", [InvalidInputError("disk", "is full", "Free some."), ZeroDivisionError("defect")])
def test_a_chore_that_fails_is_tried_again(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """Whether the store refuses or a chore has a defect, it is logged, comes again, and the others go on."""
    failing, other = _Counted(2, error), _Counted(2)
    chores = Chores([Chore("failing", 0.01, failing), Chore("other", 0.01, other)])
    with caplog.at_level(logging.ERROR, "warning.runtime.chores"):
        chores.start()
        assert failing.enough.wait(PATIENCE)
        assert other.enough.wait(PATIENCE)
        chores.stop()
    assert {record.__dict__["chore"] for record in caplog.records} == {"failing"}


def test_stop_waits_for_the_chore_at_hand() -> None:
    """What has begun is finished before stop returns, and nothing begins after."""
    begun, go_on = threading.Event(), threading.Event()
    finished = []

    def slow() -> None:
        begun.set()
        go_on.wait(PATIENCE)
        finished.append(True)

    chores = Chores([Chore("slow", 0.01, slow)])
    chores.start()
    assert begun.wait(PATIENCE)
    threading.Timer(0.05, go_on.set).start()
    chores.stop()
    assert finished == [True]


def test_stop_leaves_a_chore_behind_that_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that does not answer must not keep the process from its end."""
    monkeypatch.setattr(module, "STOP_SECONDS", 0.05)
    begun, go_on = threading.Event(), threading.Event()

    def hanging() -> None:
        begun.set()
        go_on.wait(PATIENCE)

    chores = Chores([Chore("hanging", 0.01, hanging)])
    chores.start()
    assert begun.wait(PATIENCE)
    before = steady_seconds()
    chores.stop()
    assert steady_seconds() - before < PATIENCE / 2
    go_on.set()


def test_chores_that_never_began_stop_at_once() -> None:
    """Stopping what was not started, or has nothing to do, returns."""
    Chores([]).stop()
    idle = Chores([])
    idle.start()
    idle.stop()
