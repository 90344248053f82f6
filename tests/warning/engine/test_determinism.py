"""The same log gives the same answers, however it is batched, partitioned, interrupted or (final evidence) shuffled."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.warning.engine.tickets import STEP, Heard, Row, city, columns, engine, feed, log
from warning.domain.bucket import DAY_MS, HOUR_MS, MINUTE_MS, BucketLength
from warning.domain.signal import Signal
from warning.engine.records import Record, Tick
from warning.intake.columns import TicketColumns

ONE_BY_ONE = tuple((shard,) for shard in range(8))
UNEVEN = ((0, 3), (1, 2, 4, 5), (6, 7))


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """Draw the city once."""
    return city(days=8.2)


@pytest.fixture(scope="module")
def records(rows: list[Row]) -> list[Record]:
    """Write its log once."""
    return log(rows)


@pytest.fixture(scope="module")
def undisturbed(records: list[Record]) -> Heard:
    """Run it once."""
    return feed(engine(), records)


def test_the_reference_run_has_something_to_compare(undisturbed: Heard) -> None:
    """The city raises an alert and gives final evidence at every length, so the comparisons below are not empty."""
    assert undisturbed.alerts
    assert {signal.length for signal in undisturbed.final().values()} >= {
        BucketLength.QUARTER,
        BucketLength.HOUR,
        BucketLength.DAY,
    }


@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_batching_changes_nothing(rows: list[Row], undisturbed: Heard, batch: int) -> None:
    """Tickets cut into batches of other sizes between the same ticks give identical signals and alerts."""
    heard = feed(engine(), log(rows, batch=batch))
    assert heard.signals == undisturbed.signals
    assert heard.alerts == undisturbed.alerts
    assert heard.outcomes() == undisturbed.outcomes()


def _hostile() -> list[Record]:
    """Write a log of small batches with repeats, changes, moves and late tickets."""
    rows = _with_repeats(city(days=2.4, seed=5), 5)
    rng = np.random.default_rng(5)
    arrival = {id(row): row.time + int(rng.integers(2 * HOUR_MS)) for row in rows}
    return log(sorted(rows, key=lambda row: (arrival[id(row)], row.id)), batch=4, first=min(r.time for r in rows))


def _joined(records: list[Record], most: int) -> list[Record]:
    """Join batches that follow each other, at most so many."""
    found: list[Record] = []
    waiting: list[TicketColumns] = []
    for record in [*records, None]:
        if waiting and (not isinstance(record, TicketColumns) or len(waiting) == most):
            found.append(TicketColumns.joined(waiting))
            waiting = []
        if isinstance(record, TicketColumns):
            waiting.append(record)
        elif record is not None:
            found.append(record)
    return found


def _watched(records: list[Record], quota: int) -> tuple[Heard, list[bytes]]:
    """Return what is said of a log, and the snapshots at some of its ticks."""
    subject, heard, states = engine(series_quota_per_shard=quota), Heard(), []
    for record in records:
        heard.take(subject.apply(record))
        if isinstance(record, Tick) and record.number % 8 == 0:
            states.append(msgspec.msgpack.encode(subject.snapshot()))
    return heard, states


@pytest.mark.parametrize("quota", [2_000, 4], ids=["all are kept", "the quota is short"])
@pytest.mark.parametrize("most", [2, 5, 1_000])
def test_joining_batches_changes_no_byte_of_a_snapshot(quota: int, most: int) -> None:
    """At ticks the state and what is said are the same to the byte, however the batches before were joined."""
    # Among the tickets are repeats, changed ones and late ones, and series for which there is no place.
    records = _hostile()
    joined = _joined(records, most)
    assert len(joined) < len(records)
    heard, expected = _watched(records, quota)
    again, states = _watched(joined, quota)
    assert len(states) > 10
    assert states == expected
    assert again.signals == heard.signals
    assert again.outcomes() == heard.outcomes()
    assert set(heard.outcomes()) == {0, 1, 2, 3}


@pytest.mark.parametrize("partitions", [ONE_BY_ONE, UNEVEN], ids=["one by one", "uneven"])
def test_partitions_change_nothing(
    records: list[Record], undisturbed: Heard, partitions: tuple[tuple[int, ...], ...]
) -> None:
    """Shards carried by one, three or eight partitions give identical signals, alerts and outcomes."""
    heard = feed(engine(partitions), records)
    assert heard.signals == undisturbed.signals
    assert heard.alerts == undisturbed.alerts
    assert heard.outcomes() == undisturbed.outcomes()


@pytest.mark.parametrize("share", [0.01, 0.2, 0.36, 0.37, 0.5, 0.9])
@pytest.mark.parametrize("partitions", [None, UNEVEN], ids=["same partitions", "others"])
def test_a_restart_changes_nothing(
    records: list[Record],
    undisturbed: Heard,
    share: float,
    partitions: tuple[tuple[int, ...], ...] | None,
) -> None:
    """A snapshot taken anywhere, written as bytes and restored into other partitions, goes on identically."""
    cut = int(share * len(records))
    first = engine()
    heard = feed(first, records[:cut])
    snapshot = msgspec.msgpack.decode(msgspec.msgpack.encode(first.snapshot()))
    second = engine(partitions)
    second.restore(snapshot)
    for record in records[cut:]:
        heard.take(second.apply(record))
    assert heard.signals == undisturbed.signals
    assert heard.alerts == undisturbed.alerts


def test_snapshots_are_the_same_bytes_for_the_same_state(records: list[Record]) -> None:
    """Two engines that applied the same log write the same snapshot, to the byte."""
    first, second = engine(), engine()
    feed(first, records[:200])
    feed(second, records[:200])
    assert msgspec.msgpack.encode(first.snapshot()) == msgspec.msgpack.encode(second.snapshot())


def test_restarting_at_every_record_changes_nothing() -> None:
    """A day and a half with a restart after each record equals the undisturbed run."""
    records = log(city(days=1.5, seed=3, burst=False), batch=20)[:120]
    expected = feed(engine(warm_up_ms=0), records)
    heard, current = Heard(), engine(warm_up_ms=0)
    for number, record in enumerate(records):
        heard.take(current.apply(record))
        snapshot = current.snapshot()
        current = engine(UNEVEN if number % 2 else None, warm_up_ms=0)
        current.restore(snapshot)
    assert heard.signals == expected.signals
    assert heard.outcomes() == expected.outcomes()


def test_codes_of_a_dictionary_do_not_matter(rows: list[Row], undisturbed: Heard) -> None:
    """Batches whose dictionaries list their values in another order give identical signals."""
    records = [
        columns(_by_category(rows_of)) if isinstance(record, TicketColumns) else record
        for record, rows_of in _with_rows(rows)
    ]
    heard = feed(engine(), records)
    assert heard.signals == undisturbed.signals


def _with_rows(rows: list[Row]) -> list[tuple[Record, list[Row]]]:
    """Pair each record of the log with the rows it was made of."""
    waiting = iter(rows)
    return [
        (record, [next(waiting) for _ in range(len(record))] if isinstance(record, TicketColumns) else [])
        for record in log(rows)
    ]


def _by_category(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row.category, row.area, row.id))


def evidence(signal: Signal) -> tuple[object, ...]:
    """Return what final evidence says, without when it was said."""
    return (
        str(signal.series),
        signal.length,
        signal.window_start,
        signal.observed,
        signal.expected,
        signal.upper_bound,
        signal.p_value,
        signal.parts,
        signal.departments,
        signal.channels,
        signal.examples,
    )


def _with_repeats(rows: list[Row], seed: int) -> list[Row]:
    """Add exact repeats, and other versions of the same ticket at the same time in another area."""
    rng = np.random.default_rng(seed)
    chosen = [rows[int(i)] for i in rng.integers(len(rows), size=len(rows) // 10)]
    moved = [replace(row, area="Testville/South/District 2", version=row.time + 1) for row in chosen[::2]]
    return rows + chosen + moved


@settings(max_examples=12, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(seed=st.integers(0, 2**32 - 1), lateness=st.sampled_from([15 * MINUTE_MS, HOUR_MS, 5 * HOUR_MS]))
def test_order_within_the_lateness_changes_no_final_evidence(seed: int, lateness: int) -> None:
    """Tickets, repeats and newer versions in any order of arrival within the lateness give identical final evidence."""
    rows = _with_repeats(city(days=3.4, seed=seed % 5), seed % 5)
    rng = np.random.default_rng(seed)
    arrival = {id(row): row.time + int(rng.integers(lateness)) for row in rows}
    shuffled = sorted(rows, key=lambda row: (arrival[id(row)], row.id, row.version))
    first = min(row.time for row in rows)
    in_order = sorted(rows, key=lambda row: (row.time, row.id, row.version))
    one = feed(engine(), log(in_order, lateness=lateness, first=first))
    other = feed(engine(), log(shuffled, lateness=lateness, first=first))
    assert LATE not in other.outcomes()
    end = min(_closed_to(in_order, lateness), _closed_to(shuffled, lateness))
    assert _final(one, end) == _final(other, end) != set()


LATE = 2


def _closed_to(rows: list[Row], lateness: int) -> int:
    return (max(row.time for row in rows) - lateness) // STEP * STEP


def _final(heard: Heard, end: int) -> set[tuple[object, ...]]:
    return {evidence(signal) for signal in heard.final().values() if signal.window_end.timestamp() * 1000 <= end}


def test_days_without_tickets_are_one_tick_or_many() -> None:
    """A silence of three days closed by one tick gives the same evidence as by a tick every quarter of an hour."""
    before = city(days=2.0, seed=1, burst=False)
    later = [replace(row, time=row.time + 5 * DAY_MS, id=f"L{row.id}") for row in city(days=2.0, seed=2, burst=False)]
    sparse = log(before + later)
    dense: list[Record] = []
    for record in sparse:
        dense += _ticks_before(record, dense)
        dense.append(record)
    one, many = feed(engine(), sparse), feed(engine(), dense)
    assert len(dense) > len(sparse)
    assert {evidence(s) for s in one.final().values()} == {evidence(s) for s in many.final().values()}


def _ticks_before(record: Record, written: list[Record]) -> list[Record]:
    """Return the ticks that were left out before a tick, as if the clock had gone on without tickets."""
    last = next((r for r in reversed(written) if isinstance(r, Tick)), None)
    if last is None or not isinstance(record, Tick):
        return []
    return [
        replace(last, number=n, watermark=n * STEP, read_to=max(last.read_to, n * STEP))
        for n in range(last.number + 1, record.number)
    ]
