"""Only ticks close buckets; provisional evidence comes early and is confirmed or withdrawn; the start only teaches."""

from __future__ import annotations

from tests.warning.engine.tickets import CITY, START, STEP, Heard, Row, city, columns, engine, feed, log, tick
from warning.domain.alert import AlertStatus
from warning.domain.bucket import DAY_MS, HOUR_MS, MINUTE_MS, BucketLength
from warning.domain.signal import EvidenceState, Signal
from warning.engine.records import Record, Tick

BURST = START + 2 * DAY_MS + 10 * HOUR_MS
QUIET_DAYS = 2


def quiet() -> list[Row]:
    """Return two quiet days of one category: a ticket every two hours."""
    step = 2 * HOUR_MS
    return [Row(time=START + i * step, id=f"Q{i}") for i in range(QUIET_DAYS * DAY_MS // step)]


def burst(count: int, *, at: int = BURST, within: int = 10 * MINUTE_MS) -> list[Row]:
    """Return a burst of the same category."""
    return [Row(time=at + i * within // count, id=f"B{at}-{i}") for i in range(count)]


def of_length(heard: Heard, length: BucketLength) -> list[Signal]:
    """Return all versions of the category's city-wide signals at one length, in order."""
    return [
        signal
        for output in heard.outputs
        for signal in output.signals
        if signal.length is length and str(signal.series) == "area_category:Testville:Noise"
    ]


def test_a_tick_whose_number_is_not_above_the_last_is_ignored() -> None:
    """Two writers of ticks do no harm: a repeated or older tick changes nothing."""
    rows = quiet() + burst(40)
    once = feed(engine(), log(rows))
    doubled: list[Record] = []
    for record in log(rows):
        doubled += [record, record] if isinstance(record, Tick) else [record]
    doubled.append(tick(START // STEP + 3, START))
    twice = feed(engine(), doubled)
    assert twice.signals == once.signals
    assert twice.alerts == once.alerts


def test_without_ticks_nothing_is_said() -> None:
    """Batches alone close no bucket and give no evidence."""
    subject = engine()
    subject.apply(tick((START - HOUR_MS) // STEP, START))
    heard = feed(subject, [columns(quiet()), columns(burst(100))])
    assert not heard.signals
    assert subject.stages[0].bank.counts.open[BucketLength.DAY]


def test_a_burst_is_signalled_before_its_hour_is_over() -> None:
    """Provisional evidence is given at the next tick, an hour before the bucket closes behind the lateness."""
    rows = quiet() + burst(40) + [Row(time=BURST + 16 * MINUTE_MS, id="next")]
    heard = feed(engine(), log(rows))
    first = of_length(heard, BucketLength.HOUR)[0]
    assert first.state is EvidenceState.PROVISIONAL
    assert first.raised_at.timestamp() * 1000 <= BURST + 16 * MINUTE_MS
    alert = next(alert for output in heard.outputs for alert in output.alerts)
    assert alert.state is EvidenceState.PROVISIONAL
    assert alert.raised_at == first.raised_at


def test_a_closed_bucket_confirms_its_provisional_evidence() -> None:
    """The signal keeps its id and becomes final with the whole bucket's count when the hour closes."""
    rows = quiet() + burst(40) + [Row(time=BURST + 3 * HOUR_MS, id="later")]
    heard = feed(engine(), log(rows))
    versions = of_length(heard, BucketLength.HOUR)
    assert {version.id for version in versions} == {versions[0].id}
    assert versions[-1].state is EvidenceState.FINAL
    assert versions[-1].observed == 40
    assert next(iter(heard.alerts.values())).state is EvidenceState.FINAL


def test_a_closed_bucket_withdraws_evidence_it_does_not_bear_out() -> None:
    """A day that begins with a burst and stays empty is withdrawn at its end when the day as a whole is usual."""
    ordinary = [Row(time=START + i * 6 * MINUTE_MS, id=f"Q{i}") for i in range(9 * 240)]
    early = burst(60, at=START + 9 * DAY_MS, within=MINUTE_MS)
    after = [
        Row(time=START + 9 * DAY_MS + 16 * MINUTE_MS, id="next"),
        Row(time=START + 10 * DAY_MS + 2 * HOUR_MS, id="end"),
    ]
    heard = feed(engine(least=5), log(ordinary + early + after))
    states = [version.state for version in of_length(heard, BucketLength.DAY)]
    assert states[0] is EvidenceState.PROVISIONAL
    assert states[-1] is EvidenceState.WITHDRAWN


def test_weeks_are_judged_when_they_close() -> None:
    """No provisional evidence is given on a week; its final evidence comes with its end."""
    rows = quiet() + burst(80) + [Row(time=START + 8 * DAY_MS, id="end")]
    versions = of_length(feed(engine(), log(rows)), BucketLength.WEEK)
    assert [version.state for version in versions] == []
    later = [Row(time=row.time + 7 * DAY_MS, id=f"second {row.id}") for row in quiet() + burst(80)]
    end = [Row(time=START + 15 * DAY_MS, id="end")]
    versions = of_length(feed(engine(), log(quiet() + later + end)), BucketLength.WEEK)
    assert [version.state for version in versions] == [EvidenceState.FINAL]


def test_the_warm_up_only_teaches() -> None:
    """Nothing is said of buckets that start in the first hours, however they look."""
    early = burst(200, at=START + 5 * HOUR_MS)
    rows = sorted(quiet() + early, key=lambda row: row.time) + [Row(time=START + 2 * DAY_MS + HOUR_MS, id="end")]
    assert not of_length(feed(engine(warm_up_ms=DAY_MS), log(rows)), BucketLength.HOUR)
    assert of_length(feed(engine(warm_up_ms=HOUR_MS), log(rows)), BucketLength.HOUR)


def test_a_category_never_seen_before_that_bursts_is_a_warning() -> None:
    """Cold start: eight tickets in ten minutes of a category unseen for two days raise an alert."""
    new = [Row(time=row.time, id=row.id, category="Sinkhole") for row in burst(8)]
    heard = feed(engine(), log(quiet() + new + [Row(time=BURST + 20 * MINUTE_MS, id="next")]))
    assert [alert.categories for alert in heard.alerts.values()] == [("Sinkhole",)]


def test_an_alert_closes_when_the_excess_is_gone() -> None:
    """A day after the last evidence the alert is closed, by its named rule."""
    rows = quiet() + burst(40) + [Row(time=BURST + i * 2 * HOUR_MS, id=f"E{i}") for i in range(1, 36)]
    (alert,) = feed(engine(), log(rows)).alerts.values()
    assert alert.status is AlertStatus.CLOSED
    assert alert.history[-1].rule == "CLOSE-1"
    assert alert.closed_at is not None


def test_signals_say_what_they_rest_on() -> None:
    """A signal carries its parts (which sum to its count here), examples within its window, department and channel."""
    heard = feed(engine(), log(city()))
    (alert,) = heard.alerts.values()
    lead = heard.signals[alert.lead_signal_id]
    assert sum(part[1] for part in lead.parts) == lead.observed
    assert lead.departments == ("Transport",)
    assert lead.channels == ("app",)
    assert len(lead.examples) == 3
    assert all(lead.window_start <= example.created_at < lead.window_end for example in lead.examples)
    assert all(example.ticket_id.startswith("B") for example in lead.examples)
    assert alert.jurisdiction == CITY


def test_alert_points_tell_the_course_of_the_leading_series() -> None:
    """Charts get the buckets before and after an alert: each bucket once, with what was observed in it."""
    heard = feed(engine(), log(city()))
    (alert,) = heard.alerts.values()
    lead = heard.signals[alert.lead_signal_id]
    points = {
        point.start: point
        for output in heard.outputs
        for point in output.points
        if point.series == lead.series and point.length is lead.length
    }
    assert points[lead.window_start].observed == lead.observed
    assert points[lead.window_start].expected == lead.expected
    assert min(points) < lead.window_start < max(points)
    assert all(point.expected > 0 and point.upper_bound >= 1 for point in points.values())
