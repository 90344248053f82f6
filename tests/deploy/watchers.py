"""Prometheus and Alertmanager with the project's own configuration, on this machine."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.deploy.compose import ROOT

SECRETS = "/run/secrets/"
PROGRAMS = {"prometheus": "prometheus", "alertmanager": "prometheus-alertmanager"}
"""By their services' names, as Debian calls them."""


def missing() -> list[str]:
    """Return the programs that are not installed."""
    return [name for name in PROGRAMS.values() if shutil.which(name) is None]


def alertmanager_file(secrets: Path) -> str:
    """Return the configuration with the address itself: Debian's Alertmanager is older than ``url_file``."""
    file = yaml.safe_load((ROOT / "deploy/alertmanager/alertmanager.yml").read_text("utf-8"))
    for receiver in file["receivers"]:
        for hook in receiver["webhook_configs"]:
            hook["url"] = (secrets / hook.pop("url_file").removeprefix(SECRETS)).read_text()
    return yaml.safe_dump(file)


def prometheus_folder(folder: Path, targets: Mapping[str, Sequence[str]]) -> Path:
    """Copy the configuration, with addresses on this machine for the names of services; returns the file.

    targets : by the name of a service, where each container of it would be
    """
    shutil.copytree(ROOT / "deploy/prometheus", folder)
    path = folder / "prometheus.yml"
    file = yaml.safe_load(path.read_text("utf-8"))
    for job in file["scrape_configs"]:
        del job["dns_sd_configs" if "dns_sd_configs" in job else "static_configs"]
        job["static_configs"] = [{"targets": list(targets[job["job_name"]])}]
    file["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": list(targets["alertmanager"])}]}]
    path.write_text(yaml.safe_dump(file))
    return path


def ask(prometheus: str, query: str) -> list[dict[str, Any]]:
    """Return the series that a query gives now."""
    answer = httpx.post(f"{prometheus}/api/v1/query", data={"query": query}, timeout=10, trust_env=False).json()
    assert answer["status"] == "success", f"{query}: {answer}"
    return list(answer["data"]["result"])
