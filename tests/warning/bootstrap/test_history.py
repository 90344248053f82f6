"""History: files that teach, refused rows, loads that are broken off, and uploads to a running service."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal

from tests.faults.live import RowClock, push, settings_of, start
from tests.warning.api.worlds import Caller
from tests.warning.engine.tickets import CITY, START, STEP, city, columns, tick
from tests.warning.runtime.embedded_loop import settled, until
from tests.warning.runtime.parts import Row as FileRow
from tests.warning.runtime.parts import part
from tests.warning.store.sql.test_retention import enforce
from warning.bootstrap.folder import open_database
from warning.bootstrap.history import HistoryLoad, LogTrimmedError, export_live_log, load_history
from warning.bootstrap.serving import build_app
from warning.domain.account import Role
from warning.domain.bucket import DAY_MS, HOUR_MS
from warning.domain.control import Control, ControlKind
from warning.domain.errors import InvalidInputError
from warning.intake.columns import TicketColumns
from warning.intake.normalise import Normalised
from warning.service.ports import Loaded
from warning.store.logfile import read_header, read_records
from warning.store.sql import meta
from warning.store.sql.database import Database
from warning.store.sql.dead_letters import SqlDeadLetters
from warning.store.sql.history import SqlHistory
from warning.store.sql.log import SqlLog
from warning.store.sql.snapshots import SqlSnapshots

NOW = START + 30 * DAY_MS
HEADER = "ticket_id,created_at,category,area_1\n"


def _csv(file: Path, days: Sequence[object]) -> Path:
    """Write a ticket at noon of each day of November 2023; what is no day stands as it is."""
    rows = [f"T{n},2023-11-{day:02}T12:00:00Z,Noise,{CITY}\n" if isinstance(day, int) else f"{day}\n"
            for n, day in enumerate(days)]  # fmt: skip
    file.write_text(HEADER + "".join(rows), encoding="utf-8")
    return file


def _load(folder: Path, *files: Path) -> Loaded:
    return load_history(files, mapping="canonical", settings=settings_of(folder), source="old", clock=lambda: NOW)


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture(name="database")
def _database(folder: Path) -> Iterator[Database]:
    database = open_database(folder)
    yield database
    database.close()


def _era(database: Database) -> int:
    with database.read() as connection:
        return meta.get_number(connection, meta.ERA)


def test_files_become_history_and_refused_rows_dead_letters(tmp_path: Path, folder: Path, database: Database) -> None:
    """What can be read is history up to the lateness before now; what cannot is filed, without its original."""
    bad = f"X,yesterday,Noise,{CITY}"
    first = _csv(tmp_path / "a.csv", [2, 1, bad, 3])
    loaded = _load(folder, first, _csv(tmp_path / "b.csv", [4, f"Y,2023-11-05T12:00:00Z,,{CITY}"]))
    assert (loaded.rows, loaded.newer, loaded.rejected) == (4, 0, {"bad_time": 1, "missing_required": 1})
    assert loaded.until == "2023-12-19T23:00:00+00:00"
    (load,) = SqlHistory(database).loads()
    assert (load.files, load.mapping, load.rows, load.rejected) == (("a.csv", "b.csv"), "canonical", 4, 2)
    letters = SqlDeadLetters(database)
    found = {letter.reject.source: letter for letter in letters.find().items}
    assert {name: (letter.source, letter.reject.row) for name, letter in found.items()} == {
        "a.csv": ("old", 4),
        "b.csv": ("old", 3),
    }
    at = found["a.csv"].at
    assert letters.original(found["a.csv"].id, reader="ann", at=at) is None
    assert _era(database) == 1


def test_what_is_not_older_than_the_live_log_is_left_out(folder: Path, database: Database) -> None:
    """Events from the lateness before now on are counted as newer, the row's later life too."""
    load = HistoryLoad(settings_of(folder), database, lambda: NOW)
    until = NOW - HOUR_MS
    rows = [FileRow(time=until - 1, resolved=(until - 1, until)), FileRow(time=until), FileRow(time=NOW)]
    loaded = load.run([part(rows)], files=("x",), mapping="m", source="old")
    assert (loaded.rows, loaded.newer) == (2, 3)
    assert [c.time.tolist() for c in SqlHistory(database).history_records()] == [[until - 1, until - 1]]


def test_a_load_that_is_broken_off_leaves_nothing(folder: Path, database: Database) -> None:
    """When reading fails in the middle what was stored is taken back, and no era begins."""

    def parts() -> Iterator[Normalised]:
        yield part([FileRow(time=START)])
        raise InvalidInputError("b.csv", "has no column created_at", "Check the mapping.")

    load = HistoryLoad(settings_of(folder), database, lambda: NOW)
    with pytest.raises(InvalidInputError):
        load.run(parts(), files=("a.csv", "b.csv"), mapping="m", source="old")
    assert SqlHistory(database).loads() == []
    assert list(SqlHistory(database).history_records()) == []
    assert _era(database) == 0


def test_a_load_that_was_killed_does_not_count(folder: Path, database: Database) -> None:
    """What a process that died in the middle has left is no history, whatever is loaded later."""
    half = HistoryLoad(settings_of(folder), database, lambda: NOW)
    with database.write() as connection:
        from warning.store.sql.history import Load

        lost = half._history.begin_load(connection, Load(files=("x",), mapping="m", loaded_at=half._now))
        half._history.add(connection, lost, columns(city(1.0)))
    assert list(SqlHistory(database).history_records()) == []
    HistoryLoad(settings_of(folder), database, lambda: NOW).run(
        [part([FileRow(time=START)])], files=("y",), mapping="m", source="old"
    )
    assert [len(day) for day in SqlHistory(database).history_records()] == [1]


@pytest.mark.parametrize("days", [[], ["X,yesterday,Noise,Testville"]], ids=["empty", "refused"])
def test_a_load_of_nothing_begins_no_era(tmp_path: Path, folder: Path, database: Database, days: list[object]) -> None:
    """A file without a row that could be read changes nothing about the service: its alerts go on."""
    assert _load(folder, _csv(tmp_path / "a.csv", days)).rows == 0
    assert (_era(database), SqlHistory(database).loads()) == (0, [])


def test_a_log_without_its_beginning_takes_no_history(folder: Path, database: Database) -> None:
    """Once retention has trimmed the log a load is refused with what would be lost; a forced one says the gap."""
    ticks = [tick(START // STEP + number, START) for number in range(10)]
    with database.write() as connection:
        positions = SqlLog(database).append(connection, ticks, START)
        SqlSnapshots(database).save(connection, positions[3], 0, b"", 0)
    parts = [part([FileRow(time=START - DAY_MS)])]

    def run(*, force: bool) -> Loaded:
        load = HistoryLoad(settings_of(folder), database, lambda: NOW, force=force)
        return load.run(parts, files=("x",), mapping="m", source="old")

    assert run(force=False).gap is None
    assert enforce(database, log=datetime.fromtimestamp(NOW / 1000, UTC)) == {"log": 4}
    begins = datetime.fromtimestamp(ticks[4].watermark / 1000, UTC).isoformat()
    with pytest.raises(LogTrimmedError, match="--force") as refused:
        run(force=False)
    assert begins in str(refused.value)
    assert begins in refused.value.zh
    assert (_era(database), len(SqlHistory(database).loads())) == (1, 1)
    loaded = run(force=True)
    assert (loaded.rows, loaded.gap, _era(database)) == (1, begins, 2)


def test_the_exported_log_has_history_first(tmp_path: Path, folder: Path) -> None:
    """The log of a data folder begins with its history, muted, and goes on with what came in live, in order."""
    rows = [replace(row, time=row.time + 10 * DAY_MS) for row in city(0.5)]
    clock = RowClock(rows[0].time)
    service = start(folder, clock)
    assert push(service, clock, rows) == len(rows)
    until(lambda: settled(service))
    service.stop()
    _load(folder, _csv(tmp_path / "a.csv", [20, 21]))
    written = export_live_log(settings_of(folder), tmp_path / "out.log")
    header = read_header(tmp_path / "out.log")
    records = [record for record, _ in read_records(tmp_path / "out.log")]
    assert (header.jurisdiction, header.zone, header.mapping, header.inputs) == (CITY, "UTC", "live", [])
    assert len(records) == written
    assert isinstance(records[0], Control)
    assert records[0].kind is ControlKind.HISTORY
    batches = [record for record in records if isinstance(record, TicketColumns)]
    assert [batch.source for batch in batches] == ["old", "old", "desk"]
    assert sum(len(batch) for batch in batches) == 2 + len(rows)


# --- over HTTP --------------------------------------------------------------------------------------------------------


def test_a_file_sent_to_a_running_service_is_taken_over(tmp_path: Path, folder: Path) -> None:
    """An admin sends a file, is told what it brought, and finds it in the list; the service goes on with it."""
    clock = RowClock(NOW)
    service = start(folder, clock)
    until(lambda: settled(service))
    admin = service.services.accounts.create_user("ann", Role.ADMIN)
    signed_in = service.services.accounts.sign_in("ann", admin.password)
    headers = {"Cookie": f"ew_session={signed_in.token}", "X-CSRF-Token": signed_in.csrf, "Content-Type": "text/csv"}
    body = _csv(tmp_path / "a.csv", [1, 2, 3]).read_bytes()
    with start_blocking_portal() as portal:
        caller = Caller(build_app(service), portal, headers)
        path = "/api/v1/history?mapping=canonical&source=old"
        sent = caller.post(path, content=body)
        assert (sent.status_code, sent.json()["rows"]) == (200, 3), sent.text
        wrong = caller.post(path, content=b"")
        assert (wrong.status_code, wrong.json()["detail_en"].split(".")[0]) == (422, "body: the file is empty")
        assert str(folder) not in wrong.text
        listed = caller.get("/api/v1/history").json()
    assert [(one["rows"], one["mapping"], one["until"]) for one in listed] == [(3, "canonical", sent.json()["until"])]
    until(lambda: service.runtime.state.latest_snapshot(1) is not None and settled(service))
    assert list((folder / "uploads").iterdir()) == []
    service.stop()


def test_uploads_are_private_and_do_not_stay(folder: Path) -> None:
    """An upload is for its owner only and gone after use; what a killed process left goes at the next start."""
    service = start(folder, RowClock(NOW))
    with service.services.history.place(".csv") as file:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        left = file.with_name("history-0000.csv")
        left.write_bytes(b"personal")
    assert not file.exists()
    service.stop()
    start(folder, RowClock(NOW)).stop()
    assert not left.exists()


def test_an_ndjson_upload_is_read_by_its_name(folder: Path) -> None:
    """The format of the place decides how the file is read."""
    service = start(folder, RowClock(NOW))
    with service.services.history.place(".ndjson") as file:
        row = {"ticket_id": "A", "created_at": "2023-11-01T12:00:00Z", "category": "Noise", "area_1": CITY}
        file.write_text(json.dumps(row) + "\n", encoding="utf-8")
        assert service.services.history.load(file, mapping="canonical", source="", force=False).rows == 1
    (load,) = service.services.history.loads()
    assert load.files == (file.name,)
    assert load.until is not None
    service.stop()
