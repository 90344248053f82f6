"""The documented memory bound holds under a flood of categories, and the flood is reported."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

TICKETS = 1_000_000
MORE_THAN_ENOUGH = 300


def test_a_million_random_categories_stay_within_the_documented_bound(root: Path) -> None:
    """One million tickets with as many categories stay within the README's memory bound, counted and told of."""
    command = [sys.executable, "-m", "tests.warning.engine.flood", str(TICKETS)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True, timeout=MORE_THAN_ENOUGH)
    said = json.loads(done.stdout)
    documented = re.search(r"at most (\d+) MB for a flood", (root / "README.md").read_text(encoding="utf-8"))
    assert documented is not None, "the README states the bound as 'at most N MB for a flood'"
    assert said["peak_mb"] <= int(documented[1])
    assert said["accepted"] == TICKETS
    assert said["series"] <= 64 * 2_000 + 64
    assert said["overflowed"] >= TICKETS - 64 * 2_000
    assert any("engine.series_quota_per_shard" in notice for notice in said["notices"])
