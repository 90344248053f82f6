"""What must hold on real input: New York's requests of January 2020, and its animal requests of early 2025."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from tests.conformance.surges import Background, found, inject, write
from tests.conftest import SharedData
from warning.bootstrap import run_backtest
from warning.cli import main
from warning.settings import Settings

JANUARY, ANIMALS = "nyc311-jan2020.csv", "nyc311-animals-2025q1.csv"
HEADERLESS, FULL = "nyc311-headerless", "nyc311"
NEW_YORK = ZoneInfo("America/New_York")
RESULT_FILES = ("alerts.jsonl", "signals.jsonl", "evidence.jsonl", "rejected.jsonl", "summary.json", "report.html")
SAID = RESULT_FILES[:3]

Backtest = Callable[..., Path]


@pytest.fixture(scope="module")
def backtest(tmp_path_factory: pytest.TempPathFactory) -> Backtest:
    """Run ``early-warning backtest`` as a person would, once for each set of arguments; gives the result folder."""
    done: dict[tuple[str, ...], Path] = {}

    def run(*arguments: str, again: bool = False) -> Path:
        if again or arguments not in done:
            out = tmp_path_factory.mktemp("result") / "out"
            answer = CliRunner().invoke(main, ["backtest", *arguments, "--out", str(out), "--quiet"])
            assert answer.exit_code == 0, answer.output
            done[arguments] = out
        return done[arguments]

    return run


def alerts_of(folder: Path) -> list[dict[str, Any]]:
    """Read a result's alerts."""
    return [json.loads(line) for line in (folder / "alerts.jsonl").read_text(encoding="utf-8").splitlines()]


def summary_of(folder: Path) -> dict[str, Any]:
    """Read a result's summary."""
    loaded: dict[str, Any] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return loaded


def test_the_parking_meter_failure_is_warned_of_on_its_morning(backtest: Backtest, shared_data: SharedData) -> None:
    """Broken Parking Meter (rise from 05:25) alerts between 05:00 and 12:00 on 2 January 2020, New York time."""
    folder = backtest(str(shared_data(JANUARY)), "--mapping", HEADERLESS)
    raised = [
        datetime.fromisoformat(str(alert["raised_at"])).astimezone(NEW_YORK)
        for alert in alerts_of(folder)
        if "Broken Parking Meter" in alert["categories"]
    ]
    morning = datetime(2020, 1, 2, 5, tzinfo=NEW_YORK)
    assert any(morning <= at <= morning + timedelta(hours=7) for at in raised)
    assert all(at >= morning for at in raised)


def test_an_engine_that_always_alarms_cannot_pass(backtest: Backtest, shared_data: SharedData) -> None:
    """January's file raises at most 40 alerts in all."""
    folder = backtest(str(shared_data(JANUARY)), "--mapping", HEADERLESS)
    assert 1 <= len(alerts_of(folder)) <= 40


def test_every_january_row_has_one_outcome(backtest: Backtest, shared_data: SharedData) -> None:
    """The five outcomes sum to the 17,418 rows, at least 99 % are kept, and 325 impossible closings are lost."""
    summary = summary_of(backtest(str(shared_data(JANUARY)), "--mapping", HEADERLESS))
    assert sum(summary["outcomes"].values()) == 17_418 == summary["rows"]
    assert summary["outcomes"]["accepted"] + summary["outcomes"]["updated"] >= 0.99 * 17_418
    assert summary["repairs"]["closed_at:closed_before_created"] == 325


def test_shifted_boroughs_are_repaired_by_named_rules(backtest: Backtest, shared_data: SharedData) -> None:
    """About 14 % of the borough cells are repaired, each counted under its rule, and only real boroughs are left."""
    folder = backtest(str(shared_data(JANUARY)), "--mapping", HEADERLESS)
    repairs = {name: count for name, count in summary_of(folder)["repairs"].items() if name.startswith("area:")}
    assert set(repairs) == {
        "area:community_board",
        "area:shifted_time",
        "area:tax_lot",
        "area:unknown_borough",
        "area:unspecified_borough",
    }
    assert 0.13 * 17_418 < sum(repairs.values()) < 0.17 * 17_418
    signals = (folder / "signals.jsonl").read_text(encoding="utf-8").splitlines()
    areas = {json.loads(line)["series"]["area"] for line in signals}
    boroughs = {"BRONX", "BROOKLYN", "MANHATTAN", "QUEENS", "STATEN ISLAND"}
    assert areas <= {"New York City"} | {f"New York City/{borough}" for borough in boroughs}


def test_the_animals_file_is_read_whole_and_stays_quiet(backtest: Backtest, shared_data: SharedData) -> None:
    """At least 99.9 % of 4,969 rows are accepted and at most five alerts raised."""
    folder = backtest(str(shared_data(ANIMALS)), "--mapping", FULL)
    summary = summary_of(folder)
    assert sum(summary["outcomes"].values()) == 4_969
    assert summary["outcomes"]["accepted"] >= 0.999 * 4_969
    assert len(alerts_of(folder)) <= 5


def test_injected_surges_are_found(shared_data: SharedData, tmp_path: Path) -> None:
    """Of 20 surges of six standard deviations at least 16 are found, on average over three seeds (mute cannot pass)."""
    background = Background.read(shared_data(ANIMALS))
    hits = []
    for seed in range(3):
        rows, surges = inject(background, 20, seed)
        assert len(surges) == 20
        write(tmp_path / "injected.csv", rows)
        result = run_backtest([tmp_path / "injected.csv"], mapping=FULL, settings=Settings())
        signals = {signal.id: signal for signal in result.signals}
        hits.append(sum(found(surge, result.alerts, signals) for surge in surges))
    assert sum(hits) >= 3 * 16, hits


def test_running_again_gives_the_same_bytes(backtest: Backtest, shared_data: SharedData) -> None:
    """Two back-tests of one file write byte-identical results, every file of them."""
    arguments = (str(shared_data(ANIMALS)), "--mapping", FULL)
    first, second = backtest(*arguments), backtest(*arguments, again=True)
    assert first != second
    for name in RESULT_FILES:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_a_shuffled_file_gives_the_same_bytes(backtest: Backtest, shared_data: SharedData, tmp_path: Path) -> None:
    """The order of a file's rows does not matter: alerts, signals and evidence are byte-identical."""
    path = shared_data(JANUARY)
    lines = path.read_bytes().splitlines(keepends=True)
    random.Random(5).shuffle(lines)
    shuffled = tmp_path / path.name
    shuffled.write_bytes(b"".join(lines))
    first = backtest(str(path), "--mapping", HEADERLESS)
    second = backtest(str(shuffled), "--mapping", HEADERLESS)
    for name in SAID:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_a_recorded_log_gives_the_same_bytes(backtest: Backtest, shared_data: SharedData, tmp_path: Path) -> None:
    """``log export`` and ``backtest --log`` give the files' own alerts, signals and evidence."""
    path = shared_data(ANIMALS)
    log = tmp_path / "animals.log"
    answer = CliRunner().invoke(main, ["log", "export", str(path), "--mapping", FULL, "--out", str(log), "--quiet"])
    assert answer.exit_code == 0, answer.output
    first, second = backtest(str(path), "--mapping", FULL), backtest("--log", str(log))
    for name in SAID:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_explain_says_the_alerts_own_numbers(backtest: Backtest, shared_data: SharedData) -> None:
    """For every alert the figures of ``explain --json`` equal those of alerts.jsonl."""
    folder = backtest(str(shared_data(JANUARY)), "--mapping", HEADERLESS)
    figures = ("observed", "expected", "upper_bound", "p_value", "recurrence_interval_days", "severity", "flags")
    for alert in alerts_of(folder):
        answer = CliRunner().invoke(main, ["explain", str(folder), str(alert["id"]), "--json"])
        assert answer.exit_code == 0, answer.output
        said = json.loads(answer.output)
        assert {name: said[name] for name in figures} == {name: alert[name] for name in figures}
        assert sum(part[1] for part in said["parts"]) == alert["observed"]


def test_arrival_order_makes_rows_late(backtest: Backtest, shared_data: SharedData) -> None:
    """In file order (newest first) nearly every row is late with an hour's lateness, and the outcomes still sum up."""
    folder = backtest(str(shared_data(JANUARY)), "--mapping", HEADERLESS, "--arrival-order")
    outcomes = summary_of(folder)["outcomes"]
    assert outcomes["late"] > 0.9 * 17_418
    assert sum(outcomes.values()) == 17_418
