"""From a bank's findings to signals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import xxhash

from warning.domain.bucket import DAY_MS, BucketLength
from warning.domain.signal import EvidenceState, ExampleTicket, Signal
from warning.engine.pending import EXAMPLES

if TYPE_CHECKING:
    from warning.domain.series import SeriesKey
    from warning.engine.bank import SeriesBank
    from warning.engine.finding import Finding
    from warning.engine.grid import Grid
    from warning.engine.pending import Entries

UNKNOWN_RECURRENCE = 0.0
"""Until the jurisdiction stage, which knows how many series there are, fills it in."""


def signal_id(detector: str, series: SeriesKey, length: BucketLength, start: int) -> str:
    """Return the id of what a signal is about: the same evidence always has the same id."""
    return xxhash.xxh3_128_hexdigest(f"{detector}\x1f{series}\x1f{length.value}\x1f{start}".encode())[:20]


def signal_of(finding: Finding, bank: SeriesBank, read_to: int, entries: Entries | None) -> Signal:
    """Word a finding as a signal; ``entries`` are the tickets behind it."""
    grid, key = bank.grid, bank.keys[finding.row]
    start = grid.start(finding.length, finding.bucket)
    return Signal(
        id=signal_id(finding.detector.name, key, finding.length, start),
        jurisdiction=bank.config.jurisdiction,
        detector=finding.detector.name,
        kind=finding.detector.kind,
        series=key,
        length=finding.length,
        window_start=grid.moment(start),
        window_end=grid.moment(grid.end(finding.length, finding.bucket)),
        raised_at=grid.moment(read_to),
        updated_at=grid.moment(read_to),
        state=_state_of(finding),
        observed=finding.observed,
        expected=finding.expected,
        upper_bound=finding.upper_bound,
        p_value=finding.p_value,
        score=finding.score,
        recurrence_interval_days=UNKNOWN_RECURRENCE,
        history_days=max(0.0, (start - (bank.started or start)) / DAY_MS),
        parts=bank.parts(finding),
        departments=_distinct(entries.department.tolist()) if entries else (),
        channels=_distinct(entries.channel.tolist()) if entries else (),
        examples=_examples(entries, grid) if entries else (),
    )


def _state_of(finding: Finding) -> EvidenceState:
    if not finding.hit:
        return EvidenceState.WITHDRAWN
    return EvidenceState.FINAL if finding.until is None else EvidenceState.PROVISIONAL


def _distinct(names: list[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names) - {""}))


def _examples(entries: Entries, grid: Grid) -> tuple[ExampleTicket, ...]:
    latest = range(max(0, len(entries) - EXAMPLES), len(entries))
    return tuple(
        ExampleTicket(
            source=entries.source[i],
            ticket_id=entries.ticket_id[i],
            created_at=grid.moment(int(entries.time[i])),
            area=entries.area[i],
            text=entries.text[i],
        )
        for i in latest
    )
