"""Backups of SQLite: one consistent file while others write, without quarantine, and the way back."""

from __future__ import annotations

import sqlite3
import stat
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tests.warning import samples
from tests.warning.disks import CRAMPED, Cramp
from tests.warning.service.alerts import NOW
from tests.warning.store.sql.processes import run
from tests.warning.store.sql.steps import said
from warning.domain.account import Role
from warning.service.errors import BadInputError, UnwritableOutputError
from warning.service.ports import Session, User
from warning.store.sql import meta
from warning.store.sql.accounts import SqlAccounts
from warning.store.sql.alerts import SqlAlerts
from warning.store.sql.backup import back_up, restore
from warning.store.sql.database import Database
from warning.store.sql.dead_letters import Refused, SqlDeadLetters
from warning.store.sql.errors import StoreInUseError, StoreVersionError


@pytest.fixture(name="database")
def _database(sqlite: Database) -> Database:
    """A backup of SQLite is a file like the database; that of PostgreSQL is tested in test_postgres_backup.py."""
    return sqlite


SECRET = b"Li Lei, telephone 13800138000"


def put(database: Database, **values: int) -> None:
    with database.write() as connection:
        for key, value in values.items():
            meta.put(connection, key, value)


def get(path: Path, key: str) -> int:
    database = Database(path)
    with database.read() as connection:
        value = meta.get_number(connection, key)
    database.close()
    return value


def quarantined(database: Database) -> None:
    item = Refused(source="desk", ticket_id="T1", reject=samples.reject(), original=SECRET * 50)
    with database.write() as connection:
        SqlDeadLetters(database).add(connection, [item], NOW, NOW)


def test_there_and_back(database: Database, tmp_path: Path) -> None:
    """A restored backup has the alerts, and works as a database that one can go on with."""
    said(database, alerts=[samples.alert()])
    out = tmp_path / "new" / "out.db"
    back_up(database.path, out)
    place = tmp_path / "other" / "test.db"
    assert restore(out, place) is None
    again = Database(place)
    again.migrate()
    again.claim()
    view = SqlAlerts(again).get(samples.alert().id)
    assert view is not None
    assert view.alert == samples.alert()
    said(again, alerts=[samples.alert("next")])
    again.close()


def test_a_backup_is_one_private_file(database: Database, tmp_path: Path) -> None:
    """A backup is a single file that only its owner reads, and looking at it adds none."""
    folder = tmp_path / "out"
    back_up(database.path, folder / "out.db")
    restore(folder / "out.db", tmp_path / "other.db")
    assert [path.name for path in folder.iterdir()] == ["out.db"]
    assert stat.S_IMODE((folder / "out.db").stat().st_mode) == 0o600


def test_nobody_gets_in_by_a_backup(database: Database, tmp_path: Path) -> None:
    """No session and no sign-in link is in a backup; users and keys are, and the database still has all."""
    accounts = SqlAccounts(database)
    accounts.save_user(User(name="wang", role=Role.ADMIN, password_hash="x", active=True, created_at=NOW))
    accounts.save_session(Session(token_hash="h1h1h1", user="wang", csrf="c", created_at=NOW, expires_at=NOW))
    accounts.save_one_time_token("h2h2h2", "wang", NOW + timedelta(hours=1))
    back_up(database.path, tmp_path / "out.db")
    assert not any(secret in (tmp_path / "out.db").read_bytes() for secret in (b"h1h1h1", b"h2h2h2"))
    copy = Database(tmp_path / "out.db")
    assert (SqlAccounts(copy).session("h1h1h1"), SqlAccounts(copy).take_one_time_token("h2h2h2", NOW)) == (None, None)
    assert SqlAccounts(copy).user("wang") == accounts.user("wang") is not None
    copy.close()
    assert accounts.session("h1h1h1") is not None
    assert accounts.take_one_time_token("h2h2h2", NOW) == "wang"


def test_quarantine_stays_at_home(database: Database, tmp_path: Path) -> None:
    """No byte of a refused item's original is in a backup; its letter is, and the database still has both."""
    quarantined(database)
    back_up(database.path, tmp_path / "out.db")
    assert SECRET not in (tmp_path / "out.db").read_bytes()
    with closing(sqlite3.connect(tmp_path / "out.db")) as connection:
        assert connection.execute("SELECT count(*) FROM dead_letters").fetchone() == (1,)
    assert SqlDeadLetters(database).original(1, reader="admin", at=NOW.replace(year=2000)) == SECRET * 50


def test_a_backup_while_others_write(database: Database, tmp_path: Path) -> None:
    """A backup taken during writes is one state of the database, and writing goes on meanwhile."""
    said(database, points=samples.course(2000))
    stop, written = threading.Event(), [0]

    def write() -> None:
        while not stop.is_set():
            put(database, a=written[0], b=written[0])
            written[0] += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            back_up(database.path, tmp_path / f"{number}.db")
    finally:
        stop.set()
        writer.join()
    states = [(get(tmp_path / f"{n}.db", "a"), get(tmp_path / f"{n}.db", "b")) for n in range(3)]
    assert all(a == b for a, b in states)
    assert written[0] > states[-1][0] >= states[0][0]


def test_a_database_in_place_is_not_replaced(database: Database, tmp_path: Path) -> None:
    """Where a database is, a restore is refused; forced, it keeps the old one beside the new."""
    put(database, n=1)
    back_up(database.path, tmp_path / "out.db")
    put(database, n=2)
    with pytest.raises(UnwritableOutputError, match="--force"):
        restore(tmp_path / "out.db", database.path)
    database.close()
    asides = [restore(tmp_path / "out.db", database.path, force=True) for _ in range(2)]
    assert get(database.path, "n") == 1
    assert [get(aside, "n") for aside in asides if aside] == [2, 1]


def test_a_running_service_is_not_pulled_from_under(database: Database, tmp_path: Path) -> None:
    """A database that a service runs on is not replaced, forced or not, and keeps what it has."""
    back_up(database.path, tmp_path / "out.db")
    put(database, n=2)
    database.claim()
    with pytest.raises(StoreInUseError):
        restore(tmp_path / "out.db", database.path, force=True)
    assert get(database.path, "n") == 2


def test_what_was_written_but_not_checkpointed_is_kept_aside(database: Database, tmp_path: Path) -> None:
    """A database whose writer was killed is put aside with all that was committed."""
    back_up(database.path, tmp_path / "out.db")
    database.close()
    run('put(database, "n", 7); os.kill(os.getpid(), signal.SIGKILL)', database.path)
    aside = restore(tmp_path / "out.db", database.path, force=True)
    assert aside is not None
    assert (get(aside, "n"), get(database.path, "n")) == (7, 0)


def test_damaged_or_foreign_files_are_refused(database: Database, tmp_path: Path) -> None:
    """A file cut off, no database, of another program or of a newer one is refused, and nothing is placed."""
    said(database, points=samples.course(500))
    good, place = tmp_path / "good.db", tmp_path / "place.db"
    back_up(database.path, good)
    whole = good.read_bytes()
    (tmp_path / "cut.db").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.db").write_text("not a database" * 999)
    (tmp_path / "empty.db").touch()
    with closing(sqlite3.connect(tmp_path / "foreign.db")) as connection:
        connection.execute("CREATE TABLE photos (id INTEGER)")
    for name in ("cut", "text", "empty", "foreign", "missing"):
        with pytest.raises(BadInputError):
            restore(tmp_path / f"{name}.db", place)
    with closing(sqlite3.connect(good, isolation_level=None)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreVersionError, match="newer"):
        restore(good, place)
    assert not place.exists()


def test_there_must_be_a_database(tmp_path: Path) -> None:
    """Backing up what is not there is an error, and makes nothing."""
    with pytest.raises(BadInputError, match="does not exist"):
        back_up(tmp_path / "none.db", tmp_path / "out.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cramp", CRAMPED)
def test_a_full_disk_leaves_no_half_backup(database: Database, tmp_path: Path, cramp: Cramp) -> None:
    """A backup that does not fit is refused; an older one stays as it was, and nothing half-written lies about."""
    said(database, points=samples.course(8000))
    code = """
from warning.service.errors import UnwritableOutputError
from warning.store.sql.backup import back_up
try:
    back_up(database.path, Path(sys.argv[2]))
except UnwritableOutputError as error:
    print("refused", error)
"""
    with cramp(tmp_path) as (place, before):
        out = place / "out.db"
        out.write_bytes(b"older")
        done = run(code, database.path, out, before=before)
        assert out.read_bytes() == b"older"
        assert [path.name for path in place.iterdir() if path.name.startswith(".out.db")] == []
    assert "refused" in done.stdout, done.stderr
