"""The log that history becomes: a control, then a day's tickets of each source, then the day's end."""

from __future__ import annotations

from dataclasses import replace

from tests.warning.engine.tickets import CITY, START, Row, columns
from warning.domain.bucket import DAY_MS, HOUR_MS, MINUTE_MS
from warning.domain.control import ControlKind
from warning.engine.records import Record, Tick
from warning.intake.columns import TicketColumns
from warning.runtime.history import history_log

CUT = START + 10 * DAY_MS


def _day(day: int, *hours: int, source: str = "desk") -> TicketColumns:
    rows = [Row(time=START + day * DAY_MS + hour * HOUR_MS, id=f"{source}-{day}-{hour}") for hour in hours]
    return replace(columns(rows, source=source), jurisdiction="the mapping's")


def _log(days: list[TicketColumns], *, cut: int = CUT, step_ms: int = MINUTE_MS) -> list[Record]:
    return list(history_log(days, jurisdiction=CITY, step_ms=step_ms, cut=cut, muted_until=cut + DAY_MS))


def _shape(records: list[Record]) -> list[object]:
    """A tick as its watermark in days, tickets as their source."""
    return [
        (record.watermark - START) / DAY_MS if isinstance(record, Tick) else record.source
        for record in records
        if isinstance(record, (Tick, TicketColumns))
    ]


def test_the_control_comes_first() -> None:
    """Before any ticket stands what mutes the windows that start before the live log's last tick."""
    control, *rest = _log([_day(0, 1)])
    assert (control.kind, control.effective_from, control.until, control.jurisdiction) == (  # type: ignore[union-attr]
        *(ControlKind.HISTORY, 0, CUT + DAY_MS),
        CITY,
    )
    assert not any(isinstance(record, type(control)) for record in rest)


def test_ticks_stand_at_the_ends_of_days() -> None:
    """A tick comes before the first day, between days, over gaps too, and after the last."""
    assert _shape(_log([_day(0, 1), _day(1, 2), _day(4, 3)])) == [0, "desk", 1, "desk", 4, "desk", 5]


def test_several_sources_share_a_day() -> None:
    """Between two sources' tickets of one day there is no tick."""
    days = [_day(0, 1), _day(0, 2, source="app"), _day(1, 1, source="app")]
    assert _shape(_log(days)) == [0, "desk", "app", 1, "app", 2]


def test_no_tick_goes_beyond_the_cut() -> None:
    """Where the live log begins in the middle of a day the last tick is there, on a whole step of the live clock."""
    cut = START + DAY_MS + 5 * HOUR_MS + 90_000
    ticks = [each for each in _log([_day(0, 1), _day(1, 2)], cut=cut, step_ms=15 * MINUTE_MS) if isinstance(each, Tick)]
    assert [tick.watermark for tick in ticks] == [START, START + DAY_MS, START + DAY_MS + 5 * HOUR_MS]
    assert all(tick.number * 15 * MINUTE_MS == tick.watermark == tick.read_to for tick in ticks)
    numbers = [tick.number for tick in ticks]
    assert numbers == sorted(set(numbers))


def test_all_of_it_is_of_the_service_s_jurisdiction() -> None:
    """Tickets whose mapping names another jurisdiction are the service's, like ticks and control."""
    assert {record.jurisdiction for record in _log([_day(0, 1), _day(1, 2)])} == {CITY}


def test_no_history_is_a_control_alone() -> None:
    """Without a day there is no tick."""
    assert len(_log([])) == 1
