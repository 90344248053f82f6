"""Which shards are left out, and where the log's readers put that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

from streams.absences import Absence, Absences, absences, put_absences
from tests.warning.engine.tickets import CITY, STEP, Row, columns, tick
from warning.domain.control import Control, ControlKind
from warning.engine.records import Record
from warning.store.sql.database import Database

OUT = Absence(tick=3, since=3 * STEP, shards=(1, 4), out=True)
BACK = Absence(tick=6, since=5 * STEP + 1, shards=(4,), out=False)
REVIEW = Control(kind=ControlKind.REVIEWED, jurisdiction=CITY, effective_from=0, alert="a")


def placed(records: Sequence[Record], decided: Absences) -> list[Record]:
    """Return the records as an export writes them."""

    async def given() -> AsyncGenerator[Record, None]:
        for record in records:
            yield record

    async def all_of() -> list[Record]:
        return [record async for record in decided.placed(given())]

    return asyncio.run(all_of())


def test_controls_stand_before_the_tick_from_which_they_hold() -> None:
    """Those that the log was told late are moved, those that it was not told yet are there, others stay."""
    ticks = {number: tick(number, number * STEP) for number in (1, 2, 3, 5, 7)}
    batch = columns([Row(time=STEP, id="a")])
    out, back = OUT.controls(CITY), BACK.controls(CITY)
    told: list[Record] = [ticks[1], ticks[2], batch, ticks[3], REVIEW, *out, ticks[5], ticks[7]]
    found = placed(told, Absences([OUT, BACK]))
    assert found == [ticks[1], ticks[2], batch, *out, ticks[3], REVIEW, ticks[5], *back, ticks[7]]


def test_what_nobody_here_decided_stays_where_it_is() -> None:
    """A control of another cluster's log, or of a person, is none of these."""
    foreign = Absence(tick=3, since=3 * STEP + 7, shards=(1,), out=True).controls(CITY)
    records: list[Record] = [tick(1, STEP), tick(4, STEP), *foreign, tick(5, STEP)]
    assert placed(records, Absences()) == records


def test_what_holds_now_is_known() -> None:
    """A shard that is taken in again is left out no longer; another stays out since it was."""
    assert Absences([OUT]).left_out() == {1: OUT.since, 4: OUT.since}
    assert Absences([OUT]).then(BACK).left_out() == {1: OUT.since}
    assert Absences().left_out() == {}


def test_the_database_keeps_them(tmp_path: Path) -> None:
    """What was written is read, in order; at first there is nothing."""
    database = Database(tmp_path / "x.db")
    database.migrate()
    with database.read() as connection:
        assert absences(connection).known == ()
    with database.write() as connection:
        put_absences(connection, Absences([OUT, BACK]))
    with database.read() as connection:
        assert absences(connection).known == (OUT, BACK)
    database.close()
