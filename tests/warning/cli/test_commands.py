"""The other commands, through click's runner and as a real process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import jsonschema
import pytest

from tests.warning import samples
from tests.warning.cli.conftest import Run
from tests.warning.disks import CRAMPED, Cramp
from warning.cli import main
from warning.store.files import write_result

PROGRAM = [sys.executable, "-c", "from warning.cli import main; main(prog_name='early-warning')"]


def _commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from _commands(child, (*path, name))


@pytest.fixture(name="result")
def _result(tmp_path: Path) -> Path:
    write_result(tmp_path / "result", samples.result(), "<html>")
    return tmp_path / "result"


@pytest.fixture(name="counts")
def _counts(tmp_path: Path) -> Path:
    path = tmp_path / "counts.csv"
    path.write_text("series,start,count\n" + "".join(f"噪声,2026-01-{day:02},4\n" for day in range(1, 29) if day != 9))
    return path


@pytest.mark.parametrize(("path", "command"), list(_commands(main)), ids=lambda value: str(getattr(value, "name", "")))
def test_help_has_both_languages_and_an_example(run: Run, path: tuple[str, ...], command: click.Command) -> None:
    """Every command explains itself in English and Chinese; every one that does something shows an example."""
    text = run(*path, "--help").stdout
    assert any("一" <= letter <= "鿿" for letter in text)
    if not isinstance(command, click.Group):
        assert f"Example 示例:\n    early-warning {' '.join(path)}" in text


def test_version(run: Run) -> None:
    """--version names the program and a version."""
    assert run("--version").stdout.startswith("early-warning, version ")


def test_explain_tells_the_alerts_numbers(run: Run, result: Path) -> None:
    """The text has the numbers that alerts.jsonl has, what contributed, the examples and the flags."""
    alert = json.loads((result / "alerts.jsonl").read_text())
    text = run("explain", result, "alert").stdout
    for words in (
        f"observed     {alert['observed']}",
        f"expected     {alert['expected']:g}",
        f"upper bound  {alert['upper_bound']:g}",
        f"{alert['p_value']:g}",
        "2020-01-02 09:30-05:00",
        "其他 other",
        "New York City/QUEENS",
        "meter does not take cards",
        "high_impact: 一小时内超过百件 more than a hundred in an hour",
        "RAISE-1",
    ):
        assert words in text, words


def test_explain_json_is_the_alert_and_more(run: Run, result: Path) -> None:
    """--json repeats the alert's fields to the digit, its parts sum to observed, and it satisfies its schema."""
    alert = json.loads((result / "alerts.jsonl").read_text())
    explained = json.loads(run("explain", result, "alert-7f3a", "--json").stdout)
    assert {name: explained[name] for name in alert if name != "parts"} == {
        name: value for name, value in alert.items() if name != "parts"
    }
    assert sum(part[1] for part in explained["parts"]) == alert["observed"]
    jsonschema.validate(explained, json.loads(run("schema", "explanation").stdout))


def test_explain_refuses_kindly(run: Run, result: Path, tmp_path: Path) -> None:
    """An unknown alert is a usage error that names the known ones; a folder that is no result is bad input."""
    unknown = run("explain", result, "zzz")
    assert unknown.exit_code == 2
    assert "没有名为 'zzz' 的预警;现有: alert-7f3a" in unknown.stderr
    (result / "evidence.jsonl").unlink()
    assert run("explain", result, "alert").exit_code == 3


def test_schema_lists_and_prints(run: Run, result: Path) -> None:
    """Without a name the formats are listed; a named schema accepts the written file; an unknown name is exit 2."""
    assert "alerts" in run("schema").stdout
    for name, file in (("alerts", "alerts.jsonl"), ("signals", "signals.jsonl"), ("evidence", "evidence.jsonl")):
        schema = json.loads(run("schema", name).stdout)
        for line in (result / file).read_text().splitlines():
            jsonschema.validate(json.loads(line), schema)
    jsonschema.validate(json.loads((result / "summary.json").read_text()), json.loads(run("schema", "summary").stdout))
    assert run("schema", "alarms").exit_code == 2


def test_mappings_are_listed(run: Run) -> None:
    """The shipped mappings are listed by name with a title in both languages, also as JSON."""
    assert "nyc311" in run("mapping", "list").stdout
    assert {"nyc311", "nyc311-headerless"} <= {
        one["name"] for one in json.loads(run("mapping", "list", "--json").stdout)
    }


def test_settings_are_shown_and_checked(run: Run, tmp_path: Path) -> None:
    """Show prints what is in force; check names every wrong setting at once and ends with 3."""
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("engine: {lateness_minutes: 30}\n")
    bad.write_text("engine: {lateness_minutes: soon, shards: 900}\ncolour: red\n")
    assert "engine.lateness_minutes = 30" in run("settings", "show", good).stdout
    assert json.loads(run("settings", "show", "--json").stdout)["engine"]["lateness_minutes"] == 60
    assert run("settings", "check", good).exit_code == 0
    wrong = run("settings", "check", bad)
    assert wrong.exit_code == 3
    for name in ("engine.lateness_minutes", "engine.shards", "colour"):
        assert name in wrong.stderr
    bad.write_text("- a list\n")
    assert run("settings", "check", bad).exit_code == 3


def test_score_writes_scores(run: Run, counts: Path, tmp_path: Path) -> None:
    """Scores are written as CSV with a row for the gap; --json says what was found; --gaps missing leaves it out."""
    out = tmp_path / "scores.csv"
    facts = json.loads(run("score", counts, "--out", out, "--json").stdout)
    assert facts == {
        "out": str(out), "series": 1, "bucket": "1d", "buckets": 28, "rows": 28, "gaps_filled": 1, "alarms": 0,
    }  # fmt: skip
    lines = out.read_text("utf-8").splitlines()
    assert lines[0] == "series,start,count,expected,upper_bound,p_value,score,alarm"
    assert lines[9].startswith("噪声,2026-01-09,0,")
    assert "1d" in run("score", counts, "--out", out, "--gaps", "missing").stdout
    assert len(out.read_text("utf-8").splitlines()) == 28
    assert run("score", counts, "--out", out, "--quiet").output == ""


def test_score_reads_gb18030_and_refuses_other_bytes(run: Run, counts: Path, tmp_path: Path) -> None:
    """Chinese Excel's encoding is read like UTF-8; bytes that are no text are bad input, and no scores appear."""
    text = counts.read_text("utf-8")
    run("score", counts, "--out", tmp_path / "one.csv")
    counts.write_bytes(text.encode("gb18030"))
    run("score", counts, "--out", tmp_path / "two.csv")
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    counts.write_bytes(b"\xff\xff\x80\x00")
    assert run("score", counts, "--out", tmp_path / "three.csv").exit_code == 3
    assert not (tmp_path / "three.csv").exists()


def test_score_refuses_bad_rows_and_its_own_input(run: Run, counts: Path, tmp_path: Path) -> None:
    """A bad row is exit code 3 with a sentence in each language; writing over the input is a usage error."""
    before = counts.read_bytes()
    assert run("score", counts, "--out", counts).exit_code == 2
    assert counts.read_bytes() == before
    counts.write_text("series,start,count\na,2026-01-01,x\n")
    wrong = run("score", counts, "--out", tmp_path / "scores.csv")
    assert wrong.exit_code == 3
    assert "row 2, field count: 'x' is not a whole number" in wrong.stderr
    assert "第 2 行,字段 count" in wrong.stderr
    for place in (counts / "below", tmp_path):
        assert run("score", counts, "--out", place).exit_code == 4


@pytest.mark.parametrize("cramp", CRAMPED)
def test_full_disk_as_a_process(tmp_path: Path, cramp: Cramp) -> None:
    """A real process on a disk that fills ends with 4, one sentence in each language, and no file."""
    counts = tmp_path / "counts.csv"
    rows = (f"{name},2026-01-01T{hour:02}:00,4\n" for name in range(1_200) for hour in range(24))
    counts.write_text("series,start,count\n" + "".join(rows))
    with cramp(tmp_path) as (place, preparation):
        code = preparation + PROGRAM[-1]
        words = ["score", str(counts), "--out", str(place / "scores.csv")]
        done = subprocess.run([*PROGRAM[:-1], code, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 4, done.stderr
        assert "scores.csv: 无法写入" in done.stderr
        assert "scores.csv: cannot be written" in done.stderr
        assert "Traceback" not in done.stderr
        assert not (place / "scores.csv").exists()


def test_progress_bar_is_for_people_only(counts: Path, tmp_path: Path) -> None:
    """On a terminal a bar is drawn on standard error; with --quiet and without a terminal there is none."""
    for extra, bar in (([], True), (["--quiet"], False)):
        leader, follower = os.openpty()
        words = [*PROGRAM, "score", str(counts), "--out", str(tmp_path / "s.csv"), *extra]
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=follower, check=True)
        os.close(follower)
        os.set_blocking(leader, False)
        try:
            seen = os.read(leader, 65_536)
        except OSError:
            seen = b""
        os.close(leader)
        assert ("scoring" in seen.decode()) is bar
        assert bool(done.stdout) is bar


@pytest.fixture(name="requests")
def _requests(tmp_path: Path) -> Path:
    path = tmp_path / "requests.csv"
    path.write_text("1,01/02/2020 09:04:05 AM,,Broken Parking Meter,QUEENS\n2,no time,,Noise,QUEENS\n")
    return path


def test_mapping_is_checked_against_a_file(run: Run, requests: Path) -> None:
    """Check shows what each column became and what was rejected with what to do, for people and as JSON."""
    text = run("mapping", "check", requests, "--mapping", "nyc311-headerless")
    assert text.exit_code == 0, text.output
    assert "'01/02/2020 09:04:05 AM' -> '2020-01-02T09:04:05-05:00'" in text.stdout
    assert "row 2, created_at 'no time'" in text.stdout
    facts = json.loads(run("mapping", "check", requests, "--mapping", "nyc311-headerless", "--json").stdout)
    assert (facts["usable"], facts["rows"], facts["kept"]) == (True, 2, 1)
    assert facts["rejects"] == [{"field": "created_at", "reason": "bad_time", "count": 1}]
    assert facts["columns"][0] == {
        "name": "Unique Key",
        "column": "Unique Key",
        "class": "public",
        "fields": ["ticket_id"],
    }


def test_mapping_that_does_not_fit(run: Run, requests: Path) -> None:
    """A mapping whose required columns the file lacks is named as such, with exit code 3; an unknown one is exit 2."""
    requests.write_text("day,colour\n2020-01-01,red\n")
    wrong = run("mapping", "check", requests, "--mapping", "nyc311")
    assert wrong.exit_code == 3
    assert "required" in wrong.stdout
    assert run("mapping", "check", requests, "--mapping", "nyc312").exit_code == 2


def test_mapping_is_drafted_for_a_file_without_one(run: Run, requests: Path) -> None:
    """Without a mapping, or with --draft, a mapping to be corrected is printed."""
    requests.write_text("Unique Key,Created Date,Complaint Type\n1,01/02/2020 09:04:05 AM,Noise\n")
    for words in ((), ("--draft",), ("--draft", "--mapping", "nyc311")):
        assert "Created Date" in run("mapping", "check", requests, *words).stdout
