"""From a file of tickets to an explained alert, as real processes."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import jsonschema
import pytest

from warning.store.files import RESULT_FILES
from warning.store.schemas import schema

PROGRAM = [sys.executable, "-c", "from warning.cli import main; main(prog_name='early-warning')"]
START = datetime(2024, 3, 4)  # noqa: DTZ001  local time of the file, as its mapping reads it
BURST = START + timedelta(days=12, hours=9)


def _rows() -> list[str]:
    """Two weeks of two noise tickets an hour in two boroughs; on the thirteenth day 80 of one kind within an hour."""
    quiet = [
        (START + timedelta(hours=hour, minutes=7 * borough + 11), "Noise", name)
        for hour in range(14 * 24)
        for borough, name in enumerate(("QUEENS", "BRONX"))
    ]
    burst = [(BURST + timedelta(seconds=40 * n), "Broken Parking Meter", "QUEENS") for n in range(80)]
    tickets = sorted([*quiet, *burst])
    return [f"{n},{at:%m/%d/%Y %I:%M:%S %p},,{kind},{where}\n" for n, (at, kind, where) in enumerate(tickets)]


def _run(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, *map(str, words)], capture_output=True, text=True, check=False)


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three results: of a file, of the same again, and of its rows shuffled."""
    folder = tmp_path_factory.mktemp("runs")
    rows = _rows()
    (folder / "requests.csv").write_text("".join([*rows, "x,not a time,,Noise,QUEENS\n"]))
    (folder / "shuffled").mkdir()
    random.Random(4).shuffle(rows)
    (folder / "shuffled" / "requests.csv").write_text("".join(["x,not a time,,Noise,QUEENS\n", *rows]))
    for name, file in (("one", "requests.csv"), ("two", "requests.csv"), ("three", "shuffled/requests.csv")):
        done = _run("backtest", folder / file, "--mapping", "nyc311-headerless", "--out", folder / name)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
    return folder


def test_burst_is_found_and_nothing_else(folder: Path) -> None:
    """The one burst is the one alert, raised within its first hour, with a headline that names it."""
    (line,) = (folder / "one" / "alerts.jsonl").read_text().splitlines()
    alert = json.loads(line)
    assert alert["categories"] == ["Broken Parking Meter"]
    raised = datetime.fromisoformat(alert["raised_at"]).replace(tzinfo=None)
    assert BURST <= raised <= BURST + timedelta(hours=1, minutes=15)
    assert "Broken Parking Meter" in (folder / "one" / "report.html").read_text()


def test_again_gives_the_same_bytes(folder: Path) -> None:
    """A second run writes every file byte for byte alike; shuffled rows give the same alerts."""
    for name in RESULT_FILES:
        assert (folder / "one" / name).read_bytes() == (folder / "two" / name).read_bytes(), name
    for name in ("alerts.jsonl", "signals.jsonl", "evidence.jsonl"):
        assert (folder / "one" / name).read_bytes() == (folder / "three" / name).read_bytes(), name


def test_files_satisfy_their_schemas(folder: Path) -> None:
    """What a real run writes is what the schemas say, and its outcomes sum to its rows."""
    for name in ("alerts", "signals", "evidence", "rejected"):
        lines = (folder / "one" / f"{name}.jsonl").read_text().splitlines()
        assert lines, name
        for line in lines:
            jsonschema.validate(json.loads(line), schema(name))
    summary = json.loads((folder / "one" / "summary.json").read_text())
    jsonschema.validate(summary, schema("summary"))
    assert sum(summary["outcomes"].values()) == summary["rows"] == len(_rows()) + 1


def test_explanation_is_the_alert(folder: Path) -> None:
    """Explain prints the alert's own numbers; its parts sum to observed; its course has the window's count."""
    alert = json.loads((folder / "one" / "alerts.jsonl").read_text())
    explained = json.loads(_run("explain", folder / "one", alert["id"][:6], "--json").stdout)
    for field in ("observed", "expected", "upper_bound", "p_value", "recurrence_interval_days"):
        assert explained[field] == alert[field]
    assert sum(part[1] for part in explained["parts"]) == alert["observed"]
    assert {signal["id"] for signal in explained["signals"]} == set(alert["signal_ids"])
    assert any(point["start"] == alert["window_start"] for point in explained["course"])
