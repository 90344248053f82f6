"""What all tests share: the shared data files, which may run side by side, and that in CI nothing is skipped."""

import os
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling

pytest_plugins = ["tests.kafka.plugin", "tests.postgres", "tests.cluster.plugin"]

ROOT = Path(__file__).resolve().parents[1]
SHARED_DATA_ABSENT = "shared data absent:"

_BROKERS = "brokers"
"""The group of tests that start Kafka (all but a benchmark's small run): in one process they never compete."""
_WITH_BROKERS = ("deploy", "kafka", "streams")

SharedData = Callable[[str], Path]


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> SharedData:
    """Give the path of a file of real data by its name, or skip the test where the file is not.

    The files lie in ``$SHARED_DATA``, else in ``shared/data`` beside the project.
    """
    folder = Path(os.environ.get("SHARED_DATA") or ROOT.parent / "shared" / "data")

    def find(name: str) -> Path:
        path = folder / name
        if not path.is_file():
            pytest.skip(f"{SHARED_DATA_ABSENT} {name}")
        return path

    return find


class _Shares(LoadScopeScheduling):  # type: ignore[misc]
    """How ``make test`` shares the tests out: a file stays in one process, and those with brokers in one."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        brokers = set(_WITH_BROKERS).intersection(file.split("/")) or "cluster" in file
        return _BROKERS if brokers else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Let pytest-xdist share the tests out our way."""
    return _Shares(config, log)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail an unexplained skip of a test in CI; an expected failure is no skip."""
    report = yield
    if not hasattr(report, "wasxfail"):
        _fail_unexplained_skip(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Fail an unexplained skip of a whole module in CI."""
    report = yield
    _fail_unexplained_skip(report)
    return report


def _fail_unexplained_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get("CI") != "true" or not report.skipped:
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if not reason.removeprefix("Skipped: ").startswith(SHARED_DATA_ABSENT):
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid}: in CI a skip is a failure. {reason}"
