"""The rules that every count detector keeps, each a small function whose docstring is the rule.

``for check in checks_for(Detector): check(Detector)`` raises :class:`CheckFailure` where a rule is broken. A detector
is made without arguments and must judge the lengths 15m, 1h, 1d and 7d. The rules about state and bits are in
:mod:`models.exactness`; here are those about evidence.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from models import exactness
from models.base import NO_PARENT, CountArray, CountDetector, FloatArray, IntArray, Window
from models.exactness import ALL, COUNTS, VIEWS, Check, CheckFailure, MakeDetector, require, same, taught
from models.simulation import Walk, add_up, clean_quarters

__all__ = ["ALL_CHECKS", "COMMON_CHECKS", "SURGE_CHECKS", "Check", "CheckFailure", "MakeDetector", "checks_for"]

_LENGTHS = ("15m", "1h", "1d", "7d")
_COLD_P = 1e-6
_NOON = Window("1h", 36.0, 1.0)
_EIGHT = np.array([8], np.int32)


def check_p_values_are_probabilities(make: MakeDetector) -> None:
    """A p-value is in (0, 1], however many tickets came; everything else that is said is finite, expected > 0."""
    for walk in (taught(make, 0, 0), taught(make)):
        for window in (*VIEWS, *(replace(view, ahead=True) for view in VIEWS)):
            for count in (*COUNTS, 10_000_000):
                said = walk.detector.score(ALL, np.full(len(ALL), count, np.int32), window)
                for part in (said.expected, said.upper_bound, said.p_value, said.score):
                    require(part.shape == ALL.shape, f"an answer about {len(ALL)} series has shape {part.shape}")
                    require(bool(np.isfinite(part).all()), f"{count} tickets in {window}: not a number, or infinite")
                ok = bool(((said.p_value > 0) & (said.p_value <= 1)).all())
                require(ok, f"{count} tickets in {window}: a p-value outside (0, 1]")
                require(bool((said.expected > 0).all()), f"{window}: expects no tickets, or fewer")


def check_p_values_alone(make: MakeDetector) -> None:
    """``p_values`` and ``expect`` are, to the bit, the p-value and expected count of ``score``."""
    detector = taught(make).detector
    for window in (*VIEWS, *(replace(view, ahead=True) for view in VIEWS)):
        for count in COUNTS:
            observed = np.full(len(ALL), count, np.int32)
            said = detector.score(ALL, observed, window)
            require(same(detector.p_values(ALL, observed, window), said.p_value), f"{window}: p_values is not score's")
            require(same(detector.expect(ALL, window), said.expected), f"{window}: expect is not score's")


def check_many_windows_at_once(make: MakeDetector) -> None:
    """``score_many`` is, to the bit, ``score`` of each window, also of none."""
    detector = taught(make).detector
    windows = (*VIEWS, *(replace(view, ahead=True) for view in VIEWS))
    observed = np.add.outer(np.arange(len(ALL)), np.arange(len(windows))).astype(np.int32)
    for i, said in enumerate(detector.score_many(ALL, observed, windows)):
        alone = detector.score(ALL, observed[:, i], windows[i])
        for name in ("expected", "upper_bound", "p_value", "score"):
            require(same(getattr(said, name), getattr(alone, name)), f"{windows[i]}: {name} is not score's")
    require(detector.score_many(ALL, observed[:, :0], ()) == [], "something is said of no windows")


def check_more_tickets_are_no_less_unusual(make: MakeDetector) -> None:
    """One more ticket never makes a count less unusual, and many make it more."""
    detector = taught(make).detector
    for window in VIEWS:
        p_values = [detector.p_values(ALL, np.full(len(ALL), count, np.int32), window) for count in range(300)]
        rises = np.diff(np.array(p_values), axis=0) > 0
        require(not rises.any(), f"{window}: a p-value rises with the count")
        far = detector.p_values(ALL, np.full(len(ALL), 100_000, np.int32), window)
        require(bool((far < 0.5 * p_values[0]).all()), f"{window}: 100,000 tickets are hardly less likely than none")


def check_upper_bound(make: MakeDetector) -> None:
    """The upper bound is the smallest count at one fixed p-value: the same for all series and windows; there the score
    is 1, and 0 at the expected count.
    """
    detector = taught(make).detector
    at_bound, below_bound = 0.0, 1.0
    for window in (*VIEWS, *(replace(view, ahead=True) for view in VIEWS)):
        nothing = detector.score(ALL, np.zeros(len(ALL), np.int32), window)
        bound = nothing.upper_bound
        require(bool((bound == np.floor(bound)).all()), f"{window}: an upper bound is not a count")
        require(bool((bound > nothing.expected).all()), f"{window}: an upper bound is not above what is expected")
        there = detector.score(ALL, bound.astype(np.int32), window)
        require(bool(np.allclose(there.score, 1.0)), f"{window}: the score at the upper bound is not 1")
        slope = nothing.expected / (bound - nothing.expected)
        require(bool(np.allclose(nothing.score, -slope)), f"{window}: the score at the expected count is not 0")
        at_bound = max(at_bound, float(there.p_value.max()))
        below = detector.p_values(ALL, bound.astype(np.int32) - 1, window)
        below_bound = min(below_bound, float(below.min()))
    sentence = f"p-values up to {at_bound:.3g} at the upper bound, from {below_bound:.3g} on one ticket below it"
    require(at_bound < below_bound, sentence)


def check_cold_start(make: MakeDetector) -> None:
    """Eight tickets in an hour of a series that was silent for 30 days, or is first heard of now, have p < 1e-6; at the
    very start of everything, where nothing is known of anything, they have not.
    """
    walk = Walk(make())
    walk.detector.add_rows(np.array([NO_PARENT, 0]))
    start = walk.detector.p_values(np.array([1]), _EIGHT, _NOON)
    require(float(start[0]) > _COLD_P, f"at the very start eight tickets have p = {start[0]:.3g}")
    counts = clean_quarters(np.random.default_rng(1), np.array([2.0, 0.0]), 30)
    walk.close(counts)
    walk.detector.add_rows(np.array([0, NO_PARENT]))
    for row, which in ((1, "silent for 30 days"), (2, "first heard of"), (3, "first heard of, with its own profile")):
        p_value = walk.detector.p_values(np.array([row]), _EIGHT, _NOON)
        require(float(p_value[0]) < _COLD_P, f"eight tickets of a series {which} have p = {p_value[0]:.3g}")


@dataclass(frozen=True, slots=True)
class Calibration:
    """Which share of the p-values of clean buckets of one length was at most .01 and at most .001, of how many."""

    length: str
    buckets: int
    at_hundredth: float
    at_thousandth: float


def calibration(
    make: MakeDetector, means: FloatArray, *, dispersion: float, burn_in: int = 8, weeks: int = 8, seed: int = 1
) -> list[Calibration]:
    """Measure a detector on clean series with these means an hour that share the profile of their sum.

    The detector learns ``burn_in`` weeks, then judges and learns ``weeks`` more; the sum is not judged.
    """
    generator = np.random.default_rng(seed)
    parents: IntArray = np.concatenate([[NO_PARENT], np.zeros(len(means), np.int64)])
    children = np.arange(1, len(parents))
    walk = Walk(make())
    walk.detector.add_rows(parents)
    p_values: dict[str, list[FloatArray]] = {length: [] for length in _LENGTHS}

    def judge(window: Window, counts: CountArray) -> None:
        p_values[window.length].append(walk.detector.p_values(children, counts[children], window))

    for week in range(burn_in + weeks):
        of_children = clean_quarters(generator, np.concatenate([[0.0], means]), 7, dispersion=dispersion)
        quarters = add_up(of_children, parents)
        if week < burn_in:
            walk.close(quarters)
        else:
            walk.close(quarters, judge=judge)
    shares = [(length, np.concatenate(p_values[length])) for length in _LENGTHS]
    return [Calibration(name, p.size, float(np.mean(p <= 1e-2)), float(np.mean(p <= 1e-3))) for name, p in shares]


def check_calibration_poisson(make: MakeDetector) -> None:
    """On clean Poisson counts, .2 % to 2 % of p-values are at most .01 and .2 % at most .001 (days and weeks may be
    rarer: a profile that is not yet known well is allowed for).
    """
    _require_calibrated(make, 1.0, least={"15m": 2e-3, "1h": 2e-3}, most=(2e-2, 2e-3))


def check_calibration_over_dispersed(make: MakeDetector) -> None:
    """On clean counts with twice the Poisson variance, which a detector has to learn, .2 % to 2 % of p-values are at
    most .01 and .3 % at most .001.
    """
    _require_calibrated(make, 2.0, least=dict.fromkeys(_LENGTHS, 2e-3), most=(2e-2, 3e-3))


def _require_calibrated(
    make: MakeDetector, dispersion: float, *, least: dict[str, float], most: tuple[float, float]
) -> None:
    means = np.geomspace(0.05, 10.0, 250)
    for seen in calibration(make, means, dispersion=dispersion):
        shares = f"{seen.at_hundredth:.4f} of {seen.buckets:,} p-values of {seen.length} are at most .01"
        require(seen.at_hundredth <= most[0], f"{shares}: too many")
        require(seen.at_hundredth >= least.get(seen.length, 0.0), f"{shares}: too few")
        rare = f"{seen.at_thousandth:.5f} of {seen.buckets:,} p-values of {seen.length} are at most .001: too many"
        require(seen.at_thousandth <= most[1], rare)


COMMON_CHECKS: tuple[Check, ...] = (
    exactness.check_equal_calls_give_equal_bits,
    exactness.check_order_of_rows,
    exactness.check_series_beside_it,
    exactness.check_rows_added_bit_by_bit,
    exactness.check_snapshot_of_all,
    exactness.check_snapshot_of_some,
    exactness.check_state_is_plain,
    exactness.check_memory_is_bounded,
    exactness.check_scoring_changes_nothing,
    exactness.check_protected_series_learn_nothing,
    exactness.check_restart,
    exactness.check_judged_by_what_was_known,
    check_p_values_are_probabilities,
    check_p_values_alone,
    check_many_windows_at_once,
    check_calibration_poisson,
    check_calibration_over_dispersed,
)
"""What holds whatever a detector looks for."""
SURGE_CHECKS: tuple[Check, ...] = (
    check_more_tickets_are_no_less_unusual,
    check_upper_bound,
    check_cold_start,
)
"""What holds of a detector that looks for too many tickets."""
ALL_CHECKS = COMMON_CHECKS + SURGE_CHECKS


def checks_for(detector: type[CountDetector]) -> tuple[Check, ...]:
    """Return the rules for a detector's kind."""
    return ALL_CHECKS if detector.kind == "surge" else COMMON_CHECKS
