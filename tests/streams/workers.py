"""Real workers as processes over a real broker: started, paused, killed, asked how they do; and topics read whole."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from aiokafka import AIOKafkaProducer

from streams.admin import apply_topics
from streams.reading import Message, RangeReader
from streams.topics import Name, topics
from warning.settings import Settings, setting_names

PATIENCE = 60.0
_RUN = "from warning.cli import main; main()"


def smaller(settings: Settings, data: Path, *, partitions: int = 3, inputs: int = 2, **cluster: Any) -> Settings:
    """Return settings with few partitions and a database in a folder; the topics are made."""
    values = settings.model_dump()
    values["kafka"] |= {"partitions": partitions, "input_partitions": inputs}
    values["service"]["data"] = str(data)
    values["cluster"] |= {"port": 0} | cluster
    made = Settings.model_validate(values)
    apply_topics(made)
    return made


def until(found: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """Wait until something is so, and return it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = found()
        if value:
            return value
        time.sleep(0.2)
    return pytest.fail(f"not within {seconds} s: {what}")


class Worker:
    """``early-warning cluster WORKER`` as a process."""

    def __init__(self, settings: Settings, worker: str, name: str, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / f"{worker}-{name}.log"
        self._command = [sys.executable, "-c", _RUN, "cluster", worker]
        self._environment = os.environ | _variables(settings) | {"EARLY_WARNING_KAFKA__INSTANCE": name}
        self._process: subprocess.Popen[bytes] | None = None
        self._address = ""

    def start(self) -> Self:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=self.log.parent, env=self._environment, stdout=subprocess.PIPE, stderr=log
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline().decode()
        assert "http://" in line, self.tail()
        self._address = line[line.index("http://") :].split("/metrics")[0]
        return self

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "it was not started"
        return self._process

    def pause(self) -> None:
        os.kill(self.process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)

    def kill(self) -> None:
        if self.running:
            self.process.kill()
        self._reap()

    def stop(self) -> int:
        """Tell it to stop; returns its exit code."""
        self.process.terminate()
        return self._reap()

    def metric(self, name: str) -> float:
        """Return the sum of a metric over its labels; NaN where it does not answer."""
        try:
            text = self._get("/metrics")
        except OSError:
            return float("nan")
        lines = [line for line in text.splitlines() if line.startswith((name + " ", name + "{"))]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    def health(self) -> dict[str, Any]:
        """Return how it says it does; nothing where it does not answer."""
        try:
            return dict(json.loads(self._get("/health/ready")))
        except OSError:
            return {}

    def tail(self) -> str:
        return self.log.read_text("utf-8", "replace")[-4000:]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()

    def _get(self, path: str) -> str:
        try:
            with urllib.request.urlopen(self._address + path, timeout=2) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return error.read().decode()

    def _reap(self) -> int:
        code = self.process.wait(timeout=PATIENCE)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code


def produce(settings: Settings, name: Name, values: Iterable[tuple[bytes | None, int | None, list[Any]]]) -> None:
    """Write (value, partition, headers) in their order."""

    async def write() -> None:
        async with AIOKafkaProducer(
            bootstrap_servers=settings.kafka.bootstrap, acks="all", linger_ms=2, max_request_size=20 << 20
        ) as producer:
            for value, partition, headers in values:
                await producer.send(topics(settings)[name].name, value, key=b"k", partition=partition, headers=headers)
            await producer.flush()

    asyncio.run(write())


def read(settings: Settings, name: Name, partition: int = 0) -> list[Message]:
    """Return all that is in a partition."""

    async def every() -> list[Message]:
        reader, topic = RangeReader(settings), topics(settings)[name].name
        oldest, _ = await reader.bounds(topic, partition)
        return [message async for message in reader.read(topic, partition, oldest)]

    return asyncio.run(every())


def _variables(settings: Settings) -> dict[str, str]:
    variables = {}
    for dotted in setting_names():
        value: Any = settings
        for part in dotted.split("."):
            value = getattr(value, part)
        if value != "":
            variables["EARLY_WARNING_" + dotted.upper().replace(".", "__")] = str(value)
    return variables
