"""The parameter file: how many incidents, of which shapes and sizes, and how many hard negatives."""

from __future__ import annotations

from functools import cache

from pydantic import Field

from warning.domain.truth import Shape
from warning.simulator.catalogue import Positive
from warning.simulator.reading import Model, package_file, parsed


class Sizes(Model):
    """Sizes in baseline standard deviations, uniform between the two."""

    least: Positive
    most: Positive


class ShapeParameters(Model):
    """How often a shape is drawn, what its size is measured in, and how long it lasts."""

    share: Positive
    statistic: str
    hours: tuple[int, int]
    areas: tuple[int, int] = (1, 1)
    background_share: float = Field(default=0.02, gt=0, lt=1)
    tickets: int = 50


class Parameters(Model):
    """What is put into a city beside its ordinary life."""

    incidents_per_week: int = Field(ge=0)
    size: Sizes
    least_daily_mean: Positive
    shapes: dict[Shape, ShapeParameters]
    hard_negatives_per_week: int = Field(ge=0)
    hard_negatives: dict[Shape, ShapeParameters]

    def of(self, shape: Shape) -> ShapeParameters:
        """Return a shape's parameters."""
        return (self.shapes | self.hard_negatives)[shape]


@cache
def parameters() -> Parameters:
    """Return the parameters that ship."""
    return parsed(package_file("parameters.yaml").read_text("utf-8"), "parameters.yaml", Parameters)
