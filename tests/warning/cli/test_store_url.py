"""The commands beside the service on a cluster's PostgreSQL, named by the setting store.url."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import PASSWORD, Postgres
from tests.warning.cli.conftest import Run
from warning.bootstrap.accounts import DATABASE
from warning.bootstrap.folder import open_store, store_of
from warning.bootstrap.history import load_history
from warning.bootstrap.live import build_live
from warning.service.errors import BadInputError
from warning.settings import load_settings
from warning.store.sql.history import SqlHistory


def settings_file(folder: Path, postgres: Postgres, name: str) -> Path:
    path = folder / f"{name}.yaml"
    store = f"{{url: '{postgres.url(name)}', password_file: {postgres.password_file}}}"
    path.write_text(f"service: {{data: {folder / 'data'}}}\nstore: {store}\n")
    return path


@pytest.fixture(name="settings")
def _settings(postgres: Postgres, postgres_name: str, tmp_path: Path) -> Path:
    return settings_file(tmp_path, postgres, postgres_name)


@pytest.fixture(name="other")
def _other(postgres: Postgres, tmp_path: Path) -> Iterator[Path]:
    """The settings of an empty database."""
    name = postgres.new_database(empty=True)
    yield settings_file(tmp_path, postgres, name)
    postgres.drop(name)


def lines(run: Run, *words: object) -> list[str]:
    done = run(*words)
    assert done.exit_code == 0, done.output
    return str(done.stdout).splitlines()


def test_accounts_and_plans(run: Run, settings: Path, tmp_path: Path) -> None:
    """Users, keys and plans of one command are there for the next; no data folder is made."""
    there = ("--settings", settings)
    lines(run, "users", "add", "wang", "--role", "admin", *there)
    lines(run, "keys", "add", "hotline", "--mapping", "canonical", *there)
    times = ("--from", "2030-05-03T06:00", "--to", "2030-05-04T00:00")
    (plan,) = lines(run, "plans", "add", "Fair", *times, *there)
    assert [user["name"] for user in json.loads("".join(lines(run, "users", "list", "--json", *there)))] == ["wang"]
    assert "hotline" in lines(run, "keys", "list", *there)[0]
    assert lines(run, "plans", "list", *there)[0].startswith(plan)
    assert not (tmp_path / "data").exists()


def test_history_is_loaded(settings: Path, tmp_path: Path) -> None:
    """Old files are loaded as history into the database; how far the log reaches is asked of Kafka elsewhere."""
    old = tmp_path / "old.csv"
    old.write_text(
        "ticket_id,created_at,category,area_1\nT1,2025-01-01T08:00:00Z,Noise,North\nT2,2025-01-02T08:00:00Z,Water,North\n"
    )
    assert load_history([old], mapping="canonical", settings=load_settings(settings)).rows == 2
    database = open_store(load_settings(settings))
    assert sum(len(record) for record in SqlHistory(database).history_records()) == 2
    database.close()


def test_backup_there_and_back(run: Run, settings: Path, other: Path, tmp_path: Path) -> None:
    """A backup restored into another database has the accounts; both commands say where things went."""
    lines(run, "users", "add", "wang", "--role", "admin", "--settings", settings)
    out = tmp_path / "out.dump"
    assert str(out) in lines(run, "backup", out, "--settings", settings)[0]
    assert "postgresql://early_warning@" in lines(run, "restore", out, "--settings", other)[0]
    assert lines(run, "users", "list", "--settings", other)[0].startswith("wang")
    done = run("restore", out, "--settings", other)
    assert (done.exit_code, "已有数据" in done.stderr, "has rows already" in done.stderr) == (4, True, True)
    assert run("restore", out, "--settings", other, "--force").exit_code == 2


def test_a_folder_that_is_named_goes_first(run: Run, settings: Path, tmp_path: Path) -> None:
    """Whoever names a data folder means it, whatever database the settings name."""
    folder = tmp_path / "mine"
    lines(run, "users", "add", "li", "--role", "admin", "--settings", settings, "--data", folder)
    assert (folder / DATABASE).exists()
    assert lines(run, "users", "list", "--settings", settings) == []
    out = tmp_path / "out.db"
    lines(run, "backup", out, "--settings", settings, "--data", folder)
    assert out.read_bytes().startswith(b"SQLite format 3")


def test_a_service_alone_needs_a_folder(settings: Path) -> None:
    """The service of one machine does not run on a cluster's database, and says what to do in both languages."""
    with pytest.raises(BadInputError, match="data folder") as error:
        build_live(load_settings(settings))
    assert "数据目录" in error.value.zh


def test_a_server_that_is_away(run: Run, settings: Path, postgres: Postgres) -> None:
    """Without the server a command ends with exit code 4 and one sentence in each language, without the password."""
    postgres.stop()
    done = run("users", "list", "--settings", settings)
    postgres.start()
    assert done.exit_code == 4
    assert "cannot be reached" in done.stderr
    assert "无法访问" in done.stderr
    assert PASSWORD not in done.output


def test_a_password_file_that_is_not_there(run: Run, settings: Path) -> None:
    """A password that cannot be read is an error that names the setting, in both languages."""
    settings.write_text(settings.read_text().replace("password_file: /", "password_file: /none/"))
    done = run("users", "list", "--settings", settings)
    assert done.exit_code == 3
    assert "store.password_file" in done.stderr
    assert "无法读取" in done.stderr
    assert store_of(load_settings()).path.name == DATABASE
