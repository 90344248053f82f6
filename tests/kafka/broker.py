"""One broker: a process that can be killed, paused and started again on the same ports and data."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

READY_SECONDS = 120.0
READY = b"Kafka Server started"
# Brokers of tests are small and short-lived: one garbage collector thread and the quick compiler start soonest.
JAVA = ("java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xms64m", "-Xmx512m")
_TROUBLE = re.compile(r" ERROR | FATAL |Exception\b|^Caused by|^Error")
LOGS = "-Dorg.slf4j.simpleLogger"
LOG_LEVELS = (f"{LOGS}.showDateTime=true", f"{LOGS}.log.org.apache.kafka.common.config=warn")


class Broker:
    """A combined broker and controller.

    folder : its own, with its properties, data and log
    java : more options of the Java machine
    """

    def __init__(
        self, number: int, folder: Path, libraries: Path, properties: Mapping[str, object], java: Sequence[str] = ()
    ) -> None:
        self.number = number
        self.folder = folder
        self.log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self._pid_file = folder.with_suffix(".pid")
        self._properties = folder / "server.properties"
        self._java = [*JAVA, *java, *LOG_LEVELS, "-cp", f"{libraries}/*"]
        folder.mkdir()
        lines = {"node.id": number, "log.dirs": folder / "data", **properties}
        self._properties.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))

    def format(self, cluster: str, *more: str) -> subprocess.Popen[bytes]:
        """Begin to format the data folder."""
        words = ["kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(self._properties), *more]
        with self.log.open("ab") as log:
            return subprocess.Popen([*self._java, *words], stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    @property
    def pid(self) -> int:
        assert self._process is not None, "the broker was not started"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, *, wait: bool = True) -> None:
        """Start on the data as it was left, and wait until clients are served."""
        assert not self.running, f"broker {self.number} runs"
        self.log.open("wb").close()
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C is for the test run, which then ends the brokers.
            self._process = subprocess.Popen(
                [*self._java, "kafka.Kafka", str(self._properties)],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._pid_file.write_text(str(self.pid))
        if wait:
            self.wait_until_ready()

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while READY not in self.log.read_bytes():
            if not self.running or time.monotonic() > deadline:
                pytest.fail(f"Kafka broker {self.number} did not start:\n{self.tail()}", pytrace=False)
            time.sleep(0.05)

    def stop(self) -> None:
        """Let it shut down in order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a power failure would."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Stop its time: its connections stay open and nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def tail(self, lines: int = 20) -> str:
        """Return what its log says of errors, and its end."""
        said = self.log.read_text("utf-8", "replace").splitlines()
        errors = [line for line in said if _TROUBLE.search(line)]
        return "\n".join([*errors[:lines], "...", *said[-lines:]])

    def delete(self) -> None:
        """Kill it and delete all it wrote."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        if self.running:
            os.kill(self.pid, number)
            if number is not signal.SIGKILL:
                os.kill(self.pid, signal.SIGCONT)
        self._process.wait(timeout=READY_SECONDS)
        self._process = None
        self._pid_file.unlink(missing_ok=True)


def free_ports(count: int) -> list[int]:
    """Find free ports below those that connections take for themselves, so that a stopped broker gets its own back."""
    held: list[socket.socket] = []
    try:
        while len(held) < count:
            sock = socket.socket()
            port = 15_000 + int.from_bytes(os.urandom(2)) % 17_000
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                sock.close()
            else:
                held.append(sock)
        return [sock.getsockname()[1] for sock in held]
    finally:
        for sock in held:
            sock.close()
