"""What only a PostgreSQL server does: it stops, is killed, turns people away, and many processes write to it."""

from __future__ import annotations

import signal
import subprocess
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from time import monotonic

import psycopg
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from tests.postgres import PASSWORD, Postgres
from tests.warning.engine.tickets import START, tick
from tests.warning.store.sql.processes import command, get, put
from tests.warning.store.sql.steps import appended
from warning.service.errors import BadInputError
from warning.service.ports import StoreBusyError
from warning.store.sql import postgres as module
from warning.store.sql import schema
from warning.store.sql.database import Database
from warning.store.sql.errors import StoreAwayError, StoreDamagedError, StoreUnwritableError, StoreVersionError
from warning.store.sql.tables import log
from warning.store.sql.tables import meta as meta_table


@pytest.fixture(name="database")
def _database(postgres_database: Database) -> Database:
    return postgres_database


@pytest.fixture(name="beside")
def _beside(postgres: Postgres, postgres_name: str) -> Iterator[Database]:
    """The same database, as another process has it."""
    beside = Database(postgres.url(postgres_name), PASSWORD)
    yield beside
    beside.close()


@contextmanager
def opened(postgres: Postgres, name: str, password: str = PASSWORD) -> Iterator[Database]:
    database = Database(postgres.url(name), password)
    try:
        yield database
    finally:
        database.close()


def test_a_stopped_server_is_told_of_and_found_again(postgres: Postgres, database: Database) -> None:
    """While the server is away reads and writes say so within seconds; when it is back the same object works."""
    put(database, "a", 1)
    postgres.stop()
    begun = monotonic()
    attempts: list[Callable[[], object]] = [lambda: get(database, "a"), lambda: put(database, "a", 2)]
    for attempt in attempts:
        with pytest.raises(StoreAwayError, match="refused") as error:
            attempt()
        assert isinstance(error.value, StoreBusyError)
        assert "连接被拒绝" in error.value.zh
    assert monotonic() - begun < 5
    assert database.refusal is not None
    postgres.start()
    assert get(database, "a") == "1"
    put(database, "a", 3)
    assert get(database, "a") == "3"
    assert not database.refusal


@pytest.mark.parametrize("end", [Postgres.stop, Postgres.kill])
def test_a_write_cut_off_is_not_there(postgres: Postgres, database: Database, end: Callable[[Postgres], None]) -> None:
    """A server that stops or is killed amid a write loses that one and no other."""
    put(database, "before", 1)
    with pytest.raises(StoreAwayError):
        _write_around(database, lambda: end(postgres))
    postgres.start()
    assert (get(database, "before"), get(database, "open"), get(database, "open too")) == ("1", None, None)
    put(database, "after", 1)


def _write_around(database: Database, what: Callable[[], None], *, again: bool = True) -> None:
    with database.write() as connection:
        connection.execute(meta_table.insert(), {"key": "open", "value": "1"})
        what()
        if again:
            connection.execute(meta_table.insert(), {"key": "open too", "value": "1"})


def test_a_commit_that_meets_no_server_says_so(postgres: Postgres, database: Database) -> None:
    """A server killed just before the end of a write makes the write fail, not pass."""
    with pytest.raises(StoreAwayError):
        _write_around(database, postgres.kill, again=False)
    postgres.start()
    assert get(database, "open") is None


def test_a_session_ended_by_others_is_replaced(postgres: Postgres, database: Database) -> None:
    """An idle connection that the server ended is not noticed by who asks next."""
    put(database, "a", 1)
    with postgres.root() as root:
        root.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name <> ''")
    assert get(database, "a") == "1"


def test_a_stopped_process_does_not_hold_up_the_others(database: Database) -> None:
    """A process that is stopped amid a write is broken off after a while: others write, and it learns of it."""
    code = """
from warning.store.sql import postgres
postgres._PAUSE_MS = 1_000
try:
    with database.write() as connection:
        meta.put(connection, "stopped", 1)
        print("inside", flush=True)
        sys.stdin.readline()
        meta.put(connection, "stopped too", 1)
except StoreUnwritableError as error:
    print(error)
put(database, "again", 1)
"""
    words = command(code, database)
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "inside\n"
        child.send_signal(signal.SIGSTOP)
        begun = monotonic()
        put(database, "others", 1)
        assert 0.5 < monotonic() - begun < 10
        child.send_signal(signal.SIGCONT)
        said, _ = child.communicate("\n", timeout=60)
    assert child.returncode == 0
    assert "idle-in-transaction" in said or "paused too long" in said
    assert [get(database, key) for key in ("stopped", "stopped too", "others", "again")] == [None, None, "1", "1"]


def test_who_waits_too_long_is_told_to_come_again(
    postgres: Postgres, postgres_name: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer that another process holds up gives up after a while, in both languages, and works later."""
    monkeypatch.setitem(module._SETTINGS, "lock_timeout", 200)
    with opened(postgres, postgres_name) as other:
        with database.write(), pytest.raises(StoreUnwritableError, match="another process is writing") as error:
            put(other, "a", 1)
        assert "其他进程正在写入" in error.value.zh
        put(other, "a", 2)
    assert get(database, "a") == "2"


def test_numbers_are_seen_in_the_order_given(database: Database, beside: Database) -> None:
    """However writers of several processes meet, a reader that saw a position never sees a smaller one appear."""
    stop, seen = threading.Event(), 0
    wrong: list[int] = []

    def write(place: Database) -> None:
        for number in range(40):
            appended(place, [tick(number, START)])

    def watch() -> None:
        nonlocal seen
        known: set[int] = set()
        while not stop.is_set() or seen < 80:
            with database.read() as connection:
                found = set(connection.execute(select(log.c.position)).scalars())
            wrong.extend(number for number in found - known if known and number < max(known))
            known, seen = found, len(found)

    watcher = threading.Thread(target=watch)
    watcher.start()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, (database, beside)))
    stop.set()
    watcher.join()
    assert (seen, wrong) == (80, [])


def test_writers_that_need_no_order_do_not_wait(database: Database, beside: Database) -> None:
    """A write that gives no numbers goes on beside one that does, in the same process and in another."""
    with database.write() as connection:
        connection.execute(meta_table.insert(), {"key": "a", "value": "1"})
        with ThreadPoolExecutor(1) as pool:
            for place in (database, beside):
                pool.submit(_write_beside, place).result(timeout=5)
    assert (get(database, "a"), get(database, "b")) == ("1", "2")


def _write_beside(database: Database) -> None:
    with database.write(alone=False) as connection:
        count = int(get(database, "b") or 0)
        connection.execute(text("DELETE FROM meta WHERE key = 'b'"))
        connection.execute(meta_table.insert(), {"key": "b", "value": str(count + 1)})


def test_many_may_migrate_at_once(postgres: Postgres) -> None:
    """Processes that start together on an empty database all find the tables made."""
    name = postgres.new_database(empty=True)
    try:
        with ExitStack() as stack, ThreadPoolExecutor(6) as pool:
            places = [stack.enter_context(opened(postgres, name)) for _ in range(6)]
            list(pool.map(Database.migrate, places))
            with places[0].read() as connection:
                assert schema.check(connection, "") == schema.head()
    finally:
        postgres.drop(name)


def test_tables_do_not_change_under_an_older_program(
    postgres: Postgres, postgres_name: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While processes of an older program are connected a newer one does not migrate; afterwards it does."""
    get(database, "a")
    known = schema.head()
    monkeypatch.setattr(schema, "head", lambda: "next")
    with opened(postgres, postgres_name) as newer:
        with pytest.raises(StoreVersionError, match=rf"schema {known}.*Stop the service first"):
            newer.migrate()
        database.close()
        newer.migrate()


def test_a_wrong_password_is_not_shown(postgres: Postgres, postgres_name: str) -> None:
    """Whoever is turned away reads why, in both languages, but no password, in the error or its trace."""
    with opened(postgres, postgres_name, "not it") as stranger:
        with pytest.raises(StoreAwayError, match="password authentication failed") as error:
            get(stranger, "a")
        said = "".join(traceback.format_exception(error.value)) + error.value.zh + stranger.where
    assert "密码不正确" in said
    assert "not it" not in said


def test_a_password_in_the_url_is_used_and_not_shown(postgres: Postgres, postgres_name: str) -> None:
    """A URL may bring the password, quoted as URLs want it."""
    url = f"postgresql://early_warning:a%20pass%3Aword%2Fof%20%40ours@127.0.0.1:{postgres.port}/{postgres_name}"
    database = Database(url)
    put(database, "a", 1)
    assert database.where == postgres.url(postgres_name)
    database.close()


def test_no_row_is_in_an_error(database: Database) -> None:
    """The server quotes the row that breaks a rule; what we pass on does not."""
    key = "Li-Lei".upper()  # the trace quotes this line
    put(database, key, 1)
    with pytest.raises(IntegrityError) as error, database.write() as connection:
        connection.execute(meta_table.insert(), {"key": key, "value": "1"})
    assert "duplicate key" in str(error.value)
    assert key not in "".join(traceback.format_exception(error.value))


@pytest.mark.parametrize(
    ("code", "kind", "sign"),
    [
        ("53100", StoreUnwritableError, "磁盘已满"),
        ("53300", StoreAwayError, "连接数已满"),
        ("25006", StoreUnwritableError, "只读"),
        ("40P01", StoreUnwritableError, "正在写入"),
        ("57014", StoreUnwritableError, "超时"),
        ("57P01", StoreAwayError, "停止或启动"),
        ("58030", StoreUnwritableError, "磁盘读写出错"),
    ],
)
def test_what_a_server_says_is_understood(
    database: Database, code: str, kind: type[StoreUnwritableError], sign: str
) -> None:
    """Each of the server's own troubles ends a write with its cause in Chinese, and nothing of it is stored."""
    with pytest.raises(StoreUnwritableError) as error:
        _write_and_be_told(database, code)
    assert type(error.value) is kind
    assert sign in error.value.zh
    assert get(database, "a") is None
    put(database, "a", 1)


def _write_and_be_told(database: Database, code: str) -> None:
    with database.write() as connection:
        connection.execute(meta_table.insert(), {"key": "a", "value": "1"})
        connection.exec_driver_sql(f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$")


def test_a_read_only_server_says_so_and_recovers(postgres: Postgres, postgres_name: str, database: Database) -> None:
    """A database that may only be read can be read, and refuses writes until it may be written again."""
    for only in ("on", "off"):
        with postgres.root() as root:
            root.execute(f"ALTER DATABASE {postgres_name} SET default_transaction_read_only = {only}")
        database.close()
        if only == "on":
            with pytest.raises(StoreUnwritableError, match="read-only"):
                put(database, "a", 1)
            assert get(database, "a") is None
    put(database, "a", 1)


def test_a_process_has_its_share_of_connections(
    postgres: Postgres, postgres_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond its share a process waits for itself, then says so; it does not take the server's connections."""
    monkeypatch.setattr(module, "_WAIT_SECONDS", 0.2)
    with opened(postgres, postgres_name) as database:
        with ExitStack() as stack:
            for _ in range(module._CONNECTIONS):
                stack.enter_context(database.read())
            with pytest.raises(StoreAwayError, match="all its connections"):
                get(database, "a")
        assert get(database, "a") is None


def test_a_server_that_is_full_says_so(postgres: Postgres, postgres_name: str) -> None:
    """A server that takes no more connections is told of, and found again when it does."""
    with opened(postgres, postgres_name) as database, postgres.root() as root:
        root.execute(f"ALTER DATABASE {postgres_name} CONNECTION LIMIT 0")
        with pytest.raises(StoreAwayError, match="too many connections") as error:
            get(database, "a")
        assert "连接数已满" in error.value.zh
        root.execute(f"ALTER DATABASE {postgres_name} CONNECTION LIMIT -1")
        assert get(database, "a") is None


def test_a_damaged_table_is_called_so(postgres: Postgres, postgres_name: str, database: Database) -> None:
    """A page that is no page is told of as damage, with what to do, when a process starts on it."""
    with postgres.root(postgres_name) as root:
        row = root.execute("SELECT pg_relation_filepath('alembic_version')").fetchone()
    assert row is not None
    postgres.stop()
    file = postgres.data / str(row[0])
    file.write_bytes(b"\xff" * len(file.read_bytes()))
    postgres.start()
    with pytest.raises(StoreDamagedError, match="Restore a backup") as error:
        database.migrate()
    assert "恢复备份" in error.value.zh


def test_a_database_that_cannot_hold_every_text_is_refused(postgres: Postgres) -> None:
    """A database of another encoding than UTF-8 is refused at once, not at the first name it cannot hold."""
    name = "latin"
    with postgres.root() as root:
        root.execute(f"CREATE DATABASE {name} OWNER early_warning TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    try:
        with opened(postgres, name) as database, pytest.raises(BadInputError, match="LATIN1") as error:
            database.migrate()
        assert "编码" in error.value.zh
    finally:
        postgres.drop(name)


def test_who_asks_is_named(postgres: Postgres, postgres_name: str, database: Database) -> None:
    """The server's list of sessions tells the program, and its version of the tables."""
    get(database, "a")
    with psycopg.connect(postgres.url(postgres_name), password=PASSWORD) as connection:
        row = connection.execute("SELECT max(application_name) FROM pg_stat_activity").fetchone()
    assert row == (f"early-warning/{schema.head()}",)
