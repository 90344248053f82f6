"""Hand-made results for tests of what shows and stores them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from warning.domain.alert import Alert, AlertStatus, Flag, Headline, ReviewFlag, Transition
from warning.domain.bucket import BucketLength
from warning.domain.evidence import EvidencePoint
from warning.domain.reject import Reject, RejectReason
from warning.domain.series import SeriesKey, SeriesKind
from warning.domain.signal import EvidenceState, ExampleTicket, Signal
from warning.service.result import BacktestResult, Summary

ZONE = ZoneInfo("America/New_York")
NINE = datetime(2020, 1, 2, 9, tzinfo=ZONE)
SERIES = SeriesKey(SeriesKind.AREA_CATEGORY, "New York City", "Broken Parking Meter")


def example_ticket(text: str = "meter does not take cards") -> ExampleTicket:
    return ExampleTicket(
        source="nyc311",
        ticket_id="45283101",
        created_at=NINE + timedelta(minutes=4),
        area="New York City/QUEENS",
        text=text,
    )


def signal(identity: str = "sig-a", **changes: object) -> Signal:
    base = Signal(
        id=identity,
        jurisdiction="New York City",
        detector="surge",
        kind="surge",
        series=SERIES,
        length=BucketLength.HOUR,
        window_start=NINE,
        window_end=NINE + timedelta(hours=1),
        raised_at=NINE + timedelta(minutes=30),
        updated_at=NINE + timedelta(hours=3),
        state=EvidenceState.FINAL,
        observed=120,
        expected=3.2000000004,
        upper_bound=11.0,
        p_value=1.23456789e-9,
        score=14.9743589,
        recurrence_interval_days=4200.123456789,
        history_days=1.375,
        parts=(("New York City/QUEENS", 60, 1.5), ("New York City/BROOKLYN", 40, 1.0)),
        examples=(example_ticket(),),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def alert(identity: str = "alert-7f3a", **changes: object) -> Alert:
    lead = signal()
    base = Alert(
        id=identity,
        jurisdiction="New York City",
        raised_at=NINE + timedelta(minutes=30),
        updated_at=NINE + timedelta(hours=3),
        closed_at=None,
        state=EvidenceState.FINAL,
        kind="surge",
        detectors=("surge",),
        window_start=lead.window_start,
        window_end=lead.window_end,
        areas=("New York City", "New York City/QUEENS"),
        categories=("Broken Parking Meter",),
        departments=("DOT",),
        channels=(),
        severity=83,
        p_value=lead.p_value,
        recurrence_interval_days=lead.recurrence_interval_days,
        observed=lead.observed,
        expected=lead.expected,
        upper_bound=lead.upper_bound,
        flags=(
            Flag(code=ReviewFlag.HIGH_IMPACT, reason_zh="一小时内超过百件", reason_en="more than a hundred in an hour"),
        ),
        status=AlertStatus.OPEN,
        headline=Headline(
            zh="全市“停车计费器故障”激增:1 小时 120 件,预计 3 件",
            en="Broken Parking Meter surges city-wide: 120 in an hour, 3 expected",
        ),
        lead_signal_id="sig-a",
        signal_ids=("sig-a", "sig-b"),
        parts=lead.parts,
        examples=lead.examples,
        history=(
            Transition(
                rule="RAISE-1",
                at=NINE + timedelta(minutes=30),
                severity=60,
                status=AlertStatus.OPEN,
                observed=50,
                expected=3.2,
            ),
            Transition(
                rule="UPDATE-1",
                at=NINE + timedelta(hours=3),
                severity=83,
                status=AlertStatus.OPEN,
                observed=120,
                expected=3.2,
            ),
        ),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def course(hours: int = 60, *, busy: int = 36) -> list[EvidencePoint]:
    """Hourly points: quiet, then a burst of five hours from ``busy`` on, which is the alert's window."""
    points = []
    for hour in range(hours):
        start = NINE + timedelta(hours=hour - busy)
        quiet = 1.2 + 2 * (8 <= start.hour <= 19)
        burst = {busy: 120, busy + 1: 96, busy + 2: 61, busy + 3: 30, busy + 4: 12}.get(hour, 0)
        points.append(
            EvidencePoint(
                series=SERIES,
                length=BucketLength.HOUR,
                start=start,
                end=start + timedelta(hours=1),
                observed=burst or int(quiet + hour % 3),
                expected=quiet,
                upper_bound=round(3 * quiet + 3, 2),
            )
        )
    return points


def reject(row: int = 17) -> Reject:
    return Reject(
        source="nyc311",
        row=row,
        field="created_at",
        reason=RejectReason.BAD_TIME,
        advice_zh="时间应为 月/日/年 时:分:秒 上午或下午",
        advice_en="Write times as MM/DD/YYYY hh:mm:ss AM.",
        value="13/45/2020",
    )


def summary(**changes: object) -> Summary:
    base = Summary(
        jurisdiction="New York City",
        zone="America/New_York",
        version="0.1.0",
        inputs=("nyc311-jan2020.csv",),
        mapping="nyc311-headerless",
        rows=17_418,
        outcomes={"rejected": 12, "duplicate": 3, "updated": 0, "late": 41, "accepted": 17_362},
        reject_reasons={"bad_time": 10, "bad_area": 2},
        repairs={"area:shifted_cell": 2_381},
        life_events={"created": 17_362, "resolved": 12_050},
        backlog={"DOT": 312, "NYPD": 45},
        first_event=datetime(2020, 1, 1, tzinfo=ZONE),
        last_event=datetime(2020, 1, 4, 23, 59, tzinfo=ZONE),
        ticks=384,
        decisions=1_234_567,
        series={"area_category": 640, "total": 6},
        overflowed=0,
        dedupe_horizon_days=30.0,
        signals=2,
        alerts=1,
        alerts_by_status={"open": 1},
        notices=("预热 24 小时内不发预警。No alerts in the first 24 hours (warm-up).",),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def result() -> BacktestResult:
    second = signal(
        "sig-b",
        length=BucketLength.QUARTER,
        window_end=NINE + timedelta(minutes=15),
        raised_at=NINE + timedelta(minutes=15),
        observed=31,
        expected=0.8,
        upper_bound=6.0,
        p_value=3e-8,
    )
    return BacktestResult(
        summary=summary(), alerts=[alert()], signals=[second, signal()], evidence=course(), rejects=[reject()]
    )
