"""Snapshots: plain data, versions that migrate forward, and refusals that say what to do."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from tests.warning.engine.tickets import CITY, city, engine, feed, log
from warning.domain.errors import IncompatibleSnapshotError
from warning.engine.snapshot import VERSION, migrated, packed, unpacked

PLAIN = (dict, list, str, int, float, bool, bytes, type(None))


def kinds(value: object) -> set[type]:
    """Return the types of everything inside a value."""
    if isinstance(value, dict):
        return {dict} | {kind for inner in value.values() for kind in kinds(inner)}
    if isinstance(value, list):
        return {list} | {kind for inner in value for kind in kinds(inner)}
    return {type(value)}


def test_a_snapshot_is_plain_data() -> None:
    """A snapshot of a city in full swing holds dicts, lists, text, numbers and bytes only, and survives msgpack."""
    subject = engine()
    feed(subject, log(city())[:400])
    snapshot = subject.snapshot()
    assert kinds(snapshot) <= set(PLAIN)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(snapshot)) == snapshot
    assert snapshot["version"] == VERSION


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6).reshape(2, 3),
        np.array([], np.float64),
        np.array([1.5, np.nan, np.inf]),
        np.array([2**64 - 1], np.uint64),
        np.array([True, False]),
        np.array(["a", "文"], np.object_),
        np.array([], np.object_),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    ],
    ids=["matrix", "empty", "special floats", "large", "bool", "text", "no text", "column order"],
)
def test_arrays_come_back_as_they_were(array: np.ndarray[Any, Any]) -> None:
    """Packing and unpacking keeps dtype, shape and every bit, and the copy can be written to."""
    back = unpacked(msgspec.msgpack.decode(msgspec.msgpack.encode(packed({"a": array}))))["a"]
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    np.testing.assert_array_equal(back, array)
    back[...] = back


def test_an_older_version_migrates_forward_step_by_step() -> None:
    """Every migration between a snapshot's version and this one is applied once, in order."""
    steps: dict[int, Any] = {
        1: lambda old: {"version": 2, "path": [*old["path"], "1 to 2"]},
        2: lambda old: {"version": 3, "path": [*old["path"], "2 to 3"]},
    }
    assert migrated({"version": 1, "path": []}, 3, steps) == {"version": 3, "path": ["1 to 2", "2 to 3"]}


@pytest.mark.parametrize("version", [None, 0, VERSION + 1, "x"])
def test_a_version_without_a_way_is_refused(version: object) -> None:
    """A snapshot of the future or of no version is never misread: the error says to rebuild from the log."""
    subject = engine()
    snapshot = subject.snapshot() | {"version": version}
    with pytest.raises(IncompatibleSnapshotError, match="rebuild the state from the log"):
        engine().restore(snapshot)


def test_a_snapshot_of_other_shards_or_another_city_is_refused() -> None:
    """Another number of shards, another jurisdiction or another set of detectors cannot be restored into this one."""
    snapshot = engine().snapshot()
    with pytest.raises(IncompatibleSnapshotError, match="rebuild"):
        engine(shards=4).restore(snapshot)
    with pytest.raises(IncompatibleSnapshotError, match=CITY):
        engine().restore(snapshot | {"jurisdiction": "Elsewhere"})


def test_a_snapshot_can_be_taken_before_anything_happened() -> None:
    """An engine restored from an empty snapshot behaves as a new one."""
    records = log(city(days=3))
    restored = engine()
    restored.restore(engine().snapshot())
    assert feed(restored, records).signals == feed(engine(), records).signals
