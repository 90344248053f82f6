"""Surges injected into the animals file: seeded, six standard deviations of the series' own days, one day long."""

from __future__ import annotations

import csv
import math
import random
import statistics
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from warning.domain.alert import Alert
from warning.domain.signal import EvidenceState, Signal

ROOT_AREA = "New York City"
SIZE_SDS = 6.0
LEAST_MEAN = 1.0
"""Tickets a day a series must have to be injected into."""
BURN_IN_DAYS = 28
"""Four weeks teach; after them surges may fall on any whole day."""
_FORMAT = "%m/%d/%Y %H:%M"

Cells = dict[str, str]


@dataclass(frozen=True, slots=True)
class Surge:
    """One injected surge: where, what, when, how many tickets more."""

    area: str
    category: str
    day: date
    extra: int


@dataclass(frozen=True, slots=True)
class Background:
    """The file's rows, by series (area path, category) and in order."""

    rows: list[Cells]
    series: dict[tuple[str, str], list[Cells]]
    days: list[date]

    @classmethod
    def read(cls, path: Path) -> Background:
        """Read the file; its last, partial day does not count."""
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        series: dict[tuple[str, str], list[Cells]] = defaultdict(list)
        for row in rows:
            for area in _areas(row):
                series[area, row["Complaint Type"]].append(row)
        every = sorted({_created(row).date() for row in rows})
        return cls(rows, dict(sorted(series.items())), every[:-1])

    def candidates(self) -> dict[tuple[str, str], float]:
        """Return the series with enough tickets a day, and the standard deviation of their days."""
        found: dict[tuple[str, str], float] = {}
        for key, rows in self.series.items():
            by_day = Counter(_created(row).date() for row in rows)
            counts = [by_day[day] for day in self.days]
            if statistics.mean(counts) >= LEAST_MEAN:
                found[key] = statistics.pstdev(counts)
        return found


def _created(row: Cells) -> datetime:
    return datetime.strptime(row["Created Date"], _FORMAT)  # noqa: DTZ007 - the file's times are local


def _areas(row: Cells) -> list[str]:
    if row["Borough"] == "Unspecified":
        return [ROOT_AREA]
    borough = f"{ROOT_AREA}/{row['Borough']}"
    return [ROOT_AREA, borough, f"{borough}/{row['Community Board']}"]


def inject(background: Background, count: int, seed: int) -> tuple[list[Cells], list[Surge]]:
    """Return the rows with surges among them, and the surges.

    Each is in a series of its own, and no two of one category are in the same week: twenty separate events, not one.
    """
    rng = random.Random(seed)
    candidates = background.candidates()
    surges: list[Surge] = []
    rows = list(background.rows)
    taken: set[tuple[str, int]] = set()
    for area, category in rng.sample(sorted(candidates), len(candidates)):
        free = [day for day in background.days[BURN_IN_DAYS:] if (category, day.isocalendar().week) not in taken]
        if not free or len(surges) == count:
            continue
        day = rng.choice(free)
        taken.add((category, day.isocalendar().week))
        extra = math.ceil(SIZE_SDS * candidates[area, category])
        surges.append(Surge(area, category, day, extra))
        rows += _tickets(background.series[area, category], day, extra, len(surges), rng)
    return rows, surges


def _tickets(like: list[Cells], day: date, extra: int, number: int, rng: random.Random) -> list[Cells]:
    """Draw tickets that look like the series' own, at times of day like theirs."""
    drawn = []
    for i in range(extra):
        at = datetime.combine(day, _created(rng.choice(like)).time())
        changes = {"Created Date": at.strftime(_FORMAT), "Closed Date": "", "Unique Key": f"9{number:03}{i:05}"}
        drawn.append(rng.choice(like) | changes)
    return drawn


def write(path: Path, rows: list[Cells]) -> None:
    """Write rows as the file they came from."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def found(surge: Surge, alerts: list[Alert], signals: dict[str, Signal]) -> bool:
    """Whether an alert of the surge's category, on an area that holds it or lies in it, rests on that very day."""
    return any(
        alert.state is not EvidenceState.WITHDRAWN
        and surge.category in alert.categories
        and any(_speaks_of(signals[i], surge) for i in alert.signal_ids)
        for alert in alerts
    )


def _speaks_of(signal: Signal, surge: Surge) -> bool:
    area = signal.series.area
    overlaps = surge.area.startswith(area) or area.startswith(surge.area)
    last = (signal.window_end - timedelta(seconds=1)).date()
    live = signal.state is not EvidenceState.WITHDRAWN
    return (
        live and signal.series.name == surge.category and overlaps and signal.window_start.date() <= surge.day <= last
    )
