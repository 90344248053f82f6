"""Code run by a process of its own, on the test's database."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from warning.store.sql import meta
from warning.store.sql.database import Database
from warning.store.sql.postgres import PostgresPlace

PRELUDE = """
import os, signal, sys, time
from pathlib import Path
from warning.store.sql import meta
from warning.store.sql.database import Database
from warning.store.sql.errors import StoreUnwritableError

def put(database, key, value):
    with database.write() as connection:
        meta.put(connection, key, value)

def get(database, key):
    with database.read() as connection:
        return meta.get(connection, key)

database = Database(sys.argv[1])
"""


def command(code: str, place: Database | Path, *arguments: object, before: str = "") -> list[str]:
    """Return the command of a process that has a database."""
    return [sys.executable, "-c", before + PRELUDE + code, address(place), *map(str, arguments)]


def run(code: str, place: Database | Path, *arguments: object, before: str = "") -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own that has a database."""
    words = command(code, place, *arguments, before=before)
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)


def address(place: Database | Path) -> str:
    """Return what another process opens the same database by; a URL holds the password."""
    if isinstance(place, Path):
        return str(place)
    if isinstance(place.place, PostgresPlace):
        return place.place.url.set(drivername="postgresql").render_as_string(hide_password=False)
    return str(place.path)


def put(database: Database, key: str, value: str | int) -> None:
    with database.write() as connection:
        meta.put(connection, key, value)


def get(database: Database, key: str) -> str | None:
    with database.read() as connection:
        return meta.get(connection, key)
