"""Explanations: the alert's own figures, and what they are made of."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.warning import samples
from warning.domain.bucket import BucketLength
from warning.domain.errors import UnknownNameError
from warning.service.errors import BadInputError
from warning.service.explain import REMAINDER, Part, complete_parts, explain
from warning.service.result import BacktestResult


def test_figures_are_the_alerts_own() -> None:
    """The explanation carries the alert itself, so no figure can differ; the reason names the same ones."""
    result = samples.result()
    explanation = explain(result, "alert-7f3a")
    assert explanation.alert is result.alerts[0]
    assert explanation.zone == "America/New_York"
    assert "120 in the window" in explanation.reason.en
    assert "窗口内 120 件" in explanation.reason.zh


@pytest.mark.parametrize("wanted", ["alert-7f3a", "alert-7", "a"])
def test_alert_is_found_by_a_unique_prefix(wanted: str) -> None:
    """The whole id, or as much of it as only one alert has."""
    assert explain(samples.result(), wanted).alert.id == "alert-7f3a"


def test_unknown_and_ambiguous_ids() -> None:
    """No alert of that name: the known ones are named. Several: they are named too. A whole id always wins."""
    result = replace(samples.result(), alerts=[samples.alert(name) for name in ("ab", "abc", "abd")])
    with pytest.raises(UnknownNameError, match="no alert is named 'x'; there are: ab, abc, abd"):
        explain(result, "x")
    with pytest.raises(UnknownNameError):
        explain(result, "")
    with pytest.raises(BadInputError, match=r"3 alerts begin so \(ab, abc, abd\)"):
        explain(result, "a")
    assert explain(result, "ab").alert.id == "ab"


@pytest.mark.parametrize(
    "parts", [(), (("a", 120, 3.2),), (("a", 60, 1.5), ("b", 40, 1.0)), (("a", 90, 1.0), ("b", 90, 1.0))]
)
def test_parts_sum_to_observed(parts: tuple[tuple[str, int, float], ...]) -> None:
    """Whatever the parts cover, with the remainder they sum to the alert's observed and expected counts."""
    completed = complete_parts(samples.alert(parts=parts, expected=3.2))
    assert sum(part.observed for part in completed) == 120
    assert sum(part.expected for part in completed) == pytest.approx(3.2)
    assert (completed[-1].name == REMAINDER) is (parts != (("a", 120, 3.2),))


def test_excess_of_a_part() -> None:
    """A part's excess is what came beyond what was expected."""
    assert Part("a", 60, 1.5).excess == 58.5


def test_signals_are_the_alerts_own_strongest_first() -> None:
    """The leading signal stands first, then the others by p-value; signals of other alerts are left out."""
    result = samples.result()
    strange = samples.signal("sig-z")
    signals = explain(replace(result, signals=[strange, *result.signals]), "alert").signals
    assert [signal.id for signal in signals] == ["sig-a", "sig-b"]


def test_course_is_the_leading_series_alone() -> None:
    """The course has the leading signal's series and bucket length, in order of time, and nothing else."""
    result = samples.result()
    days = [replace(point, length=BucketLength.DAY, end=point.start + timedelta(days=1)) for point in samples.course()]
    mixed = replace(result, evidence=[*days, *reversed(samples.course())])
    assert list(explain(mixed, "alert").course) == samples.course()
    assert explain(BacktestResult(summary=result.summary, alerts=result.alerts), "alert").course == ()
