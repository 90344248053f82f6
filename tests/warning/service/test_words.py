"""Figures in plain words."""

from __future__ import annotations

from enum import Enum

import pytest

from warning.domain.alert import AlertStatus, ReviewFlag
from warning.domain.outcome import RowOutcome
from warning.domain.reject import RejectReason
from warning.domain.signal import EvidenceState
from warning.service import words


@pytest.mark.parametrize(
    ("table", "codes"),
    [
        (words.STATES, EvidenceState),
        (words.STATUSES, AlertStatus),
        (words.FLAGS, ReviewFlag),
        (words.OUTCOMES, RowOutcome),
        (words.REASONS, RejectReason),
    ],
)
def test_every_code_has_words(table: dict[Enum, words.Words], codes: type[Enum]) -> None:
    """Every value of a closed set has its words in both languages, and no two share them."""
    assert set(table) == set(codes)
    assert len({word.zh for word in table.values()}) == len({word.en for word in table.values()}) == len(table)


@pytest.mark.parametrize(
    ("value", "text"), [(0.0412, "0.041"), (3.2, "3.2"), (3.0, "3"), (47.31, "47.3"), (1204.4, "1,204"), (0.0, "0")]
)
def test_figures(value: float, text: str) -> None:
    """As many digits as mean something."""
    assert words.figure(value) == text


@pytest.mark.parametrize(
    ("observed", "expected", "text"),
    [
        (121, 3.2, "38 times as many"),
        (9, 6.0, "1.5 times as many"),
        (5, 0.01, "normally almost none"),
        (3, 12.0, "only 25% of that"),
        (0, 0.0, "normally almost none"),
    ],
)
def test_ratio(observed: int, expected: float, text: str) -> None:
    """More, fewer, and where a ratio would mean nothing."""
    assert words.times_expected(observed, expected).en == text


@pytest.mark.parametrize(
    ("days", "text"),
    [
        (4200, "11.5 years"),
        (12.5, "12.5 days"),
        (0.5, "12 hours"),
        (0.01, "less than 2 hours"),
        (1e300, "more than 1,000 years"),
    ],
)
def test_durations(days: float, text: str) -> None:
    """The unit that reads best."""
    assert words.duration(days).en == text


@pytest.mark.parametrize(
    ("p_value", "text"),
    [(1.23e-9, "1 in 810,000,000"), (0.001, "1 in 1,000"), (0.3, "30%"), (0.0, "less than 1 in a trillion")],
)
def test_chances(p_value: float, text: str) -> None:
    """Odds for small probabilities, per cent for large ones."""
    assert words.chance(p_value).en == text


def test_unknown_kind_is_shown_as_it_is() -> None:
    """A kind that a later detector brings is not hidden."""
    assert words.kind_words("backlog").en == "backlog"
