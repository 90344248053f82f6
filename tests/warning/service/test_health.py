"""Health: what a condition means for a restart, and for requests."""

from __future__ import annotations

from dataclasses import replace

import pytest

from warning.service.health import live, ready
from warning.service.ports import Condition

WELL = Condition(
    ready=True,
    progress="",
    applied_position=100,
    newest_position=1_334,
    applied_at=None,
    watermark=None,
    snapshot_at=None,
)


@pytest.mark.parametrize(
    ("condition", "is_live", "is_ready", "words"),
    [
        (WELL, True, True, ("就绪", "Ready")),
        (replace(WELL, ready=False, progress="重放 replay 40 %"), True, False, ("尚未就绪", "replay 40 %")),
        (replace(WELL, stuck=True), False, False, ("1,234 条记录", "1,234 records wait")),
        (replace(WELL, problem="disk full"), True, False, ("无法写入", "Cannot write: disk full")),
        (replace(WELL, problem="disk full", problem_zh="磁盘已满"), True, False, ("无法写入:磁盘已满", "Cannot write")),
        (replace(WELL, problem="disk full", stuck=True), True, False, ("无法写入", "Cannot write")),
        (replace(WELL, ready=False, stuck=True), True, False, ("尚未就绪", "Not ready")),
    ],
    ids=["well", "starting", "stuck", "full", "full in Chinese", "stuck because full", "starting from far behind"],
)
def test_health_follows_progress(condition: Condition, is_live: bool, is_ready: bool, words: tuple[str, str]) -> None:
    """A restart is asked for only where it can help, requests only where they are served; both say why."""
    answer = ready(condition)
    assert (bool(live(condition)), bool(answer)) == (is_live, is_ready)
    assert words[0] in answer.reason_zh
    assert words[1] in answer.reason_en
