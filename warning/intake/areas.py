"""Area cells -> area paths, with the mapping's repairs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from warning.domain.area import SEPARATOR, AreaPath, AreaRegister
from warning.domain.reject import RejectReason
from warning.intake.names import MAX_NAME, area_name, is_formula, is_nothing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from warning.intake.mapping import AreaLevel

CACHE_SIZE = 100_000
"""Distinct combinations of cells remembered; more than any city has areas, few enough for a hostile file."""


@dataclass(frozen=True, slots=True)
class PlaceName:
    """What the cells of one row's area became: a path and the rules that repaired it, or a reason to refuse it."""

    path: str
    rules: tuple[str, ...] = ()
    refused: RejectReason | None = None


class AreaReader:
    """Resolves rows of area cells, remembering the combinations seen."""

    def __init__(self, levels: Sequence[AreaLevel], register: AreaRegister | None = None) -> None:
        self.levels = [_LevelReader(level) for level in levels]
        self.register = register if register is not None else AreaRegister()
        self._seen: dict[tuple[str, ...], PlaceName] = {}

    def read(self, cells: tuple[str, ...]) -> PlaceName:
        """Resolve the cells of the levels that have a column, in order of level."""
        found = self._seen.get(cells)
        if found is None:
            if len(self._seen) >= CACHE_SIZE:
                self._seen.clear()
            found = self._seen[cells] = self._resolve(cells)
        return found

    def _resolve(self, cells: tuple[str, ...]) -> PlaceName:
        remaining = iter(cells)
        parts: list[str] = []
        rules: list[str] = []
        for level in self.levels:
            name, rule = level.read(next(remaining) if level.fixed is None else level.fixed)
            rules += [rule] if rule else []
            if name is None:
                break
            if len(name) > MAX_NAME:
                return PlaceName("", refused=RejectReason.TOO_LONG_NAME)
            parts.append(name)
        return self._registered(parts, rules)

    def _registered(self, parts: list[str], rules: list[str]) -> PlaceName:
        if not parts:
            return PlaceName("", refused=RejectReason.BAD_AREA)
        path = AreaPath(tuple(parts))
        known = self.register.nearest_known(path)
        return PlaceName(str(known), tuple(rules) if known == path else (*rules, "unregistered_area"))


class _LevelReader:
    """One level: repairs first, then the vocabulary; None means the level above."""

    def __init__(self, level: AreaLevel) -> None:
        self.fixed = area_name(level.fixed) if level.fixed is not None else None
        self.otherwise = level.otherwise
        self.repairs = [(repair.rule, re.compile(repair.pattern), repair.to) for repair in level.repairs]
        self.vocabulary = {word.casefold(): area_name(word) for word in level.vocabulary}

    def read(self, cell: str) -> tuple[str | None, str | None]:
        """Return the name (None: the level above) and the rule that repaired the cell (None: no repair)."""
        if self.fixed is not None:
            return self.fixed, None
        name = area_name(cell)
        if is_nothing(name):
            return None, "missing_area"
        for rule, pattern, to in self.repairs:
            if found := pattern.fullmatch(name if SEPARATOR not in cell else " ".join(cell.split())):
                return (found.expand(to) if to is not None else None), rule
        return self._of_vocabulary(name)

    def _of_vocabulary(self, name: str) -> tuple[str | None, str | None]:
        if self.vocabulary:
            known = self.vocabulary.get(name.casefold())
            return (known, None) if known == name else (known, "area_spelling" if known else self.otherwise)
        if is_formula(name):
            return None, self.otherwise
        return name, None
