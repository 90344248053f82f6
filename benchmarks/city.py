"""A made-up city: deterministic tickets as a CSV file, with the mapping that reads it.

One city, 5 boroughs and 44 districts (50 areas) x 40 categories: 2,000 series when every category is seen in every
district. Districts and categories are uneven (the k-th has weight 1 / (k + 3)), hours of the day and days of the week
are too. The city has no clock changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.process import Figures

ZONE = "Asia/Shanghai"
START = datetime(2024, 1, 1, tzinfo=ZoneInfo(ZONE))
"""A Monday."""
TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
DISTRICTS = (9, 9, 9, 9, 8)
"""Districts of each borough."""
_HOURS = (4, 3, 2, 2, 2, 3, 5, 8, 12, 14, 15, 15, 14, 14, 14, 14, 13, 12, 12, 12, 12, 11, 9, 6)
_DAYS = (11, 10, 10, 10, 10, 7, 6)
_DAY_S = 86_400
_STRIDE = 7_919
"""A prime: steps through all pairs of district and category without bursts of one category."""

_MAPPING = """\
name: made-up-city
title: {{zh: 虚构城市, en: Made-up city}}
jurisdiction: made-up-city
source: made-up-city
zone: {zone}
columns: {{Ticket: public, Created: public, Closed: public, Category: public, Borough: public, District: public}}
fields:
  ticket_id: Ticket
  created_at: {{column: Created, formats: ["{format}"]}}
  closed_at: {{column: Closed, formats: ["{format}"]}}
  category: Category
area:
  - fixed: City
  - column: Borough
  - column: District
"""


@dataclass(frozen=True, kw_only=True)
class City:
    """What is made up.

    tickets, days : how many tickets, spread over how many days
    categories : how many there are; with ``random_categories`` each ticket draws one of them at random
    even : every pair of district and category in turn, evenly over time, instead of uneven ones
    closed : a sixth column, Closed, filled for four tickets in five, so that they have life events
    """

    tickets: int
    days: int
    categories: int = 40
    random_categories: bool = False
    even: bool = False
    closed: bool = False
    seed: int = 311


def make(csv: str, mapping: str, **city: Any) -> Figures:
    """Write a city's tickets, in the order of their times, and its mapping."""
    Path(mapping).write_text(_MAPPING.format(zone=ZONE, format=TIME_FORMAT), "utf-8")
    frame(City(**city)).write_csv(csv)
    return {"bytes": float(Path(csv).stat().st_size)}


def frame(city: City) -> pl.DataFrame:
    """Return a city's tickets in the order of their times, as its file has them."""
    random = np.random.default_rng(city.seed)
    seconds = _seconds(city, random)
    places, categories = _places_and_categories(city, random)
    boroughs = np.repeat(np.arange(len(DISTRICTS)), DISTRICTS)
    columns = {
        "Ticket": pl.Series(np.arange(40_000_000, 40_000_000 + city.tickets)),
        "Created": _times(seconds),
        "Category": _named("Category", categories, city.categories),
        "Borough": _named("Borough", boroughs[places], len(DISTRICTS)),
        "District": _named("District", places, len(boroughs)),
    }
    if city.closed:
        after = random.exponential(2 * _DAY_S, city.tickets).astype(np.int64) + 60
        columns["Closed"] = _times(seconds + after).set(pl.Series(random.random(city.tickets) < 0.2), "")
    return pl.DataFrame(columns)


def _seconds(city: City, random: np.random.Generator) -> NDArray[np.int64]:
    """Draw ascending seconds since the start."""
    if city.even:
        return np.arange(city.tickets) * (city.days * _DAY_S) // city.tickets
    days = np.resize(np.array(_DAYS, float), city.days)
    weights = np.outer(days, _HOURS).ravel()
    hours = random.choice(len(weights), city.tickets, p=weights / weights.sum())
    return np.sort(hours * 3600 + random.integers(0, 3600, city.tickets))


def _places_and_categories(city: City, random: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    places = sum(DISTRICTS)
    if city.even:
        pair = np.arange(city.tickets) * _STRIDE % (places * city.categories)
        return pair % places, pair // places
    where = random.choice(places, city.tickets, p=_uneven(places))
    if city.random_categories:
        return where, random.integers(0, city.categories, city.tickets)
    return where, random.choice(city.categories, city.tickets, p=_uneven(city.categories))


def _uneven(count: int) -> NDArray[np.float64]:
    weights = np.array([1.0 / (number + 3) for number in range(count)])
    uneven: NDArray[np.float64] = weights / weights.sum()
    return uneven


def _times(seconds: NDArray[np.int64]) -> pl.Series:
    local = pl.Series(seconds * 1000 + int(START.replace(tzinfo=ZoneInfo("UTC")).timestamp()) * 1000)
    return local.cast(pl.Datetime("ms")).dt.strftime(TIME_FORMAT)


def _named(what: str, codes: NDArray[np.int64], count: int) -> pl.Series:
    names = pl.Series([f"{what} {number + 1:0{len(str(count))}d}" for number in range(count)])
    return names.gather(pl.Series(codes))
