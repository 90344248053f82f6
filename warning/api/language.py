"""Which of the two languages a request asks for."""

from __future__ import annotations

LANGUAGES = ("en", "zh")
"""The first is for whoever does not ask."""


def language_of(accept_language: str) -> str:
    """Return the language with the greatest weight in an Accept-Language header (RFC 9110 section 12.5.4)."""
    weights = dict.fromkeys(LANGUAGES, 0.0)
    for part in accept_language.split(","):
        tag, _, parameter = part.partition(";")
        primary = tag.strip().lower().split("-")[0]
        if primary in weights:
            weights[primary] = max(weights[primary], _weight(parameter))
    return max(LANGUAGES, key=weights.__getitem__)


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
