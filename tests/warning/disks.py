"""Real places that run out of room: a file size limit, and a tiny disk where the test may mount one."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

Cramp = Callable[[Path], AbstractContextManager[tuple[Path, str]]]
"""Gives a folder without room for a megabyte, and Python that a writing process runs first."""


@contextmanager
def file_size_limit(folder: Path) -> Iterator[tuple[Path, str]]:
    yield folder, "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))\n"


@contextmanager
def tiny_disk(folder: Path) -> Iterator[tuple[Path, str]]:
    place = folder / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], check=True, capture_output=True)
    try:
        yield place, ""
    finally:
        subprocess.run(["umount", str(place)], check=True, capture_output=True)


def _can_mount() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        try:
            with tiny_disk(Path(folder)):
                return True
        except (OSError, subprocess.CalledProcessError):
            return False


CRAMPED: list[Cramp] = [file_size_limit, *([tiny_disk] if _can_mount() else [])]
