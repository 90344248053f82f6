"""Health: judged by progress, not by whether a process exists.

*Live* is a question about this process: would a restart help? *Ready* is one about now: should requests come here?
"""

from __future__ import annotations

from dataclasses import dataclass

from warning.service.ports import Condition


@dataclass(frozen=True, slots=True)
class Health:
    """An answer with its reason in both languages; true when it is healthy."""

    ok: bool
    reason_zh: str
    reason_en: str

    def __bool__(self) -> bool:
        return self.ok


def live(condition: Condition) -> Health:
    """Whether the service moves: False, and a restart may help, when records wait and none has been applied.

    While it starts, or cannot write because a disk is full, a restart would help nothing.
    """
    if condition.stuck and condition.ready and not condition.problem:
        waiting = condition.newest_position - condition.applied_position
        return Health(
            False,
            f"处理停滞:{waiting:,} 条记录在等待,却没有进展。",
            f"Stuck: {waiting:,} records wait and none is applied.",
        )
    return Health(True, "运行中。", "Running.")


def ready(condition: Condition) -> Health:
    """Whether the service takes tickets and shows what is so now."""
    if condition.problem:
        problem_zh = condition.problem_zh or condition.problem
        return Health(False, f"无法写入:{problem_zh}", f"Cannot write: {condition.problem}")
    if not condition.ready:
        return Health(False, f"尚未就绪:{condition.progress}", f"Not ready: {condition.progress}")
    alive = live(condition)
    return alive if not alive else Health(True, f"就绪。{condition.notice_zh}", f"Ready. {condition.notice}".rstrip())
