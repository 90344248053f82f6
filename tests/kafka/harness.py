"""A cluster of real brokers on loopback."""

import base64
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import pytest

from tests.kafka.broker import READY_SECONDS, Broker, free_ports
from tests.kafka.libraries import alone, kafka_libraries

WATCHDOG = Path(__file__).with_name("watchdog.py")
LARGEST_MESSAGE = 20 << 20
PLAINTEXT = "PLAINTEXT"
PROTOCOLS = (PLAINTEXT, "SSL", "SASL_PLAINTEXT", "SASL_SSL")


class Brokers(Protocol):
    """Where a Kafka is, whoever started it."""

    @property
    def bootstrap(self) -> str: ...


class Elsewhere:
    """A Kafka that somebody else runs."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap


class Kafka:
    """One broker or three, formatted and started when entered, ended and deleted when left.

    listeners : protocols that clients may use; brokers speak with each other over the first
    properties : more of each broker's
    formatting : more arguments of Kafka's ``StorageTool format`` (SCRAM users)
    java : more options of the Java machines, instead of those that start them sooner

    With three, topics are asked for with replication 3 and ``min.insync.replicas`` 2.
    """

    def __init__(
        self,
        brokers: int = 1,
        *,
        listeners: Sequence[str] = (PLAINTEXT,),
        properties: Mapping[str, object] | None = None,
        formatting: Sequence[str] = (),
        java: Sequence[str] = (),
    ) -> None:
        self._libraries = kafka_libraries()
        java = java or _sooner(self._libraries)
        self._folder = Path(tempfile.mkdtemp(prefix="early-warning-kafka-"))
        self._formatting = formatting
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._listeners = listeners
        count = len(listeners) + 1
        ports = free_ports(brokers * count)
        self._ports = [ports[at : at + count] for at in range(0, len(ports), count)]
        common = {**_cluster_properties(brokers), **(properties or {})}
        self.brokers = [
            Broker(at + 1, self._folder / f"broker{at + 1}", self._libraries, self._addresses(at) | common, java)
            for at in range(brokers)
        ]

    @property
    def bootstrap(self) -> str:
        """Addresses of all brokers for clients without protection."""
        return self.bootstrap_of(PLAINTEXT)

    def bootstrap_of(self, listener: str) -> str:
        at = list(self._listeners).index(listener)
        return ",".join(f"127.0.0.1:{ports[at]}" for ports in self._ports)

    def start(self) -> None:
        """Format and start all brokers; returns when all serve clients."""
        self._watchdog = subprocess.Popen(
            [sys.executable, "-I", "-S", str(WATCHDOG), str(self._folder)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        # Its first byte is 0: an id that began with "-" would be taken for an option.
        cluster = base64.urlsafe_b64encode(bytes(1) + uuid.uuid4().bytes[1:]).decode().rstrip("=")
        formats = [broker.format(cluster, *self._formatting) for broker in self.brokers]
        for broker, process in zip(self.brokers, formats, strict=True):
            if process.wait(timeout=READY_SECONDS):
                pytest.fail(f"Kafka's storage could not be formatted:\n{broker.tail()}", pytrace=False)
        self.restart()

    def restart(self) -> None:
        """Let every broker serve again that was stopped, killed or paused."""
        for broker in self.brokers:
            if broker.running:
                broker.resume()
        stopped = [broker for broker in self.brokers if not broker.running]
        for broker in stopped:
            broker.start(wait=False)
        for broker in stopped:
            broker.wait_until_ready()

    def close(self) -> None:
        """Kill all brokers and delete all they wrote."""
        for broker in self.brokers:
            broker.delete()
        if self._watchdog is not None:
            # It deletes the folder.
            self._watchdog.communicate(timeout=READY_SECONDS)

    def logs(self) -> str:
        """Return the ends of all brokers' logs."""
        return "\n".join(f"--- broker {broker.number}\n{broker.tail()}" for broker in self.brokers)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _addresses(self, at: int) -> dict[str, object]:
        named = dict(zip([*self._listeners, "CONTROLLER"], self._ports[at], strict=True))
        clients = {name: port for name, port in named.items() if name != "CONTROLLER"}
        voters = [f"{number}@127.0.0.1:{ports[-1]}" for number, ports in enumerate(self._ports, start=1)]
        return {
            "listeners": ",".join(f"{name}://127.0.0.1:{port}" for name, port in named.items()),
            "advertised.listeners": ",".join(f"{name}://127.0.0.1:{port}" for name, port in clients.items()),
            "listener.security.protocol.map": ",".join(f"{name}:{name}" for name in PROTOCOLS)
            + ",CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": self._listeners[0],
            "controller.quorum.voters": ",".join(voters),
        }


def _sooner(libraries: Path) -> list[str]:
    """Return the option by which Java takes Kafka's classes as they were loaded once: half the time to start."""
    archive = libraries / "kafka.jsa"
    with alone(libraries.with_suffix(".lock")):
        if not archive.exists():
            with Kafka(java=[f"-XX:ArchiveClassesAtExit={archive}"]) as once:
                once.brokers[0].stop()
            archive.touch()
    # Empty where this Java cannot write one; one of another Java is not used by it.
    return [f"-XX:SharedArchiveFile={archive}"] if archive.stat().st_size else []


def existing_bootstrap() -> str | None:
    """Return the address of a Kafka that the person who runs the tests gave."""
    return os.environ.get("KAFKA_BOOTSTRAP") or None


def _cluster_properties(brokers: int) -> dict[str, object]:
    copies = min(brokers, 3)
    insync = max(1, copies - 1)
    return {
        "process.roles": "broker,controller",
        "controller.listener.names": "CONTROLLER",
        "auto.create.topics.enable": "false",
        "message.max.bytes": LARGEST_MESSAGE,
        "replica.fetch.max.bytes": LARGEST_MESSAGE,
        "default.replication.factor": copies,
        "min.insync.replicas": insync,
        # Every internal topic is made and deleted with the tests: few partitions, as safe as the others.
        "offsets.topic.num.partitions": 4,
        "offsets.topic.replication.factor": copies,
        "transaction.state.log.num.partitions": 4,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": insync,
        # Groups form, and silent members and brokers are noticed, sooner than elsewhere: tests wait for it.
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1_000,
        "broker.session.timeout.ms": 5_000,
        "broker.heartbeat.interval.ms": 500,
        "log.retention.check.interval.ms": 1_000,
        "log.initial.task.delay.ms": 1_000,
        "log.segment.delete.delay.ms": 1_000,
        "log.index.size.max.bytes": 1 << 20,
    }
