"""The schemas of what is in the topics: they say what the code writes, and what was released stays readable."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from streams import schema
from streams.alerts.publishing import record_of
from streams.courses import Course
from streams.records import Flushed, Outcomes, Poison, Rejected, Report, encode, encode_report
from streams.topics import topics
from tests.warning import samples
from tests.warning.engine import tickets
from warning.api.examples import CLOUDEVENT_EXAMPLE, TICKET
from warning.domain.control import Control, ControlKind
from warning.domain.errors import UnknownNameError
from warning.domain.handling import Handling
from warning.engine.course import Past
from warning.engine.records import Tick, TickReport
from warning.service.ports import AlertView, FeedEvent
from warning.settings import Settings
from warning.store.logfile import encode_record

FOREIGN = {"ticket", "cloudevent"}
"""What others write: no topic names them as its schema."""
CONTROL = Control(kind=ControlKind.PROTECT, jurisdiction="city", effective_from=0, alert="alert-7f3a")
REPORT = Report(
    era=1,
    partition=2,
    report=TickReport(
        tick=Tick(jurisdiction="city", number=9, watermark=900_000, read_to=1_000_000),
        shards=(2, 8),
        signals=[samples.signal()],
        points=samples.course(3),
        counts=[("department", "City", "Roads", 4, 2)],
        life=[("Roads", "closed", 1)],
    ),
    controls=(CONTROL,),
    courses=(Course(signal="sig-a", past=Past(first=1, observed=[2], expected=[1.5], upper_bound=[4.0])),),
)


def records() -> Iterator[tuple[str, object]]:
    """One record of every kind at least, as plain JSON."""
    for record in [*tickets.log(tickets.city(0.5)), CONTROL]:
        yield "log", json.loads(encode_record(record))
    rejected = Rejected(source="desk", topic="tickets.raw", partition=1, offset=7, at=3, reject=samples.reject())
    yield "rejected", json.loads(encode(rejected))
    poison = Poison(topic="tickets", partition=1, offset=7, rows=[0, 4], at=3, reason="ends the process")
    yield "poison", json.loads(encode(poison))
    for latest in (None, 5):
        flushed = Flushed(topic="tickets.raw", partition=1, next_offset=8, latest=latest, at=9, end=True)
        yield "flushed", json.loads(encode(flushed))
    yield "report", msgspec.msgpack.decode(encode_report(REPORT))
    columns: dict[str, Any] = {"ticket_id": ["a"], "time": [1], "category": ["c"], "area": ["x"], "outcome": [3]}
    outcomes = Outcomes(log="tickets", partition=1, offset=7, source="desk", received=9, **columns)
    yield "outcomes", json.loads(encode(outcomes))
    for observed in (9.5, float("inf")):
        alert = samples.alert(recurrence_interval_days=observed)
        view = AlertView(alert=alert, handling=Handling(alert_id=alert.id))
        event = FeedEvent(sequence=4, at=alert.raised_at, kind="alert", subject=alert.id, change="OPEN-1")
        yield "alert", json.loads(msgspec.json.encode(record_of(view, event)))
    yield "ticket", TICKET
    yield "cloudevent", CLOUDEVENT_EXAMPLE


@pytest.mark.parametrize("name", schema.FORMATS)
def test_newest_is_what_the_code_says(name: str) -> None:
    """The newest committed version demands what the code writes; else: ``python -m streams.schema``."""
    assert schema.without_words(schema.committed(name)) == schema.without_words(schema.current(name))


@pytest.mark.parametrize("name", schema.FORMATS)
def test_every_version_is_readable(name: str) -> None:
    """What was written by any version there ever was can be read by the code, and versions have no gaps."""
    assert schema.versions(name) == list(range(1, len(schema.versions(name)) + 1))
    assert schema.unreadable(name) == []


def test_released_versions_do_not_change() -> None:
    """A released version is there, of every format at least one, and demands what it demanded when it was released."""
    assert {key.split("/")[0] for key in schema.released()} == set(schema.FORMATS)
    for key, digest in schema.released().items():
        name, version = key.split("/")
        assert schema.digest(schema.committed(name, int(version))) == digest, key


@pytest.mark.parametrize("name", schema.FORMATS)
def test_records_name_the_newest_version(name: str) -> None:
    """A record that carries a version carries the newest."""
    made = schema.committed(name)
    fields = made["$defs"][made["$ref"].rpartition("/")[2]]["properties"] if "$ref" in made else {}
    if "version" in fields:
        assert fields["version"]["default"] == schema.versions(name)[-1]


def test_records_satisfy_their_schemas() -> None:
    """What the code writes of every kind satisfies the committed schema, which refuses it without a field it needs."""
    validators = {
        name: jsonschema.Draft202012Validator(schema.committed(name), format_checker=jsonschema.FormatChecker())
        for name in schema.FORMATS
    }
    seen = set()
    for name, record in records():
        validators[name].validate(record)
        seen.add(name)
        assert not validators[name].is_valid({})
    assert seen == set(schema.FORMATS)


def test_every_topic_has_a_schema() -> None:
    """Every schema that a topic names is there, and every one that is there is named by a topic, or others write it."""
    named = {topic.schema for topic in topics(Settings()).values() if topic.schema}
    assert named | FOREIGN == set(schema.FORMATS)
    assert named & FOREIGN == set()


def test_titles_are_in_both_languages() -> None:
    """Each schema has a title in English and Chinese, and is valid itself."""
    for name in schema.FORMATS:
        committed = schema.committed(name)
        jsonschema.Draft202012Validator.check_schema(committed)
        assert committed["title"][0].isascii()
        assert any("一" <= letter <= "鿿" for letter in committed["title"])


def test_an_unknown_name_names_the_others() -> None:
    """Asked for by another name, the known ones are told."""
    with pytest.raises(UnknownNameError, match="log, rejected"):
        schema.current("logs")


def _changed(kind: type[msgspec.Struct], fields: dict[str, tuple[Any, ...]]) -> type[msgspec.Struct]:
    """Return a wire type with some of its fields replaced or added; without type and default: taken away."""
    found: dict[str, tuple[Any, ...]] = {
        each.name: (each.type,) if each.default is msgspec.NODEFAULT else (each.type, each.default)
        for each in msgspec.structs.fields(kind)
    }
    kept = {name: field for name, field in (found | fields).items() if field}
    return msgspec.defstruct(kind.__name__, [(name, *field) for name, field in kept.items()], kw_only=True)


@pytest.mark.parametrize(
    ("fields", "reasons"),
    [
        ({}, []),
        ({"zone": (str, "")}, []),
        ({"zone": (str,)}, ["flushed/1 $.zone: added without a default"]),
        ({"at": (str,)}, ["flushed/1 $.at: was integer, is string"]),
        ({"end": ()}, ["flushed/1 $.end: removed"]),
    ],
    ids=["nothing", "added with a default", "added without", "retyped", "removed"],
)
def test_the_code_is_compared_with_what_was_released(
    fields: dict[str, tuple[Any, ...]], reasons: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wire type that was changed makes a second version beside the released one, and is told what it cannot read."""
    shutil.copytree(schema.FOLDER, tmp_path, dirs_exist_ok=True)
    before = (tmp_path / "flushed" / "1.json").read_bytes()
    monkeypatch.setattr(schema, "FOLDER", tmp_path)
    monkeypatch.setitem(schema.FORMATS, "flushed", schema.Format(_changed(Flushed, fields), "Changed 改动"))
    schema.write()
    assert schema.versions("flushed") == ([1, 2] if fields else [1])
    assert schema.unreadable("flushed") == reasons
    if fields:
        assert (tmp_path / "flushed" / "1.json").read_bytes() == before


@pytest.fixture(name="folder")
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty folder of schemas in which there is one format, that a test may change."""
    monkeypatch.setattr(schema, "FOLDER", tmp_path)
    monkeypatch.setattr(schema, "FORMATS", {"thing": schema.Format({"type": "integer"}, "A thing 东西")})
    (tmp_path / "released.json").write_text("{}")
    return tmp_path


def _now(monkeypatch: pytest.MonkeyPatch, kind: dict[str, Any]) -> None:
    monkeypatch.setattr(schema, "FORMATS", {"thing": schema.Format(kind, "A thing 东西")})


def test_versions_begin_when_released(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A version is written anew until it is released; then a change makes the next, and words alone do not."""
    assert schema.write() == [folder / "thing" / "1.json"]
    assert schema.write() == []
    _now(monkeypatch, {"type": "number"})
    assert schema.write() == [folder / "thing" / "1.json"]
    schema.release()
    _now(monkeypatch, {"type": "number", "description": "in other words"})
    assert schema.write() == [folder / "thing" / "1.json"]
    assert schema.digest(schema.committed("thing")) == schema.released()["thing/1"]
    _now(monkeypatch, {"type": ["number", "null"]})
    assert schema.write() == [folder / "thing" / "2.json"]
    assert schema.committed("thing", 1)["type"] == "number"
    assert schema.committed("thing")["type"] == ["number", "null"]
    schema.release()
    assert set(schema.released()) == {"thing/1", "thing/2"}
