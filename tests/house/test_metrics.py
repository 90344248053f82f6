"""Metrics: the README's table and the alerting rules name exactly what the service has."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from streams.metrics import SPECS as OF_WORKERS
from tests.house import metrics as check
from warning.runtime.metrics import SPECS as OF_SERVICE
from warning.runtime.metrics import Spec

SPECS = (*OF_SERVICE, *OF_WORKERS)

RULES = tuple(f"deploy/prometheus/rules/{name}.yml" for name in ("service", "cluster"))


def test_metrics_are_documented(root: Path) -> None:
    """The table in the README's section Metrics has exactly the metrics there are, in their order and words."""
    stated, wanted = check.stated_rows((root / "README.md").read_text("utf-8")), check.rows(SPECS)
    assert stated == wanted, "\n".join(["the table in README, section Metrics, has to be:", *wanted])


def test_documents_name_no_other_metric(root: Path) -> None:
    """No metric of ours that does not exist is named in the README or in the alerting rules."""
    for document in ("README.md", *RULES):
        assert check.unknown_metrics((root / document).read_text("utf-8"), SPECS) == []


def test_rules_say_what_is_wrong(root: Path) -> None:
    """Each alerting rule has an expression on our metrics, a waiting time, a severity, and words in both languages."""
    files = [yaml.safe_load((root / path).read_text("utf-8")) for path in RULES]
    rules = [rule for file in files for group in file["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert re.search(r"\bearly_warning_|^up{", rule["expr"])
        assert rule["for"].endswith("m")
        assert rule["labels"]["severity"] in {"warning", "critical"}
        summary = rule["annotations"]["summary"]
        assert any("一" <= letter <= "鿿" for letter in summary)
        assert summary.split(". ")[0].isascii()


def test_promtool_accepts_the_rules(root: Path) -> None:
    """Where Prometheus' own tool is installed it finds nothing wrong with the rules."""
    tool = shutil.which("promtool")
    if tool is not None:
        done = subprocess.run([tool, "check", "rules", *RULES], cwd=root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


WAIT = Spec("wait_seconds", "histogram", ("kind",), "Waiting. 等待")
ROW = "| `early_warning_wait_seconds` | histogram | `kind` | Waiting. 等待 |"


def test_tables_are_compared_both_ways() -> None:
    """A row is made from the code, and read only from the section Metrics."""
    assert check.rows([WAIT]) == [ROW]
    assert check.stated_rows(f"{ROW}\n## Metrics / 指标\n{ROW}\n## Next\n{ROW}\n") == [ROW]


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("rate(early_warning_wait_seconds_count[5m])", []),
        ('early_warning_wait_seconds_bucket{le="1"} / early_warning_wait_total', ["early_warning_wait_total"]),
        ("early_warning_wait_seconds_total", ["early_warning_wait_seconds_total"]),
        ("other_wait_total", []),
    ],
)
def test_an_unknown_metric_is_seen(text: str, unknown: list[str]) -> None:
    """A name that no metric or series of one has is found; names of other programs are not ours to know."""
    assert check.unknown_metrics(text, [WAIT]) == unknown
