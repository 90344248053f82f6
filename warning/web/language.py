"""The page's languages: one table of strings each, and the choice between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from warning.domain.alert import Headline
from warning.service.words import Words

CODES = ("zh", "en")
FALLBACK = "en"
"""For whoever asks for neither."""

FORMS = " | "
"""Between the forms of a string that depends on a number: one, then any other."""


@dataclass(frozen=True, slots=True)
class Language:
    """Says things in one language; ``tag`` is what the page's ``lang`` attribute says (BCP 47)."""

    code: str
    tag: str
    strings: Mapping[str, str] = field(repr=False)

    def __call__(self, key: str, **values: object) -> str:
        """Return the string of a key, filled in; ``n`` chooses between its forms. KeyError: the table lacks it."""
        forms = self.strings[key].split(FORMS)
        form = forms[0] if values.get("n") == 1 else forms[-1]
        return form.format(**values) if values else form

    def say(self, words: Words | Headline) -> str:
        """Return words that come in both languages."""
        return words.zh if self.code == "zh" else words.en

    def of(self, thing: Any, name: str) -> str:
        """Return an attribute that a thing has once per language: ``reason`` of a flag, ``name`` of an area."""
        text: str = getattr(thing, f"{name}_{self.code}")
        return text

    def moment(self, at: datetime) -> str:
        """Say a moment on its own wall clock, without the zone: 2020-01-02 Thu 09:30."""
        return f"{at:%Y-%m-%d} {self.strings['weekdays'].split()[at.weekday()]} {at:%H:%M}"


@cache
def language(code: str) -> Language:
    """Return a language of ``CODES``."""
    text = files("warning.web").joinpath("languages", f"{code}.yaml").read_text("utf-8")
    strings = dict(_flat(yaml.safe_load(text)))
    return Language(code, strings["tag"], strings)


def chosen(cookie: str, accept_language: str) -> Language:
    """Return the language a visitor chose on the page, else the one the browser prefers (RFC 9110, 12.5.4)."""
    if cookie in CODES:
        return language(cookie)
    weights = dict.fromkeys((FALLBACK, *CODES), 0.0)
    for part in accept_language.split(","):
        tag, _, weight = part.partition(";")
        primary = tag.strip().lower().partition("-")[0]
        if primary in weights:
            weights[primary] = max(weights[primary], _weight(weight))
    return language(max(weights, key=weights.__getitem__))


def _weight(parameter: str) -> float:
    try:
        return float(parameter.strip().removeprefix("q=") or 1)
    except ValueError:
        return 0.0


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", str(value)
