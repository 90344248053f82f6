"""A PostgreSQL server whose disk fills up: a table on a tiny one, where the test may mount it."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from tests.postgres import Postgres
from tests.warning.disks import CRAMPED, tiny_disk
from tests.warning.store.sql.processes import get, put
from warning.store.sql.database import Database
from warning.store.sql.errors import StoreUnwritableError

if tiny_disk in CRAMPED:

    def test_a_full_disk_is_told_of_and_loses_nothing(postgres: Postgres, postgres_database: Database) -> None:
        """A write that does not fit fails whole, with its cause; what was stored stays, and what fits is stored."""
        database, name = postgres_database, postgres_database.where.rsplit("/", 1)[1]
        put(database, "before", 1)
        with tiny_disk(postgres.folder) as (place, _):
            try:
                _move_to(postgres, name, place)
                with pytest.raises(StoreUnwritableError, match="disk is full") as error:
                    put(database, "large", random.Random(1).randbytes(2_000_000).hex())
                assert "磁盘已满" in error.value.zh
                assert (get(database, "before"), get(database, "large")) == ("1", None)
                put(database, "small", 1)
            finally:
                with postgres.root(name) as root:
                    root.execute("ALTER TABLE meta SET TABLESPACE pg_default")
                    root.execute("DROP TABLESPACE tiny")
        (postgres.folder / "disk").rmdir()
        assert get(database, "small") == "1"

    def _move_to(postgres: Postgres, name: str, place: Path) -> None:
        shutil.chown(place, "postgres")
        with postgres.root(name) as root:
            root.execute(f"CREATE TABLESPACE tiny LOCATION '{place}'")
            root.execute("ALTER TABLE meta SET TABLESPACE tiny")
