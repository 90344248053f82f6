"""A real PostgreSQL of the test run's own, on the loopback address, and a fresh database for every test."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psycopg
import pytest

from warning.store.sql.database import Database

USER, PASSWORD = "early_warning", "a pass:word/of @ours"
ROOT_PASSWORD = "root of tests"
_TEMPLATE = "migrated"
_WATCHDOG = Path(__file__).parent / "kafka" / "watchdog.py"
_SECONDS = 60.0
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "100",
    "log_min_messages": "warning",
}


def binaries() -> Path | None:
    """Return the folder of the newest server's programs."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    on_path = shutil.which("initdb")
    found += [] if on_path is None else [Path(on_path).parent]
    return max(found, key=lambda folder: [int(number) for number in re.findall(r"\d+", str(folder))], default=None)


class Postgres:
    """A server that can be stopped, killed and started again; ``fsync`` is off, so it survives all but the machine.

    Every database belongs to a user without other rights, who signs in with a password.
    """

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.password_file = folder / "password"
        self._programs = programs
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._watchdog = subprocess.Popen(
            [sys.executable, str(_WATCHDOG), str(folder)], stdin=subprocess.PIPE, start_new_session=True
        )
        self._make()
        self.start()
        with self.root() as connection:
            connection.execute(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'")
        self._make_template()

    def url(self, name: str) -> str:
        """Return a database's URL, without the password."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{name}"

    def new_database(self, *, empty: bool = False, tablespace: str = "pg_default") -> str:
        """Make a database, its tables made unless it is to be empty; returns its name."""
        name = f"t{uuid.uuid4().hex[:12]}"
        template = "template1" if empty else _TEMPLATE
        with self.root() as connection:
            connection.execute(f"CREATE DATABASE {name} OWNER {USER} TEMPLATE {template} TABLESPACE {tablespace}")
        return name

    def drop(self, name: str) -> None:
        """Delete a database, whoever uses it."""
        with self.root() as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def files(self, name: str) -> bytes:
        """Return all that is in a database's files once everything written is in them."""
        with self.root() as connection:
            connection.execute("CHECKPOINT")
            wanted = "SELECT oid FROM pg_database WHERE datname = %s"
            (number,) = connection.execute(wanted, [name]).fetchone() or (0,)
        return b"".join(path.read_bytes() for path in sorted((self.data / "base" / str(number)).iterdir()))

    def root(self, name: str = "postgres") -> psycopg.Connection[Any]:
        """Connect as the server's owner."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, dbname=name, user="postgres", password=ROOT_PASSWORD, autocommit=True
        )

    def start(self) -> None:
        """Start, and wait until it answers."""
        deadline = monotonic() + _SECONDS
        while not self._answers():
            if self._process is None or self._process.poll() is not None:
                self._launch()
            if monotonic() > deadline:
                pytest.fail((self.folder / "log").read_text())
            sleep(0.02)

    def stop(self) -> None:
        """Stop as an administrator does who does not wait for sessions."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Kill the server, as the system does when memory runs out."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Stop the time of the server and of all its sessions: connections stay open, and nothing answers."""
        self._send(signal.SIGSTOP)

    def resume(self) -> None:
        self._send(signal.SIGCONT)

    def close(self) -> None:
        """End, and leave nothing."""
        self._end(signal.SIGQUIT)
        self._watchdog.communicate()

    def _send(self, number: signal.Signals) -> None:
        """Send a signal to the server, which starts no session meanwhile, then to each session."""
        assert self._process is not None, "the server does not run"
        pid = self._process.pid
        os.kill(pid, number)
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(child), number)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(_SECONDS)
            self._process = None

    def _launch(self) -> None:
        settings = [f"--{name}={value}" for name, value in {**_SETTINGS, "port": str(self.port)}.items()]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._programs / "postgres"), "-D", str(self.data), *settings],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **_owner(),
            )
        (self.folder / "postgres.pid").write_text(str(self._process.pid))

    def _answers(self) -> bool:
        if self._process is None:
            return False
        with suppress(psycopg.OperationalError), self.root():
            return True
        return False

    def _make(self) -> None:
        self.password_file.write_text(PASSWORD + "\n")
        root_file = self.folder / "root"
        root_file.write_text(ROOT_PASSWORD)
        if os.geteuid() == 0:
            for path in (self.folder, root_file):
                shutil.chown(path, "postgres")
        command = [str(self._programs / "initdb"), "-D", str(self.data), "-U", "postgres", "--no-sync"]
        command += ["--auth=scram-sha-256", f"--pwfile={root_file}", "--encoding=UTF8", "--locale=C.UTF-8"]
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder, **_owner())

    def _make_template(self) -> None:
        name = self.new_database(empty=True)
        database = Database(self.url(name), PASSWORD)
        database.migrate()
        database.close()
        with self.root() as connection:
            connection.execute(f"ALTER DATABASE {name} RENAME TO {_TEMPLATE}")


def _owner() -> dict[str, Any]:
    """The server refuses to run as root."""
    return {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for all tests of the run; a test that stops or kills it starts it again."""
    programs = binaries()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed")
    folder = Path(tempfile.mkdtemp(prefix="early-warning-postgres-"))
    server = Postgres(folder, programs)
    yield server
    server.close()


@pytest.fixture
def postgres_name(postgres: Postgres) -> Iterator[str]:
    """A database of the test's own, with its tables; its URL is ``postgres.url(name)``."""
    postgres.start()
    name = postgres.new_database()
    yield name
    postgres.start()
    postgres.drop(name)


@pytest.fixture
def postgres_database(postgres: Postgres, postgres_name: str) -> Iterator[Database]:
    """The test's own database, open."""
    database = Database(postgres.url(postgres_name), PASSWORD)
    yield database
    database.close()
