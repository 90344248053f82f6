"""What several ports share: pages, and the errors of a store that refuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from warning.domain.errors import EarlyWarningError
from warning.domain.handling import Handling

T = TypeVar("T")


class ConflictError(EarlyWarningError):
    """Someone else changed it first; carries the present state."""

    def __init__(self, handling: Handling, wanted: int) -> None:
        super().__init__(
            f"alert {handling.alert_id}: you saw version {wanted}, it is now at {handling.version}. "
            "Reload it and decide again."
        )
        self.handling = handling
        self.zh = f"预警 {handling.alert_id} 已被他人更新 (你看到的是第 {wanted} 版,现为第 {handling.version} 版)。"


class StoreBusyError(EarlyWarningError):
    """The service cannot take more just now; nothing of the request was taken. ``retry_after`` in seconds."""

    def __init__(self, problem: str, retry_after: int, zh: str) -> None:
        super().__init__(f"{problem}. Send it again in {retry_after} s.")
        self.retry_after = retry_after
        self.zh = zh


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items and the cursor of the next page (None: that was all). Cursors are opaque text."""

    items: tuple[T, ...]
    next_cursor: str | None = None
