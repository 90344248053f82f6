"""JSON Schemas of the public formats, made from the code that reads them."""

from __future__ import annotations

from typing import Any

import msgspec

from warning.domain.errors import UnknownNameError
from warning.service.explain import Explanation
from warning.store import logfile, records
from warning.store.encoding import to_plain

DIALECT = "https://json-schema.org/draft/2020-12/schema"

FORMATS: dict[str, tuple[Any, str]] = {
    "alerts": (records.AlertRecord, "a line of alerts.jsonl 一行预警"),
    "signals": (records.SignalRecord, "a line of signals.jsonl 一行信号"),
    "evidence": (records.EvidenceRecord, "a line of evidence.jsonl 一行走势"),
    "rejected": (records.RejectRecord, "a line of rejected.jsonl 一行拒绝"),
    "summary": (records.SummaryRecord, "summary.json 概况"),
    "log": (logfile.LogLine, "a line of a log 一行日志"),
    "explanation": (records.ExplanationRecord, "what explain --json prints 解释"),
}


def schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema of a format; raises UnknownNameError."""
    if name not in FORMATS:
        raise UnknownNameError("format", name, list(FORMATS))
    record, title = FORMATS[name]
    return {"$schema": DIALECT, "title": title} | msgspec.json.schema(record)


def explanation_record(explanation: Explanation) -> dict[str, Any]:
    """Lay an explanation out flat, as ``explain --json`` prints it: the alert's own fields, then what it rests on."""
    plain: dict[str, Any] = to_plain(explanation)
    parts = [[part["name"], part["observed"], part["expected"]] for part in plain.pop("parts")]
    alert: dict[str, Any] = plain.pop("alert")
    return alert | {"parts": parts} | plain
