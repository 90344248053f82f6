"""The composition root: the only package that knows which concrete classes work together."""

from warning.bootstrap.backtest import build_engine, export_log, run_backtest, run_backtest_log

__all__ = ["build_engine", "export_log", "run_backtest", "run_backtest_log"]
