"""Files and folders that appear whole or not at all, also when the disk fills or the process dies."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from warning.service.errors import unwritable

CHUNK = 1 << 20


def check_new_file(target: Path) -> None:
    """Make the folders above a file that is to be written; raises UnwritableOutputError before any work is done."""
    with _translated(target):
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        make_writable(target.resolve().parent)


def make_writable(folder: Path) -> None:
    """Make a folder and those above it, and see that files can be put there; raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def write_file(target: Path, content: Iterable[bytes]) -> None:
    """Write a file beside its place, flush it to the disk and rename it into place.

    Raises UnwritableOutputError; an older file is then still there as it was.
    """
    target = target.resolve()
    with _translated(target), tempfile.TemporaryDirectory(prefix=_prefix(target), dir=target.parent) as scratch:
        part = Path(scratch) / target.name
        _write_flushed(part, content)
        part.replace(target)
        _flush_folder(target.parent)


def write_folder(target: Path, files: Mapping[str, Iterable[bytes]]) -> None:
    """Write a folder of files beside its place, flush all of it and move it into place.

    An older folder at the target is moved aside only when the new one is complete, and removed after.
    Raises UnwritableOutputError; what stood at the target is then still there.
    """
    target = target.resolve()
    with _translated(target), tempfile.TemporaryDirectory(prefix=_prefix(target), dir=target.parent) as scratch:
        fresh = Path(scratch) / "new"
        fresh.mkdir()
        for name, content in files.items():
            _write_flushed(fresh / name, content)
        _flush_folder(fresh)
        _swap(fresh, target, Path(scratch) / "old")
        _flush_folder(target.parent)


@contextmanager
def _translated(target: Path) -> Iterator[None]:
    """Translate system errors; the temporary folder inside takes its half-written files away."""
    try:
        yield
    except OSError as error:
        raise unwritable(target, error) from error


def _prefix(target: Path) -> str:
    return f".{target.name}.unfinished-"


def _write_flushed(path: Path, content: Iterable[bytes]) -> None:
    with path.open("wb", buffering=CHUNK) as file:
        file.writelines(content)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _swap(fresh: Path, target: Path, aside: Path) -> None:
    """Two renames: between them nothing stands at the target, and a failure of the second undoes the first."""
    if target.is_dir():
        target.rename(aside)
    try:
        fresh.rename(target)
    except OSError:
        if aside.is_dir():
            aside.rename(target)
        raise
    shutil.rmtree(aside, ignore_errors=True)
