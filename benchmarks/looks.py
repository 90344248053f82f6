"""How much likelier a small p-value becomes when a bucket is looked at many times while it is open.

A bucket's count grows; at each of so many evenly spaced looks (the last at its end) the count so far is judged against
the expected share so far, and the smallest of these p-values counts. This is what provisional evidence does, and what
``warning.engine.bank.LOOK_FACTOR`` allows for.

Nothing is drawn at random. For each look there is a smallest count that is unusual enough; the chance that the count
reaches one of these is computed exactly, by carrying the distribution of the count from look to look and taking out, at
each, what has reached it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from benchmarks.tables import Table
from models.base import FloatArray
from models.negbin import upper_bound

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.suite import Scale, Tell

LOOKS = (4, 16, 96, 1_440)
MEANS = (1.0, 5.0, 20.0, 100.0)
P_VALUES = (1e-2, 1e-3, 1e-4, 1e-5)
LEAST_OBSERVED = 3
_NEGLIGIBLE = 1e-15


def inflation(mean: float, looks: int, p_value: float, *, dispersion: float = 1.0) -> float:
    """Return P(some look's mid-p is at most ``p_value``) / ``p_value`` for a bucket that expects ``mean`` tickets.

    Counts of disjoint parts are independent with variance ``dispersion`` x mean (Poisson at 1, negative binomial
    above), and are judged by that distribution. Counts below LEAST_OBSERVED are never unusual.
    """
    bounds = smallest_unusual(mean, looks, p_value, dispersion=dispersion)
    step = _between_looks(mean / looks, dispersion)
    alive = np.ones(1)
    for bound in bounds.tolist():
        alive = np.convolve(alive, step)[:bound]
    return float(1.0 - alive.sum()) / p_value


def smallest_unusual(mean: float, looks: int, p_value: float, *, dispersion: float = 1.0) -> FloatArray:
    """Return for each look the smallest count whose mid-p value is at most ``p_value``."""
    so_far = mean * np.arange(1, looks + 1) / looks
    return np.maximum(upper_bound(p_value, so_far, dispersion * so_far), LEAST_OBSERVED).astype(np.int64)


def _between_looks(mean: float, dispersion: float) -> FloatArray:
    """Return the distribution of the count between two looks, as far as it matters."""
    if dispersion > 1.0:
        count = stats.nbinom(mean / (dispersion - 1.0), 1.0 / dispersion)
    else:
        count = stats.poisson(mean)
    chances: FloatArray = count.pmf(np.arange(int(count.isf(_NEGLIGIBLE)) + 2))
    return chances


def looks(_scale: Scale, _folder: Path, tell: Tell) -> list[Table]:
    """Tabulate the inflation for Poisson counts and for counts with twice their variance; exact at any scale."""
    return [_table(dispersion, tell) for dispersion in (1.0, 2.0)]


def _table(dispersion: float, tell: Tell) -> Table:
    rows = []
    for looks_a_bucket in (1, *LOOKS):
        tell(f"{looks_a_bucket} looks, dispersion {dispersion:g} …")
        for mean in MEANS:
            values = [inflation(mean, looks_a_bucket, p_value, dispersion=dispersion) for p_value in P_VALUES]
            rows.append([f"{looks_a_bucket:,}", f"{mean:g}", *(f"{value:.1f}" for value in values)])
    header = ["looks", "mean", *(f"p = {p_value:g}" for p_value in P_VALUES)]
    of = "Poisson counts" if dispersion == 1.0 else f"negative binomial counts, variance {dispersion:g} x mean"
    notes = [
        f"P(smallest mid-p over all looks <= p) / p, exact; counts below {LEAST_OBSERVED} are never unusual.",
        "One look, at the bucket's end, shows what discreteness does by itself.",
    ]
    return Table(f"Looks at an open bucket: {of}", header, rows, notes)
