"""The public format against the domain and against its own schema."""

from __future__ import annotations

import dataclasses
import json

import jsonschema
import msgspec
import pytest

from tests.warning import samples
from warning.domain.alert import Alert, Flag, Headline, Transition
from warning.domain.errors import UnknownNameError
from warning.domain.evidence import EvidencePoint
from warning.domain.reject import Reject
from warning.domain.series import SeriesKey
from warning.domain.signal import ExampleTicket, Signal
from warning.service.explain import explain
from warning.service.result import Summary
from warning.store import domain, records, schemas
from warning.store.encoding import LARGEST, encode, rounded, to_plain
from warning.store.logfile import LOG_VERSION, LogHeader

PAIRS = [
    (Alert, records.AlertRecord),
    (Signal, records.SignalRecord),
    (EvidencePoint, records.EvidenceRecord),
    (Reject, records.RejectRecord),
    (Summary, records.SummaryRecord),
    (SeriesKey, records.SeriesRecord),
    (ExampleTicket, records.ExampleRecord),
    (Flag, records.FlagRecord),
    (Headline, records.HeadlineRecord),
    (Transition, records.TransitionRecord),
]


@pytest.mark.parametrize(("kind", "record"), PAIRS, ids=[record.__name__ for _, record in PAIRS])
def test_record_has_the_fields_of_its_domain_type(kind: type, record: type[msgspec.Struct]) -> None:
    """A field added to a domain type is added to the format on purpose, in the same place."""
    assert [field.name for field in dataclasses.fields(kind)] == list(record.__struct_fields__)


def _objects() -> dict[str, object]:
    result = samples.result()
    return {
        "alerts": result.alerts[0],
        "signals": result.signals[0],
        "evidence": result.evidence[0],
        "rejected": result.rejects[0],
        "summary": result.summary,
        "log": LogHeader(version=LOG_VERSION, jurisdiction="nyc", zone="UTC", mapping="nyc311", inputs=["a.csv"]),
        "explanation": schemas.explanation_record(explain(result, "alert")),
    }


@pytest.mark.parametrize("name", schemas.FORMATS)
def test_output_satisfies_its_schema(name: str) -> None:
    """Every format has a schema that is itself valid, and what is written satisfies it."""
    schema = schemas.schema(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(encode(_objects()[name])), schema)


def test_schema_refuses_other_things() -> None:
    """The schema is not empty: a missing field, a severity of 101 and a time without a zone are refused."""
    schema = schemas.schema("alerts")
    good = json.loads(encode(samples.alert()))
    for wrong in ({"severity": 101}, {"p_value": 1.5}, {"status": "lost"}, {"areas": "Queens"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(good | wrong, schema)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(good | {"raised_at": "2020-01-02T09:00:00"}, records.AlertRecord)
    del good["headline"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(good, schema)


def test_unknown_format_names_the_known() -> None:
    """Asking for a schema that does not exist names those that do."""
    with pytest.raises(UnknownNameError, match="alerts, signals, evidence"):
        schemas.schema("alarms")


def test_figures_are_rounded_in_one_place() -> None:
    """Floats have six significant digits, whole numbers stay whole, infinity is a number, NaN a defect."""
    assert to_plain({"a": [1.23456789e-9, 123456.789], "n": 12345678}) == {"a": [1.23457e-9, 123457.0], "n": 12345678}
    assert rounded(float("inf")) == LARGEST
    assert rounded(float("-inf")) == -LARGEST
    with pytest.raises(ValueError, match="not a number"):
        rounded(float("nan"))


def test_times_carry_the_zone() -> None:
    """A New York morning is written with New York's offset, and enums by value."""
    line = json.loads(encode(samples.alert()))
    assert line["window_start"] == "2020-01-02T09:00:00-05:00"
    assert line["state"] == "final"
    assert list(line)[:3] == ["id", "jurisdiction", "raised_at"]


def test_records_become_the_domain_again() -> None:
    """What was written is read back as the same domain objects, but for the digits that were rounded away."""
    for item, record, convert in (
        (
            samples.alert(expected=3.2, p_value=1e-9, recurrence_interval_days=4200.0),
            records.AlertRecord,
            domain.to_alert,
        ),
        (samples.course()[0], records.EvidenceRecord, domain.to_evidence),
        (samples.reject(), records.RejectRecord, domain.to_reject),
        (samples.summary(), records.SummaryRecord, domain.to_summary),
    ):
        assert convert(msgspec.json.decode(encode(item), type=record)) == item  # type: ignore[arg-type]
