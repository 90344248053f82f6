"""What watches over the service: its files are right by the tools that read them and by the program's own metrics."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.metrics import SPECS as OF_WORKERS
from tests.deploy import compose
from tests.deploy.dashboards import FILES, dashboard, queries
from tests.deploy.watchers import alertmanager_file
from tests.house import metrics as check
from warning.runtime.metrics import SPECS as OF_SERVICE

SPECS = (*OF_SERVICE, *OF_WORKERS)
KINDS = {"stat", "timeseries", "table"}
CLUSTER = "deploy/prometheus/rules/cluster.yml"


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def _tool(name: str, *arguments: str, cwd: Path) -> None:
    """Run a tool of Debian's packages, which must find nothing wrong."""
    if shutil.which(name) is None:
        pytest.skip(f"no {name} (Debian: prometheus, prometheus-alertmanager)")
    done = subprocess.run([name, *arguments], capture_output=True, text=True, check=False, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_its_file(root: Path) -> None:
    """Prometheus' own tool finds nothing wrong with the configuration and the rules it names."""
    _tool("promtool", "check", "config", "deploy/prometheus/prometheus.yml", cwd=root)


def test_alertmanager_takes_its_file(root: Path, tmp_path: Path) -> None:
    """Alertmanager's own tool finds nothing wrong with its configuration, the address from the secret in it."""
    secret = tmp_path / "alert-webhook"
    secret.write_text("http://127.0.0.1:1/hook")
    (tmp_path / "alertmanager.yml").write_text(alertmanager_file(tmp_path))
    assert "url: http://127.0.0.1:1/hook" in (tmp_path / "alertmanager.yml").read_text()
    _tool("amtool", "check-config", "alertmanager.yml", cwd=tmp_path)


def test_every_process_is_scraped(root: Path) -> None:
    """Prometheus asks every service of ours that stays, on the port the compose file gives it, and the watchers."""
    jobs = {job["job_name"]: job for job in _yaml(root / "deploy/prometheus/prometheus.yml")["scrape_configs"]}
    ours = compose.ours(compose.load())
    assert set(jobs) == set(ours) - {"topics"} | {"prometheus", "alertmanager"}
    assert jobs["api"]["static_configs"] == [{"targets": ["api:8311"]}]
    for name in set(ours) - {"topics", "api"}:
        (where,) = jobs[name]["dns_sd_configs"]
        assert where["names"] == [name]
        assert str(where["port"]) == compose.environment(ours[name])["EARLY_WARNING_CLUSTER__PORT"]


def test_the_receiver_is_a_secret(root: Path) -> None:
    """Every message goes to an address that stands in a file among the secrets, and tells also that it is over."""
    file = _yaml(root / "deploy/alertmanager/alertmanager.yml")
    (receiver,) = file["receivers"]
    assert [(hook["url_file"], hook["send_resolved"]) for hook in receiver["webhook_configs"]] == [
        ("/run/secrets/alert-webhook", True)
    ]
    routes = [file["route"], *file["route"]["routes"]]
    assert {route["receiver"] for route in routes} == {receiver["name"]}
    assert file["route"]["group_by"] == ["alertname"]


def test_rules_that_silence_others_exist(root: Path) -> None:
    """Alerts that keep others quiet are rules that there are."""
    files = [_yaml(path) for path in (root / "deploy/prometheus/rules").iterdir()]
    names = {rule["alert"] for file in files for group in file["groups"] for rule in group["rules"]}
    (inhibition,) = _yaml(root / "deploy/alertmanager/alertmanager.yml")["inhibit_rules"]
    (matcher,) = inhibition["source_matchers"]
    assert set(re.findall(r"EarlyWarning\w+", matcher)) <= names


def test_the_cluster_is_watched(root: Path) -> None:
    """Lag, ages, leaders, partitions waited for, lost processes, decisions on their way and poison have rules."""
    (group,) = _yaml(root / CLUSTER)["groups"]
    text = " ".join(rule["expr"] for rule in group["rules"])
    unwatched = {"caught_up_records_total", "input_tickets_total", "ticks_written_total"}
    assert {spec.name for spec in OF_WORKERS if spec.full_name not in text} == unwatched


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_dashboards_are_whole(path: Path) -> None:
    """A dashboard has an id of its own, panels that do not overlap, each with a title in both languages and a query."""
    board = dashboard(path)
    assert board["uid"] == f"early-warning-{path.stem}"
    assert board["editable"] is False
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells: set[tuple[int, int]] = set()
    for panel in panels:
        assert panel["type"] in KINDS
        assert re.search("[A-Za-z]{2}.* .*[一-鿿]{2}", panel["title"])
        assert panel["datasource"] == {"type": "prometheus", "uid": "prometheus"}
        assert panel["targets"]
        at = panel["gridPos"]
        covered = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not covered & cells
        cells |= covered


def test_dashboards_name_no_other_metric() -> None:
    """No query names a metric of ours that does not exist, and every one names at least one that a process has."""
    for where, query in queries():
        assert check.unknown_metrics(query, SPECS) == [], where
        assert re.search(r"\b(early_warning_|process_|up\b|ALERTS\b)", query), where


def test_every_metric_is_shown() -> None:
    """Every metric of the service and of its workers stands on a dashboard."""
    text = " ".join(query for _, query in queries())
    assert [spec.name for spec in SPECS if not re.search(rf"\b{spec.full_name}(_bucket)?\b", text)] == []


def test_grafana_finds_it_all(root: Path) -> None:
    """The provisioned source is the one that the panels name, and the folder of dashboards the one that is mounted."""
    provisioning = root / "deploy/grafana/provisioning"
    (source,) = _yaml(provisioning / "datasources/prometheus.yml")["datasources"]
    assert (source["uid"], source["url"]) == ("prometheus", "http://prometheus:9090")
    (provider,) = _yaml(provisioning / "dashboards/early-warning.yml")["providers"]
    grafana = compose.services(compose.load())["grafana"]
    assert f"./deploy/grafana/dashboards:{provider['options']['path']}:ro" in grafana["volumes"]
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert Path(home).parent == Path(provider["options"]["path"])
    assert Path(home).name in {path.name for path in FILES}
