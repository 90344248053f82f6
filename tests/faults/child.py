"""The program that :mod:`tests.faults.real` runs: ``serve`` as it is, with a clock and a store that a test can disturb.

Nothing of the service is replaced. Three seams are used: the clock it is given, its time limits (shorter, so that tests
are), and SQLite's own ``query_only``, which makes a running process meet the error of a read-only disk.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import click
import msgspec
from sqlalchemy import event

from warning.api.limits import Limits
from warning.bootstrap import serving
from warning.bootstrap.connections import PatientProtocol
from warning.bootstrap.logs import log_to_standard_error
from warning.runtime.clock import now_ms
from warning.settings import Settings
from warning.store.sql.database import Database


class Told(msgspec.Struct, kw_only=True):
    """What a test tells its service.

    clock : a file with the milliseconds by which the clock is wrong ("=" before them: where it stands still)
    read_only : a file that is there while the store is to be read-only
    patience : seconds that a slow client gets for its headers, its body, and to take what is sent to it
    """

    settings: dict[str, object]
    clock: str
    read_only: str
    patience: float | None = None


def main() -> None:
    """Serve until stopped, as ``early-warning serve`` does."""
    told = msgspec.json.decode(sys.argv[1], type=Told)
    log_to_standard_error()
    if told.patience is not None:
        serving.Limits = partial(Limits, body_seconds=told.patience)  # type: ignore[attr-defined, assignment]
        PatientProtocol.head_seconds = PatientProtocol.take_seconds = told.patience
    server = serving.Server(Settings.model_validate(told.settings), clock=_Clock(Path(told.clock)), ready=click.echo)
    _disturb(server.service.database, Path(told.read_only))
    sys.exit(0 if server.run_until_stopped() else 1)


class _Clock:
    def __init__(self, file: Path) -> None:
        self._file = file

    def __call__(self) -> int:
        said = self._file.read_text()
        return int(said[1:]) if said.startswith("=") else now_ms() + int(said)


def _disturb(database: Database, read_only: Path) -> None:
    """Let connections refuse to write while the file is there."""

    @event.listens_for(database.place.reading, "checkout")
    def told(connection: object, *_: object) -> None:
        connection.execute(f"PRAGMA query_only = {'ON' if read_only.exists() else 'OFF'}")  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
