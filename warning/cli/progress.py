"""A progress bar on long work, for people only."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

Progress = Callable[[int], None]


@contextmanager
def progress_bar(total: int, label: str, *, hidden: bool) -> Iterator[Progress | None]:
    """Give a callback that takes steps of ``total``; None when nobody watches (hidden, or no terminal)."""
    if hidden or not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=max(1, total), label=label, file=sys.stderr) as bar:
        yield bar.update


def size_of(files: Sequence[Path]) -> int:
    """Return the bytes of all files together."""
    return sum(path.stat().st_size for path in files)
