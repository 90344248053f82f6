"""How well the detectors find the incidents of the three cities that nobody tunes on: the evaluation, as it is.

Each city lives 13 quiet weeks, which only teach, and 26 weeks with three incidents and a hard negative each (seed and
start are fixed), is back-tested with default settings, and judged by the rule of :mod:`warning.service.evaluate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.process import timed
from benchmarks.tables import Table
from warning.bootstrap import run_backtest
from warning.domain.truth import NOT_INCIDENTS
from warning.service.evaluate import BANDS, Evaluation, Outcome, evaluate, median_lead
from warning.settings import load_settings
from warning.simulator import Purpose, Shape, Simulation, list_cities, simulate
from warning.simulator.export import FILES, SETTINGS, TICKETS, files_of

if TYPE_CHECKING:
    from benchmarks.suite import Scale, Tell
    from warning.service.result import BacktestResult

SEED = 20250106
START = date(2025, 1, 6)
"""A Monday; all 39 weeks lie in years that every calendar knows."""
QUIET_WEEKS, WEEKS = 13, 26
_FULL_SHARE = 1.0


def cities(scale: Scale, folder: Path, tell: Tell) -> list[Table]:
    """Simulate, back-test and judge each untouched city; one table for each, and one for all."""
    whole = scale.day_share == _FULL_SHARE
    quiet, weeks = (QUIET_WEEKS, WEEKS) if whole else (1, 1)
    untouched = [city.name for city in list_cities() if city.purpose is Purpose.UNTOUCHED]
    judged = [_judge(name, quiet, weeks, folder, tell) for name in untouched]
    return [_summary(judged), *(_by_shape(evaluation) for evaluation, _ in judged)]


def _judge(name: str, quiet: int, weeks: int, folder: Path, tell: Tell) -> tuple[Evaluation, list[str]]:
    tell(f"{name}: {quiet} quiet weeks and {weeks} weeks …")
    city = next(city for city in list_cities() if city.name == name)
    simulations: list[Simulation] = []
    made = timed(lambda: simulations.append(simulate(city, SEED, START, 7 * (quiet + weeks), quiet_days=7 * quiet)))
    simulation = simulations[0]
    _write(simulation, folder / name)
    results: list[BacktestResult] = []
    settings = load_settings(folder / name / SETTINGS, environment={})
    tickets = [folder / name / TICKETS]
    took = timed(lambda: results.append(run_backtest(tickets, mapping="simulated-city", settings=settings)))
    evaluation = evaluate(simulation.period, simulation.truth, results[0].alerts)
    days = (simulation.period.end - simulation.period.start).days
    figures = [f"{len(simulation.tickets) / days:.0f}", f"{made['seconds']:.1f}", f"{took['seconds']:.0f}"]
    return evaluation, figures


def _write(simulation: Simulation, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    content = files_of(simulation)
    for name in FILES:
        (folder / name).write_bytes(b"".join(content[name]))


def _summary(judged: Sequence[tuple[Evaluation, list[str]]]) -> Table:
    header = ["", "tickets a day", "s to simulate", "s to back-test", "warned", "alerts", "duplicates", "false"]
    header += ["precision", "false a week", "lead, hours", "lead, share"]
    rows = [[of.period.city, *figures, _warned(of.outcomes), *_figures(of)] for of, figures in judged]
    measured = (
        f"{judged[0][0].weeks:g} weeks measured; 3 incidents a week, sizes uniform in 2 to 10 baseline standard "
        "deviations."
    )
    notes = [
        measured,
        "Lead: median, from the incident's start to its first alert; share: of the incident's length.",
        "Alerts cut off by the end are neither true nor false, so the columns may not add up.",
    ]
    return Table("Simulated cities that nobody tunes on", header, rows, notes)


def _figures(of: Evaluation) -> list[str]:
    lead = median_lead(of.outcomes)
    precision = "–" if of.precision is None else f"{of.precision:.0%}"
    false = [precision, f"{of.false_per_week:.2f}"]
    return [f"{of.alerts}", f"{of.duplicates}", f"{of.false_alerts.total()}", *false, *_lead(lead)]


def _by_shape(of: Evaluation) -> Table:
    header = ["warned / incidents", *(f"{low:g} to {high:g} sd" for low, high in BANDS), "all", "lead, hours", "share"]
    rows = []
    for shape in (None, *(shape for shape in Shape if shape not in NOT_INCIDENTS)):
        found = [*(of.of(shape, band) for band in BANDS), of.of(shape)]
        name = "all" if shape is None else shape.value.replace("_", " ")
        rows.append([name, *map(_warned, found), *_lead(median_lead(of.of(shape)))])
    explained = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in sorted(of.false_alerts.items()))
    return Table(
        of.period.city, header, [*rows[1:], rows[0]], [f"False alerts by what explains them: {explained or 'none'}."]
    )


def _warned(outcomes: Sequence[Outcome]) -> str:
    return f"{sum(outcome.warning is not None for outcome in outcomes)}/{len(outcomes)}" if outcomes else "–"


def _lead(lead: tuple[float, float] | None) -> list[str]:
    return ["–", "–"] if lead is None else [f"{lead[0]:.1f}", f"{lead[1]:.0%}"]
