"""Snapshots of version 1, which knew no plans, history or sensitivity, are taken over."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.warning.engine.test_controls import NOISE, TOTAL, control
from tests.warning.engine.tickets import START, city, engine, feed, log
from warning.domain.bucket import DAY_MS
from warning.domain.control import ControlKind
from warning.domain.series import SeriesKey
from warning.engine.snapshot import migrated, packed, unpacked

NEW_FIELDS = ("factor", "alert", "plan", "areas", "categories")
LATER = SeriesKey(NOISE.kind, "Elsewhere", "Not yet")


def first_version(third: dict[str, Any]) -> dict[str, Any]:
    """Write a snapshot as version 1 wrote it."""
    second = third | {"stage": second_stage(third["stage"])}
    stage = second["stage"]
    policy = {name: value for name, value in stage["policy"].items() if name not in {"sensitivity", "plans"}}
    episodes = [{k: v for k, v in e.items() if k not in {"muted", "reviewed"}} for e in policy["episodes"]]
    return second | {
        "version": 1,
        "shards": [shard | {"bank": _first_bank(shard["bank"])} for shard in second["shards"]],
        "stage": stage | {"bank": _first_bank(stage["bank"]), "policy": policy | {"episodes": episodes}},
    }


def second_stage(third: dict[str, Any]) -> dict[str, Any]:
    """Write the jurisdiction stage's part as version 2 wrote it."""
    kept = {name: value for name, value in third.items() if name not in {"absent", "analysed"}}
    return kept | {"left_out": [shard for shard, _ in third["absent"]["reached"]]}


def _first_bank(second: dict[str, Any]) -> dict[str, Any]:
    holds, bank = dict(second["holds"]["table"]), dict(second)
    del bank["holds"], bank["history_until"], holds["released_from"]
    said = [{k: v for k, v in c.items() if k not in NEW_FIELDS} for c in second["holds"]["said"]]
    return bank | {"table": second["table"] | holds, "controls": said}


def test_a_snapshot_of_version_1_goes_on() -> None:
    """Protection, releases and records about series still to come are as they were, and so is all that follows."""
    records = log(city(days=4.5))
    records.insert(90, control(ControlKind.PROTECT, at=START, series=SeriesKey(NOISE.kind, "Testville", "Category 1")))
    records.insert(95, control(ControlKind.RELEASE, at=START, series=TOTAL))
    records.insert(99, control(ControlKind.PROTECT, at=START, series=LATER))
    subject = engine()
    feed(subject, records[:200])
    restored = engine()
    restored.restore(first_version(subject.snapshot()))
    heard, expected = feed(restored, records[200:]), feed(subject, records[200:])
    assert heard.signals == expected.signals
    assert heard.alerts == expected.alerts != {}


def test_a_release_of_version_1_had_begun() -> None:
    """Version 1 knew only when a release ends: series that were released still are, others are not."""
    subject = engine()
    records = log(city(days=2))
    feed(subject, records)
    subject.apply(control(ControlKind.RELEASE, at=START, series=TOTAL))
    restored = engine()
    restored.restore(first_version(subject.snapshot()))
    bank, hour = restored.jurisdiction.bank, START + 3 * DAY_MS
    released = {bank.keys[row] for row in np.nonzero(bank.holds.released(hour))[0].tolist()}
    assert released == {TOTAL}
    assert not bank.holds.held(hour, hour + 1, hour).any()


def test_version_1_had_nothing_to_say_of_what_it_did_not_know() -> None:
    """The migrated state has no history, plans or sensitivity, and keeps only records that hold series."""
    snapshot = engine().snapshot()
    old = first_version(snapshot)
    old["stage"]["bank"]["controls"] = [{"kind": "sensitivity"}, {"kind": "protect"}]
    new = migrated(old)
    assert new["stage"]["bank"]["holds"]["said"] == [{"kind": "protect"}]
    assert new["stage"]["bank"]["history_until"] == np.iinfo(np.int64).min
    assert (new["stage"]["policy"]["sensitivity"], new["stage"]["policy"]["plans"]) == ([], [])


@pytest.mark.parametrize("rows", [0, 3])
def test_the_new_column_has_a_row_for_each_series(rows: int) -> None:
    """However many series a bank has."""
    old = first_version(engine().snapshot())
    for name in ("hold_from", "hold_until", "released_until"):
        old["stage"]["bank"]["table"][name] = packed(np.zeros(rows, np.int64))
    column = unpacked(migrated(old)["stage"]["bank"]["holds"]["table"]["released_from"])
    assert (column.shape, column.dtype) == ((rows,), np.int64)
