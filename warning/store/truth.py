"""The truth file of a simulated city, and the folder it lies in."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from warning.domain.alert import Alert
from warning.domain.truth import Period, Truth
from warning.service.errors import BadInputError
from warning.store.files import ALERTS, read_alerts

TRUTH = "truth.jsonl"

T = TypeVar("T")


def read_truth(path: Path) -> tuple[Period, list[Truth]]:
    """Read a truth file, or the one in a folder; raises InvalidInputError naming the line that cannot be read."""
    file = _within(path, TRUTH, "early-warning simulate")
    lines = [(number, line) for number, line in enumerate(file.read_bytes().splitlines(), 1) if line.strip()]
    if not lines:
        raise BadInputError(
            str(file), "is empty", "Run `early-warning simulate` again.", f"{file}: 是空文件。请重新模拟。"
        )
    period = _decoded(file, *lines[0], Period)
    truths = [_decoded(file, number, line, Truth) for number, line in lines[1:]]
    return period, truths


def read_alerts_of(path: Path) -> list[Alert]:
    """Read the alerts of a result folder, or of a file of alerts; raises InvalidInputError."""
    return read_alerts(_within(path, ALERTS, "early-warning backtest"))


def _within(path: Path, name: str, command: str) -> Path:
    file = path / name if path.is_dir() else path
    if not file.is_file():
        raise BadInputError(
            str(path), f"holds no {name}", f"Run `{command}` first.", f"{path}: 没有 {name}。请先运行 {command}。"
        )
    return file


def _decoded(file: Path, number: int, line: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(line, type=kind)
    except msgspec.DecodeError as error:
        raise BadInputError(
            f"{file}, line {number}",
            f"cannot be read ({error})",
            "Run `early-warning simulate` again.",
            f"{file} 第 {number} 行: 无法读取。请重新模拟。",
        ) from error
