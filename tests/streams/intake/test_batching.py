"""Tickets -> batches of one shard."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.intake import batching
from streams.intake.batching import Batcher, values_of
from tests.streams.intake.parts import CITY, events, judge_over, log_of, ticket
from warning.engine.shard_stage import shard_of
from warning.intake.columns import TicketColumns
from warning.store.logfile import decode_record


def _tickets(categories: list[str]) -> TicketColumns:
    judged = judge_over().judge(events(*(ticket(n, category=each) for n, each in enumerate(categories))))
    joined = TicketColumns.joined(log_of(judged.batches))
    return joined.take(np.argsort([int(name[1:]) for name in joined.ticket_id]))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=40), st.integers(1, 64), st.integers(1, 10))
def test_every_ticket_is_in_one_batch_of_its_shard(categories: list[str], shards: int, most: int) -> None:
    """Batches are of one shard, of at most so many tickets, and together the tickets in their order."""
    tickets = _tickets(categories)
    found: list[str] = []
    for shard, batch in Batcher(CITY, shards, most).batches(tickets):
        assert 1 <= len(batch) <= most
        assert {shard_of(CITY, category, shards) for category in batch.category.decoded()} == {shard}
        numbers = [int(name[1:]) for name in batch.ticket_id]
        assert numbers == sorted(numbers)
        found += batch.ticket_id.tolist()
    assert sorted(found) == sorted(tickets.ticket_id.tolist())


def test_no_tickets_are_no_batch() -> None:
    """Nothing makes no record."""
    tickets = _tickets(["a"])
    assert not list(Batcher(CITY, 4, 10).batches(tickets.take(np.array([], np.int64))))


def test_a_record_that_would_be_too_large_is_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of long texts become several records, none too large unless it holds one ticket only."""
    tickets = _tickets(["a"] * 7)
    monkeypatch.setattr(batching, "LARGEST_VALUE", 900)
    values = list(values_of(tickets))
    assert len(values) > 1
    assert all(len(value) <= 900 for value in values)
    parts = [decode_record(value, "test") for value in values]
    assert [name for part in parts if isinstance(part, TicketColumns) for name in part.ticket_id] == [
        f"T{n}" for n in range(7)
    ]
