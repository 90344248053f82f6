"""How much stronger than usual the evidence of a series must be, by what reviews said of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from warning.domain.control import STRONGEST_FACTOR, Control, ControlKind
from warning.domain.series import SeriesKey

MOST_NAMES = 64
"""Alerts remembered by series: beyond it the oldest are counted together, and can no longer be taken back."""
_TOGETHER = "(earlier)"

Said: TypeAlias = tuple[SeriesKey, str, float]
"""(series, in whose name, factor)"""


class Sensitivity:
    """The factors in force. They multiply in the order they were said, each time kept in 1 to 64."""

    def __init__(self) -> None:
        self._said: dict[SeriesKey, dict[str, float]] = {}

    def of(self, series: SeriesKey) -> float:
        """Return the factor of a series' p-values: 1 where nothing was said."""
        said = self._said.get(series)
        return _product(said.values()) if said else 1.0

    def tell(self, control: Control) -> None:
        """Take a SENSITIVITY or RESET record in; others say nothing to it."""
        if control.kind is ControlKind.RESET:
            for key in list(self._said) if control.series is None else [control.series]:
                self._unsay(key, control.alert)
        elif control.kind is ControlKind.SENSITIVITY and control.series is not None:
            self._say(control.series, control.alert, control.factor)

    def _say(self, series: SeriesKey, name: str, factor: float) -> None:
        said = self._said.setdefault(series, {})
        said.pop(name, None)
        said[name] = factor
        if len(said) > MOST_NAMES:
            (_, first), (_, second), *rest = said.items()
            self._said[series] = {_TOGETHER: _product((first, second)), **dict(rest)}

    def _unsay(self, series: SeriesKey, name: str) -> None:
        said = self._said.get(series, {})
        for each in [name] if name else list(said):
            said.pop(each, None)
        if not said:
            self._said.pop(series, None)

    def state(self) -> list[Said]:
        """Return what was said, in its order."""
        return [(key, name, factor) for key, said in self._said.items() for name, factor in said.items()]

    def load(self, state: Iterable[Said]) -> None:
        """Take over what was said."""
        self._said = {}
        for key, name, factor in state:
            self._said.setdefault(key, {})[name] = factor


def _product(factors: Iterable[float]) -> float:
    product = 1.0
    for factor in factors:
        product = min(STRONGEST_FACTOR, max(1.0, product * factor))
    return product
