"""Polls -> tickets of the log and dead letters."""

import json
import threading
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.intake.judging import Received
from streams.intake.sources import NEWS_SECONDS, Mappings, RememberedSources
from tests.streams.intake.parts import (
    NOW,
    PUSHED,
    RAW,
    Registered,
    events,
    ids_of,
    judge_over,
    letters_of,
    log_of,
    received,
    ticket,
)
from warning.domain.reject import RejectReason
from warning.service.ports import StoreBusyError
from warning.store.logfile import encode_record
from warning.store.sql.dead_letters import ticket_key


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def test_tickets_are_read_and_refused_items_are_filed_with_their_place() -> None:
    """Good events are in the batches of a poll, bad ones are dead letters that name record, item, field and reason."""
    records = [
        *events(ticket(1), ticket(2, created_at="yesterday")),
        received(json.dumps([ticket(3), ticket(4, category=None)]).encode(), 7, partition=3),
    ]
    judged = judge_over().judge(records)
    assert ids_of(judged.batches) == ["T1", "T3"]
    found = [
        (each.partition, each.offset, each.reject.row, each.reject.field, each.reject.reason)
        for each in letters_of(judged.letters)
    ]
    assert found == [
        (0, 1, 1, "created_at", RejectReason.BAD_TIME),
        (3, 7, 2, "category", RejectReason.MISSING_REQUIRED),
    ]
    assert [each.ticket_key for each in letters_of(judged.letters)] == [ticket_key("kafka", f"T{n}") for n in (2, 4)]
    assert judged.tickets == {RAW: 2}
    assert judged.reasons == {RejectReason.BAD_TIME: 1, RejectReason.MISSING_REQUIRED: 1}


def test_a_batch_is_of_one_shard_and_one_jurisdiction() -> None:
    """Tickets of two categories stand in batches of their shards, under this service's jurisdiction."""
    judged = judge_over().judge(events(ticket(1), ticket(2, category="water"), ticket(3)))
    assert [(batch.jurisdiction, batch.source, sorted(batch.ticket_id)) for batch in log_of(judged.batches)] in (
        [("city", "kafka", ["T1", "T3"]), ("city", "kafka", ["T2"])],
        [("city", "kafka", ["T2"]), ("city", "kafka", ["T1", "T3"])],
    )


def test_a_ticket_without_an_id_is_named_after_its_place() -> None:
    """The same record read again is the same ticket; the same words at another place are another."""
    event = ticket(ticket_id=None)
    pair = received(json.dumps([event, event]).encode(), 5)
    judged = judge_over().judge([pair, *events(event, offset=6, partition=2)])
    names = ["tickets.raw-0-5", "tickets.raw-0-5-2", "tickets.raw-2-6"]
    assert ids_of(judged.batches) == names
    assert ids_of(judge_over().judge([pair]).batches) == names[:2]


def test_later_life_has_the_names_of_its_ticket() -> None:
    """What a ticket without an id tells of its later life is told of the same ticket."""
    event = ticket(ticket_id=None, closed_at="2026-05-04T11:30:00+00:00")
    (batch,) = log_of(judge_over().judge(events(event)).batches)
    assert len(batch) == 2
    assert set(batch.ticket_id.tolist()) == {"tickets.raw-0-0"}
    assert len(set(batch.key.tolist())) == 1


def test_the_latest_time_of_an_input_is_of_tickets_created() -> None:
    """How far an input has come is told by when its tickets were created, not by what they tell of later."""
    records = [
        *events(ticket(1, created_at="2026-05-04T08:00:00Z", closed_at="2026-05-04T11:59:00Z")),
        *events(ticket(2, created_at="2026-05-04T09:00:00Z"), partition=1),
        *events(ticket(3, created_at="2099-01-01T00:00:00Z"), partition=1, offset=1),
    ]
    judged = judge_over().judge(records)
    assert judged.latest == {(RAW, 0): _ms("2026-05-04T08:00"), (RAW, 1): _ms("2026-05-04T09:00")}


@pytest.mark.parametrize("source", ["nobody", "broken"])
def test_a_source_that_cannot_be_read_makes_dead_letters(source: str, tmp_path: Path) -> None:
    """An unregistered source, or one with a broken mapping, refuses its own records only."""
    broken = tmp_path / "broken.yaml"
    broken.write_text("name: [")
    judge = judge_over(Registered(broken=str(broken)))
    judged = judge.judge([*events(ticket(1), source=source), *events(ticket(2), offset=1)])
    (letter,) = letters_of(judged.letters)
    assert (letter.source, letter.reject.reason, letter.reject.field) == (source, RejectReason.UNKNOWN_SOURCE, "source")
    assert ids_of(judged.batches) == ["T2"]


def test_the_default_source_is_read_by_the_services_own_fields_unless_it_is_registered() -> None:
    """Without registration the default source reads canonical fields; a registration's mapping counts."""
    (own,) = log_of(judge_over().judge(events(ticket(1))).batches)
    (registered,) = log_of(judge_over(Registered(kafka="nyc311")).judge(events(ticket(1, area=None))).batches)
    assert (own.area.decoded(), registered.area.decoded()) == (["City/East"], ["New York City"])


def test_a_source_that_is_new_is_waited_for() -> None:
    """A name that is not known is refused only after the database's next answer, but that is not waited for often."""
    registered = Registered(desk="canonical")
    sources = RememberedSources(registered)
    sources.refresh()
    mapping_of = Mappings(sources, "", "kafka")
    registered.mappings["new"] = "canonical"
    answer = threading.Timer(0.1, sources.refresh)
    answer.start()
    assert not isinstance(mapping_of("new"), str)
    answer.join()
    registered.mappings["newer"] = "canonical"
    assert mapping_of("newer") == "no source is named 'newer'"


def test_an_unknown_source_does_not_hang_on_a_database_that_is_away() -> None:
    """Where no answer comes the name is refused after a moment."""
    sources = RememberedSources(Registered(desk="canonical"))
    sources.refresh()
    began = monotonic()
    assert isinstance(Mappings(sources, "", "kafka")("nobody"), str)
    assert monotonic() - began < 2 * NEWS_SECONDS


def test_known_sources_hold_while_the_database_is_away() -> None:
    """A database that goes away stops nobody who is known; one that was never heard makes polls wait."""
    registered = Registered(west="canonical")
    judge = judge_over(registered)
    registered.away = True
    judge._mapping_of.sources.refresh()
    assert ids_of(judge.judge(events(ticket(1), source="west")).batches) == ["T1"]
    with pytest.raises(StoreBusyError):
        judge_over(registered).judge(events(ticket(1)))


def test_what_the_api_wrote_is_taken_as_it_is() -> None:
    """Records of tickets.pushed of one source are joined and split by shard; their own source counts."""
    first, second = (judge_over().judge(events(ticket(n))) for n in (1, 2))
    (one,), (two,) = log_of(first.batches), log_of(second.batches)
    records = [received(encode_record(each), at, topic=PUSHED) for at, each in enumerate((one, two))]
    judged = judge_over().judge(records)
    assert ids_of(judged.batches) == ["T1", "T2"]
    assert len(judged.batches) == 1
    assert judged.tickets == {PUSHED: 2}
    assert judged.latest == {(PUSHED, 0): _ms("2026-05-04T11:00")}
    assert judged.heard == {"kafka": _ms("2026-05-04T11:00")}


def test_what_nobody_of_ours_pushed_is_refused() -> None:
    """A record of tickets.pushed that is no batch of this jurisdiction is a dead letter."""
    (batch,) = log_of(judge_over().judge(events(ticket(1))).batches)
    line = json.loads(encode_record(batch))
    texts: dict[str, list[str]] = {"codes": [], "values": []}
    empty = {name: texts if isinstance(value, dict) else [] for name, value in line.items() if type(value) is not str}
    changes: list[dict[str, Any]] = [
        {"jurisdiction": "elsewhere"},
        {"kind": [77]},
        {"kind": [-1]},
        {"time": [5]},
        {"time": [2**62]},
        {"version": [10**30]},
        {"key": [-5]},
        {"category": {"codes": [0], "values": [""]}},
        {"area": {"codes": [0], "values": ["a//b"]}},
        {"area": {"codes": [3], "values": ["a"]}},
        {"time": [NOW, NOW]},
        empty,
    ]
    wrong = [
        None,
        b"",
        b"\xff",
        json.dumps(ticket(1)).encode(),
        json.dumps({"type": "tick", "jurisdiction": "city", "number": 1, "watermark": 1, "read_to": 1}).encode(),
        *(json.dumps(line | change).encode() for change in changes),
    ]
    judged = judge_over().judge([received(value, at, topic=PUSHED) for at, value in enumerate(wrong)])
    assert not judged.batches
    assert [letter.offset for letter in letters_of(judged.letters)] == list(range(len(wrong)))


def test_one_event_that_breaks_the_normaliser_is_refused_alone() -> None:
    """Whatever ails one event of a poll, it alone is the dead letter."""

    class Breaking(type(judge_over())):  # type: ignore[misc]
        def _normalised(self, source, mapping, placed):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            if any(each.item.event["ticket_id"] == "T5" for each in placed):
                raise ZeroDivisionError
            return super()._normalised(source, mapping, placed)

    judge = judge_over()
    judge.__class__ = Breaking
    judged = judge.judge(events(*(ticket(n) for n in range(9))))
    assert ids_of(judged.batches) == [f"T{n}" for n in range(9) if n != 5]
    assert [(each.offset, each.reject.value) for each in letters_of(judged.letters)] == [(5, "ZeroDivisionError")]


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text(), max_size=3)
FIELDS = st.sampled_from([*ticket(), "closed_at", "updated_at", "status", "text", "area_1", ""])
ODD = st.dictionaries(FIELDS, VALUES, max_size=8).map(lambda odd: json.dumps(ticket() | odd).encode())
TOPICS = st.sampled_from([RAW, PUSHED])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(TOPICS, st.none() | st.binary() | ODD), max_size=12))
def test_every_record_becomes_tickets_or_a_dead_letter(records: list[tuple[str, bytes | None]]) -> None:
    """Whatever records come, each of one item is one ticket or one dead letter, and nothing is raised."""
    judged = judge_over().judge([Received(topic, 0, at, value, ()) for at, (topic, value) in enumerate(records)])
    assert judged.tickets.total() + len(judged.letters) >= len(records)
    created = sum(int(np.count_nonzero(batch.kind == 0)) for batch in log_of(judged.batches))
    assert created == judged.tickets.total()
    one_item = sum(1 for _, value in records if value is None or b"\n" not in value)
    assert judged.tickets.total() + len(judged.letters) >= one_item
