"""``early-warning explain``: why an alert was raised."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import click

from warning.cli.app import example
from warning.cli.options import as_json
from warning.domain.signal import Signal
from warning.service import words
from warning.service.explain import REMAINDER, Explanation
from warning.service.explain import explain as explain_alert
from warning.store.encoding import encode_pretty
from warning.store.files import read_result
from warning.store.schemas import explanation_record

SIGNALS_SHOWN = 10


@click.command(
    short_help="解释预警 Explain an alert",
    help="Explain an alert of a back-test: observed, expected, bound, what contributed, example tickets.\n\n"
    "解释一条预警:实际、预计、界限、由哪些部分构成、示例工单。\n\n"
    "ALERT is its id or the first letters of it. ALERT 为预警编号或其开头几位。",
    epilog=example("early-warning explain result 7f3a", "early-warning explain result 7f3a --json"),
)
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("alert")
@as_json
def explain(folder: Path, alert: str, *, as_json: bool) -> None:
    """Read the result and print the explanation."""
    explanation = explain_alert(read_result(folder), alert)
    if as_json:
        click.echo(encode_pretty(explanation_record(explanation)), nl=False)
    else:
        click.echo("\n".join(_text(explanation)))


def _text(explanation: Explanation) -> Iterator[str]:
    alert = explanation.alert
    kind, status, state = words.kind_words(alert.kind), words.STATUSES[alert.status], words.STATES[alert.state]
    happened = words.what_happened(alert.observed, alert.expected, alert.upper_bound)
    rarity = words.how_rare(alert.p_value, alert.recurrence_interval_days)
    yield from (alert.headline.zh, alert.headline.en, "")
    yield f"编号 id           {alert.id}"
    yield f"类型 kind         {kind.zh} {kind.en}, {status.zh} {status.en}, {state.zh} {state.en}"
    if caution := words.CAUTIONS.get(alert.state):
        yield f"注意 note         {caution.zh} {caution.en}"
    yield f"严重程度 severity {alert.severity} / 100"
    yield f"发出 raised       {_moment(alert.raised_at)}"
    yield f"窗口 window       {_moment(alert.window_start)} – {_moment(alert.window_end)}"
    yield f"实际 observed     {alert.observed}"
    yield f"预计 expected     {alert.expected:g}"
    yield f"界限 upper bound  {alert.upper_bound:g}"
    yield f"p                 {alert.p_value:g}"
    yield f"再现间隔 recurrence interval  {alert.recurrence_interval_days:g} 天 days"
    yield from _section("为何发出", "Why it was raised", [explanation.reason.zh, explanation.reason.en])
    yield from _section("意味着什么", "What that means", [happened.zh, happened.en, rarity.zh, rarity.en])
    yield from _section("由哪些部分构成", "What it is made of (observed / expected)", _parts(explanation))
    yield from _section("所含信号", "Its signals", _signals(explanation.signals))
    yield from _section("为何需要人工复核", "Why a person must review it", _flags(explanation))
    yield from _section("示例工单 (已脱敏)", "Example tickets (redacted)", _examples(explanation))
    yield from _section("经过", "History", _history(explanation))


def _section(chinese: str, english: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield from ("", f"{chinese} {english}", *(f"  {line}" for line in lines))


def _parts(explanation: Explanation) -> list[str]:
    named = [("其他 other" if part.name == REMAINDER else part.name, part) for part in explanation.parts]
    return [f"{part.observed:>7,} / {words.figure(part.expected):>6}  {name}" for name, part in named]


def _signals(signals: tuple[Signal, ...]) -> list[str]:
    lines = [
        f"{signal.detector} {signal.length.value:>3}  {_moment(signal.window_start)}  {signal.observed:,} / "
        f"{words.figure(signal.expected)}  p={signal.p_value:.3g}  {signal.series.area} · {signal.series.name}"
        for signal in signals[:SIGNALS_SHOWN]
    ]
    more = len(signals) - len(lines)
    return [*lines, f"… 另有 and {more} more"] if more else lines


def _flags(explanation: Explanation) -> list[str]:
    return [f"{flag.code.value}: {flag.reason_zh} {flag.reason_en}" for flag in explanation.alert.flags]


def _examples(explanation: Explanation) -> list[str]:
    return [
        f"{_moment(ticket.created_at)}  {ticket.source} {ticket.ticket_id}  {ticket.area}: {ticket.text or '–'}"
        for ticket in explanation.alert.examples
    ]


def _history(explanation: Explanation) -> list[str]:
    return [
        f"{_moment(step.at)}  {step.rule}  {step.status.value}  severity {step.severity}  "
        f"{step.observed:,} / {words.figure(step.expected)}"
        for step in explanation.alert.history
    ]


def _moment(moment: datetime) -> str:
    return moment.isoformat(" ", "minutes")
