"""A way to run the command line as a user does, and a back-test by hand at the port of the composition root."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.warning import samples
from warning.cli import main
from warning.service.result import BacktestResult
from warning.settings import Settings

Run = Callable[..., Result]


@pytest.fixture(name="run")
def _run() -> Run:
    def run(*words: object) -> Result:
        return CliRunner().invoke(main, [str(word) for word in words], prog_name="early-warning")

    return run


class Backtests(ModuleType):
    """Stands in for warning.bootstrap: remembers what it was asked and gives a hand-made result, or an error."""

    def __init__(self) -> None:
        super().__init__("warning.bootstrap")
        self.asked: dict[str, Any] = {}
        self.error: BaseException | None = None

    def run_backtest(self, paths: Sequence[Path], **how: Any) -> BacktestResult:
        return self._answer(paths=list(paths), **how)

    def run_backtest_log(self, log: Path, **how: Any) -> BacktestResult:
        return self._answer(log=log, **how)

    def export_log(self, paths: Sequence[Path], *, out: Path, **how: Any) -> int:
        self._answer(paths=list(paths), out=out, **how)
        out.write_bytes(b"log")
        return 17_418

    def _answer(self, *, settings: Settings, **asked: Any) -> BacktestResult:
        self.asked = {"settings": settings, **asked}
        if self.error is not None:
            raise self.error
        return samples.result()


@pytest.fixture(name="backtests")
def _backtests(monkeypatch: pytest.MonkeyPatch) -> Backtests:
    fake = Backtests()
    monkeypatch.setitem(sys.modules, "warning.bootstrap", fake)
    return fake
