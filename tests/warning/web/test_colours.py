"""The colours can be told apart: WCAG 2.2 AA, in the light and in the dark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TEXT, SIGN = 4.5, 3.0
PAIRS = [
    *(
        (colour, ground, TEXT)
        for colour in ("ink", "soft", "link", "high", "middle", "low")
        for ground in ("page", "card")
    ),
    *((colour, "card", TEXT) for colour in ("good", "bad")),
    ("ink", "note", TEXT),
    ("ink", "field", TEXT),
    ("soft", "field", TEXT),
    ("good", "page", TEXT),
    ("on-press", "press", TEXT),
    *((colour, "card", SIGN) for colour in ("bar", "hot", "expected", "edge", "normal-edge", "press", "note-edge")),
]


def _colours(root: Path, scheme: str) -> dict[str, str]:
    """The custom properties in force; those of the dark come after those of the light."""
    found: dict[str, str] = {}
    for name in ("base.css", "page.css"):
        css = (root / "warning/web/static" / name).read_text("utf-8")
        light, dark = re.findall(r":root \{(.*?)\}", css, flags=re.DOTALL)[:2]
        for block in (light, dark) if scheme == "dark" else (light,):
            found |= dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
    return found


def _luminance(colour: str) -> float:
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("colour", "ground", "least"), PAIRS)
def test_contrast(root: Path, scheme: str, colour: str, ground: str, least: float) -> None:
    """Text has 4.5 to 1 on its ground, and signs, lines and borders that carry meaning 3 to 1."""
    colours = _colours(root, scheme)
    assert _contrast(colours[colour], colours[ground]) >= least


def test_measure_of_contrast() -> None:
    """Black on white is 21 to 1, as the standard has it."""
    assert _contrast("#000000", "#ffffff") == pytest.approx(21)
