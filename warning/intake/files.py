"""Files -> tickets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from warning.intake.normalise import Normaliser
from warning.intake.readers.opening import open_table
from warning.intake.readers.sniff import kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from warning.domain.area import AreaRegister
    from warning.intake.mapping import Mapping
    from warning.intake.normalise import Normalised


def read_files(
    paths: Iterable[Path | str],
    mapping: Mapping,
    *,
    register: AreaRegister | None = None,
    now_ms: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Normalised]:
    """Read files one after the other, some 20,000 rows at a time.

    ``progress`` is called with the bytes read since its last call; together they are the files' sizes. In rejections
    ``source`` is the file's name. Raises InvalidInputError, before the first row of any file is read, if one is not
    of a format that can be read; and when its turn comes, if its header does not fit the mapping.
    """
    files = [Path(path) for path in paths]
    for path in files:
        kind_of(path)
    normaliser = Normaliser(mapping, register=register, now_ms=now_ms)
    for path in files:
        yield from _read_file(path, normaliser, progress or _ignore)


def _read_file(path: Path, normaliser: Normaliser, progress: Callable[[int], None]) -> Iterator[Normalised]:
    table = open_table(path, normaliser.mapping.layout(path))
    done = 0
    for chunk in table.chunks:
        yield normaliser.normalise(chunk, path.name)
        progress(chunk.offset - done)
        done = chunk.offset
    progress(path.stat().st_size - done)


def _ignore(_: int) -> None:
    """Report to nobody."""
