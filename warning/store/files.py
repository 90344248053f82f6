"""The result folder of a back-test: six files that appear together or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from warning.domain.alert import Alert
from warning.service.errors import BadInputError, UnwritableOutputError, unwritable
from warning.service.result import BacktestResult
from warning.store import domain, records
from warning.store.atomic import make_writable, write_folder
from warning.store.encoding import encode, encode_pretty

ALERTS = "alerts.jsonl"
SIGNALS = "signals.jsonl"
EVIDENCE = "evidence.jsonl"
REJECTED = "rejected.jsonl"
SUMMARY = "summary.json"
REPORT = "report.html"
RESULT_FILES = (ALERTS, SIGNALS, EVIDENCE, REJECTED, SUMMARY, REPORT)

R = TypeVar("R")
T = TypeVar("T")


def check_result_folder(folder: Path, own: Sequence[str] = RESULT_FILES, mark: str = SUMMARY) -> None:
    """Refuse, before any work is done, a place where a result cannot go: raises UnwritableOutputError.

    Allowed are a new name, an empty folder, and an older result (it will be replaced): one that holds ``mark``, and
    nothing but files of ``own``.
    """
    try:
        _check(folder.resolve(), own, mark)
    except OSError as error:
        raise unwritable(folder, error) from error


def write_result(folder: Path, result: BacktestResult, report: str) -> None:
    """Write all files of a result; the same result gives the same bytes."""
    check_result_folder(folder)
    write_folder(
        folder,
        {
            ALERTS: _lines(result.alerts),
            SIGNALS: _lines(result.signals),
            EVIDENCE: _lines(result.evidence),
            REJECTED: _lines(result.rejects),
            REPORT: [report.encode()],
            SUMMARY: [encode_pretty(result.summary)],
        },
    )


def read_result(folder: Path) -> BacktestResult:
    """Read a result folder back; raises InvalidInputError naming the file and line that cannot be read."""
    missing = [name for name in RESULT_FILES if not (folder / name).is_file()]
    if missing:
        raise BadInputError(
            str(folder),
            f"is not a whole result, it lacks {', '.join(missing)}",
            "Run `early-warning backtest` again.",
            f"{folder}: 不是完整的结果目录,缺少 {', '.join(missing)}。请重新运行 early-warning backtest。",
        )
    return BacktestResult(
        summary=domain.to_summary(_decode(folder / SUMMARY, (folder / SUMMARY).read_bytes(), records.SummaryRecord)),
        alerts=_read(folder / ALERTS, records.AlertRecord, domain.to_alert),
        signals=_read(folder / SIGNALS, records.SignalRecord, domain.to_signal),
        evidence=_read(folder / EVIDENCE, records.EvidenceRecord, domain.to_evidence),
        rejects=_read(folder / REJECTED, records.RejectRecord, domain.to_reject),
    )


def read_alerts(path: Path) -> list[Alert]:
    """Read a file of alerts; raises InvalidInputError naming the line that cannot be read."""
    return _read(path, records.AlertRecord, domain.to_alert)


def _check(folder: Path, own: Sequence[str], mark: str) -> None:
    make_writable(folder.parent)
    if folder.exists() and not folder.is_dir():
        raise UnwritableOutputError(
            str(folder), "is a file, not a folder", "Choose another name.", f"{folder}: 是文件而不是目录。请另选名称。"
        )
    if folder.is_mount():
        raise UnwritableOutputError(
            str(folder),
            "is a mount point and cannot be replaced as a whole",
            "Name a folder inside it.",
            f"{folder}: 是挂载点,无法整体替换。请指定其中的子目录。",
        )
    if folder.is_dir():
        _check_old(folder, sorted(entry.name for entry in folder.iterdir()), own, mark)


def _check_old(folder: Path, names: list[str], own: Sequence[str], mark: str) -> None:
    foreign = [name for name in names if name not in own]
    if names and (foreign or mark not in names):
        named = ", ".join((foreign or names)[:3])
        raise UnwritableOutputError(
            str(folder),
            f"holds other files ({named}) and is not an older result",
            "Choose a new or empty folder.",
            f"{folder}: 目录中有其他文件 ({named}),不是旧的结果目录。请指定新目录或空目录。",
        )


def _lines(items: Iterable[object]) -> Iterator[bytes]:
    for item in items:
        yield encode(item) + b"\n"


def _read(path: Path, record: type[R], convert: Callable[[R], T]) -> list[T]:
    lines = path.read_bytes().splitlines()
    return [
        convert(_decode(f"{path}, line {number}", line, record)) for number, line in enumerate(lines, 1) if line.strip()
    ]


def _decode(where: object, line: bytes, record: type[R]) -> R:
    try:
        return msgspec.json.decode(line, type=record)
    except msgspec.DecodeError as error:
        raise BadInputError(
            str(where),
            f"cannot be read ({error})",
            "Run `early-warning backtest` again.",
            f"{where}: 无法读取。请重新运行 early-warning backtest。",
        ) from error
