"""The templates of the pages, and what they can say."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from warning.domain.alert import AlertStatus, Disposition, ReviewFlag
from warning.service import words
from warning.service.words import Words

HIGH, MIDDLE = 70, 40
"""From these severities on an alert is called severe, or serious."""


def level(severity: int) -> str:
    """Name a severity as the style sheet and the strings do."""
    return "high" if severity >= HIGH else "middle" if severity >= MIDDLE else "low"


def offset(moment: Any) -> str:
    """Say a moment's zone: UTC+08:00."""
    text = moment.strftime("%z")
    return f"UTC{text[:3]}:{text[3:5]}" if text.strip("+-0") else "UTC"


def innermost(paths: Sequence[str]) -> list[str]:
    """Leave out areas that contain another one of the list: they are named with it."""
    return [path for path in paths if not any(other.startswith(f"{path}/") for other in paths)]


def reject_words(code: str) -> Words:
    """Name why an item was refused."""
    return next((said for reason, said in words.REASONS.items() if reason.value == code), Words(code, code))


@cache
def environment() -> Environment:
    """Return the environment all pages are rendered with."""
    made = Environment(
        loader=PackageLoader("warning.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(figure=words.figure, level=level, offset=offset, innermost=innermost, reject_words=reject_words)
    made.globals.update(
        STATES=words.STATES,
        STATUSES=words.STATUSES,
        FLAGS=words.FLAGS,
        CAUTIONS=words.CAUTIONS,
        DISPOSITIONS=words.DISPOSITIONS,
        kind_words=words.kind_words,
        duration=words.duration,
        AlertStatus=AlertStatus,
        Disposition=Disposition,
        ReviewFlag=ReviewFlag,
    )
    return made
