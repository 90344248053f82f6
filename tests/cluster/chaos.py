"""Faults in random order from a seed that is printed: what a year of operations brings, in two minutes."""

from __future__ import annotations

import random
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import sleep
from typing import Protocol

from tests.cluster.workers import Cluster, Worker

ZOMBIE_SECONDS = 7.5
"""Longer than a session: the others take over, and then it comes back."""


class Harmed(Protocol):
    """What a test can end and bring back: a broker, the database."""

    def kill(self) -> None: ...

    def start(self) -> None: ...


@dataclass
class Chaos:
    """Does harm to a cluster, one fault at a time, and leaves it whole.

    others : by name, what else may be killed
    more : by name, faults of a test's own
    """

    cluster: Cluster
    seed: int
    others: dict[str, Harmed] = field(default_factory=dict)
    more: dict[str, Callable[[random.Random], None]] = field(default_factory=dict)
    kinds: Sequence[str] = ("intake", "detect", "alerts")
    done: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        print(f"seed {self.seed}")  # noqa: T201  told where a test fails

    def run(self, faults: int) -> None:
        """Do so many faults."""
        actions = self._actions()
        names = sorted(actions)
        # Each kind once in random order, then any of them.
        order = self._random.sample(names, len(names)) + self._random.choices(names, k=max(0, faults - len(names)))
        for name in order[:faults]:
            self.mend()
            print(f"fault: {name}")  # noqa: T201
            actions[name]()
            self.done[name] += 1
            sleep(self._random.uniform(0.0, 1.5))

    def _actions(self) -> dict[str, Callable[[], None]]:
        actions: dict[str, Callable[[], None]] = {}
        for kind in self.kinds:
            actions[f"kill {kind}"] = lambda kind=kind: self._kill(kind)  # type: ignore[misc]
            actions[f"pause {kind}"] = lambda kind=kind: self._pause(kind)  # type: ignore[misc]
            actions[f"stop {kind}"] = lambda kind=kind: self._stop(kind)  # type: ignore[misc]
        actions["a detect worker joins and leaves"] = self._join_and_leave
        for name, other in self.others.items():
            actions[f"kill {name}"] = lambda other=other: self._kill_other(other)  # type: ignore[misc]
        for name, harm in self.more.items():
            actions[name] = lambda harm=harm: harm(self._random)  # type: ignore[misc]
        return actions

    def _one_of(self, kind: str) -> Worker:
        return self._random.choice(self.cluster.of(kind))

    def _kill(self, kind: str) -> None:
        worker = self._one_of(kind)
        worker.kill()
        sleep(self._random.uniform(0.0, 1.0))
        self.cluster.start(kind, worker.name)

    def _stop(self, kind: str) -> None:
        worker = self._one_of(kind)
        code = worker.stop()
        # One that is told to stop while Python still starts ends as any process would.
        early = code == -signal.SIGTERM and not worker.said
        assert code == 0 or early, f"{worker.name} {code}:\n{worker.said[-3000:]}"
        self.cluster.start(kind, worker.name)

    def _pause(self, kind: str) -> None:
        worker = self._one_of(kind)
        worker.pause()
        sleep(self._random.choice((0.5, ZOMBIE_SECONDS)))
        worker.resume()

    def _join_and_leave(self) -> None:
        guest = self.cluster.start("detect", f"guest{sum(self.done.values())}")
        sleep(self._random.uniform(2.0, 5.0))
        guest.kill()

    def _kill_other(self, other: Harmed) -> None:
        other.kill()
        sleep(self._random.uniform(0.0, 2.0))
        other.start()

    def mend(self) -> None:
        """Start again every worker that ended by itself (as an orchestrator would); each must have said why."""
        newest = {worker.name: worker for worker in self.cluster.workers}
        for worker in newest.values():
            if not worker.running and worker.kind in self.kinds and not worker.name.startswith("guest"):
                print(f"{worker.name} had ended with {worker.process.returncode}: {worker.said[-600:]}")  # noqa: T201
                # 4: the database was away when it started, which is said in plain words.
                assert worker.process.returncode in {1, 4}, worker.said[-3000:]
                assert worker.said.strip(), f"{worker.name} did not say why it ended"
                self.cluster.start(worker.kind, worker.name)
