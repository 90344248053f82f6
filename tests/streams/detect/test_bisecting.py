"""Finding the tickets that end the process."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.detect import bisecting
from streams.detect.bisecting import MOST, bisected, said_of, search
from streams.detect.stage import DetectStage
from tests.streams.detect.test_stage import of_partition, stage
from warning.engine.shard_stage import ShardStage
from warning.intake.columns import TicketColumns

BAD = "ticket that ends it"


@given(st.integers(1, 60), st.sets(st.integers(0, 59), max_size=MOST))
def test_exactly_the_bad_rows_are_found(rows: int, bad: set[int]) -> None:
    """Wherever they stand, whatever their number up to the limit."""
    bad = {row for row in bad if row < rows}
    found = search(lambda some: "bad" if bad.intersection(some) else "", rows)
    assert set(found.rows) == bad
    assert found.reason == ("bad" if bad else "")


def test_what_fails_together_only_is_broken_up() -> None:
    """Of two rows that fail only with each other, the later goes."""
    found = search(lambda some: "both" if {3, 7} <= set(some) else "", 10)
    assert found.rows == [7]


def test_it_takes_few_tries() -> None:
    """One bad row of two thousand: no more than a dozen or so copies of the state are needed."""
    tries: list[int] = []

    def fails(some: Sequence[int]) -> str:
        tries.append(len(some))
        return "bad" if 1234 in some else ""

    assert search(fails, 2000).rows == [1234]
    assert len(tries) <= 14


def test_a_batch_of_bad_rows_is_given_up() -> None:
    """Where all are bad, the rest is left out without looking at each."""
    tries: list[int] = []

    def fails(some: Sequence[int]) -> str:
        tries.append(len(some))
        return "bad" if some else ""

    assert sorted(search(fails, 500).rows) == list(range(500))
    assert len(tries) < 20 * MOST


def test_the_state_is_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search works on copies: what it tries leaves no trace."""
    real = ShardStage.apply

    def failing(self: ShardStage, batch: TicketColumns) -> object:
        codes = real(self, batch)
        if "2" in batch.ticket_id.tolist():
            raise ZeroDivisionError(BAD)
        return codes

    subject: DetectStage = stage()
    before = subject.state()
    monkeypatch.setattr(ShardStage, "apply", failing)
    found = bisected(subject, of_partition(0, 5))
    assert found.rows == [2]
    assert subject.state() == before
    assert bisected(subject, of_partition(0, 2)) == bisecting.Poisonous(rows=[], reason="")


def test_a_reason_holds_nothing_of_the_ticket() -> None:
    """A message may carry a ticket's text: the kind of error and the place in the program are said."""
    with pytest.raises(ValueError) as raised:
        np.array(["secret 13800000000"]).astype(int)
    assert said_of(raised.value) == "ValueError in test_a_reason_holds_nothing_of_the_ticket"
