"""Records of the result files turned back into domain types."""

from __future__ import annotations

from msgspec import structs

from warning.domain.alert import Alert, Flag, Headline, Transition
from warning.domain.evidence import EvidencePoint
from warning.domain.reject import Reject
from warning.domain.series import SeriesKey
from warning.domain.signal import ExampleTicket, Signal
from warning.service.result import Summary
from warning.store import records


def to_alert(record: records.AlertRecord) -> Alert:
    """Return the alert that was written as this record."""
    nested = {
        "flags": tuple(Flag(**structs.asdict(flag)) for flag in record.flags),
        "headline": Headline(**structs.asdict(record.headline)),
        "examples": tuple(_to_example(example) for example in record.examples),
        "history": tuple(Transition(**structs.asdict(step)) for step in record.history),
    }
    return Alert(**(structs.asdict(record) | nested))


def to_signal(record: records.SignalRecord) -> Signal:
    """Return the signal that was written as this record."""
    nested = {
        "series": SeriesKey(**structs.asdict(record.series)),
        "examples": tuple(_to_example(example) for example in record.examples),
    }
    return Signal(**(structs.asdict(record) | nested))


def to_evidence(record: records.EvidenceRecord) -> EvidencePoint:
    """Return the evidence point that was written as this record."""
    return EvidencePoint(**(structs.asdict(record) | {"series": SeriesKey(**structs.asdict(record.series))}))


def to_reject(record: records.RejectRecord) -> Reject:
    """Return the rejection that was written as this record."""
    return Reject(**structs.asdict(record))


def to_summary(record: records.SummaryRecord) -> Summary:
    """Return the summary that was written as this record."""
    return Summary(**structs.asdict(record))


def _to_example(record: records.ExampleRecord) -> ExampleTicket:
    return ExampleTicket(**structs.asdict(record))
