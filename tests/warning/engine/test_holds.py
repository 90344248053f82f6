"""When a series is held and when it is released: the later record stands, and what is taken back was never said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.base import IntArray
from warning.domain.bucket import DAY_MS
from warning.domain.control import Control, ControlKind
from warning.domain.series import SeriesKey, SeriesKind
from warning.engine.holds import Holds

PROTECT, RELEASE, RESET, PLANNED = (
    ControlKind.PROTECT,
    ControlKind.RELEASE,
    ControlKind.RESET,
    ControlKind.PLANNED,
)
LASTS = 100
"""How long a release lasts."""
NOISE, WATER = (SeriesKey(SeriesKind.AREA_CATEGORY, "City", name) for name in ("Noise", "Water"))


class Bank:
    """What holds share with a bank, and nothing else."""

    def __init__(self) -> None:
        self.keys: list[SeriesKey] = []
        self.row_of: dict[SeriesKey, int] = {}
        self.holds = Holds(self.keys, self.row_of, LASTS)

    def add(self, key: SeriesKey) -> None:
        self.row_of[key] = len(self.keys)
        self.keys.append(key)
        self.holds.add(key)

    def tell(self, kind: ControlKind, at: int, until: int | None = None, *, now: int = 0, **more: Any) -> None:
        given: dict[str, Any] = {"series": NOISE, "kind": kind, "jurisdiction": "City"} | more
        self.holds.tell(Control(effective_from=at, until=until, **given), now)

    def held(self, moments: range = range(10), row: int = 0) -> str:
        """Draw the moments: held, released, or neither."""
        return "".join(
            "x" if self.holds.held(at, at + 1, at)[row] else "r" if self.holds.released(at)[row] else "."
            for at in moments
        )

    def everything(self) -> dict[str, Any]:
        rows: IntArray = np.arange(len(self.keys))
        return self.holds.state(rows, lambda _: True)


def bank(*keys: SeriesKey) -> Bank:
    made = Bank()
    for key in keys:
        made.add(key)
    return made


def test_protection_and_release_and_the_later_one_stands() -> None:
    """Each ends the other from its own moment on; protections add up."""
    subject = bank(NOISE)
    subject.tell(PROTECT, 1, 5)
    assert subject.held() == ".xxxx....."
    subject.tell(RELEASE, 3)
    assert subject.held() == ".xxrrrrrrr"
    subject.tell(PROTECT, 6, 9, alert="a")
    assert subject.held() == "...rrrxxx."
    subject.tell(PROTECT, 8, 10, alert="b")
    assert subject.held() == "...rrrxxxx"
    subject.tell(PROTECT, 7, 8, alert="c")
    assert subject.held() == "...rrrxxxx"


def test_a_record_counts_from_the_first_hour_that_is_not_learned() -> None:
    """What lies behind is learned already: a release lasts its full time from now."""
    subject = bank(NOISE)
    subject.tell(RELEASE, -50, now=3)
    assert subject.held() == "...rrrrrrr"
    assert subject.held(range(100, 106)) == "rrr..."


def test_a_reset_leaves_nothing() -> None:
    """After RESET a series is held and released by nothing, and others are as they were."""
    subject = bank(NOISE, WATER)
    for series in (NOISE, WATER):
        subject.tell(PROTECT, 0, series=series)
        subject.tell(RELEASE, 4, series=series, alert="a")
    subject.tell(RESET, 0)
    assert subject.held() == ".........."
    assert subject.held(row=1) == "xxxxrrrrrr"


def test_a_reset_in_a_name_leaves_what_others_said() -> None:
    """Without a series it takes back what was said in that name of every series."""
    subject = bank(NOISE, WATER)
    subject.tell(PROTECT, 2, 8, alert="a")
    subject.tell(RELEASE, 4, alert="b")
    subject.tell(RELEASE, 1, alert="b", series=WATER)
    subject.tell(RESET, 0, series=None, alert="b")
    assert subject.held() == "..xxxxxx.."
    assert subject.held(row=1) == ".........."


def test_what_was_said_of_a_series_waits_for_it() -> None:
    """Records and plans hold for a series whose first ticket comes later."""
    subject = bank(WATER)
    subject.tell(PROTECT, 2, 4)
    subject.tell(PLANNED, 7, 9, series=None, plan="fair", categories=("Noise",))
    subject.add(NOISE)
    assert subject.held(row=1) == "..xx...xx."
    assert subject.held(row=0) == ".........."


def test_a_plan_holds_whatever_touches_it() -> None:
    """A bucket that shares a moment with a plan is not learned; one that was replaced or called off holds nothing."""
    subject = bank(NOISE)
    subject.tell(PLANNED, 4, 6, series=None, plan="fair")
    assert [bool(subject.holds.held(*span, span[0])[0]) for span in ((0, 4), (0, 5), (5, 9), (6, 9))] == [0, 1, 1, 0]
    subject.tell(PLANNED, 1, 2, series=None, plan="fair")
    assert subject.held() == ".x........"
    subject.tell(PLANNED, 1, 1, series=None, plan="fair")
    assert subject.held() == ".........."


def test_what_is_over_is_forgotten() -> None:
    """Records whose time is over leave the memory; those without an end stay until they are taken back."""
    subject = bank(NOISE)
    subject.tell(PROTECT, 2, 5, alert="a")
    subject.tell(RELEASE, 5, alert="b")
    subject.tell(PROTECT, 0, series=WATER)
    subject.tell(PLANNED, 0, 3, series=None, plan="fair")
    subject.holds.forget(5 + LASTS - 1)
    assert len(subject.everything()["said"]) == 3
    subject.holds.forget(5 + LASTS)
    assert [each.series for each in subject.everything()["said"]] == [WATER]
    subject.holds.forget(9 * DAY_MS)
    assert subject.everything()["plans"] == []
    assert subject.held() == "..xxxrrrrr"


_RECORDS = st.tuples(
    st.sampled_from([PROTECT, RELEASE, RESET]),
    st.integers(0, 9),
    st.none() | st.integers(0, 9),
    st.sampled_from(["", "a", "b"]),
)


def _say(subject: Bank, record: tuple[ControlKind, int, int | None, str]) -> None:
    kind, at, until, name = record
    subject.tell(kind, at, until, alert=name)


@given(st.lists(_RECORDS, max_size=8), _RECORDS, st.lists(_RECORDS, max_size=8))
def test_what_is_taken_back_was_never_said(
    before: list[tuple[ControlKind, int, int | None, str]],
    said: tuple[ControlKind, int, int | None, str],
    after: list[tuple[ControlKind, int, int | None, str]],
) -> None:
    """However reviews come, one that is taken back leaves its series to the bit as if it had not been given."""
    plain, other = bank(NOISE), bank(NOISE)
    for record in [*before, *after]:
        _say(plain, record)
    for record in before:
        _say(other, record)
    other.tell(said[0], said[1], said[2], alert="mine")
    for record in after:
        _say(other, record)
    other.tell(RESET, 0, series=None, alert="mine")
    if said[0] is not RESET:
        np.testing.assert_equal(other.everything(), plain.everything())


@given(st.lists(_RECORDS, max_size=8), st.integers(0, 8))
def test_a_restart_changes_nothing(records: list[tuple[ControlKind, int, int | None, str]], cut: int) -> None:
    """A state taken anywhere goes on as if nothing had happened, and says a record twice without harm."""
    whole, first = bank(NOISE), bank(NOISE)
    for record in records:
        _say(whole, record)
    for record in records[:cut]:
        _say(first, record)
    second = Bank()
    second.keys.append(NOISE)
    second.row_of[NOISE] = 0
    second.holds.load(first.everything())
    for record in records[max(0, cut - 1) :]:
        _say(second, record)
    assert second.held() == whole.held()


@pytest.mark.parametrize("kind", [ControlKind.SENSITIVITY, ControlKind.REVIEWED, ControlKind.SOURCE_LATE])
def test_other_records_say_nothing_of_learning(kind: ControlKind) -> None:
    """Sensitivity, reviews and late sources hold no series."""
    subject = bank(NOISE)
    subject.tell(kind, 0, alert="a")
    assert subject.held() == ".........."
    assert subject.everything()["said"] == []
