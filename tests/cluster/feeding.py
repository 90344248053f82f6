"""A platform that sends a city's tickets, out of order and some of them twice, while the test's clock follows."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from pathlib import Path
from time import sleep

import msgspec
from confluent_kafka import Producer

from streams.connection import servers
from streams.topics import Name, topics
from tests.faults.live import event_of
from tests.warning.engine.tickets import Row
from warning.domain.bucket import MINUTE_MS
from warning.settings import Settings

STEP_MS = 40 * MINUTE_MS
"""Less than the lateness: what is still to be sent when the clock has moved on is not late."""
SENT_TWICE = 0.1
PATIENCE = 120.0


class Feeder(threading.Thread):
    """Sends rows (sorted by time) in steps of event time, each after the clock has passed it.

    seconds : that one step takes, until :meth:`hurry`
    """

    def __init__(self, settings: Settings, rows: Sequence[Row], clock: Path, *, seconds: float, seed: int) -> None:
        super().__init__(name="feeder", daemon=True)
        self._settings = settings
        self._rows = list(rows)
        self._clock = clock
        self._seconds = seconds
        self._random = random.Random(seed)
        self.failure: BaseException | None = None
        self.set_clock(rows[0].time)

    def set_clock(self, at: int) -> None:
        """Let every intake worker's clock show a time."""
        new = self._clock.with_suffix(".new")
        new.write_text(str(at))
        new.replace(self._clock)

    def hurry(self) -> None:
        """Send the rest as fast as it goes."""
        self._seconds = 0.05

    def run(self) -> None:
        try:
            self._send_all()
        except BaseException as error:  # noqa: BLE001  the test asks for it
            self.failure = error

    def _send_all(self) -> None:
        # librdkafka: kafka-python leaves a socket open for each broker that refuses, and brokers are killed here.
        addresses = ",".join(servers(self._settings))
        producer = Producer({"bootstrap.servers": addresses, "enable.idempotence": True, "log_level": 0})
        for part in self._steps():
            self.set_clock(max(row.time for row in part))
            sent = part + [row for row in part if self._random.random() < SENT_TWICE]
            self._random.shuffle(sent)
            for row in sent:
                producer.produce(topics(self._settings)[Name.RAW].name, msgspec.json.encode(event_of(row)))
            assert producer.flush(PATIENCE) == 0, "the brokers did not take what was sent"
            sleep(self._seconds)

    def _steps(self) -> list[list[Row]]:
        steps: dict[int, list[Row]] = {}
        for row in self._rows:
            steps.setdefault(row.time // STEP_MS, []).append(row)
        return [steps[number] for number in sorted(steps)]
