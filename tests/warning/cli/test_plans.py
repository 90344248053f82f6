"""The command plans, on a real database and beside a running service."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.faults.live import settings_of
from tests.warning.cli.conftest import Run
from tests.warning.engine.tickets import START
from warning.bootstrap.live import LiveService, build_live
from warning.domain.bucket import HOUR_MS
from warning.domain.control import Control, ControlKind
from warning.store.sql import meta
from warning.store.sql.log import SqlLog

NAME = re.compile(r"[0-9a-f]{16}\n")
SOON = 1.0
TIMES = ("--from", "2099-05-03T06:00", "--to", "2099-05-03T14:00")


@pytest.fixture(name="service")
def _service(tmp_path: Path) -> Iterator[LiveService]:
    """A service of Testville in New York's zone, which has not begun to run."""
    settings = settings_of(tmp_path).model_copy(update={"zone": "America/New_York"})
    service = build_live(settings, clock=lambda: START)
    yield service
    service.stop()


@pytest.fixture(name="data")
def _data(service: LiveService) -> Path:
    return Path(service.settings.service.data)


def _controls(service: LiveService) -> list[Control]:
    return [record for _, record in SqlLog(service.database).read() if isinstance(record, Control)]


def _add(run: Run, data: Path, *words: object) -> str:
    done = run("plans", "add", "City fair", "--data", data, *words)
    assert done.exit_code == 0, done.output
    assert NAME.fullmatch(done.stdout)
    return str(done.stdout.strip())


def test_a_plan_is_entered(run: Run, service: LiveService, data: Path) -> None:
    """A plan has the service's zone and jurisdiction, without its settings, and its id is printed for scripts."""
    name = _add(run, data, *TIMES, "--area", "Testville/North", "--area", "Testville/South", "--category", "Noise")
    (plan,) = service.services.planning.plans()
    assert (plan.id, plan.title, plan.entered_by) == (name, "City fair", "command-line")
    assert plan.start.isoformat() == "2099-05-03T06:00:00-04:00"
    assert (plan.areas, plan.categories) == (("Testville/North", "Testville/South"), ("Noise",))
    (control,) = _controls(service)
    assert (control.kind, control.jurisdiction, control.plan) == (ControlKind.PLANNED, "Testville", name)


def test_an_offset_counts_as_it_is_written(run: Run, service: LiveService, data: Path) -> None:
    """A time with an offset is that moment, whatever the service's zone."""
    _add(run, data, "--from", "2099-05-03T06:00:00+08:00", "--to", "2099-05-03T06:00Z")
    (plan,) = service.services.planning.plans()
    assert (plan.end - plan.start).total_seconds() == 8 * 3600


def test_a_running_service_takes_a_plan_over_by_itself(service: LiveService, data: Path) -> None:
    """What another process enters is applied by the running service within a second."""
    service.start()
    ends = monotonic() + 20
    while not service.runtime.condition().ready:
        assert monotonic() < ends
        sleep(0.01)
    words = ["plans", "add", "City fair", *TIMES, "--data", str(data)]
    command = [sys.executable, "-c", "from warning.cli import main; main()", *words]
    subprocess.run(command, check=True, capture_output=True)
    left = monotonic() + SOON
    while service.runtime.condition().applied_position < 1:
        assert monotonic() < left
        sleep(0.01)
    assert [plan.title for plan in service.services.planning.plans()] == ["City fair"]


def test_plans_are_listed_and_called_off(run: Run, service: LiveService, data: Path) -> None:
    """The list says what was called off; calling off a second time changes nothing."""
    first = _add(run, data, *TIMES, "--area", "Testville/North")
    second = _add(run, data, "--from", "2099-06-01T00:00", "--to", "2099-06-02T00:00")
    done = run("plans", "cancel", first, "--data", data)
    assert (done.exit_code, done.stdout) == (0, "")
    assert "已取消 called off" in done.stderr
    assert run("plans", "cancel", first, "--data", data).exit_code == 0
    assert len(_controls(service)) == 3
    called_off, coming = run("plans", "list", "--data", data).stdout.splitlines()
    assert called_off.startswith(
        f"{first}  2099-05-03 06:00-0400 – 2099-05-03 14:00-0400  City fair  (Testville/North; "
    )
    assert called_off.endswith("全部类别 all categories)  已取消 called off")
    assert coming.startswith(f"{second}  2099-06-01 00:00-0400 – 2099-06-02 00:00-0400  City fair  (全部区域 all areas")
    printed = json.loads(run("plans", "list", "--json", "--data", data).stdout)
    assert [(one["id"], one["areas"], one["cancelled_at"] is None) for one in printed] == [
        (first, ["Testville/North"], False),
        (second, [], True),
    ]


def test_a_demonstration_s_own_clock_counts(run: Run, service: LiveService, data: Path) -> None:
    """Where the service's clock is not the wall clock, what has passed is told by it."""
    with service.database.write() as connection:
        meta.put(connection, meta.CLOCK, START)
    name = _add(run, data, "--from", "2023-11-20T00:00Z", "--to", "2023-11-20T12:00Z")
    assert name in run("plans", "list", "--data", data).stdout
    with service.database.write() as connection:
        meta.put(connection, meta.CLOCK, START + 13 * HOUR_MS)
    assert run("plans", "list", "--data", data).stdout == ""
    assert name in run("plans", "list", "--all", "--data", data).stdout


@pytest.mark.parametrize(
    ("words", "code", "chinese", "english"),
    [
        (("add", "Fair", "--from", "soon", "--to", "later"), 2, "请写成 2026-05-01T08:00", "'soon' is no time"),
        (("add", "Fair", "--from", "2020-05-01", "--to", "2020-05-02"), 3, "已经过去", "end: has passed"),
        (("add", "Fair", "--from", "2099-05-02", "--to", "2099-05-01"), 3, "不晚于开始时间", "end: is not after start"),
        (("add", " ", *TIMES), 3, "title: 为空", "title: is empty"),
        (("add", "Fair", *TIMES, "--area", "//"), 3, "不是区域路径", "Write paths such as"),
        (("cancel", "5f0c"), 2, "没有名为 '5f0c' 的计划;现有: 无", "no plan is named '5f0c'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_mistakes_are_explained(
    run: Run, service: LiveService, data: Path, words: tuple[str, ...], code: int, chinese: str, english: str
) -> None:
    """A mistake is a sentence in each language, and nothing is entered."""
    done = run("plans", *words, "--data", data)
    assert (done.exit_code, done.stdout) == (code, "")
    assert chinese in done.stderr
    assert english in done.stderr
    assert _controls(service) == []


@pytest.mark.parametrize("words", [("list",), ("cancel", "x"), ("add", "Fair", *TIMES)], ids=lambda words: words[0])
def test_a_wrong_folder_is_not_made(run: Run, tmp_path: Path, words: tuple[str, ...]) -> None:
    """A folder without a database is bad input, and is not made."""
    done = run("plans", *words, "--data", tmp_path / "none")
    assert done.exit_code == 3
    assert "没有服务数据库" in done.stderr
    assert not (tmp_path / "none").exists()


def test_a_missing_extra_is_named(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the packages of the service are not installed, the command says which extra brings them."""
    monkeypatch.setitem(sys.modules, "warning.bootstrap.planning", None)
    done = run("plans", "list", "--data", tmp_path)
    assert done.exit_code == 3
    assert "early-warning[service]" in done.stderr
