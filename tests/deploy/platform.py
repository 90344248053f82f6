"""What the services stand on, started by the project's own scripts and files: Kafka and PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Self

from tests.cluster.workers import wait_for
from tests.deploy import compose
from tests.deploy.host import Host, start
from tests.kafka.libraries import kafka_libraries
from tests.postgres import ROOT_PASSWORD, USER, Postgres, binaries

SCRIPTS = {
    "kafka-storage.sh": "kafka.tools.StorageTool",
    "kafka-server-start.sh": "kafka.Kafka",
    "kafka-configs.sh": "kafka.admin.ConfigCommand",
}
START_SECONDS = 120.0
_LOGS = "-Dorg.slf4j.simpleLogger"
# The levels of deploy/kafka/log4j2.properties.
_LEVELS = f"{_LOGS}.defaultLogLevel=warn {_LOGS}.log.kafka.server.KafkaRaftServer=info"
_JAVA = f"java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx512m {_LEVELS}"


class Broker:
    """Kafka as its container runs it: deploy/kafka/start.sh, with the programs of the image made from its jar files."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.folder = host.folder / "kafka"
        self._home = self.folder / "home"
        (self._home / "bin").mkdir(parents=True)
        for name, main in SCRIPTS.items():
            script = self._home / "bin" / name
            script.write_text(f"#!/bin/sh\nexec {_JAVA} -cp '{kafka_libraries()}/*' {main} \"$@\"\n")
            script.chmod(0o755)
        properties = (compose.ROOT / "deploy/kafka/server.properties").read_text("utf-8")
        folders = {"/var/lib/kafka/data": self.folder / "data"}
        # @EXTERNAL@ is filled in by start.sh, from a variable that is substituted below.
        (self.folder / "server.properties").write_text(host.text(properties, "kafka", folders))
        (self.folder / "tmp").mkdir()
        self.log = self.folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start; :meth:`wait` waits until it answers."""
        service = compose.services(compose.load())["kafka"]
        variables = {name: self._host.text(text, "kafka") for name, text in compose.environment(service).items()}
        here = {
            "KAFKA_HOME": str(self._home),
            "KAFKA_PASSWORD_FILE": str(self._host.secrets / "kafka-password"),
            "SERVER_PROPERTIES": str(self.folder / "server.properties"),
            "TMPDIR": str(self.folder / "tmp"),
        }
        command = [compose.ROOT / "deploy/kafka" / Path(service["command"][0]).name]
        self._process = start(command, variables | here, self.log)
        return self

    def wait(self) -> None:
        """Wait until its log says that it serves."""
        wait_for(
            lambda: b"Kafka Server started" in self.log.read_bytes() or self._ended(), "Kafka starts", START_SECONDS
        )
        assert not self._ended(), self.log.read_text()[-4000:]

    def health(self) -> subprocess.CompletedProcess[str]:
        """Run the health check of the compose file."""
        test = compose.services(compose.load())["kafka"]["healthcheck"]["test"][1:]
        return self.run(*test)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the container, as ``docker compose exec kafka`` would."""
        words = [self._host.text(word, "kafka", {"/opt/kafka": self._home}) for word in command]
        return subprocess.run(words, check=False, capture_output=True, text=True, timeout=60)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None


def database(host: Host) -> Postgres:
    """Start PostgreSQL, and let deploy/postgres/init.sh make the services' user and database in it."""
    programs = binaries()
    assert programs is not None
    # Not in the test's folder: that is root's alone, and the server refuses to be root.
    server = Postgres(Path(tempfile.mkdtemp(prefix="early-warning-postgres-")), programs)
    with server.root() as connection:
        # What the tests of the store made for themselves; here the script makes it.
        connection.execute("DROP DATABASE migrated")
        connection.execute(f"DROP ROLE {USER}")
    variables = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PGHOST": "127.0.0.1",
        "PGPORT": str(server.port),
        "PGPASSWORD": ROOT_PASSWORD,
        "POSTGRES_USER": "postgres",
        "STORE_PASSWORD_FILE": str(host.secrets / "store-password"),
    }
    done = subprocess.run(
        [compose.ROOT / "deploy/postgres/init.sh"],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    host.is_at("postgres", 5432, server.port)
    return server
