"""Snapshots of stages: only forward, the newest two of a scope, and a damaged one is passed over."""

from __future__ import annotations

import logging
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, update

from tests.postgres import PASSWORD
from warning.store.sql import snapshots as packing
from warning.store.sql.database import Database
from warning.store.sql.moments import moment_of_ms
from warning.store.sql.snapshots import pack
from warning.store.sql.stage_snapshots import Newest, StageSnapshots
from warning.store.sql.tables import stage_snapshots as table

SCOPE = "tickets/3"


@pytest.fixture(name="subject")
def _subject(database: Database) -> StageSnapshots:
    return StageSnapshots(database)


def save(subject: StageSnapshots, position: int, *, era: int = 0, scope: str = SCOPE) -> bool:
    return subject.save(scope, era, position, pack(b"%s %d" % (scope.encode(), position)), 1000 + position)


def kept(database: Database) -> list[tuple[str, int, int]]:
    with database.read() as connection:
        rows = connection.execute(select(table.c.scope, table.c.era, table.c.position).order_by(*table.primary_key))
        return [(row.scope, row.era, row.position) for row in rows]


def test_the_newest_comes_first(subject: StageSnapshots) -> None:
    """The states of a scope and era come newest first, as they were saved; of another scope or era there are none."""
    assert [save(subject, position) for position in (5, 9)] == [True, True]
    found = [(each.position, each.era, each.taken_at, each.payload) for each in subject.candidates(SCOPE, 0)]
    assert found == [(p, 0, moment_of_ms(1000 + p), b"tickets/3 %d" % p) for p in (9, 5)]
    assert list(subject.candidates(SCOPE, 1)) == list(subject.candidates("tickets/30", 0)) == []


def test_only_forward(database: Database, subject: StageSnapshots) -> None:
    """A state at or behind the newest, or of an older era, is refused and changes nothing; scopes are apart."""
    assert save(subject, 9, era=1)
    before = kept(database)
    assert [save(subject, 9, era=1), save(subject, 8, era=1), save(subject, 99, era=0)] == [False] * 3
    assert kept(database) == before
    assert save(subject, 3, scope="tickets/4")
    assert [each.payload for each in subject.candidates(SCOPE, 1)] == [b"tickets/3 9"]


def test_two_are_kept_of_the_present_era(database: Database, subject: StageSnapshots) -> None:
    """Older states but one go, and with the first of a new era those of the others; other scopes stay."""
    save(subject, 1, scope="jurisdiction")
    for position in (1, 2, 3):
        save(subject, position)
    assert kept(database) == [("jurisdiction", 0, 1), (SCOPE, 0, 2), (SCOPE, 0, 3)]
    assert save(subject, 1, era=1)
    assert kept(database) == [("jurisdiction", 0, 1), (SCOPE, 1, 1)]


def test_positions(subject: StageSnapshots) -> None:
    """Of each scope the newest position is known; a scope's name may look like a pattern."""
    for scope in (SCOPE, "tickets/4", "tickets_5", "jurisdiction"):
        for position in (3, 7):
            save(subject, position, scope=scope, era=2)
    newest = Newest(era=2, position=7, taken_at=moment_of_ms(1007))
    assert subject.positions("tickets/") == {SCOPE: newest, "tickets/4": newest}
    assert subject.positions("tickets_") == {"tickets_5": newest}
    assert len(subject.positions()) == 4


@pytest.mark.parametrize("harm", ["changed", "cut", "a part lost"])
def test_a_damaged_one_is_passed_over(
    database: Database,
    subject: StageSnapshots,
    harm: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Bytes that changed or went missing are noticed and told of, and the older state is given."""
    monkeypatch.setattr(packing, "_PART", 100)
    payload = random.Random(1).randbytes(1000)
    for position in (1, 2):
        assert subject.save(SCOPE, 0, position, pack(payload), 0)
    with database.write() as connection:
        third = (table.c.position == 2) & (table.c.part == 3)
        part = connection.execute(select(table.c.payload).where(third)).scalar_one()
        if harm == "a part lost":
            connection.execute(table.delete().where(third))
        else:
            changed = part[:-1] if harm == "cut" else bytes([part[0] ^ 1]) + part[1:]
            connection.execute(update(table).where(third).values(payload=changed))
    with caplog.at_level(logging.WARNING):
        assert [(each.position, each.payload) for each in subject.candidates(SCOPE, 0)] == [(1, payload)]
    (record,) = caplog.records
    assert (vars(record)["scope"], vars(record)["position"]) == (SCOPE, 2)


def test_of_two_owners_one_is_ahead(database: Database) -> None:
    """Two workers that own a partition for a moment save the same positions: each is stored once, in order."""
    place = database.where if "postgresql" in database.where else str(database.path)
    other = Database(place, PASSWORD)
    owners = [StageSnapshots(database), StageSnapshots(other)]
    with ThreadPoolExecutor(2) as pool:
        stored = list(pool.map(lambda owner: [save(owner, position) for position in range(30)], owners))
    other.close()
    assert all(one + two <= 1 for one, two in zip(*stored, strict=True))
    assert [position for _, _, position in kept(database)] == [28, 29]
