"""Backups of PostgreSQL: one file while others write, without what is secret, and the way back into an empty one."""

from __future__ import annotations

import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import inspect

from tests.postgres import PASSWORD, Postgres, binaries
from tests.warning import samples
from tests.warning.disks import CRAMPED, Cramp
from tests.warning.service.alerts import NOW
from tests.warning.store.sql.processes import get, put, run
from tests.warning.store.sql.steps import said
from warning.domain.account import Role
from warning.service.errors import BadInputError, UnwritableOutputError
from warning.service.ports import Session, User
from warning.store.sql import backup as sqlite_backup
from warning.store.sql import meta, postgres_programs
from warning.store.sql.accounts import SqlAccounts
from warning.store.sql.alerts import SqlAlerts
from warning.store.sql.database import Database
from warning.store.sql.dead_letters import Refused, SqlDeadLetters
from warning.store.sql.errors import StoreAwayError, StoreDamagedError, StoreVersionError
from warning.store.sql.postgres_backup import back_up, restore

SECRET = "Li Lei, telephone 13800138000"
Fresh = Callable[..., Database]


@pytest.fixture(name="database")
def _database(postgres_database: Database) -> Database:
    return postgres_database


@pytest.fixture(name="fresh")
def _fresh(postgres: Postgres) -> Iterator[Fresh]:
    """Make databases to restore into, with or without the tables."""
    made: list[tuple[str, Database]] = []

    def fresh(*, empty: bool = True) -> Database:
        name = postgres.new_database(empty=empty)
        made.append((name, Database(postgres.url(name), PASSWORD)))
        return made[-1][1]

    yield fresh
    for name, database in made:
        database.close()
        postgres.drop(name)


def contents(file: Path) -> str:
    """All that is in a backup, as a script."""
    folder = binaries()
    assert folder is not None
    return subprocess.run([folder / "pg_restore", "--file=-", file], check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("empty", [True, False], ids=["nothing", "tables without rows"])
def test_there_and_back(database: Database, fresh: Fresh, tmp_path: Path, empty: bool) -> None:
    """A restored backup has the alerts, and works as a database that one can go on with: no number is given twice."""
    position = said(database, alerts=[samples.alert()])
    out = tmp_path / "new" / "out.dump"
    back_up(database, out)
    again = fresh(empty=empty)
    restore(out, again)
    again.migrate()
    view = SqlAlerts(again).get(samples.alert().id)
    assert view is not None
    assert view.alert == samples.alert()
    newest = SqlAlerts(again).feed_bounds()[1]
    assert said(again, alerts=[samples.alert("next")]) > position
    assert SqlAlerts(again).feed_bounds()[1] > newest


def test_a_backup_is_one_private_file(database: Database, tmp_path: Path) -> None:
    """A backup is a single file that only its owner reads."""
    back_up(database, tmp_path / "out" / "out.dump")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["out.dump"]
    assert stat.S_IMODE((tmp_path / "out" / "out.dump").stat().st_mode) == 0o600


def test_what_is_secret_stays_at_home(database: Database, tmp_path: Path) -> None:
    """No original, session or sign-in link is in a backup; letters and users are, and the database still has all."""
    accounts = SqlAccounts(database)
    accounts.save_user(User(name="wang", role=Role.ADMIN, password_hash="x", active=True, created_at=NOW))
    accounts.save_session(Session(token_hash="h1h1h1", user="wang", csrf="c", created_at=NOW, expires_at=NOW))
    accounts.save_one_time_token("h2h2h2", "wang", NOW + timedelta(hours=1))
    item = Refused(source="desk", ticket_id="T1", reject=samples.reject(), original=SECRET.encode())
    with database.write() as connection:
        (letter,) = SqlDeadLetters(database).add(connection, [item], NOW, NOW + timedelta(hours=1))
    back_up(database, tmp_path / "out.dump")
    script = contents(tmp_path / "out.dump")
    assert not any(secret in script for secret in ("h1h1h1", "h2h2h2", SECRET, SECRET.encode().hex()))
    assert "wang\tadmin" in script
    assert f"{samples.reject().reason.value}\t\\\\x" in script
    assert accounts.session("h1h1h1") is not None
    assert SqlDeadLetters(database).original(letter, reader="admin", at=NOW) == SECRET.encode()


def test_a_backup_while_others_write(database: Database, fresh: Fresh, tmp_path: Path) -> None:
    """A backup taken during writes is one state of the database, and writing goes on meanwhile."""
    stop, written = threading.Event(), [0]

    def write() -> None:
        while not stop.is_set():
            with database.write() as connection:
                meta.put(connection, "a", written[0])
                meta.put(connection, "z", written[0])
            written[0] += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        back_up(database, tmp_path / "out.dump")
    finally:
        stop.set()
        writer.join()
    copy = fresh()
    restore(tmp_path / "out.dump", copy)
    kept = get(copy, "a")
    assert kept is not None
    assert kept == get(copy, "z")
    assert written[0] > int(kept)


def test_rows_are_not_replaced(database: Database, tmp_path: Path) -> None:
    """A restore over a database with rows is refused in both languages, naming them, and changes nothing."""
    put(database, "n", 1)
    back_up(database, tmp_path / "out.dump")
    put(database, "n", 2)
    with pytest.raises(UnwritableOutputError, match=r"has rows already \(meta\)") as error:
        restore(tmp_path / "out.dump", database)
    assert "已有数据" in error.value.zh
    assert get(database, "n") == "2"


@pytest.mark.parametrize("harm", ["cut", "changed", "one bit", "longer", "text", "empty", "missing", "sqlite"])
def test_damaged_files_are_refused(database: Database, fresh: Fresh, tmp_path: Path, harm: str) -> None:
    """A file cut off, changed, or of something else is refused before anything is done."""
    said(database, points=samples.course(500))
    back_up(database, tmp_path / "good.dump")
    whole, bad = (tmp_path / "good.dump").read_bytes(), tmp_path / "bad.dump"
    middle = len(whole) // 2
    if harm == "sqlite":
        other = Database(tmp_path / "a.db")
        other.migrate()
        other.close()
        sqlite_backup.back_up(tmp_path / "a.db", bad)
    elif harm != "missing":
        flipped = whole[:middle] + bytes(byte ^ 255 for byte in whole[middle : middle + 64]) + whole[middle + 64 :]
        one_bit = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
        harmed = {"cut": whole[:middle], "changed": flipped, "one bit": one_bit, "longer": whole + b"\n"}
        bad.write_bytes((harmed | {"text": b"no dump" * 999, "empty": b""})[harm])
    target = fresh(empty=False)
    with pytest.raises(BadInputError):
        restore(bad, target)
    assert get(target, "n") is None


def test_backups_of_other_programs_are_refused(
    postgres: Postgres, database: Database, fresh: Fresh, tmp_path: Path
) -> None:
    """A backup of a newer program, or of another one, is refused, and so is a database of another to restore into."""
    back_up(database, tmp_path / "ours.dump")
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    foreign, folder = fresh(), binaries()
    assert folder is not None
    with foreign.write() as connection:
        connection.exec_driver_sql("CREATE TABLE photos (id INTEGER)")
    for name, place in (("newer", database), ("foreign", foreign)):
        command = [str(folder / "pg_dump"), "--format=custom", f"--file={tmp_path / name}", f"--dbname={place.where}"]
        subprocess.run(command, check=True, env={"PGPASSWORD": PASSWORD})
    for name, problem in (("newer", "newer version"), ("foreign", "not a database of this program")):
        with pytest.raises(StoreVersionError, match=problem):
            restore(tmp_path / name, fresh())
    with pytest.raises(StoreVersionError, match="not a database of this program"):
        restore(tmp_path / "ours.dump", foreign)
    with pytest.raises(StoreVersionError, match="not a database of this program"):
        back_up(fresh(), tmp_path / "none.dump")
    assert not (tmp_path / "none.dump").exists()


def test_a_restore_that_fails_half_way_leaves_nothing(
    postgres: Postgres, database: Database, fresh: Fresh, tmp_path: Path
) -> None:
    """If the server refuses a part of a backup nothing of it is there, and it can be restored later."""
    said(database, alerts=[samples.alert()], points=samples.course(500))
    back_up(database, tmp_path / "out.dump")
    target = fresh()
    name = target.where.rsplit("/", 1)[1]
    with postgres.root(name) as root:
        no = "LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no index today'; END $$"
        root.execute(f"CREATE FUNCTION refuse() RETURNS event_trigger {no}")
        root.execute(
            "CREATE EVENT TRIGGER no ON ddl_command_start WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION refuse()"
        )
    with pytest.raises(UnwritableOutputError, match="no index today"):
        restore(tmp_path / "out.dump", target)
    with postgres.root(name) as root:
        root.execute("DROP EVENT TRIGGER no")
    with target.read() as connection:
        assert inspect(connection).get_table_names() == []
    restore(tmp_path / "out.dump", target)
    assert SqlAlerts(target).feed_bounds() == (1, 1)


def test_a_server_that_is_away(postgres: Postgres, database: Database, tmp_path: Path) -> None:
    """Without a server there is no backup and no file, and the error says so."""
    postgres.stop()
    with pytest.raises(StoreAwayError, match="refused"):
        back_up(database, tmp_path / "out.dump")
    postgres.start()
    assert list(tmp_path.iterdir()) == []


def test_without_the_programs(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PostgreSQL's programs are not installed the error names the package."""
    monkeypatch.setattr(postgres_programs, "_FOLDERS", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadInputError, match="postgresql-client"):
        back_up(database, tmp_path / "out.dump")


@pytest.mark.parametrize("cramp", CRAMPED)
def test_a_full_disk_leaves_no_half_backup(database: Database, tmp_path: Path, cramp: Cramp) -> None:
    """A backup that does not fit is refused; an older one stays as it was, and nothing half-written lies about."""
    with database.write() as connection:
        for number in range(40):
            fill = "INSERT INTO meta SELECT %s, string_agg(md5(random()::text), '') FROM generate_series(1, 3000)"
            connection.exec_driver_sql(fill, (str(number),))
    code = """
from warning.service.errors import UnwritableOutputError
from warning.store.sql.postgres_backup import back_up
try:
    back_up(database, Path(sys.argv[2]))
except UnwritableOutputError as error:
    print("refused", error)
"""
    with cramp(tmp_path) as (place, before):
        out = place / "out.dump"
        out.write_bytes(b"older")
        done = run(code, database, out, before=before)
        assert out.read_bytes() == b"older"
        assert [path.name for path in place.iterdir() if path.name.startswith(".out")] == []
    assert "refused" in done.stdout, done.stderr


def test_a_damaged_backup_is_called_so(tmp_path: Path, database: Database) -> None:
    """What is no backup is told apart from what is a backup of something else."""
    (tmp_path / "text").write_text("no dump" * 999)
    with pytest.raises(StoreDamagedError) as error:
        restore(tmp_path / "text", database)
    assert "损坏" in error.value.zh
