"""Snapshots: state as versioned plain data (never pickle), which any version can migrate forward.

A snapshot holds states of shards (``shards``), the state of the jurisdiction stage (``stage``), or both: see
:mod:`warning.engine.parts`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from warning.domain.bucket import BucketLength
from warning.domain.errors import IncompatibleSnapshotError

VERSION = 3
_ARRAY = "__array__"
_TEXT = "text"
_PLAIN = frozenset({str, int, float, bool, bytes, type(None)})
"""What most values are."""


def packed(value: Any) -> Any:
    """Turn arrays into plain data: dtype, shape and bytes (little endian), or a list for text."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, np.ndarray):
        if value.dtype == np.object_:
            return {_ARRAY: _TEXT, "data": value.tolist()}
        little = np.ascontiguousarray(value, value.dtype.newbyteorder("<"))
        return {_ARRAY: little.dtype.str, "shape": list(little.shape), "data": little.tobytes()}
    if isinstance(value, dict):
        return {key: packed(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [packed(inner) for inner in value]
    return value


def unpacked(value: Any) -> Any:
    """Turn plain data back into arrays."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, dict):
        kind = value.get(_ARRAY)
        if kind == _TEXT:
            return np.array([*value["data"], None], np.object_)[:-1]
        if kind is not None:
            array = np.frombuffer(value["data"], np.dtype(kind)).reshape(value["shape"])
            return array.astype(array.dtype.newbyteorder("="))
        return {key: unpacked(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [unpacked(inner) for inner in value]
    return value


def migrated(
    snapshot: dict[str, Any],
    version: int = VERSION,
    migrations: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] | None = None,
) -> dict[str, Any]:
    """Bring a snapshot to a version step by step; raises IncompatibleSnapshotError where there is no way."""
    while snapshot.get("version") != version:
        step = (MIGRATIONS if migrations is None else migrations).get(snapshot.get("version", 0))
        if step is None:
            msg = (
                f"a snapshot of version {snapshot.get('version')!r} cannot be brought to version {version}; "
                "rebuild the state from the log"
            )
            raise IncompatibleSnapshotError(msg)
        snapshot = step(snapshot)
    return snapshot


def _by_parts(
    version: int, shard: Callable[[dict[str, Any]], dict[str, Any]], stage: Callable[[dict[str, Any]], dict[str, Any]]
) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return the step to a version that changes each part by itself, for snapshots that may lack one."""

    def step(older: dict[str, Any]) -> dict[str, Any]:
        newer = older | {"version": version}
        if "shards" in older:
            newer["shards"] = [shard(each) for each in older["shards"]]
        if "stage" in older:
            newer["stage"] = stage(older["stage"])
        return newer

    return step


def _second_shard(first: dict[str, Any]) -> dict[str, Any]:
    """Version 2 keeps holds in a table of their own, and knows history and a release's begin."""
    return first | {"bank": _second_bank(first["bank"])}


def _second_stage(first: dict[str, Any]) -> dict[str, Any]:
    """Version 2 knows plans and sensitivity, too."""
    return first | {
        "bank": _second_bank(first["bank"]),
        "policy": first["policy"] | {"sensitivity": [], "plans": []},
    }


def _second_bank(first: dict[str, Any]) -> dict[str, Any]:
    bank = {name: value for name, value in first.items() if name != "controls"}
    table = dict(first["table"])
    holds = {name: table.pop(name) for name in ("hold_from", "hold_until", "released_until")}
    rows = len(unpacked(holds["released_until"]))
    holds["released_from"] = packed(np.full(rows, np.iinfo(np.int64).min))
    said = [control for control in first["controls"] if control["kind"] in {"protect", "release"}]
    return bank | {
        "table": table,
        "history_until": int(np.iinfo(np.int64).min),
        "holds": {"table": holds, "said": said, "plans": []},
    }


def _third_stage(second: dict[str, Any]) -> dict[str, Any]:
    """Version 3 knows what waits for shards that are left out, and how many series all shards analysed."""
    reached = [[shard, second["last_tick"]] for shard in second["left_out"]]
    newer = {name: value for name, value in second.items() if name != "left_out"}
    waiting: dict[str, Any] = {"reached": reached, "signals": [], "counts": [], "corrections": []}
    return newer | {"absent": waiting, "analysed": {length.value: 0 for length in BucketLength}}


MIGRATIONS: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {
    1: _by_parts(2, _second_shard, _second_stage),
    2: _by_parts(3, lambda shard: shard, _third_stage),
}
"""From each older version to the next one."""
