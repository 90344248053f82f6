"""Tables of results: repetitions as median (min to max), written as Markdown."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.process import Figures


@dataclass(frozen=True)
class Table:
    """A titled table; notes say what its figures mean."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = field(default=())

    def markdown(self) -> str:
        """Write it; every column but the first is a number."""
        lines = [f"### {self.title}", "", _line(self.header), _line(["---", *["---:"] * (len(self.header) - 1)])]
        lines += [_line(row) for row in self.rows]
        return "\n".join([*lines, *(["", *(f"- {note}" for note in self.notes)] if self.notes else []), ""])


def spread(values: Sequence[float], digits: int = 0) -> str:
    """Write the median, and from where to where values went."""
    middle, low, high = (f"{value:,.{digits}f}" for value in (median(values), min(values), max(values)))
    return middle if low == high else f"{middle} ({low} to {high})"


def rate(runs: Sequence[Figures], what: str = "tickets") -> list[float]:
    """Return how many of something there were a second, run by run."""
    return [run[what] / run["seconds"] for run in runs]


def column(runs: Sequence[Figures], name: str) -> list[float]:
    """Return one figure of each run."""
    return [run[name] for run in runs]


def machine() -> str:
    """Name the processor, how many there are, the memory, the system and Python."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text("utf-8").splitlines() if line.startswith("model name")]
        name = lines[0].partition(":")[2].strip() if lines else name
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{name}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
