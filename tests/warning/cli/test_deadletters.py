"""``early-warning deadletters`` on a data folder, with or without a service on it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from warning.bootstrap.accounts import wall_now
from warning.bootstrap.folder import open_database
from warning.cli import main
from warning.cli.app import Exit
from warning.domain.reject import Reject, RejectReason
from warning.store.sql.dead_letters import Refused, SqlDeadLetters
from warning.store.sql.tables import quarantine_reads

ORIGINAL = b'{"ticket_id": "A-2", "text": "call 13812345678"}'


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with two letters: one whose original is kept, one whose time is over."""
    database = open_database(tmp_path)
    at = wall_now()
    with database.write() as connection:
        SqlDeadLetters(database).add(connection, [_refused("desk", ORIGINAL)], at, at + timedelta(hours=1))
        old = datetime(2026, 1, 1, tzinfo=UTC)
        SqlDeadLetters(database).add(connection, [_refused("app", b"{}")], old, old)
    database.close()
    return tmp_path


def _refused(source: str, original: bytes) -> Refused:
    reject = Reject(
        source=source,
        row=1,
        field="created_at",
        reason=RejectReason.BAD_TIME,
        advice_zh="请改正。",
        advice_en="Correct it.",
        value="[phone]",
    )
    return Refused(source=source, ticket_id="", reject=reject, original=original)


def run(*arguments: object) -> tuple[int, str]:
    """Run a command; returns its exit code and output."""
    done = CliRunner().invoke(main, ["deadletters", *map(str, arguments)])
    return done.exit_code, done.output


def test_letters_are_listed_and_filtered(data: Path) -> None:
    """The newest comes first; source and reason leave the others out; a page says how to go on."""
    assert [line.split()[0] for line in run("list", "--data", data)[1].splitlines()] == ["2", "1"]
    code, output = run("list", "--data", data, "--source", "desk", "--json")
    assert code == Exit.OK
    assert [item["source"] for item in json.loads(output)["items"]] == ["desk"]
    assert json.loads(run("list", "--data", data, "--reason", "bad_area", "--json")[1])["items"] == []
    cursor = json.loads(run("list", "--data", data, "--limit", 1, "--json")[1])["next_cursor"]
    assert json.loads(run("list", "--data", data, "--cursor", cursor, "--json")[1])["items"][0]["id"] == 1


def test_a_letter_is_shown_without_its_original(data: Path) -> None:
    """Reason and advice are shown in both languages, what was sent is not."""
    code, output = run("show", 1, "--data", data)
    assert code == Exit.OK
    assert "请改正。" in output
    assert "Correct it." in output
    assert "13812345678" not in output + run("show", 1, "--data", data, "--json")[1]


def test_reading_an_original_is_written_down(data: Path) -> None:
    """The original is printed to the byte, and who read it is on record; one whose time is over is refused."""
    assert run("show", 1, "--data", data, "--original") == (Exit.OK, ORIGINAL.decode())
    database = open_database(data)
    with database.read() as connection:
        reads = connection.execute(select(quarantine_reads.c.letter_id, quarantine_reads.c.reader)).all()
    database.close()
    assert [tuple(row) for row in reads] == [(1, "command-line")]
    code, output = run("show", 2, "--data", data, "--original")
    assert code == Exit.BAD_INPUT
    assert "no longer kept" in output


def test_what_is_not_there_is_said(data: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """An id that there is not, and a folder without a database, end with a sentence."""
    code, output = run("show", 99, "--data", data)
    assert (code, "死信" in output) == (Exit.USAGE, True)
    code, output = run("list", "--data", tmp_path_factory.mktemp("empty"))
    assert (code, "holds no database" in output) == (Exit.BAD_INPUT, True)


def test_on_one_machine_the_service_replays(data: Path) -> None:
    """Without a cluster the command says where refused items are sent again."""
    code, output = run("replay", 1)
    assert code == Exit.BAD_INPUT
    assert "/api/v1/rejections/replay" in output
