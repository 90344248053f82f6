"""The commands backup and restore, on a real database."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.warning.cli.conftest import Run
from warning.bootstrap.accounts import DATABASE, open_accounts


@pytest.fixture(name="data")
def _data(tmp_path: Path) -> Path:
    with open_accounts(tmp_path / "data", create=True) as accounts:
        accounts.first_admin()
    return tmp_path / "data"


def test_there_and_back(run: Run, data: Path, tmp_path: Path) -> None:
    """A backup restored to an empty folder has the accounts; both commands say where things went."""
    out, other = tmp_path / "out.db", tmp_path / "other"
    done = run("backup", "--data", data, out)
    assert (done.exit_code, str(out) in done.stdout) == (0, True), done.output
    done = run("restore", out, "--data", other)
    assert (done.exit_code, str(other / DATABASE) in done.stdout) == (0, True), done.output
    with open_accounts(other) as accounts:
        assert len(accounts.users()) == 1


def test_the_folder_may_be_a_setting(run: Run, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --data the folder that the settings name is backed up; quiet is quiet."""
    monkeypatch.setenv("EARLY_WARNING_SERVICE__DATA", str(data))
    done = run("backup", tmp_path / "out.db", "--quiet")
    assert (done.exit_code, done.output) == (0, "")
    assert (tmp_path / "out.db").exists()


def test_a_database_is_replaced_only_by_force(run: Run, data: Path, tmp_path: Path) -> None:
    """A restore over a database is refused with exit code 4 in both languages; forced, it says where the old one is."""
    out = tmp_path / "out.db"
    run("backup", "--data", data, out)
    done = run("restore", out, "--data", data)
    assert done.exit_code == 4
    assert "已存在" in done.stderr
    assert "is there already" in done.stderr
    done = run("restore", out, "--data", data, "--force")
    assert done.exit_code == 0, done.output
    assert f"{DATABASE}.before-restore-1" in done.stdout


def test_without_a_database(run: Run, tmp_path: Path) -> None:
    """A folder without a database cannot be backed up: exit code 3, and no file."""
    done = run("backup", "--data", tmp_path / "none", tmp_path / "out.db")
    assert (done.exit_code, (tmp_path / "out.db").exists()) == (3, False)
    assert "不存在" in done.stderr


def test_no_backup(run: Run, tmp_path: Path) -> None:
    """A file that is no backup is refused with exit code 3."""
    (tmp_path / "text").write_text("hello" * 999)
    done = run("restore", tmp_path / "text", "--data", tmp_path / "new")
    assert done.exit_code == 3
    assert "损坏" in done.stderr
