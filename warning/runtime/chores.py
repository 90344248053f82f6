"""Chores: small things done again and again beside the engine loop (snoozes that run out, what is too old)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from warning.runtime.clock import steady_seconds

STOP_SECONDS = 5.0
"""A chore that takes longer to end is left behind: what it had not finished is done by the next process."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to do every so many seconds."""

    name: str
    every_seconds: float
    do: Callable[[], object]


class Chores:
    """A thread that does chores; one that fails is logged and done again when its turn comes, and the others go on."""

    def __init__(self, chores: Sequence[Chore]) -> None:
        self._chores = chores
        self._due = {chore.name: steady_seconds() + chore.every_seconds for chore in chores}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chores", daemon=True)

    def start(self) -> None:
        """Begin; each chore is done for the first time after its own interval."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the chore at hand, if that does not take long, then end."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)
        if self._thread.is_alive():
            _LOG.warning("a chore did not end in time; it is left behind")

    def _run(self) -> None:
        while not self._stopping.wait(max(0.0, min(self._due.values(), default=60.0) - steady_seconds())):
            for chore in self._chores:
                if self._due[chore.name] <= steady_seconds() and not self._stopping.is_set():
                    self._do(chore)

    def _do(self, chore: Chore) -> None:
        try:
            chore.do()
        except Exception:  # noqa: BLE001  a defect in one chore must not end retention, which keeps a promise
            _LOG.exception("a chore could not be done", extra={"chore": chore.name})
        self._due[chore.name] = steady_seconds() + chore.every_seconds
