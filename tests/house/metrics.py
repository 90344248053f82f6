"""What documents say of metrics, compared with the metrics that there are."""

import re
from collections.abc import Iterable

from tests.house.readme import section
from warning.runtime.metrics import PREFIX, Spec

_SUFFIXES = {"histogram": ("", "_bucket", "_sum", "_count")}


def rows(specs: Iterable[Spec]) -> list[str]:
    """The rows of the README's table, as they have to be."""
    return [
        f"| `{spec.full_name}` | {spec.type} | {', '.join(f'`{label}`' for label in spec.labels)} | {spec.meaning} |"
        for spec in specs
    ]


def stated_rows(readme: str) -> list[str]:
    """The rows of the README's table, as they are."""
    return [line for line in section(readme, "Metrics").splitlines() if line.startswith(f"| `{PREFIX}")]


def unknown_metrics(text: str, specs: Iterable[Spec]) -> list[str]:
    """Names of ours in a text that no metric has."""
    known = {spec.full_name + suffix for spec in specs for suffix in _SUFFIXES.get(spec.type, ("",))}
    return sorted(set(re.findall(rf"\b{PREFIX}\w+", text)) - known)
