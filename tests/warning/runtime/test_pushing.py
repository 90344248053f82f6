"""What platforms and admins ask of the way in: what became of a ticket, and refused items sent again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep

import pytest
from sqlalchemy import select

from tests.faults.live import settings_of
from tests.warning.engine.tickets import CITY, START
from warning.api.limits import Limits
from warning.api.reading import CLOUDEVENT, CLOUDEVENTS, NDJSON, read_items
from warning.bootstrap.live import LiveService, build_live
from warning.domain.bucket import DAY_MS
from warning.domain.errors import UnknownNameError
from warning.domain.outcome import RowOutcome
from warning.domain.reject import RejectReason
from warning.intake.mapping import Mapping
from warning.intake.mapping_files import load_mapping
from warning.service.ports import ItemAnswer
from warning.store.sql.tables import dead_letters

SOURCE = "desk"
PATIENCE = 20.0


@dataclass
class Clock:
    """Shows a time that a test sets."""

    now: int = START + DAY_MS

    def __call__(self) -> int:
        return self.now


@dataclass
class Desk:
    """A service whose engine may stand still, and the file of its source's mapping."""

    service: LiveService
    mapping: Path
    clock: Clock

    def push(self, *events: object) -> list[ItemAnswer]:
        return self.service.services.intake.push(SOURCE, events, [json.dumps(event).encode() for event in events])

    def refused(self) -> list[int]:
        """The ids of the letters, oldest first."""
        return [letter.id for letter in reversed(self.service.services.letters.find().items)]

    def replay(self, *letters: int) -> list[ItemAnswer]:
        return self.service.services.replay.replay(letters, actor="ann")

    def settle(self) -> None:
        """Let the engine run until everything in the log is applied."""
        ends = monotonic() + PATIENCE
        runtime = self.service.runtime
        while (state := runtime.condition()).applied_position < state.newest_position or not state.ready:
            assert monotonic() < ends, state
            sleep(0.01)

    def read_times_as(self, *formats: str) -> None:
        """Write the mapping's file with these formats of the creation's time."""
        known: Mapping = load_mapping("canonical")
        text = known.model_dump_json(exclude_none=True)
        document = json.loads(text)
        document["fields"]["created_at"] = {"column": "created_at", "formats": list(formats)}
        self.mapping.write_text(json.dumps(document), encoding="utf-8")


@contextmanager
def _desk(folder: Path) -> Iterator[Desk]:
    clock = Clock()
    service = build_live(settings_of(folder / "data"), clock=clock)
    desk = Desk(service, folder / "desk.yaml", clock)
    desk.read_times_as("%Y-%m-%dT%H:%M:%SZ")
    service.services.accounts.add_source(SOURCE, str(desk.mapping))
    service.worker.start()
    try:
        yield desk
    finally:
        service.stop()


@pytest.fixture(name="desk")
def _fixture(tmp_path: Path) -> Iterator[Desk]:
    with _desk(tmp_path) as desk:
        yield desk


def _event(name: str, **changes: object) -> dict[str, object]:
    return {"ticket_id": name, "created_at": "2023-11-20T12:00:00Z", "category": "Noise", "area": CITY} | changes


def test_a_waiting_ticket_is_durable_and_not_yet_counted(desk: Desk) -> None:
    """Before the engine has come to it, a pushed ticket is known without an outcome; afterwards with one."""
    desk.push(_event("A"), _event("B"))
    waiting = desk.service.services.intake.status(SOURCE, "A")
    assert waiting is not None
    assert waiting.outcome is None
    desk.service.runtime.start()
    desk.settle()
    counted = desk.service.services.intake.status(SOURCE, "A")
    assert counted is not None
    assert (counted.outcome, counted.category, counted.times_received) == (RowOutcome.ACCEPTED, "Noise", 1)
    assert counted.created_at is not None
    assert counted.created_at.isoformat() == "2023-11-20T12:00:00+00:00"


def test_what_came_again_keeps_its_first_outcome(desk: Desk) -> None:
    """A ticket sent twice is accepted, and its last outcome says that the second was a duplicate."""
    desk.push(_event("A"))
    desk.push(_event("A"))
    desk.service.runtime.start()
    desk.settle()
    status = desk.service.services.intake.status(SOURCE, "A")
    assert status is not None
    assert (status.outcome, status.last_outcome, status.times_received) == (
        *(RowOutcome.ACCEPTED, RowOutcome.DUPLICATE),
        2,
    )


def test_a_refused_ticket_is_known_by_the_id_it_gave(desk: Desk) -> None:
    """The look-up of a refused item says why, how often it came, and nothing to another source."""
    desk.push(_event("A", created_at="soon"))
    desk.push(_event("A", created_at="later"))
    status = desk.service.services.intake.status(SOURCE, "A")
    assert status is not None
    assert (status.outcome, status.times_received) == (RowOutcome.REJECTED, 2)
    assert status.reject is not None
    assert status.reject.reason is RejectReason.BAD_TIME
    assert desk.service.services.intake.status("another", "A") is None


@pytest.mark.parametrize("name", ["call 13812345678", "x" * 100])
def test_a_refused_items_own_id_is_neither_kept_nor_echoed_as_it_is(desk: Desk, name: str) -> None:
    """What a refused item calls its id may hold anything: redacted and cut in the answer, and found all the same."""
    (answer,) = desk.push(_event(name, created_at="soon"))
    assert answer.ticket_id in {"call [电话/phone]", "x" * 79 + "…"}
    status = desk.service.services.intake.status(SOURCE, name)
    assert status is not None
    assert status.outcome is RowOutcome.REJECTED
    with desk.service.database.read() as connection:
        letters = connection.execute(select(dead_letters)).all()
    assert [name in str(letter) for letter in letters] == [False]


def test_an_unknown_ticket_is_none(desk: Desk) -> None:
    """An id that never came is not known, whatever else waits."""
    desk.push(_event("A"))
    assert desk.service.services.intake.status(SOURCE, "B") is None
    assert desk.service.services.intake.status(SOURCE, "") is None


def test_a_replay_after_the_mapping_was_corrected_is_accepted_once(desk: Desk) -> None:
    """With the file corrected under the running service a refused item goes in, and a second replay sends nothing."""
    desk.push(_event("A", created_at="20.11.2023 12:00"))
    (letter,) = desk.refused()
    (still,) = desk.replay(letter)
    assert (still.accepted, still.reject is not None) == (False, True)
    desk.read_times_as("%Y-%m-%dT%H:%M:%SZ", "%d.%m.%Y %H:%M")
    (answer,) = desk.replay(letter)
    assert (answer.accepted, answer.ticket_id, answer.reject) == (True, "A", None)
    again = desk.replay(letter, letter)
    assert [(each.index, each.accepted, each.reject) for each in again] == [(0, True, None), (1, True, None)]
    desk.service.runtime.start()
    desk.settle()
    status = desk.service.services.intake.status(SOURCE, "A")
    assert status is not None
    assert (status.outcome, status.times_received) == (RowOutcome.ACCEPTED, 1)
    assert [each.replayed_at is not None for each in desk.service.services.letters.find().items] == [True]


def test_what_is_refused_again_stays(desk: Desk) -> None:
    """An item that would still be refused stays the one letter it was, with its original; others of the call go in."""
    desk.push(_event("A", created_at="20.11.2023 12:00"), _event("B", category=""))
    desk.read_times_as("%d.%m.%Y %H:%M")
    answers = desk.replay(*reversed(desk.refused()))
    assert [(each.index, each.ticket_id, each.accepted) for each in answers] == [(0, "B", False), (1, "A", True)]
    assert len(desk.refused()) == 2
    letters = desk.service.services.letters
    assert letters.original(desk.refused()[1], reader="ann", at=desk.service.runtime.now()) is not None


def test_an_original_that_is_gone_cannot_be_replayed(desk: Desk) -> None:
    """Beyond the quarantine's limit a replay is answered with the old reason, and that the platform must send it."""
    desk.push(_event("A", created_at="20.11.2023 12:00"))
    desk.read_times_as("%d.%m.%Y %H:%M")
    hours = timedelta(hours=desk.service.settings.retention.original_hours)
    desk.clock.now += hours // timedelta(milliseconds=1)
    (answer,) = desk.replay(*desk.refused())
    assert not answer.accepted
    assert answer.reject is not None
    assert answer.reject.reason is RejectReason.BAD_TIME
    assert answer.reject.advice_en.startswith("The original is no longer kept")
    assert answer.reject.advice_zh.startswith("原文已不再保留")


def test_an_unknown_letter_stops_the_replay_before_it_begins(desk: Desk) -> None:
    """When one of the ids is of no letter, none of the others is sent."""
    desk.push(_event("A", created_at="20.11.2023 12:00"))
    desk.read_times_as("%d.%m.%Y %H:%M")
    (letter,) = desk.refused()
    with pytest.raises(UnknownNameError):
        desk.replay(letter, letter + 1)
    status = desk.service.services.intake.status(SOURCE, "A")
    assert status is not None
    assert status.outcome is RowOutcome.REJECTED


def test_a_refused_cloudevent_can_be_replayed(desk: Desk) -> None:
    """A ticket that came in a CloudEvent and was refused is sent again as the ticket it is."""
    event = {"specversion": "1.0", "id": "1", "source": "/x", "type": "t", "data": _event("A", created_at="20.11.2023")}
    items = read_items(CLOUDEVENTS, json.dumps([event]).encode(), SOURCE, Limits())
    assert not desk.service.services.intake.push(SOURCE, items.events, items.originals)[0].accepted
    desk.read_times_as("%d.%m.%Y")
    (answer,) = desk.replay(*desk.refused())
    assert (answer.accepted, answer.ticket_id) == (True, "A")


def test_what_could_not_be_read_is_a_dead_letter(desk: Desk) -> None:
    """A line cut off and a CloudEvent that is none are filed with their bytes and counted; a replay changes nothing."""
    intake, letters = desk.service.services.intake, desk.service.services.letters
    cut, envelope = (
        b'{"ticket_id": "A", "cre',
        json.dumps({"specversion": "0.3", "id": "1", "source": "/x", "type": "t"}),
    )
    for media_type, body in ((NDJSON, cut), (CLOUDEVENT, envelope.encode())):
        items = read_items(media_type, body, SOURCE, Limits())
        assert intake.push(SOURCE, items.events, items.originals, items.unread) == []
    ids = desk.refused()
    assert [letters.original(each, reader="ann", at=desk.service.runtime.now()) for each in ids] == [
        cut,
        envelope.encode(),
    ]
    assert set(letters.counts()) == {(SOURCE, RejectReason.UNREADABLE_ROW), (SOURCE, RejectReason.BAD_TYPE)}
    figures = desk.service.services.metrics()[0].decode()
    assert 'rejects_total{reason="unreadable_row"} 1.0' in figures
    assert [(each.accepted, each.reject is not None) for each in desk.replay(*ids)] == [(False, True)] * 2
    assert desk.refused() == ids


def test_a_broken_change_of_a_mapping_does_not_stop_its_source(desk: Desk) -> None:
    """While a mapping's file is half written, or gone, the last that could be used holds."""
    assert desk.push(_event("A"))[0].accepted
    desk.mapping.write_text("fields: [", encoding="utf-8")
    assert desk.push(_event("B"))[0].accepted
    desk.mapping.unlink()
    assert desk.push(_event("C"))[0].accepted
