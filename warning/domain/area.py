"""Places: area paths of up to four levels and the register that describes them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from warning.domain.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MAX_LEVELS = 4
SEPARATOR = "/"


@dataclass(frozen=True, slots=True, order=True)
class AreaPath:
    """A node of the area tree, named from its root down: ``AreaPath(("New York City", "QUEENS"))``."""

    parts: tuple[str, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.parts) <= MAX_LEVELS:
            msg = f"an area path has 1 to {MAX_LEVELS} levels, not {len(self.parts)}: {self.parts!r}"
            raise ValueError(msg)
        for part in self.parts:
            if not part or SEPARATOR in part or part != part.strip():
                msg = f"area name {part!r} is empty, padded or contains {SEPARATOR!r}"
                raise ValueError(msg)

    @classmethod
    def parse(cls, text: str) -> AreaPath:
        """Read ``"New York City/QUEENS"``; raises ValueError for an empty name or more than four levels."""
        return cls(tuple(text.split(SEPARATOR)))

    def __str__(self) -> str:
        return SEPARATOR.join(self.parts)

    @property
    def level(self) -> int:
        """Depth below the root: 0 for the root itself."""
        return len(self.parts) - 1

    @property
    def parent(self) -> AreaPath | None:
        """The area one level up; None for the root."""
        return AreaPath(self.parts[:-1]) if len(self.parts) > 1 else None

    def lineage(self) -> Iterator[AreaPath]:
        """Yield the root, then each area down to this one."""
        for depth in range(1, len(self.parts) + 1):
            yield AreaPath(self.parts[:depth])

    def contains(self, other: AreaPath) -> bool:
        """Whether the other area is this one or lies inside it."""
        return other.parts[: len(self.parts)] == self.parts


@dataclass(frozen=True, slots=True)
class Area:
    """One row of the area register."""

    path: AreaPath
    name_zh: str = ""
    name_en: str = ""
    neighbours: frozenset[AreaPath] = field(default_factory=frozenset)
    population: int | None = None


@dataclass(frozen=True, slots=True)
class AreaRow:
    """An area as a register file states it: ids, before parents and neighbours are resolved to paths."""

    area_id: str
    name_zh: str = ""
    name_en: str = ""
    parent: str = ""
    neighbours: tuple[str, ...] = ()
    population: int | None = None


class AreaRegister:
    """The areas a jurisdiction knows: names in both languages, parents, neighbours, population.

    An empty register is valid: every path is then taken as it comes and nothing has neighbours.
    """

    def __init__(self, areas: Iterable[Area] = ()) -> None:
        self._areas: dict[AreaPath, Area] = {area.path: area for area in areas}

    @classmethod
    def from_rows(cls, rows: Iterable[AreaRow], where: str = "area register") -> AreaRegister:
        """Build a register from file rows; raises InvalidInputError naming the row that is wrong."""
        by_id: dict[str, AreaRow] = {}
        for row in rows:
            if row.area_id in by_id:
                raise InvalidInputError(where, f"area id {row.area_id!r} stands twice", "Give every area one row.")
            by_id[row.area_id] = row
        paths = {area_id: _path_of(area_id, by_id, where) for area_id in by_id}
        areas = {path: _area_of(by_id[area_id], path, paths, where) for area_id, path in paths.items()}
        return cls(_with_mutual_neighbours(areas))

    def __len__(self) -> int:
        return len(self._areas)

    def __iter__(self) -> Iterator[Area]:
        return iter(self._areas.values())

    def __contains__(self, path: object) -> bool:
        return path in self._areas

    def get(self, path: AreaPath) -> Area:
        """Describe a path; an area that is not registered is described by its own last name."""
        return self._areas.get(path) or Area(path, name_zh=path.parts[-1], name_en=path.parts[-1])

    def nearest_known(self, path: AreaPath) -> AreaPath:
        """Return the deepest registered area that contains the path (the root if none is); itself when empty."""
        if not self._areas:
            return path
        known = [area for area in path.lineage() if area in self._areas]
        return known[-1] if known else next(path.lineage())

    def are_neighbours(self, first: AreaPath, second: AreaPath) -> bool:
        """Whether the register says the two areas touch."""
        return second in self.get(first).neighbours


def _path_of(area_id: str, rows: Mapping[str, AreaRow], where: str) -> AreaPath:
    parts: deque[str] = deque()
    current: str = area_id
    while current:
        if current in parts:
            raise InvalidInputError(where, f"area {current!r} is its own ancestor", "Correct its parent.")
        if current not in rows:
            raise InvalidInputError(where, f"area {parts[0]!r} has an unknown parent {current!r}", "Add that area.")
        parts.appendleft(current)
        current = rows[current].parent
    try:
        return AreaPath(tuple(parts))
    except ValueError as error:
        raise InvalidInputError(where, str(error), "Shorten the tree or rename the area.") from error


def _area_of(row: AreaRow, path: AreaPath, paths: Mapping[str, AreaPath], where: str) -> Area:
    unknown = [name for name in row.neighbours if name not in paths]
    if unknown:
        raise InvalidInputError(
            where, f"area {row.area_id!r} has unknown neighbours {unknown}", "Add them or remove the mention."
        )
    return Area(
        path,
        name_zh=row.name_zh or row.area_id,
        name_en=row.name_en or row.area_id,
        neighbours=frozenset(paths[name] for name in row.neighbours),
        population=row.population,
    )


def _with_mutual_neighbours(areas: Mapping[AreaPath, Area]) -> Iterator[Area]:
    """To touch is mutual: a register needs to say it once."""
    touching: dict[AreaPath, set[AreaPath]] = {path: set(area.neighbours) for path, area in areas.items()}
    for path, area in areas.items():
        for other in area.neighbours:
            touching[other].add(path)
    for path, area in areas.items():
        yield Area(path, area.name_zh, area.name_en, frozenset(touching[path] - {path}), area.population)
