"""Metrics through what Prometheus scrapes: every series from the start, counted right, labelled from closed sets."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from tests.warning import samples
from tests.warning.runtime.parts import Row, part
from warning.domain.outcome import RowOutcome
from warning.domain.reject import RejectReason
from warning.domain.signal import EvidenceState
from warning.engine.records import OUTCOME_ORDER, Output, Tick
from warning.runtime.metrics import PREFIX, REJECTS, SPECS, Metrics, _counter
from warning.service.ports import Condition, Freshness

NOW_MS = 1_700_000_000_000
QUARTER_MS = 15 * 60_000


class Scraped:
    """A service's metrics and what a scrape of them says now."""

    def __init__(self) -> None:
        self.now = NOW_MS
        self.metrics = Metrics(CollectorRegistry(), clock=lambda: self.now, version="1.2.3")

    def series(self) -> dict[str, float]:
        """Every series of ours by its text, such as ``tickets_total{outcome="late"}``, without the prefix."""
        text, _ = self.metrics.exposition()
        lines = [line for line in text.decode().splitlines() if line.startswith(PREFIX)]
        return {name.removeprefix(PREFIX): float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}

    def __getitem__(self, name: str) -> float:
        return self.series()[name]

    def changed(self, before: dict[str, float]) -> dict[str, float]:
        """How much each series grew; those that did not are left out."""
        return {name: value - before[name] for name, value in self.series().items() if value > before[name]}


@pytest.fixture(name="scraped")
def _scraped() -> Scraped:
    return Scraped()


def _tick(watermark: int) -> Tick:
    return Tick(jurisdiction="city", number=watermark, watermark=watermark, read_to=watermark)


def _condition(**changes: object) -> Condition:
    base = Condition(
        ready=True,
        progress="",
        applied_position=90,
        newest_position=100,
        applied_at=samples.NINE,
        watermark=samples.NINE,
        snapshot_at=samples.NINE + timedelta(minutes=30),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def test_every_metric_is_scraped_as_specified(scraped: Scraped) -> None:
    """The exposition has each metric of the list and no other, with its type, its labels and its meaning as help."""
    text, content_type = scraped.metrics.exposition()
    assert content_type.startswith("text/plain")
    families = {family.name: family for family in text_string_to_metric_families(text.decode())}
    ours = {name for name in families if name.startswith(PREFIX)}
    assert ours == {spec.full_name.removesuffix("_total") for spec in SPECS}
    for spec in SPECS:
        family = families[spec.full_name.removesuffix("_total")]
        assert (family.type, family.documentation) == (spec.type, spec.meaning)
        assert {frozenset(sample.labels) - {"le"} for sample in family.samples} == {frozenset(spec.labels)}


def test_meanings_are_in_both_languages() -> None:
    """Every metric says what it means in English, then in Chinese."""
    assert [spec.name for spec in SPECS if not re.fullmatch(r"[\x20-\x7e]+\. .*[一-鿿].*", spec.meaning)] == []


def _use_everything(metrics: Metrics) -> None:
    metrics.expect_routes([("GET", "/alerts")])
    metrics.tickets(dict.fromkeys(RowOutcome, 3))
    metrics.rejected([RejectReason.BAD_TIME])
    metrics.applied(_tick(NOW_MS), Output(signals=[samples.signal()], alerts=[samples.alert()]), NOW_MS)
    metrics.detector(0.1)
    metrics.observe_condition(_condition())
    metrics.queue(3, 60)
    metrics.request("GET", "/alerts", 200, 0.1)
    metrics.request("BREW", "/coffee/18", 418, 0.1)
    with metrics.store("commit"), metrics.stream():
        pass


def test_series_neither_appear_nor_vanish(scraped: Scraped) -> None:
    """After all of it was used a service has the series that it had before its first ticket."""
    scraped.metrics.expect_routes([("GET", "/alerts")])
    before = scraped.series()
    _use_everything(scraped.metrics)
    assert scraped.series().keys() == before.keys()


def test_counters_start_at_zero(scraped: Scraped) -> None:
    """Every value of every closed label set is there at zero, so that a rate sees the first one."""
    series = scraped.series()
    for name in [*(f'tickets_total{{outcome="{one}"}}' for one in RowOutcome),
                 *(f'rejects_total{{reason="{one}"}}' for one in RejectReason),
                 *(f'signals_total{{kind="surge",state="{one}"}}' for one in EvidenceState),
                 'alerts_total{severity="75-100"}', 'alert_flags_total{flag="sparse_data"}',
                 'store_seconds_count{operation="append"}']:  # fmt: skip
        assert series[name] == 0, name


@pytest.mark.parametrize("values", [(), ([],), (["a"], ["b"])])
def test_labels_are_checked_when_a_metric_is_made(values: tuple[Iterable[str], ...]) -> None:
    """A metric without a closed set for each of its labels cannot be made."""
    with pytest.raises(ValueError, match="closed set"):
        _counter(CollectorRegistry(), REJECTS, *values)


def test_two_services_do_not_mix() -> None:
    """Two services in one process have registries of their own."""
    one, other = Scraped(), Scraped()
    one.metrics.tickets({RowOutcome.LATE: 2})
    assert (one['tickets_total{outcome="late"}'], other['tickets_total{outcome="late"}']) == (2, 0)


def test_tickets_are_counted_by_outcome(scraped: Scraped) -> None:
    """A batch counts each row under the outcome that the engine gave it; refused items count once, with reasons."""
    before = scraped.series()
    codes = [OUTCOME_ORDER.index(one) for one in (RowOutcome.ACCEPTED, RowOutcome.LATE, RowOutcome.ACCEPTED)]
    batch = part([Row(time=NOW_MS), Row(time=NOW_MS), Row(time=NOW_MS)]).tickets
    scraped.metrics.applied(batch, Output(outcomes=np.array(codes, np.uint8)), NOW_MS)
    scraped.metrics.rejected([RejectReason.BAD_TIME, RejectReason.BAD_AREA, RejectReason.BAD_TIME])
    assert scraped.changed(before) == {
        'tickets_total{outcome="accepted"}': 2,
        'tickets_total{outcome="late"}': 1,
        'tickets_total{outcome="rejected"}': 3,
        'rejects_total{reason="bad_time"}': 2,
        'rejects_total{reason="bad_area"}': 1,
    }


def test_alerts_are_counted_when_they_are_raised(scraped: Scraped) -> None:
    """An alert counts once, by its severity and flags when it was raised, however often it is updated."""
    before = scraped.series()
    updated = samples.alert()
    first = replace(updated, severity=60, updated_at=updated.raised_at, history=updated.history[:1])
    unnoticed = replace(first, updated_at=updated.updated_at)
    for alert in (first, unnoticed, updated):
        scraped.metrics.output(Output(alerts=[alert]))
    assert scraped.changed(before) == {
        'alerts_total{severity="50-74"}': 1,
        'alert_flags_total{flag="high_impact"}': 1,
    }


@pytest.mark.parametrize(
    ("severity", "band"), [(0, "0-24"), (24, "0-24"), (25, "25-49"), (75, "75-100"), (100, "75-100")]
)
def test_severities_have_bands(scraped: Scraped, severity: int, band: str) -> None:
    """Every severity from 0 to 100 falls into the band that names it."""
    whole = samples.alert()
    alert = replace(whole, severity=severity, updated_at=whole.raised_at, history=whole.history[:1])
    scraped.metrics.output(Output(alerts=[alert]))
    assert scraped[f'alerts_total{{severity="{band}"}}'] == 1


def test_versions_of_signals_are_counted(scraped: Scraped) -> None:
    """Each version of a signal counts by its kind and state."""
    scraped.metrics.output(Output(signals=[samples.signal(), samples.signal(state=EvidenceState.WITHDRAWN)]))
    assert scraped['signals_total{kind="surge",state="final"}'] == 1
    assert scraped['signals_total{kind="surge",state="withdrawn"}'] == 1


def test_the_delay_of_closing_buckets(scraped: Scraped) -> None:
    """A tick that closes a quarter tells how long ago that ended."""
    # quarters   |----A----|----B----|
    # ticks      1      2   3  4      5     each applied an hour after its watermark
    # observed              A         B     (1 only tells where we are)
    start = NOW_MS // QUARTER_MS * QUARTER_MS
    for minutes in (1, 12, 16, 20, 30):
        watermark = start + minutes * 60_000
        scraped.metrics.applied(_tick(watermark), Output(), watermark + 60 * 60_000)
    series = scraped.series()
    assert series["bucket_close_delay_seconds_count"] == 2
    assert series["bucket_close_delay_seconds_sum"] == 61 * 60 + 60 * 60


def test_a_long_gap_is_one_observation(scraped: Scraped) -> None:
    """A tick after a year without any says one thing about closing, and one that goes back says nothing."""
    for watermark in (NOW_MS - 365 * 86_400_000, NOW_MS, NOW_MS - 86_400_000):
        scraped.metrics.applied(_tick(watermark), Output(), NOW_MS)
    assert scraped["bucket_close_delay_seconds_count"] == 1


def test_ages_are_told_at_the_scrape(scraped: Scraped) -> None:
    """Ages of watermark and snapshot grow by the service's clock between scrapes, and are not numbers until known."""
    assert math.isnan(scraped["watermark_age_seconds"])
    assert math.isnan(scraped["snapshot_age_seconds"])
    scraped.metrics.observe_condition(_condition())
    scraped.now = int((samples.NINE + timedelta(hours=1)).timestamp() * 1000)
    assert (scraped["watermark_age_seconds"], scraped["snapshot_age_seconds"]) == (3600, 1800)
    scraped.now += 5_000
    assert (scraped["watermark_age_seconds"], scraped["snapshot_age_seconds"]) == (3605, 1805)


def test_the_condition_is_taken_over(scraped: Scraped) -> None:
    """Lag, sources, silence, readiness, standstill and failing writes follow the condition both ways."""
    sources = tuple(
        Freshness(source=name, last_received_at=None, last_event_at=None, silent=silent)
        for name, silent in (("phone", True), ("app", False), ("web", True))
    )
    names = ("applied_lag_records", "sources", "sources_silent", "ready", "stuck", "writes_failing")
    scraped.metrics.observe_condition(_condition(freshness=sources, stuck=True, problem="full"))
    assert [scraped[name] for name in names] == [10, 3, 2, 1, 1, 1]
    scraped.metrics.observe_condition(_condition(ready=False, applied_position=100))
    assert [scraped[name] for name in names] == [0, 0, 0, 0, 0, 0]


def test_the_queue_is_taken_over(scraped: Scraped) -> None:
    """The queue's size and oldest age are shown; of an empty queue both are zero."""
    scraped.metrics.queue(4, 90.0)
    assert (scraped["review_queue_size"], scraped["review_queue_oldest_seconds"]) == (4, 90)
    scraped.metrics.queue(0, 90.0)
    assert (scraped["review_queue_size"], scraped["review_queue_oldest_seconds"]) == (0, 0)


def test_failed_operations_are_timed_too(scraped: Scraped) -> None:
    """An operation on the store that fails counts like one that does not, and still fails."""
    with pytest.raises(OSError, match="full"), scraped.metrics.store("commit"):
        raise OSError("full")
    assert scraped['store_seconds_count{operation="commit"}'] == 1
    scraped.metrics.detector(0.004)
    assert scraped['detector_seconds_bucket{le="0.005"}'] == 1


def test_the_build_is_named(scraped: Scraped) -> None:
    """The version that runs is a label of a series that is always 1."""
    assert scraped['build_info{version="1.2.3"}'] == 1
