"""Files in their place: flushed before anyone can see them there."""

from __future__ import annotations

import os
from pathlib import Path


def place(part: Path, target: Path) -> None:
    """Flush a file and rename it into place."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
