"""What all tests share: the shared data files, which may run side by side, and that in CI nothing is skipped."""

import os
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

pytest_plugins = ["tests.kafka.plugin", "tests.postgres", "tests.cluster.plugin"]

ROOT = Path(__file__).resolve().parents[1]
SHARED_DATA_ABSENT = "shared data absent:"

_BROKERS = "brokers"
"""The group of tests that start Kafka: one process runs them, so that the brokers and workers of two never compete."""
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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep in one process of ``make test`` (pytest-xdist, ``--dist loadgroup``) a file, and all that use brokers."""
    if not hasattr(config, "workerinput"):
        return
    for item in items:
        folder = item.path.relative_to(ROOT / "tests").parts[0]
        brokers = folder in _WITH_BROKERS or "kafka" in item.path.stem or "cluster" in item.path.stem
        item.add_marker(pytest.mark.xdist_group(_BROKERS if brokers else str(item.path)))


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
