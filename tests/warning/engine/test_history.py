"""HISTORY: what came before teaches and protects, and nothing is said of it.

::

    tickets   |== history ==================|== live ==...
    ticks     d     d     d     d     d     q q q q q
    said      -------------- nothing -------| windows that start from here on
                                   week that straddles: nothing
"""

from __future__ import annotations

import pytest

from tests.warning.engine.test_controls import NOISE, rate
from tests.warning.engine.tickets import CITY, START, STEP, Heard, Row, city, columns, engine, feed, log, tick
from warning.domain.bucket import DAY_MS, HOUR_MS, BucketLength
from warning.domain.control import Control, ControlKind
from warning.domain.series import SeriesKey, SeriesKind
from warning.domain.signal import EvidenceState
from warning.engine.records import Record, Tick

BURST = START + 2 * DAY_MS + 10 * HOUR_MS
METERS = SeriesKey(SeriesKind.AREA_CATEGORY, "Testville", "Meters")


def history(until: int) -> Control:
    return Control(kind=ControlKind.HISTORY, jurisdiction=CITY, effective_from=0, until=until)


def daily(rows: list[Row], until: int) -> list[Record]:
    """Write rows as history: one tick at the end of each day, nothing late."""
    records: list[Record] = [tick(START // STEP, START)]
    for day in range(START, until, DAY_MS):
        mine = [row for row in rows if day <= row.time < day + DAY_MS]
        records += [columns(mine)] if mine else []
        records.append(tick((day + DAY_MS) // STEP, day + DAY_MS))
    return records


def starts(heard: Heard) -> set[int]:
    return {round(signal.window_start.timestamp() * 1000) for signal in heard.signals.values()}


def burst_at(start: int, tickets: int = 80, prefix: str = "X") -> list[Row]:
    area, category = "Testville/North/District 0", "Meters"
    return [
        Row(time=start + i * HOUR_MS // tickets, id=f"{prefix}{i}", category=category, area=area)
        for i in range(tickets)
    ]


@pytest.mark.parametrize("days", [1.5, 2, 3, 9])
def test_nothing_is_said_of_windows_that_start_before(days: float) -> None:
    """Signals are exactly those of a run without history whose windows start from its end on; the rest is silent."""
    records, until = log(city(days=4)), START + int(days * DAY_MS)
    loud, quiet = feed(engine(), records), feed(engine(), [history(until), *records])
    wanted = {i: s for i, s in loud.signals.items() if s.window_start.timestamp() * 1000 >= until}
    assert quiet.signals == wanted
    assert len(wanted) < len(loud.signals)
    assert all(alert.window_start.timestamp() * 1000 >= until for alert in quiet.alerts.values())


def test_history_says_nothing_at_all() -> None:
    """Through days that are all history no signal, alert or point leaves the engine, whatever happened in them."""
    heard = feed(engine(), [history(START + 9 * DAY_MS), *log(city(days=4))])
    assert not any(output.signals or output.alerts or output.points for output in heard.outputs)


def test_history_teaches_and_protects_as_live_evidence_does() -> None:
    """The state of learning after history is that of the same days seen live, to the bit."""
    records = log(city(days=4))
    loud, quiet = engine(), engine()
    feed(loud, records)
    feed(quiet, [history(START + 9 * DAY_MS), *records])
    for mine, other in ((quiet.stages[0].bank, loud.stages[0].bank), (quiet.jurisdiction.bank, loud.jurisdiction.bank)):
        for name in ("protected_since", "protected_until"):
            assert mine.table[name].tolist() == other.table[name].tolist()
    key = SeriesKey(NOISE.kind, "Testville", "Meters")
    assert rate(quiet, key) == rate(loud, key)


def test_daily_ticks_teach_what_quarterly_ticks_teach() -> None:
    """History read with one tick a day leaves the engine that judges live tickets as live ticks would have left it."""
    rows, cut = city(days=6, burst=False), START + 5 * DAY_MS
    live = [row for row in rows if row.time >= cut] + burst_at(cut + 10 * HOUR_MS)
    live.sort(key=lambda row: row.time)
    coarse = feed(engine(), [history(cut), *daily(rows, cut), *log(live, first=cut)[1:]])
    fine_log = log([row for row in rows if row.time < cut], lateness=0)
    fine = feed(engine(), [history(cut), *fine_log, tick(cut // STEP, cut), *log(live, first=cut)[1:]])
    assert coarse.alerts == fine.alerts != {}
    assert coarse.signals == fine.signals


def test_a_window_that_straddles_the_end_is_history() -> None:
    """The day and the week in which live begins started before it: they say nothing, hours and quarters do."""
    until = START + 3 * DAY_MS + 6 * HOUR_MS
    rows = sorted([*city(days=4, burst=False), *burst_at(until + HOUR_MS)], key=lambda row: row.time)
    heard = feed(engine(), [history(until), *log(rows), tick((START + 8 * DAY_MS) // STEP, START + 8 * DAY_MS)])
    lengths = {s.length for s in heard.signals.values() if s.series.name == "Meters"}
    assert lengths == {BucketLength.QUARTER, BucketLength.HOUR}
    assert min(starts(heard)) >= until
    assert heard.alerts


def test_what_was_said_already_is_confirmed_or_withdrawn() -> None:
    """History told late does not leave provisional evidence hanging: it gets its final version, and nothing new."""
    rows = city(days=4)
    records = log(rows)
    middle = next(i for i, r in enumerate(records) if isinstance(r, Tick) and r.watermark >= BURST + HOUR_MS // 2)
    heard = feed(
        engine(),
        [*records[:middle], history(START + 9 * DAY_MS), *records[middle:], tick((START + 9 * DAY_MS) // STEP, START)],
    )
    open_then = {i for o in heard.outputs[:middle] for s in o.signals for i in [s.id]}
    assert heard.signals.keys() == open_then
    states = {signal.state for signal in heard.signals.values()}
    assert EvidenceState.PROVISIONAL not in states


def test_history_survives_a_restart() -> None:
    """A snapshot taken in history goes on in silence, in other partitions too."""
    records = log(city(days=4))
    subject = engine()
    feed(subject, [history(START + 9 * DAY_MS), *records[:100]])
    other = engine(((0, 3), (1, 2, 4, 5), (6, 7)))
    other.restore(subject.snapshot())
    assert feed(other, records[100:]).signals == {}


def test_a_live_alerts_chart_reaches_back_into_history() -> None:
    """The course of a series that leads a live alert begins where its history does: a chart needs a past."""
    rows, cut = city(days=6, burst=False), START + 5 * DAY_MS
    live = sorted([*(row for row in rows if row.time >= cut), *burst_at(cut + 10 * HOUR_MS)], key=lambda row: row.time)
    heard = feed(engine(), [history(cut), *daily(rows, cut), *log(live, first=cut)[1:]])
    points = [point for output in heard.outputs for point in output.points]
    assert min(point.start.timestamp() * 1000 for point in points) < cut
    assert METERS.name in {point.series.name for point in points}
