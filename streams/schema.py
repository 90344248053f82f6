"""Versioned JSON Schemas of what is in the topics.

Of every format ``streams/schemas/<name>/<version>.json`` holds all versions; the newest is what the code writes. Once a
version is released (``streams/schemas/released.json`` holds its digest) it never changes, and whatever is written by it
can be read for ever: see :mod:`streams.compatibility`. After a change of a wire type::

    python -m streams.schema            writes the newest version anew, or the next one if that was released
    python -m streams.schema release    marks the newest versions as released
"""

from __future__ import annotations

import hashlib
import inspect
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from streams.compatibility import incompatibilities
from streams.records import Flushed, Outcomes, Poison, Rejected, Report
from warning.domain.alert import Alert
from warning.domain.control import Control
from warning.domain.errors import UnknownNameError
from warning.domain.handling import Handling
from warning.domain.series import SeriesKey
from warning.store.logfile import ControlLine, TicketsLine, TickLine
from warning.store.schemas import DIALECT

FOLDER = Path(__file__).with_name("schemas")
JSON = "application/json"
MESSAGE_PACK = "application/msgpack"
CLOUD_EVENT = "application/cloudevents+json"

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Format:
    """What records of one kind are: a type of our own, or a schema (or what makes it) where no type says it."""

    kind: Any
    title: str
    content_type: str = JSON


_TEXT = {"type": "string", "minLength": 1}
_TICKET: Schema = {
    "type": "object",
    "minProperties": 1,
    "description": "One ticket by the columns of the source's mapping, or by the names below where it has none. "
    "一件工单:字段名按来源的映射,无映射时用下列名称。",
    "properties": {
        "ticket_id": {"description": "Of its source; missing: made from where it was read. 工单编号"},
        "created_at": {"description": "ISO 8601 with an offset, or as the mapping says. 受理时间"},
        "category": {"description": "What it is about. 类别"},
        "area": {"description": "Where, as a path with slashes. 区域"},
        "department": {"description": "For whom. 部门"},
        "channel": {"description": "How it came. 渠道"},
        "text": {"description": "What was said; personal data is redacted. 内容"},
    },
}
_CLOUD_EVENT: Schema = {
    "type": "object",
    "description": "A CloudEvent 1.0 whose data is a ticket; its subject (else id) and time stand in for the ticket's "
    "own. 数据为一件工单的 CloudEvent 1.0。",
    "properties": {
        "specversion": {"const": "1.0"},
        "id": _TEXT,
        "source": _TEXT,
        "type": _TEXT,
        "subject": {"type": "string"},
        "time": {"type": "string"},
        "data": _TICKET,
        "data_base64": {"type": "string", "description": "The data as JSON in Base64, instead of data."},
    },
    "required": ["specversion", "id", "source", "type"],
}


def _log() -> Schema:
    """Return the schema of the log: also in controls, which are no structs, what is unknown is refused."""
    schema = msgspec.json.schema(TicketsLine | TickLine | ControlLine)
    for kind in (Control, SeriesKey):
        schema["$defs"][kind.__name__]["additionalProperties"] = False
    return schema


def _alert() -> Schema:
    """Return the schema of published alerts: the record's own, with what the alert and its handling hold."""
    from streams.alerts.publishing import AlertRecord  # noqa: PLC0415  needs the database's packages

    schema = msgspec.json.schema(AlertRecord)
    for name, kind in (("alert", Alert), ("handling", Handling)):
        inner = _with_null_for_infinity(msgspec.json.schema(kind))
        schema["$defs"] |= inner["$defs"]
        schema["$defs"]["AlertRecord"]["properties"][name] = {"$ref": inner["$ref"]}
    return schema


def _with_null_for_infinity(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_with_null_for_infinity(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: _with_null_for_infinity(value) for name, value in schema.items()}
    return made | {"type": ["number", "null"]} if made.get("type") == "number" else made


FORMATS: dict[str, Format] = {
    "ticket": Format(_TICKET, "A ticket as a platform sends it 平台发送的工单"),
    "cloudevent": Format(_CLOUD_EVENT, "A ticket as a CloudEvent 以 CloudEvent 发送的工单", CLOUD_EVENT),
    "log": Format(_log, "A record of the log 一条日志"),
    "rejected": Format(Rejected, "A dead letter 一条死信"),
    "poison": Format(Poison, "Tickets that replays leave out 回放时跳过的工单"),
    "flushed": Format(Flushed, "How far an input was read 一个输入的读取进度"),
    "report": Format(Report, "What a partition says of a tick 分区对一次时钟的汇报", MESSAGE_PACK),
    "outcomes": Format(Outcomes, "What became of a batch of tickets 一批工单的处理结果"),
    "alert": Format(_alert, "An alert in its latest version 预警的最新版本"),
}


def current(name: str) -> Schema:
    """Return the schema of what the code writes and reads; raises UnknownNameError."""
    if name not in FORMATS:
        raise UnknownNameError("format", name, list(FORMATS))
    format_ = FORMATS[name]
    kind = format_.kind() if inspect.isfunction(format_.kind) else format_.kind
    made = _cleaned(kind if isinstance(kind, dict) else msgspec.json.schema(kind))
    # Through JSON, so that a default that is a tuple is a list as in the file.
    schema: Schema = json.loads(json.dumps({"$schema": DIALECT, "title": format_.title} | made))
    return schema


def versions(name: str) -> list[int]:
    """Return the versions there are, in their order."""
    return sorted(int(file.stem) for file in (FOLDER / name).glob("*.json"))


def committed(name: str, version: int | None = None) -> Schema:
    """Return a version of a schema as it is shipped, by default the newest."""
    schema: Schema = json.loads(_file(name, version or versions(name)[-1]).read_text("utf-8"))
    return schema


def released() -> dict[str, str]:
    """Return the digests of the released versions by ``name/version``."""
    digests: dict[str, str] = json.loads((FOLDER / "released.json").read_text("utf-8"))
    return digests


def digest(schema: Schema) -> str:
    """Return the digest of what a schema demands: its words may change."""
    demands = json.dumps(without_words(schema), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(demands.encode()).hexdigest()


def without_words(schema: Any) -> Any:
    """Return what a schema demands: without titles and descriptions, which explain it to people."""
    if isinstance(schema, list):
        return [without_words(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    words = {name for name in ("title", "description", "$schema") if isinstance(schema.get(name), str)}
    return {name: without_words(value) for name, value in schema.items() if name not in words}


def unreadable(name: str) -> list[str]:
    """Return what the code cannot read of what any version of a format allowed to be written, each with its place."""
    now = current(name)
    return [
        f"{name}/{version} {reason}"
        for version in versions(name)
        for reason in incompatibilities(committed(name, version), now)
    ]


def write() -> list[Path]:
    """Write the newest version of each schema, or the next where that was released; returns the files that changed."""
    changed = []
    for name in FORMATS:
        there, schema = versions(name), current(name)
        version = there[-1] if there else 1
        was_released = f"{name}/{version}" in released()
        if was_released and digest(committed(name)) != digest(schema):
            version += 1
        file, text = _file(name, version), json.dumps(schema, ensure_ascii=False, indent=2) + "\n"
        if not file.exists() or file.read_text("utf-8") != text:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            changed.append(file)
    return changed


def release() -> None:
    """Mark the newest versions as released."""
    digests = released() | {f"{name}/{versions(name)[-1]}": digest(committed(name)) for name in FORMATS}
    text = json.dumps(dict(sorted(digests.items())), indent=2) + "\n"
    (FOLDER / "released.json").write_text(text, encoding="utf-8")


def _file(name: str, version: int) -> Path:
    return FOLDER / name / f"{version}.json"


def _cleaned(schema: Any) -> Any:
    """Take the indentation out of descriptions that are docstrings."""
    if isinstance(schema, list):
        return [_cleaned(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: inspect.cleandoc(value) if name == "description" and isinstance(value, str) else _cleaned(value)
        for name, value in schema.items()
    }


if __name__ == "__main__":
    for path in write():
        sys.stdout.write(f"{path}\n")
    if sys.argv[1:] == ["release"]:
        release()
