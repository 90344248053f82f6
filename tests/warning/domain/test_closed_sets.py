"""Closed sets that other systems rely on: reject reasons, row outcomes, series, errors, controls."""

import pytest

from warning.domain.area import AreaPath
from warning.domain.control import Control, ControlKind
from warning.domain.errors import EarlyWarningError, IncompatibleSnapshotError, InvalidInputError, UnknownNameError
from warning.domain.outcome import RowOutcome
from warning.domain.reject import Reject, RejectReason
from warning.domain.series import SeriesKey, SeriesKind
from warning.intake.advice import ADVICE


def test_every_reject_reason_has_advice_in_both_languages() -> None:
    """A reason without a sentence that says what to do would leave a person alone with it."""
    assert set(ADVICE) == set(RejectReason)
    for zh, en in ADVICE.values():
        assert zh.endswith("。")
        assert en.endswith(".")


def test_reject_reasons_are_metric_labels() -> None:
    """Each reason is a short lower-case word with underscores."""
    assert all(reason.value.replace("_", "").isalpha() and reason.value.islower() for reason in RejectReason)


def test_a_rejection_shows_nothing_unless_told() -> None:
    """The value of a rejection is empty by default."""
    reject = Reject(source="s", row=1, field="f", reason=RejectReason.BAD_TIME, advice_zh="a", advice_en="b")
    assert reject.value == ""


def test_row_outcomes_stand_in_their_precedence() -> None:
    """A row is the first of these that fits."""
    assert [outcome.value for outcome in RowOutcome] == ["rejected", "duplicate", "updated", "late", "accepted"]


def test_a_series_of_area_and_category_has_a_category() -> None:
    """Only that kind has one; every series has an area path and a text that names it."""
    series = SeriesKey(SeriesKind.AREA_CATEGORY, "City/North", "Noise")
    assert (series.category, series.path, str(series)) == (
        "Noise",
        AreaPath(("City", "North")),
        "area_category:City/North:Noise",
    )
    assert SeriesKey(SeriesKind.DEPARTMENT, "City", "Parks").category is None


def test_series_sort_by_kind_area_and_name() -> None:
    """Sorted order is what makes outputs independent of arrival."""
    keys = [SeriesKey(SeriesKind.TOTAL, "B"), SeriesKey(SeriesKind.CHANNEL, "A", "x"), SeriesKey(SeriesKind.TOTAL, "A")]
    assert [str(key) for key in sorted(keys)] == ["channel:A:x", "total:A:", "total:B:"]


def test_errors_say_where_what_and_what_to_do() -> None:
    """One root; an invalid input carries its parts, an unknown name the names there are."""
    error = InvalidInputError("file.csv", "is empty", "Export it again.")
    assert str(error) == "file.csv: is empty. Export it again."
    assert str(UnknownNameError("mapping", "x", ["a", "b"])) == "no mapping is named 'x'; there are: a, b"
    assert str(UnknownNameError("mapping", "x", [])).endswith("there are: none")
    for kind in (InvalidInputError, UnknownNameError, IncompatibleSnapshotError):
        assert issubclass(kind, EarlyWarningError)


@pytest.mark.parametrize("kind", list(ControlKind))
def test_a_control_lasts_until_released_unless_told(kind: ControlKind) -> None:
    """Without an end a control record holds until another one ends it."""
    assert Control(kind=kind, jurisdiction="city", effective_from=0).until is None
