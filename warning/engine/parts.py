"""Snapshots of the engine's stages by themselves, where each lives in a process of its own.

They have the version and the migrations of :meth:`warning.engine.engine.Engine.snapshot`. What a shard stage has not
yet reported goes with its first shard, and adds up: states taken at one tick can be grouped anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from warning.domain.errors import IncompatibleSnapshotError
from warning.engine.snapshot import VERSION, migrated, packed, unpacked

if TYPE_CHECKING:
    from warning.engine.bank import SeriesBank
    from warning.engine.config import EngineConfig
    from warning.engine.jurisdiction_stage import JurisdictionStage
    from warning.engine.shard_stage import ShardStage

_CLOCK = ("last_tick", "watermark", "day")


def plain(state: dict[str, Any]) -> dict[str, Any]:
    """Turn a state into dicts, lists, text, numbers and bytes: a copy, whatever its owner does next."""
    copied: dict[str, Any] = msgspec.to_builtins(packed(state), builtin_types=(bytes,))
    return copied


def shard_snapshot(stage: ShardStage) -> dict[str, Any]:
    """Return the state of a shard stage."""
    shards = [stage.state(shard) for shard in stage.shards]
    return plain(_head(stage.config, stage.bank) | {"shards": shards})


def jurisdiction_snapshot(stage: JurisdictionStage) -> dict[str, Any]:
    """Return the state of a jurisdiction stage."""
    return plain(_head(stage.config, stage.bank) | {"stage": stage.state()})


def restore_shards(stage: ShardStage, snapshot: dict[str, Any]) -> None:
    """Take a snapshot over, in a stage that has applied nothing.

    Raises IncompatibleSnapshotError for one of other shards, detectors or another jurisdiction, or of a version that
    cannot be migrated.
    """
    state = unpacked(migrated(snapshot))
    _check(stage.config, stage.bank, state)
    found = [shard["shard"] for shard in state.get("shards", ())]
    if found != list(stage.shards):
        raise _incompatible(f"of the shards {found}", f"of {list(stage.shards)}")
    for shard in state["shards"]:
        stage.load(shard)


def restore_jurisdiction(stage: JurisdictionStage, snapshot: dict[str, Any]) -> None:
    """Take a snapshot over, in a stage that has judged nothing; raises IncompatibleSnapshotError as above."""
    state = unpacked(migrated(snapshot))
    _check(stage.config, stage.bank, state)
    if "stage" not in state:
        raise _incompatible("of shards", "the jurisdiction stage")
    stage.load(state["stage"])


def regrouped(snapshots: Sequence[dict[str, Any]], shards: Sequence[int]) -> dict[str, Any]:
    """Return the snapshot of a stage that carries these shards, from those of stages that carry all of them.

    The stages must have been at the same tick: raises IncompatibleSnapshotError where they were not, or where a shard
    is in none of them.
    """
    states = [migrated(snapshot) for snapshot in snapshots]
    heads = [{name: value for name, value in state.items() if name != "shards"} for state in states]
    by_shard = {shard["shard"]: shard for state in states for shard in state["shards"]}
    clocks = {tuple(shard[name] for name in _CLOCK) for shard in by_shard.values()}
    if len(clocks) > 1 or any(head != heads[0] for head in heads):
        raise _incompatible(f"of stages at several ticks ({sorted(map(str, clocks))})", "one tick")
    missing = [shard for shard in shards if shard not in by_shard]
    if missing:
        raise _incompatible(f"without the shards {missing}", f"of {list(shards)}")
    return heads[0] | {"shards": [by_shard[shard] for shard in shards]}


def _head(config: EngineConfig, bank: SeriesBank) -> dict[str, Any]:
    return {
        "version": VERSION,
        "jurisdiction": config.jurisdiction,
        "of": config.shards,
        "detectors": sorted(detector.name for detector in bank.detectors),
    }


def _check(config: EngineConfig, bank: SeriesBank, state: dict[str, Any]) -> None:
    head = _head(config, bank)
    wanted, found = ({name: it[name] for name in head if name != "version"} for it in (head, state))
    if wanted != found:
        raise _incompatible(f"of {found}", f"of {wanted}")


def _incompatible(found: str, wanted: str) -> IncompatibleSnapshotError:
    return IncompatibleSnapshotError(f"the snapshot is {found}, wanted is {wanted}; rebuild the state from the log")
