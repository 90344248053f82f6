"""The check suite: every detector there is keeps every rule, and every rule can be broken."""

import pytest

from models import checks, exactness
from models.base import CountDetector, discover
from models.checks import ALL_CHECKS, COMMON_CHECKS, Check, CheckFailure, checks_for
from models.surge import Surge
from tests.models import broken

BROKEN: list[tuple[Check, type[CountDetector], str]] = [
    (exactness.check_equal_calls_give_equal_bits, broken.Moody, "told the same know different things"),
    (exactness.check_order_of_rows, broken.ByPlace, "order of the rows"),
    (exactness.check_order_of_rows, broken.ByQuestion, "rows asked beside it"),
    (exactness.check_series_beside_it, broken.Crowded, "series beside it"),
    (exactness.check_rows_added_bit_by_bit, broken.OneFamily, "one by one"),
    (exactness.check_rows_added_bit_by_bit, broken.StartsAnew, "added later"),
    (exactness.check_snapshot_of_all, broken.LosesFrozen, "knows something else after 0 more days"),
    (exactness.check_snapshot_of_all, broken.LosesDispersion, "says other things after 0 more days"),
    (exactness.check_snapshot_of_some, broken.Sorts, "knows something else"),
    (exactness.check_state_is_plain, broken.NamesInState, "no plain numeric arrays: names"),
    (exactness.check_state_is_plain, broken.LendsState, "changes a state taken before: days_seen"),
    (exactness.check_state_is_plain, broken.KeepsState, "writing into a state"),
    (exactness.check_memory_is_bounded, broken.Hoards, "a detector grows"),
    (exactness.check_memory_is_bounded, broken.HoardsQuestions, "a detector grows"),
    (exactness.check_memory_is_bounded, broken.HoardsInState, "a state grows"),
    (exactness.check_scoring_changes_nothing, broken.LearnsFromQuestions, "changes the state: days_seen"),
    (exactness.check_scoring_changes_nothing, broken.Scribbles, "writes into its arguments"),
    (exactness.check_protected_series_learn_nothing, broken.Stubborn, "protected counts change the state"),
    (exactness.check_protected_series_learn_nothing, broken.Fades, "moves within a day"),
    (exactness.check_protected_series_learn_nothing, broken.Timid, "not protected learn nothing"),
    (exactness.check_restart, broken.Remembers, "0 days later"),
    (exactness.check_judged_by_what_was_known, broken.NotFrozen, "changes with what is learned"),
    (exactness.check_judged_by_what_was_known, broken.Frozen, "what is known now"),
    (checks.check_p_values_are_probabilities, broken.Doubles, r"outside \(0, 1\]"),
    (checks.check_p_values_are_probabilities, broken.Vanishes, r"outside \(0, 1\]"),
    (checks.check_p_values_alone, broken.Halves, "p_values is not score's"),
    (checks.check_many_windows_at_once, broken.FirstForAll, "is not score's"),
    (checks.check_calibration_poisson, broken.Mute, "too few"),
    (checks.check_calibration_poisson, broken.Shrill, "too many"),
    (checks.check_calibration_over_dispersed, broken.Naive, "too many"),
    (checks.check_more_tickets_are_no_less_unusual, broken.OddIsWorse, "rises"),
    (checks.check_more_tickets_are_no_less_unusual, broken.Indifferent, "hardly less likely"),
    (checks.check_upper_bound, broken.HighBound, "one ticket below it"),
    (checks.check_upper_bound, broken.OddBound, "one ticket below it"),
    (checks.check_cold_start, broken.Excited, "at the very start"),
    (checks.check_cold_start, broken.Dull, "first heard of"),
]


@pytest.mark.parametrize(
    ("detector", "check"),
    [
        pytest.param(detector, check, id=f"{detector.name}-{check.__name__}")
        for detector in discover()
        for check in checks_for(detector)
    ],
)
def test_detector_keeps_rule(detector: type[CountDetector], check: Check) -> None:
    """Every detector that is found keeps every rule of its kind."""
    check(detector)


@pytest.mark.parametrize(
    ("check", "detector", "sentence"),
    [pytest.param(*case, id=f"{case[0].__name__}-{case[1].__name__}") for case in BROKEN],
)
def test_broken_detector_is_seen(check: Check, detector: type[CountDetector], sentence: str) -> None:
    """A detector made to break one rule fails its check, with the sentence that says how."""
    with pytest.raises(CheckFailure, match=sentence):
        check(detector)


def test_every_check_can_fail() -> None:
    """There is a broken detector for every check, so that none is a no-op."""
    assert {check for check, _, _ in BROKEN} == set(ALL_CHECKS)


def test_every_rule_is_in_the_suite() -> None:
    """Every function of the two modules that is named a check belongs to the suite, and says its rule."""
    written = {
        part for module in (checks, exactness) for name, part in vars(module).items() if name.startswith("check_")
    }
    assert written == set(ALL_CHECKS)
    assert [check for check in ALL_CHECKS if not (check.__doc__ or "").rstrip().endswith(".")] == []


def test_rules_of_a_kind() -> None:
    """A detector that looks for something other than too many tickets is not held to the rules about surges."""

    class Silence(Surge):
        """Finds too few tickets."""

        kind = "silence"

    assert checks_for(Silence) == COMMON_CHECKS
    assert checks_for(Surge) == ALL_CHECKS
