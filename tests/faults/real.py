"""A real service in a process of its own: uvicorn on a real port, SQLite in a folder, a clock that a test can move."""

from __future__ import annotations

import json
import os
import re
import resource
import select
import signal
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep, time
from typing import Any

import httpx

from warning.bootstrap.accounts import DATABASE, open_accounts
from warning.domain.account import Role
from warning.settings import EngineGroup, PolicyGroup, ServiceGroup, Settings
from warning.store.sql.database import Database

SOURCE = "desk"
ADMIN, PASSWORD = "admin", "four unrelated words"
PATIENCE = 30.0
"""Seconds after which a test gives up waiting."""
_HTTP: dict[str, Any] = {"timeout": PATIENCE, "trust_env": False, "verify": ssl.create_default_context()}
"""One context for all requests: reading certificates for each would take longer than the request."""


def settings_of(data: Path, **service: object) -> Settings:
    """Settings of a small city on any free port."""
    return Settings(
        jurisdiction="Testville",
        zone="UTC",
        engine=EngineGroup(shards=4),
        policy=PolicyGroup(minimum_tickets=5, false_alerts_per_week=1.0),
        service=ServiceGroup(data=str(data), port=0, **service),
    )


@dataclass
class Place:
    """A data folder with what a test steers its service by beside it.

    data : the folder; its file system may be a small one
    aside : a folder with room, for logs
    """

    data: Path
    aside: Path
    key: str = ""

    @property
    def database(self) -> Path:
        """The database's file."""
        return self.data / DATABASE

    def prepare(self, source: str = SOURCE, mapping: str = "canonical") -> None:
        """Make the database, with an admin and a key."""
        self.aside.mkdir(parents=True, exist_ok=True)
        with open_accounts(self.data, create=True) as accounts:
            if not accounts.users():
                accounts.create_user(ADMIN, Role.ADMIN, PASSWORD)
            accounts.add_source(source, mapping)
            self.key = accounts.add_key(source).secret

    def clock(self, wrong_by: int = 0, *, at: int | None = None) -> None:
        """Let the service's clock be wrong by some milliseconds, or stand still at a time."""
        new = self.aside / "clock.new"
        new.write_text(f"={at}" if at is not None else str(wrong_by))
        new.replace(self.aside / "clock")

    def read_only(self, *, on: bool) -> None:
        """Make the store of the running service refuse to write, or let it write again."""
        if on:
            (self.aside / "read-only").touch()
        else:
            (self.aside / "read-only").unlink()

    @property
    def said(self) -> str:
        """What the service's processes wrote to standard output and error."""
        return "".join(path.read_text("utf-8") for path in sorted(self.aside.glob("*.log")))

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        """Read from the database, beside the service or after it."""
        database = Database(self.database)
        try:
            with database.read() as connection:
                return [tuple(row) for row in connection.exec_driver_sql(statement)]
        finally:
            database.close()


@dataclass
class Real:
    """A service that runs."""

    place: Place
    process: subprocess.Popen[bytes]
    address: str

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.address.rpartition(":")[2])

    @property
    def headers(self) -> dict[str, str]:
        """What a platform sends along."""
        return {"Authorization": f"Bearer {self.place.key}", "Content-Type": "application/json"}

    def push(self, items: Sequence[object]) -> httpx.Response:
        """Push tickets."""
        body = json.dumps(items)
        return httpx.post(f"{self.address}/api/v1/tickets", content=body, headers=self.headers, **_HTTP)

    def push_lines(self, body: bytes) -> httpx.Response:
        """Push what is to be taken for lines of JSON."""
        headers = self.headers | {"Content-Type": "application/x-ndjson"}
        return httpx.post(f"{self.address}/api/v1/tickets", content=body, headers=headers, **_HTTP)

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Ask for something as the platform."""
        return httpx.get(self.address + path, headers=self.headers | headers, **_HTTP)

    def outcome(self, ticket_id: str) -> str | None:
        """Say what became of a ticket, once it was counted."""
        found = self.get(f"/api/v1/tickets/{ticket_id}")
        return None if found.status_code == 404 else str(found.json()["outcome"])

    def health(self) -> httpx.Response:
        """Ask whether it is ready."""
        return httpx.get(f"{self.address}/health/ready", **_HTTP)

    def metric(self, name: str) -> float:
        """Read a metric without labels."""
        text = httpx.get(f"{self.address}/metrics", **_HTTP).text
        found = re.search(rf"^early_warning_{name} (\S+)$", text, re.MULTILINE)
        assert found, name
        return float(found[1])

    def memory(self, which: str = "VmRSS") -> int:
        """Bytes of memory the process holds (VmHWM: held at most)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(rf"{which}:\s+(\d+) kB", status)
        assert found
        return int(found[1]) * 1024

    def forget_peak(self) -> None:
        """Let the peak of memory be counted from now on."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def limit_files(self, size: int) -> None:
        """Let no file of the process grow beyond a size."""
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    @contextmanager
    def signed_in(self) -> Iterator[httpx.Client]:
        """Give a browser of the admin."""
        with httpx.Client(base_url=self.address, follow_redirects=True, **_HTTP) as browser:
            answer = browser.post("/api/v1/session", json={"name": ADMIN, "password": PASSWORD})
            assert answer.status_code == 201, answer.text
            browser.headers["X-CSRF-Token"] = answer.json()["csrf"]
            yield browser

    def stop(self) -> float:
        """End it by SIGTERM; returns the seconds it took to end cleanly."""
        began = monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0, self.place.said
        return monotonic() - began


@contextmanager
def running(place: Place, settings: Settings, *, patience: float | None = None, before: str = "") -> Iterator[Real]:
    """Run a service until the block ends; ``before``: Python that its process runs first."""
    number = len(list(place.aside.glob("*.log")))
    if not (place.aside / "clock").exists():
        place.clock()
    told = {
        "settings": settings.model_dump(mode="json"),
        "clock": str(place.aside / "clock"),
        "read_only": str(place.aside / "read-only"),
        "patience": patience,
    }
    code = f"{before}\nfrom tests.faults.child import main\nmain()"
    with (place.aside / f"{number}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", code, json.dumps(told)],
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=Path(__file__).parents[2],
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        try:
            real = Real(place, process, _address(process, place))
            until(lambda: real.health().status_code == 200)
            yield real
        finally:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


def _address(process: subprocess.Popen[bytes], place: Place) -> str:
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], PATIENCE)
    line = process.stdout.readline().decode().strip() if readable else ""
    assert line.startswith("http://"), place.said
    return line


def until(holds: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait until something holds."""
    end = monotonic() + seconds
    while not holds():
        assert monotonic() < end, "it did not come about"
        sleep(0.05)


def now_ms() -> int:
    """Return the time of the machine."""
    return int(time() * 1000)


def ticket(identity: str, at: int, text: str = "") -> dict[str, object]:
    """Write a ticket as a platform pushes it."""
    return {
        "ticket_id": identity,
        "created_at": datetime.fromtimestamp(at / 1000, UTC).isoformat(),
        "category": "Noise",
        "area": "Testville/North",
        "department": "Police",
        "channel": "phone",
        "text": text,
    }
