"""Charts of a cluster are those of one engine: whoever may lead an alert has its past told, whenever that is.

An engine tells a past in the tick in which a series begins to be followed. That may be a tick in which the leading
signal is reason for no alert any more::

    ticks       now              hours or days later
    signal      8 in a minute    8 in an hour: withdrawn
    alert       OPEN-1           WITHDRAW-1, led by the same signal
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import msgspec
import pytest

from streams.alerts.stage import AlertStage
from streams.detect.stage import DetectStage, restored
from streams.generations import Generation
from streams.records import Report
from tests.streams.alerts.reports import alert_stage, collected, oracle, reports_of, same, through
from tests.streams.detect.worlds import CONFIG, POLICY
from tests.warning.engine.tickets import START, STEP, Row, columns, tick
from warning.domain.bucket import DAY_MS, HOUR_MS, MINUTE_MS, BucketLength
from warning.domain.series import SeriesKind
from warning.domain.signal import EvidenceState, Signal
from warning.engine.records import Output, Record, Tick
from warning.intake.columns import TicketColumns

BURST = START + 5 * DAY_MS + 19 * HOUR_MS
"""The start of an hour, in the evening."""


def _even(until: int, *, an_hour: int) -> list[Row]:
    """Return as many tickets every hour, spread over it, of one category among four."""
    step = HOUR_MS // an_hour
    return [
        Row(time=at, id=f"{category}{at}", category=category, area="Testville/North")
        for at in range(START, until, step)
        for category in ("Noise", "Water", "Roads", "Trees")
    ]


def _at_once(at: int, count: int, category: str = "Noise") -> list[Row]:
    """Return tickets within a second."""
    return [Row(time=at + i, id=f"B{at}-{i}", category=category, area="Testville/North") for i in range(count)]


def _tick_at(watermark: int, read_to: int) -> Tick:
    return tick(watermark // STEP, read_to)


def _ticked(rows: Sequence[Row], until: int) -> list[Record]:
    """Return rows up to a moment as a log with a tick every hour, its watermark an hour behind."""
    records: list[Record] = []
    for end in range(START + HOUR_MS, until + 1, HOUR_MS):
        part = [row for row in rows if end - HOUR_MS <= row.time < end]
        records += [columns(part), _tick_at(end - HOUR_MS, end)]
    return records


def _led(output: Output) -> list[Signal]:
    """Return the signals of a tick that lead an alert of the same tick."""
    by_id = {signal.id: signal for signal in output.signals}
    return [by_id[alert.lead_signal_id] for alert in output.alerts if alert.lead_signal_id in by_id]


def test_a_lead_that_is_withdrawn_days_later_has_its_past_told() -> None:
    """No tick came for so long that its series was forgotten: the engine follows it anew, and so does the chart."""
    read_to = BURST + MINUTE_MS
    records = [
        *_ticked(_even(BURST, an_hour=12), BURST),
        columns(_at_once(BURST, 9)),
        _tick_at(BURST - STEP, read_to),
        _tick_at(BURST + 2 * DAY_MS, read_to),
    ]
    said, by_tick = oracle(records)
    opening, last = (output for _, output in sorted(by_tick.items())[-2:])
    (lead,) = _led(opening)
    assert lead.series.kind is SeriesKind.AREA_CATEGORY
    (withdrawn,) = _led(last)
    assert (withdrawn.id, withdrawn.state) == (lead.id, EvidenceState.WITHDRAWN)
    assert same(collected(through(alert_stage(), reports_of(records, 3))), said)


def test_a_lead_that_others_led_before_has_its_past_told_when_it_is_withdrawn() -> None:
    """It came to lead in a tick that did not speak of it; the next that does says only that there is nothing."""
    read_to = BURST + MINUTE_MS
    records = [
        *_ticked(_even(BURST, an_hour=12), BURST),
        columns(_at_once(BURST, 9)),
        *[_tick_at(watermark, read_to) for watermark in (BURST - STEP, BURST + STEP, BURST + HOUR_MS)],
    ]
    said, by_tick = oracle(records)
    opening, closing, last = (output for _, output in sorted(by_tick.items())[-3:])
    assert [lead.length for lead in _led(opening)] == [BucketLength.QUARTER]
    (alert,) = closing.alerts
    assert alert.lead_signal_id not in {signal.id for signal in closing.signals}
    (withdrawn,) = _led(last)
    assert (withdrawn.id, withdrawn.state) == (alert.lead_signal_id, EvidenceState.WITHDRAWN)
    assert (withdrawn.series.kind, withdrawn.length) == (SeriesKind.AREA_CATEGORY, BucketLength.HOUR)
    assert same(collected(through(alert_stage(), reports_of(records, 3))), said)


def _restless(rng: random.Random) -> list[Record]:
    """Return ten days of a log with bursts that may come to nothing, and ticks a quarter of an hour to days apart."""
    rows = _even(START + 10 * DAY_MS, an_hour=12)
    records: list[Record] = []
    since, at = START, START + 3 * DAY_MS
    while at < rows[-1].time:
        part = [row for row in rows if since <= row.time < at]
        if rng.random() < 0.5:
            part += _at_once(at, rng.randrange(6, 14), rng.choice(("Noise", "Water", "Roads")))
        records += [columns(part), _tick_at(at - HOUR_MS, at + MINUTE_MS)]
        since, at = at, at + rng.choice((1, 1, 1, 2, 4, 8, 40, 100, 200)) * STEP
    return [*records, _tick_at(at + 2 * DAY_MS, at)]


@pytest.mark.parametrize("seed", range(6))
def test_charts_are_those_of_one_engine_whatever_is_killed(seed: int) -> None:
    """States stored and loaded between any two records, ticks far apart: signals, alerts and points stay the same."""
    rng = random.Random(seed)
    records = _restless(rng)
    said, by_tick = oracle(records)
    assert any(lead.state is EvidenceState.WITHDRAWN for output in by_tick.values() for lead in _led(output))
    stage, judged = alert_stage(), []
    for report in _killed_at_times(records, rng.choice((1, 3, 8)), rng):
        judged += stage.take(report)
        if rng.random() < 0.1:
            stage = _alert_stage_again(stage)
    assert same(collected(judged), said)


def _killed_at_times(records: Sequence[Record], partitions: int, rng: random.Random) -> list[Report]:
    """Return what partitions report whose states are stored and loaded now and then."""
    generation = Generation(topic="tickets", partitions=partitions)
    stages = [DetectStage(CONFIG, POLICY, generation, each) for each in range(partitions)]
    reports = []
    for record in records:
        for number, stage in enumerate(stages):
            if isinstance(record, TicketColumns):
                stage.apply(stage.own(record))
            elif isinstance(record, Tick) and (report := stage.tick(record, 0)) is not None:
                reports.append(report)
            if rng.random() < 0.05:
                stages[number] = restored(stage, msgspec.msgpack.decode(msgspec.msgpack.encode(stage.state())))
    return reports


def _alert_stage_again(stage: AlertStage) -> AlertStage:
    new = alert_stage()
    new.load(msgspec.msgpack.decode(msgspec.msgpack.encode(stage.state())))
    return new
