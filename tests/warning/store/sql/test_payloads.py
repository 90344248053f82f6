"""Records of the log and bodies of domain objects come back to the bit."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from math import inf
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.warning import samples
from warning.domain.control import Control, ControlKind
from warning.domain.series import SeriesKey, SeriesKind
from warning.domain.signal import Signal
from warning.engine.records import Tick
from warning.intake.columns import Dictionary, TicketColumns
from warning.store.sql.bodies import from_body, to_body
from warning.store.sql.payloads import CONTROL, TICK, TICKETS, from_payload, kind_of, to_payload

NUMBER = st.integers(-(2**63), 2**63 - 1)
HASH = st.integers(0, 2**64 - 1)
TEXT = st.text(max_size=12)
KEYS = st.builds(SeriesKey, kind=st.sampled_from(SeriesKind), area=TEXT, name=TEXT)
CONTROLS = st.builds(
    Control,
    kind=st.sampled_from(ControlKind),
    jurisdiction=TEXT,
    effective_from=NUMBER,
    until=st.none() | NUMBER,
    series=st.none() | KEYS,
    source=st.none() | TEXT,
    shard=st.none() | st.integers(0, 255),
    reason=TEXT,
    factor=st.floats(allow_nan=False),
    alert=TEXT,
    plan=TEXT,
    areas=st.lists(TEXT, max_size=3).map(tuple),
    categories=st.lists(TEXT, max_size=3).map(tuple),
)
TICKS = st.builds(Tick, jurisdiction=TEXT, number=NUMBER, watermark=NUMBER, read_to=NUMBER)


def dictionaries(rows: int) -> st.SearchStrategy[Dictionary]:
    """Columns whose list of values has some that no row has, in any order."""
    values = st.lists(TEXT, min_size=1, max_size=5, unique=True)
    return values.flatmap(
        lambda v: st.lists(st.integers(0, len(v) - 1), min_size=rows, max_size=rows).map(
            lambda codes: Dictionary(np.array(codes, np.int32), v)
        )
    )


def batches(rows: int) -> st.SearchStrategy[TicketColumns]:
    def array(values: st.SearchStrategy[Any], dtype: Any) -> st.SearchStrategy[Any]:
        return st.lists(values, min_size=rows, max_size=rows).map(
            lambda v: np.array([*v, v[0] if v else 0], dtype)[:-1]
        )

    named = {name: dictionaries(rows) for name in ("area", "category", "department", "channel")}
    return st.builds(
        TicketColumns,
        jurisdiction=TEXT,
        source=TEXT,
        row=array(NUMBER, np.int64),
        kind=array(st.integers(0, 255), np.uint8),
        time=array(NUMBER, np.int64),
        version=array(NUMBER, np.int64),
        ticket_id=array(TEXT, np.object_),
        key=array(HASH, np.uint64),
        digest=array(HASH, np.uint64),
        text=array(TEXT, np.object_),
        **named,
    )


def plain(batch: TicketColumns) -> dict[str, Any]:
    """Everything in a batch as lists, with the types of its columns."""
    found: dict[str, Any] = {"jurisdiction": batch.jurisdiction, "source": batch.source}
    for name in ("row", "kind", "time", "version", "ticket_id", "key", "digest", "text"):
        column = getattr(batch, name)
        found[name] = (column.dtype, column.tolist(), column.flags.writeable)
    for name in ("area", "category", "department", "channel"):
        column = getattr(batch, name)
        found[name] = (column.codes.dtype, column.decoded())
    return found


@given(st.integers(0, 8).flatmap(batches))
def test_batches_come_back(batch: TicketColumns) -> None:
    """Every column of a batch comes back with its type and may be written to; unused values need not."""
    again = from_payload(TICKETS, to_payload(batch))
    assert isinstance(again, TicketColumns)
    assert plain(again) == plain(batch)


@given(TICKS | CONTROLS)
def test_ticks_and_controls_come_back(record: Tick | Control) -> None:
    """Ticks and controls come back equal, under the name of their kind."""
    assert from_payload(kind_of(record), to_payload(record)) == record
    assert kind_of(record) == (TICK if isinstance(record, Tick) else CONTROL)


@pytest.mark.parametrize("payload", [b"", b"\x09abc"])
def test_a_payload_of_a_later_format_is_refused(payload: bytes) -> None:
    """A format this program does not know is refused, not misread."""
    with pytest.raises(ValueError, match="format"):
        from_payload(TICK, payload)


@pytest.mark.parametrize("figure", [0.1 + 0.2, 1e-308, inf, -inf, 123456789.123456789])
def test_figures_keep_all_their_digits(figure: float) -> None:
    """Numbers come back to the bit, infinity too."""
    assert from_body(to_body(samples.signal(score=figure)), Signal).score == figure


def test_times_keep_their_offset() -> None:
    """A time comes back as the same moment with the same offset, to the microsecond."""
    moment = datetime(2026, 3, 1, 8, 0, 0, 123457, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    again = from_body(to_body(samples.signal(raised_at=moment)), Signal).raised_at
    assert (again, again.utcoffset()) == (moment, timedelta(hours=5, minutes=45))
