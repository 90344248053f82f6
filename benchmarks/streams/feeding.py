"""A platform that sends tickets into Kafka at a steady rate, and knows which of them the brokers took."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import msgspec
from confluent_kafka import KafkaError, Message, Producer

from benchmarks.city import City, frame
from warning.runtime.clock import now_ms

_PIECE_SECONDS = 0.05
Made = Callable[[int], dict[str, Any]]
"""The ticket of a number."""


class Feeder:
    """Sends in a thread of its own until it is left, ``made(0)`` first.

    ``taken`` counts what the brokers took, ``refused`` holds the numbers of what they did not.
    """

    def __init__(self, bootstrap: str, topic: str, partitions: int, rate: int, made: Made) -> None:
        self._producer = Producer(
            {"bootstrap.servers": bootstrap, "linger.ms": 10, "enable.idempotence": True, "compression.type": "lz4"}
        )
        self._topic, self._partitions = topic, partitions
        self._rate = rate
        self._made = made
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.sent = 0
        self.taken = 0
        self.refused: list[int] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end()

    def end(self) -> None:
        """Send no more, and wait until it is known of every ticket whether it was taken."""
        self._ended.set()
        self._thread.join()
        self._producer.flush(60)

    def _run(self) -> None:
        began = time.monotonic()
        encode = msgspec.json.Encoder().encode
        while not self._ended.wait(_PIECE_SECONDS):
            due = int((time.monotonic() - began) * self._rate)
            while self.sent < due:
                self._send(self.sent, encode(self._made(self.sent)))
                self.sent += 1
            self._producer.poll(0)

    def _send(self, number: int, value: bytes) -> None:
        def told(error: KafkaError | None, _: Message) -> None:
            if error is None:
                self.taken += 1
            else:
                self.refused.append(number)

        while True:
            try:
                self._producer.produce(self._topic, value, partition=number % self._partitions, on_delivery=told)
                return
            except BufferError:
                self._producer.poll(0.1)


def places(city: City) -> list[tuple[str, str]]:
    """Return (area, category) of a city's tickets, in their order."""
    rows = frame(city).select("Borough", "District", "Category").iter_rows()
    return [(f"City/{borough}/{district}", category) for borough, district, category in rows]


def of_now(city: City, prefix: str) -> Made:
    """Return what makes tickets that happen now, in the places of a city's, around and around."""
    known = places(city)

    def made(number: int) -> dict[str, Any]:
        area, category = known[number % len(known)]
        return {"ticket_id": f"{prefix}{number}", "created_at": written(now_ms()), "area": area, "category": category}

    return made


def written(ms: float) -> str:
    """Write a moment as platforms do."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")


def again(values: Iterator[bytes], count: int) -> Made:
    """Return what sends the first tickets of a topic again and again: duplicates, which are read and not counted."""
    known = [msgspec.json.decode(value) for _, value in zip(range(count), values, strict=False)]
    return lambda number: known[number % len(known)]
