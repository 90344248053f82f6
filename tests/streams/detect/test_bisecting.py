"""Finding the tickets that end the process."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.detect import bisecting
from streams.detect.bisecting import FEW, bisected, said_of, search
from streams.detect.stage import DetectStage
from tests.streams.detect.test_stage import of_partition, stage
from warning.engine.shard_stage import ShardStage
from warning.intake.columns import TicketColumns

BAD = "ticket that ends it"


@given(st.integers(1, 60), st.sets(st.integers(0, 59), max_size=60))
def test_exactly_the_bad_rows_are_found(rows: int, bad: set[int]) -> None:
    """Wherever they stand, whatever their number."""
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


def test_a_good_row_among_bad_ones_is_kept() -> None:
    """Where nearly all are bad, the good ones stay, and the search takes a few tries for each that is bad."""
    tries: list[int] = []
    good = {7, 300, 301, 499}

    def fails(some: Sequence[int]) -> str:
        tries.append(len(some))
        return "" if good.issuperset(some) else "bad"

    assert sorted(search(fails, 500).rows) == [row for row in range(500) if row not in good]
    assert len(tries) < 10 * FEW + 3 * 500


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
    tried: list[None] = []
    found = bisected(subject, of_partition(0, 5), lambda: tried.append(None))
    assert found.rows == [2]
    assert len(tried) > 2, "each try is told of"
    assert subject.state() == before
    assert bisected(subject, of_partition(0, 2)) == bisecting.Poisonous(rows=[], reason="")


def test_a_reason_holds_nothing_of_the_ticket() -> None:
    """A message may carry a ticket's text: the kind of error and the place in the program are said."""
    with pytest.raises(ValueError) as raised:
        np.array(["secret 13800000000"]).astype(int)
    assert said_of(raised.value) == "ValueError in test_a_reason_holds_nothing_of_the_ticket"
