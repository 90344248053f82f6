"""The commands simulate and evaluate: from a made-up city to the figures, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.warning.cli.conftest import Run
from warning.cli.app import Exit
from warning.simulator.export import FILES


def test_a_city_is_simulated_back_tested_and_evaluated(run: Run, tmp_path: Path) -> None:
    """Simulate, backtest and evaluate work on one another's files; every incident is accounted for."""
    city, result = tmp_path / "city", tmp_path / "result"
    made = run("simulate", "--city", "kingsmoor", "--days", 14, "--quiet-days", 7, "--out", city)
    assert made.exit_code == 0, made.output
    assert "金斯穆尔 Kingsmoor" in made.output
    assert sorted(path.name for path in city.iterdir()) == sorted(FILES)
    settings = ("--settings", city / "settings.yaml")
    tested = run("backtest", city / "tickets.csv", "--mapping", "simulated-city", *settings, "--out", result)
    assert tested.exit_code == 0, tested.output
    told = json.loads(run("evaluate", city, result, "--json").output)
    incidents = sum(shape["incidents"] for shape in told["shapes"].values())
    assert incidents + told["cut_off"]["incidents"] == 3
    false = sum(told["false_alerts"].values())
    assert told["alerts"] == told["warnings"] + told["duplicates"] + false + told["cut_off"]["alerts"]
    assert told["weeks"] == 1
    text = run("evaluate", city / "truth.jsonl", result / "alerts.jsonl").output
    assert "突发 burst" in text
    assert "每周误报 false alerts a week" in text


def test_the_same_command_gives_the_same_bytes(run: Run, tmp_path: Path) -> None:
    """Two runs write the same files, and a run replaces an older city; JSON says what there is."""
    for name in ("one", "two", "two"):
        done = run("simulate", "--city", "fairmont", "--days", 3, "--seed", 9, "--out", tmp_path / name, "--json")
        assert done.exit_code == 0, done.output
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name
    assert json.loads(done.output)["calendar_sources"] == {"2025": "holidays:US"}


def test_years_without_an_arrangement_are_told(run: Run, tmp_path: Path) -> None:
    """Beyond the published holiday arrangements the fallback is named in both languages."""
    done = run("simulate", "--city", "demo", "--days", 2, "--start", "2035-03-05", "--out", tmp_path / "city")
    assert "不含调休" in done.output
    assert "no make-up working days" in done.output


def test_nothing_is_replaced_but_a_city(run: Run, tmp_path: Path) -> None:
    """A folder with other files is refused and stays as it is."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    done = run("simulate", "--city", "demo", "--days", 1, "--out", tmp_path / "mine")
    assert done.exit_code == Exit.BAD_OUTPUT
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--city", "nowhere"), Exit.USAGE, "没有名为 'nowhere' 的城市"),
        (("--city", "none.yaml"), Exit.BAD_INPUT, "cannot be read"),
        (("--city", "demo", "--days", "0"), Exit.USAGE, "--days"),
        (("--city", "demo", "--start", "yesterday"), Exit.USAGE, "--start"),
        (("--city", "demo", "--days", "2", "--start", "2150-06-01"), Exit.BAD_INPUT, "not 2150"),
    ],
)
def test_a_wrong_city_is_told(words: tuple[str, ...], code: Exit, told: str, run: Run, tmp_path: Path) -> None:
    """A city, a length or a start that cannot be is refused, and nothing is written."""
    done = run("simulate", *words, "--out", tmp_path / "city")
    assert done.exit_code == code
    assert told in done.output
    assert not (tmp_path / "city").exists()


def test_a_missing_extra_is_told(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the simulator's packages are not installed, the command says how to install them."""
    for name in [name for name in sys.modules if name.startswith("warning.simulator")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "faker", None)
    done = run("simulate", "--city", "demo", "--out", tmp_path / "city")
    assert done.exit_code == Exit.BAD_INPUT
    assert "early-warning[simulation]" in done.output


def test_the_command_line_starts_without_the_simulator() -> None:
    """Other commands, evaluate among them, load nothing of the simulator's packages."""
    code = "import sys, warning.cli; print({'faker', 'holidays', 'chinese_calendar'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_wrong_inputs_of_evaluate_are_told(run: Run, tmp_path: Path) -> None:
    """A folder without a truth, an empty one and a damaged line are told with what to do."""
    alerts = tmp_path / "alerts.jsonl"
    alerts.write_text("")
    (tmp_path / "empty.jsonl").write_text("")
    (tmp_path / "bad.jsonl").write_text('{"city": 1}\n')
    for name, told in (
        ("", "没有 truth.jsonl"),
        ("empty.jsonl", "空文件"),
        ("bad.jsonl", "第 1 行"),
    ):
        done = run("evaluate", tmp_path / name, alerts)
        assert done.exit_code == Exit.BAD_INPUT
        assert told in done.output
