"""The compose file as Docker Compose reads it: variables filled in, anchors merged."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yml"
IMAGE = "early-warning:"
_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?P<default>:-[^}]*)?\}")

Service = dict[str, Any]


def load(text: str | None = None, variables: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Read the file; a variable that is not given has the default that stands after it."""
    text = FILE.read_text("utf-8") if text is None else text
    return dict(yaml.safe_load(_VARIABLE.sub(lambda found: _value(found, variables or {}), text)))


def _value(found: re.Match[str], variables: Mapping[str, str]) -> str:
    if found["default"] is None:
        raise ValueError(f"{found[0]} has no default: `up` would warn and go on with nothing")
    return variables.get(found["name"]) or found["default"].removeprefix(":-")


def services(file: Mapping[str, Any]) -> dict[str, Service]:
    return dict(file["services"])


def ours(file: Mapping[str, Any]) -> dict[str, Service]:
    """Return the services that run our program."""
    return {name: each for name, each in services(file).items() if each["image"].startswith(IMAGE)}


def environment(service: Service) -> dict[str, str]:
    """Return a container's variables."""
    return {name: "" if value is None else str(value) for name, value in service.get("environment", {}).items()}


def replicas(service: Service) -> int:
    """Return how many containers of a service there are."""
    return int(service.get("deploy", {}).get("replicas", 1))
