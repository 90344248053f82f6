"""Alerting rules, tried on series: each fires on what it is for, and on nothing while all is well."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.compose import ROOT

FILES = sorted((ROOT / "deploy/prometheus/rules").glob("*.yml"))
RULES = [
    rule for file in FILES for group in yaml.safe_load(file.read_text("utf-8"))["groups"] for rule in group["rules"]
]

E = "early_warning_"
WELL = {
    'up{job="api",instance="a"}': "1x60",
    'up{job="detect",instance="b"}': "1x60",
    E + 'build_info{version="1"}': "1x60",
    E + 'worker_ready{worker="intake"}': "1x60",
    E + 'worker_ready{worker="detect",instance="b"}': "1x60",
    E + 'worker_ready{worker="alerts"}': "1x60",
    E + 'clock_leader{instance="i"}': "1x60",
    E + 'clock_leader{instance="j"}': "0x60",
    E + 'partition_lag_records{partition="0"}': "3x60",
    E + 'input_lag_records{topic="tickets.raw"}': "500x60",
    E + 'partition_watermark_age_seconds{partition="0"}': "3700x60",
    E + 'partition_snapshot_age_seconds{partition="0"}': "40x60",
    E + 'partition_applied_records_total{partition="0"}': "0+1x60",
    E + "partitions_waited_for": "0x60",
    E + "shards_left_out": "0x60",
    E + "judged_watermark_age_seconds": "3700x60",
    E + "reviews_waiting": "0x60",
    E + "poison_tickets_total": "0x60",
    E + "stuck": "0x60",
    E + "writes_failing": "0x60",
    E + "watermark_age_seconds": "3700x60",
    E + 'snapshot_age_seconds{instance="a"}': "40x60",
    E + 'tickets_total{instance="a",outcome="accepted"}': "0+10x60",
    E + 'tickets_total{instance="a",outcome="rejected"}': "0+1x60",
    E + "review_queue_oldest_seconds": "600x60",
}
GONE = ""
"""Instead of a series: it is not there."""
WRONG: dict[str, Mapping[str, str]] = {
    "EarlyWarningProcessDown": {'up{job="detect",instance="b"}': "1x10 0x50"},
    "EarlyWarningWorkerMissing": {E + 'worker_ready{worker="intake"}': GONE},
    "EarlyWarningWorkerNotReady": {E + 'worker_ready{worker="detect",instance="b"}': "0x60"},
    "EarlyWarningNoClockLeader": {E + 'clock_leader{instance="i"}': "1x10 0x50"},
    "EarlyWarningTwoClockLeaders": {E + 'clock_leader{instance="j"}': "0x10 1x50"},
    "EarlyWarningPartitionLag": {E + 'partition_lag_records{partition="0"}': "0+50x60"},
    "EarlyWarningInputLag": {E + 'input_lag_records{topic="tickets.raw"}': "0+10000x60"},
    "EarlyWarningPartitionWatermarkOld": {E + 'partition_watermark_age_seconds{partition="0"}': "3700+600x60"},
    "EarlyWarningPartitionSnapshotOld": {E + 'partition_snapshot_age_seconds{partition="0"}': "40+120x60"},
    "EarlyWarningPartitionsWaitedFor": {E + "partitions_waited_for": "0x10 2x50"},
    "EarlyWarningShardsLeftOut": {E + "shards_left_out": "0x50 11x10"},
    "EarlyWarningJudgementOld": {E + "judged_watermark_age_seconds": "3700+600x60"},
    "EarlyWarningReviewsNotWritten": {E + "reviews_waiting": "0x10 1x50"},
    "EarlyWarningPoison": {E + "poison_tickets_total": "0x40 1x20"},
    "EarlyWarningDown": {E + 'build_info{version="1"}': GONE},
    "EarlyWarningNotApplying": {E + "stuck": "1x60"},
    "EarlyWarningCannotWrite": {E + "writes_failing": "1x60"},
    "EarlyWarningWatermarkOld": {E + "watermark_age_seconds": "3700+600x60"},
    "EarlyWarningSnapshotOld": {E + 'snapshot_age_seconds{instance="a"}': "40+200x60"},
    "EarlyWarningReviewQueueOld": {E + "review_queue_oldest_seconds": "100000x60"},
    "EarlyWarningMostTicketsRejected": {E + 'tickets_total{instance="a",outcome="rejected"}': "0+100x60"},
}


def _failures(folder: Path, series: Mapping[str, str], firing: str) -> str:
    """Return what Prometheus' tool objects to: after 55 minutes exactly one rule, or none, is to fire."""
    if shutil.which("promtool") is None:
        pytest.skip("no promtool (Debian: prometheus)")
    inputs = [{"series": name, "values": values} for name, values in series.items() if values]
    names = 'count by (alertname) (ALERTS{alertstate="firing"}) > bool 0'
    wanted = [{"labels": f'{{alertname="{firing}"}}', "value": 1}] if firing else []
    case: dict[str, Any] = {
        "interval": "1m",
        "input_series": inputs,
        "promql_expr_test": [{"expr": names, "eval_time": "55m", "exp_samples": wanted}],
    }
    file = folder / "rules.yml"
    rules = [str(path) for path in FILES]
    file.write_text(yaml.safe_dump({"rule_files": rules, "evaluation_interval": "1m", "tests": [case]}))
    done = subprocess.run(["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_every_rule_is_tried() -> None:
    """There is a case for every rule, and for no other."""
    assert {rule["alert"] for rule in RULES} == set(WRONG)


def test_no_rule_fires_while_all_is_well(tmp_path: Path) -> None:
    """An hour of a service that is well makes no rule fire."""
    assert _failures(tmp_path, WELL, "") == ""


@pytest.mark.parametrize("name", WRONG)
def test_a_rule_fires_on_what_it_is_for(tmp_path: Path, name: str) -> None:
    """With one thing wrong in an hour that is well else, the rule for that fires, and no other."""
    assert _failures(tmp_path, {**WELL, **WRONG[name]}, name) == ""


def test_idle_partitions_need_no_snapshot(tmp_path: Path) -> None:
    """An old snapshot is no trouble where nothing was applied since."""
    idle = {E + 'partition_applied_records_total{partition="0"}': "7x60"}
    assert _failures(tmp_path, {**WELL, **WRONG["EarlyWarningPartitionSnapshotOld"], **idle}, "") == ""
