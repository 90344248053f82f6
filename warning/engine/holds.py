"""What controls say of learning: which series are held back, and which learn though their own evidence says otherwise.

::

    hours        0    1    2    3    4    5    6    7
    PROTECT           [==================)               until 5
    RELEASE                     [========== ...          for the protection limit
    held              x    x
    released                    r    r    r    r    r    own evidence does not protect
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np

from models.base import BoolArray, IntArray
from models.rows import RowTable
from warning.domain.control import Control, ControlKind
from warning.domain.planned import PlannedEvents
from warning.domain.series import SeriesKey

FOREVER = int(np.iinfo(np.int64).max)
NEVER = int(np.iinfo(np.int64).min)


@dataclass(frozen=True, slots=True)
class Hold:
    """When a series is held, and when it is released: half-open spans, in milliseconds of the epoch."""

    hold_from: int = FOREVER
    hold_until: int = NEVER
    released_from: int = FOREVER
    released_until: int = NEVER

    def after(self, said: Control, release_ms: int) -> Hold:
        """Return what holds after one more PROTECT or RELEASE: the later one stands, protection adds to protection."""
        begin = said.effective_from
        if said.kind is ControlKind.RELEASE:
            held_until = min(self.hold_until, begin)
            return Hold(self.hold_from, held_until, released_from=begin, released_until=begin + release_ms)
        until = FOREVER if said.until is None else said.until
        released_until = min(self.released_until, begin)
        if begin <= self.hold_until and self.hold_from <= until:
            begin, until = min(begin, self.hold_from), max(until, self.hold_until)
        return Hold(begin, until, self.released_from, released_until)


class Holds:
    """The records about the series of one bank, which shares its ``keys`` and ``row_of``.

    release_ms : how long a release lets a series learn whatever its own evidence says
    """

    def __init__(self, keys: list[SeriesKey], row_of: Mapping[SeriesKey, int], release_ms: int) -> None:
        self._keys = keys
        self._row_of = row_of
        self._release_ms = release_ms
        self._table = RowTable({name: (np.int64, (), value) for name, value in _columns(Hold()).items()})
        self._said: dict[SeriesKey, dict[tuple[str, ControlKind], Control]] = {}
        """By series, the latest record of each kind in each alert's name, in the order they were said."""
        self._plans = PlannedEvents()
        self._scope: dict[str, list[int]] = {}
        """The rows that each plan explains."""

    def add(self, key: SeriesKey) -> None:
        """Add the row of a series: what was said of it before holds."""
        row = self._table.rows
        self._table.add(1)
        self._settle(key, row)
        for plan in self._plans.about(key):
            self._scope[plan.plan].append(row)

    def tell(self, control: Control, now: int) -> None:
        """Take a record in; what it says counts from ``now`` at the earliest (the first hour that is not learned)."""
        if control.kind is ControlKind.PLANNED:
            self._plan(control)
        elif control.kind is ControlKind.RESET:
            self._reset(control)
        elif control.series is not None and control.kind in {ControlKind.PROTECT, ControlKind.RELEASE}:
            self._keep(control.series, replace(control, effective_from=max(control.effective_from, now)))
            self._settle(control.series)

    def _keep(self, key: SeriesKey, control: Control) -> None:
        said, name = self._said.setdefault(key, {}), (control.alert, control.kind)
        said.pop(name, None)
        said[name] = control

    def _plan(self, control: Control) -> None:
        self._scope.pop(control.plan, None)
        self._plans.tell(control)
        self._scope[control.plan] = [row for row, key in enumerate(self._keys) if control.covers(key)]

    def _reset(self, control: Control) -> None:
        for key in list(self._said) if control.series is None else [control.series]:
            said = self._said.pop(key, {})
            left = {name: each for name, each in said.items() if control.alert and name[0] != control.alert}
            if left:
                self._said[key] = left
            self._settle(key)

    def _settle(self, key: SeriesKey, row: int | None = None) -> None:
        """Let a series' row say what holds now."""
        row = self._row_of.get(key) if row is None else row
        if row is None:
            return
        hold = Hold()
        for said in self._said.get(key, {}).values():
            hold = hold.after(said, self._release_ms)
        for name, value in _columns(hold).items():
            self._table[name][row] = value

    def held(self, start: int, end: int, hour_start: int) -> BoolArray:
        """Return which rows do not learn the bucket [start, end) that ends with the hour, whatever their evidence."""
        held: BoolArray = (self._table["hold_from"] <= hour_start) & (hour_start < self._table["hold_until"])
        for plan in self._plans.during(start, end):
            held[self._scope[plan.plan]] = True
        return held

    def released(self, hour_start: int) -> BoolArray:
        """Return which rows learn the hour though their own evidence protects them."""
        table = self._table
        released: BoolArray = (table["released_from"] <= hour_start) & (hour_start < table["released_until"])
        return released

    def forget(self, now: int) -> None:
        """Forget plans and records that are over."""
        for name in self._plans.forget(now):
            del self._scope[name]
        over = [key for key, said in self._said.items() if all(self._end(each) <= now for each in said.values())]
        for key in over:
            del self._said[key]

    def _end(self, said: Control) -> int:
        if said.kind is ControlKind.RELEASE:
            return said.effective_from + self._release_ms
        return FOREVER if said.until is None else said.until

    def state(self, rows: IntArray, mine: Callable[[SeriesKey], bool]) -> dict[str, Any]:
        """Return these rows, the records about series that are ``mine``, and all plans."""
        return {
            "table": self._table.state(rows),
            "said": [each for key, said in self._said.items() if mine(key) for each in said.values()],
            "plans": self._plans.state(),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Add the rows of a state; the bank has their keys already."""
        self._table.load(state["table"])
        for said in msgspec.convert(state["said"], list[Control]):
            if said.series is not None:
                self._keep(said.series, said)
        for plan in msgspec.convert(state["plans"], list[Control]):
            self._plan(plan)


def _columns(hold: Hold) -> dict[str, int]:
    return {name: getattr(hold, name) for name in ("hold_from", "hold_until", "released_from", "released_until")}
