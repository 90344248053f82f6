"""The commands backtest and log export: what is asked of the composition root, and what becomes of its answer."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from tests.warning.cli.conftest import Backtests, Run
from warning.domain.errors import InvalidInputError, UnknownNameError
from warning.store.files import RESULT_FILES, read_result


@pytest.fixture(name="csv")
def _csv(tmp_path: Path) -> Path:
    path = tmp_path / "requests.csv"
    path.write_text("a,b\n")
    return path


def test_result_is_written_and_told(run: Run, backtests: Backtests, csv: Path, tmp_path: Path) -> None:
    """A back-test leaves the six files and prints its alerts and where the report is, with exit code 0."""
    done = run("backtest", csv, csv, "--mapping", "nyc311", "--out", tmp_path / "out", "--arrival-order")
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(RESULT_FILES)
    assert "83  2020-01-02 09:30-05:00  alert-7f3a" in done.stdout
    assert "Broken Parking Meter surges city-wide" in done.stdout
    assert str(tmp_path / "out" / "report.html") in done.stdout
    assert "accepted 17,362" in done.stdout
    asked = backtests.asked
    assert (asked["paths"], asked["mapping"], asked["arrival_order"]) == ([csv, csv], "nyc311", True)
    assert asked["progress"] is None


def test_json_and_quiet(run: Run, backtests: Backtests, csv: Path, tmp_path: Path) -> None:
    """With --json standard output is summary.json, with --quiet it is empty; an older result is replaced."""
    words = ("backtest", csv, "--mapping", "nyc311", "--out", tmp_path / "out")
    as_json = run(*words, "--json")
    assert as_json.stdout == (tmp_path / "out" / "summary.json").read_text()
    assert json.loads(as_json.stdout)["rows"] == 17_418
    quiet = run(*words, "--quiet")
    assert (quiet.exit_code, quiet.output) == (0, "")


def test_log_in_place_of_files(run: Run, backtests: Backtests, csv: Path, tmp_path: Path) -> None:
    """With --log the recorded log is run, and needs no mapping."""
    done = run("backtest", "--log", csv, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert backtests.asked["log"] == csv
    assert read_result(tmp_path / "out").alerts


def test_settings_reach_the_run(run: Run, backtests: Backtests, csv: Path, tmp_path: Path) -> None:
    """A settings file is read before the run and handed on."""
    (tmp_path / "s.yaml").write_text("engine: {lateness_minutes: 7}\n")
    run("backtest", csv, "--mapping", "m", "--out", tmp_path / "out", "--settings", tmp_path / "s.yaml")
    assert backtests.asked["settings"].engine.lateness_minutes == 7


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--mapping", "m"),
        ("CSV",),
        ("CSV", "--mapping", "m", "--log", "CSV"),
        ("--log", "CSV", "--mapping", "m"),
        ("--log", "CSV", "--arrival-order"),
        ("absent.csv", "--mapping", "m"),
    ],
)
def test_wrong_command_lines(run: Run, backtests: Backtests, csv: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    """Neither files nor log, both, no mapping, a mapping for a log, an absent file: exit code 2 and nothing run."""
    given = [str(csv) if word == "CSV" else word for word in words]
    done = run("backtest", *given, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert backtests.asked == {}


@pytest.mark.parametrize(
    ("error", "code", "chinese", "english"),
    [
        (
            InvalidInputError("x.csv", "is a PDF", "Export it."),
            3,
            "x.csv: 无法使用",
            "Error: x.csv: is a PDF. Export it.",
        ),
        (
            UnknownNameError("mapping", "m", ["nyc311"]),
            2,
            "没有名为 'm' 的映射;现有: nyc311",
            "no mapping is named 'm'",
        ),
        (OSError(errno.ENOSPC, "No space left on device"), 4, "系统错误", "No space left"),
        (PermissionError(errno.EACCES, "Permission denied"), 3, "系统错误", "Permission denied"),
        (KeyboardInterrupt(), 130, "已中断", "Interrupted"),
    ],
)
def test_errors_are_sentences(
    run: Run,
    backtests: Backtests,
    csv: Path,
    tmp_path: Path,
    error: BaseException,
    code: int,
    chinese: str,
    english: str,
) -> None:
    """Every error ends with its exit code and a sentence in each language on standard error; nothing is written."""
    backtests.error = error
    done = run("backtest", csv, "--mapping", "m", "--out", tmp_path / "out")
    assert done.exit_code == code
    assert chinese in done.stderr
    assert english in done.stderr
    assert "Traceback" not in done.output
    assert done.stdout == ""
    assert not (tmp_path / "out").exists()


def test_output_is_checked_before_the_work(run: Run, backtests: Backtests, csv: Path, tmp_path: Path) -> None:
    """A folder with other files is refused before a row is read, with exit code 4."""
    done = run("backtest", csv, "--mapping", "m", "--out", tmp_path)
    assert done.exit_code == 4
    assert "requests.csv" in done.stderr
    assert backtests.asked == {}


def test_log_export(run: Run, backtests: Backtests, csv: Path, tmp_path: Path) -> None:
    """Log export hands on files, mapping and output, and says how many records it wrote, also as JSON."""
    out = tmp_path / "logs" / "week.log"
    done = run("log", "export", csv, "--mapping", "m", "--out", out)
    assert done.exit_code == 0, done.output
    assert "17,418 条记录 records" in done.stdout
    assert out.read_bytes() == b"log"
    assert (backtests.asked["paths"], backtests.asked["mapping"]) == ([csv], "m")
    assert json.loads(run("log", "export", csv, "--mapping", "m", "--out", out, "--json").stdout)["records"] == 17_418
    assert run("log", "export", "--mapping", "m", "--out", out).exit_code == 2
    assert run("log", "export", csv, "--mapping", "m", "--out", csv / "below").exit_code == 4
