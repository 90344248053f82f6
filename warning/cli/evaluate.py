"""``early-warning evaluate``: how well alerts found the incidents of a simulated city."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from warning.cli.app import example
from warning.cli.options import as_json
from warning.domain.truth import Shape
from warning.service.evaluate import BANDS, Evaluation, Outcome, evaluate, median_lead
from warning.store.encoding import encode_pretty
from warning.store.truth import read_alerts_of, read_truth

_EXISTING = click.Path(exists=True, path_type=Path)
_NAMES = {
    Shape.BURST: "突发 burst",
    Shape.SLOW_RISE: "缓升 slow rise",
    Shape.SPATIAL_SPREAD: "扩散 spatial spread",
    Shape.NEW_TOPIC: "新话题 new topic",
    Shape.DEPARTMENT_SLOW: "部门变慢 department slow",
    Shape.CHANNEL_SILENT: "渠道静默 channel silent",
    Shape.TRANSFERS: "转派骤增 transfers",
    Shape.CITY_WIDE: "全市 city-wide",
}
_NEGATIVES = {
    Shape.HOLIDAY.value: "节假日 holiday",
    Shape.PLANNED_CHANGE.value: "计划内变化 planned change",
    Shape.LATE_BATCH.value: "批量迟到 late batch",
    Shape.ONE_WRITER.value: "一人多诉 one writer",
    "nothing": "无可解释 nothing explains",
}


@click.command(
    "evaluate",
    short_help="评测预警 Measure alerts against the truth",
    help="Measure alerts against the truth of a simulated city.\n\n用模拟城市的真相评测预警。\n\n"
    "TRUTH is what `simulate` wrote (the folder, or truth.jsonl), ALERTS a result folder or an alerts.jsonl. The rule "
    "by which an alert matches an incident is in the README.\n\n"
    "TRUTH 为 simulate 的结果,ALERTS 为回测结果或 alerts.jsonl;匹配规则见 README。",
    epilog=example("early-warning evaluate city result", "early-warning evaluate city result --json"),
)
@click.argument("truth", type=_EXISTING)
@click.argument("alerts", type=_EXISTING)
@as_json
def evaluate_command(truth: Path, alerts: Path, *, as_json: bool) -> None:
    """Read both, match them and print the figures."""
    evaluation = evaluate(*read_truth(truth), read_alerts_of(alerts))
    if as_json:
        click.echo(encode_pretty(plain(evaluation)), nl=False)
    else:
        click.echo("\n".join(_text(evaluation)))


def plain(evaluation: Evaluation) -> dict[str, Any]:
    """Return the figures as ``--json`` prints them."""
    return {
        "city": evaluation.period.city,
        "weeks": evaluation.weeks,
        "incidents": len(evaluation.outcomes),
        "warned": sum(outcome.warning is not None for outcome in evaluation.outcomes),
        "alerts": evaluation.alerts,
        "warnings": evaluation.warnings,
        "duplicates": evaluation.duplicates,
        "false_alerts": dict(sorted(evaluation.false_alerts.items())),
        "precision": evaluation.precision,
        "false_alerts_per_week": evaluation.false_per_week,
        "cut_off": {"incidents": evaluation.cut_off_incidents, "alerts": evaluation.cut_off_alerts},
        "left_out": evaluation.left_out,
        "shapes": {shape.value: _plain_shape(evaluation, shape) for shape in _NAMES},
        "by_incident": [_plain_outcome(outcome) for outcome in evaluation.outcomes],
    }


def _plain_shape(evaluation: Evaluation, shape: Shape) -> dict[str, Any]:
    outcomes = evaluation.of(shape)
    lead = median_lead(outcomes)
    bands = {f"{band[0]:g}-{band[1]:g}": evaluation.of(shape, band) for band in BANDS}
    return {
        "incidents": len(outcomes),
        "warned": sum(outcome.warning is not None for outcome in outcomes),
        "bands": {name: [sum(o.warning is not None for o in found), len(found)] for name, found in bands.items()},
        "median_lead_hours": lead and lead[0],
        "median_lead_share": lead and lead[1],
    }


def _plain_outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "id": outcome.truth.id,
        "shape": outcome.truth.shape.value,
        "size_sd": outcome.truth.size_sd,
        "alert": outcome.warning and outcome.warning.id,
        "lead_hours": outcome.lead_hours,
        "lead_share": outcome.lead_share,
    }


def _text(evaluation: Evaluation) -> Iterator[str]:
    period, outcomes = evaluation.period, evaluation.outcomes
    yield f"{period.city}: {evaluation.weeks:.1f} 周 weeks, {period.measured_from:%Y-%m-%d} – {period.end:%Y-%m-%d}"
    yield ""
    yield "已预警/事件 warned/incidents, 按基线标准差 by size in baseline standard deviations"
    yield _row("", [*(f"{low:g}-{high:g}" for low, high in BANDS), "全部 all", "提前 lead", "占比 share"])
    for shape, name in _NAMES.items():
        yield _outcome_row(name, evaluation, shape)
    yield _outcome_row("全部 all", evaluation, None)
    yield ""
    yield (
        f"预警 alerts {evaluation.alerts}: 首报 warnings {evaluation.warnings}, 重复 duplicates "
        f"{evaluation.duplicates}, 误报 false {evaluation.false_alerts.total()}, 结尾截断 cut off "
        f"{evaluation.cut_off_alerts}"
    )
    precision = evaluation.precision
    yield f"精确率 precision  {'–' if precision is None else f'{precision:.0%}'}"
    yield f"每周误报 false alerts a week  {evaluation.false_per_week:.2f}"
    for negative, count in sorted(evaluation.false_alerts.items()):
        yield f"  {_NEGATIVES[negative]}  {count}"
    yield (
        f"未计 left out: 静默期或期外 {evaluation.left_out} 条预警 alerts outside what is measured; "
        f"{evaluation.cut_off_incidents} 个被结尾截断的事件 incidents cut off; "
        f"计入 counted {len(outcomes)} 个事件 incidents"
    )


def _outcome_row(name: str, evaluation: Evaluation, shape: Shape | None) -> str:
    lead = median_lead(evaluation.of(shape))
    leads = [f"{lead[0]:.1f} h", f"{lead[1]:.0%}"] if lead else ["–", "–"]
    bands = [*(evaluation.of(shape, band) for band in BANDS), evaluation.of(shape)]
    return _row(name, [*map(_warned, bands), *leads])


def _warned(outcomes: Iterable[Outcome]) -> str:
    found = list(outcomes)
    return f"{sum(outcome.warning is not None for outcome in found)}/{len(found)}" if found else "–"


def _row(name: str, cells: Iterable[str]) -> str:
    return f"{_padded(name, 26)}" + "".join(_padded(cell, 11, right=True) for cell in cells)


def _padded(text: str, columns: int, *, right: bool = False) -> str:
    """Pad to columns of a terminal, where a Chinese character takes two."""
    gap = " " * max(0, columns - sum(2 if char > "\u2e7f" else 1 for char in text))
    return gap + text if right else text + gap
