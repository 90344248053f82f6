"""Grafana's dashboards as data: their panels and the queries that these ask."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.deploy.compose import ROOT

FOLDER = ROOT / "deploy/grafana/dashboards"
FILES = sorted(FOLDER.glob("*.json"))

Panel = dict[str, Any]


def dashboard(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text("utf-8")))


def queries() -> Iterator[tuple[str, str]]:
    """Yield each query of every panel, with where it stands."""
    for path in FILES:
        for panel in dashboard(path)["panels"]:
            for target in panel["targets"]:
                yield f"{path.stem}: {panel['title']} {target['refId']}", target["expr"]
