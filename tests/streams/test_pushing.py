"""The way in by HTTP of a cluster: durable in Kafka before it is answered, refused within 2 s while Kafka is away."""

import gc
import json
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streams.intake.pushed import decode_pushed
from streams.originals import KafkaDeadLetters
from streams.push_sink import KafkaSink
from streams.pushing import MOST_WAITING, WAITING_MS, ClusterPushing, Remembering
from streams.records import Rejected, decode
from streams.topics import Name, topics
from tests.cluster.topics import produce, read, smaller
from tests.cluster.workers import wait_for
from tests.kafka.harness import Kafka
from tests.streams.intake.parts import ticket
from warning.domain.errors import UnknownNameError
from warning.domain.outcome import RowOutcome
from warning.domain.reject import Reject, RejectReason
from warning.intake.columns import TicketColumns
from warning.intake.mapping_files import load_mapping
from warning.intake.refusals import make_reject
from warning.runtime.clock import now_ms
from warning.runtime.intake import IntakeWorker, Submission, TicketReader
from warning.runtime.replaying import Replaying
from warning.service.ports import ItemAnswer, StoreBusyError
from warning.settings import Settings
from warning.store.sql.database import Database
from warning.store.sql.dead_letters import ticket_key
from warning.store.sql.origins import Filed, Origin, SqlOrigins

SOURCE = "desk"
INPUTS = 2
LONGEST = 2.0
PATIENCE = 30.0
LEAVES_SOCKETS = pytest.mark.filterwarnings(
    "ignore:Exception ignored in.*socket:pytest.PytestUnraisableExceptionWarning", "ignore:unclosed:ResourceWarning"
)
"""kafka-python leaves a socket that found nobody to connect with to the garbage collector."""


def _now() -> datetime:
    return datetime.fromtimestamp(now_ms() / 1000, UTC)


class Front:
    """What stands behind the API of a cluster, without the API."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.mapping = load_mapping("canonical").model_copy(update={"source": SOURCE})
        self.refused: list[RejectReason] = []
        self.sink = KafkaSink(settings, now_ms, self.refused.extend)
        self.taken = Remembering(self.sink, now_ms)
        reader = TicketReader("city", lambda _: self.mapping, None, now_ms)
        self.worker = IntakeWorker(reader, self.taken, most_waiting=20_000)
        self.database = Database(folder / "front.db")
        self.database.migrate()
        self.letters = KafkaDeadLetters(settings, self.database)
        self.pushing = ClusterPushing(self.worker, self.taken, self.database, _now)
        self.replay = Replaying(self.worker, self.letters, self.database, _now).replay
        self.worker.start()

    def push(self, *events: object) -> list[ItemAnswer]:
        return self.pushing.push(SOURCE, events, [json.dumps(event).encode() for event in events])

    def ids(self) -> list[str]:
        """Return the ids of all tickets that the topic has."""
        found: list[str] = []
        for partition in range(INPUTS):
            for message in read(self.settings, Name.PUSHED, partition):
                batch = decode_pushed(message.value, "city")
                assert isinstance(batch, TicketColumns)
                found += batch.ticket_id.tolist()
        return sorted(found)

    def file(self) -> list[int]:
        """File all dead letters in the database, as the alert worker does; returns their ids."""
        letters = [decode(each.value or b"", Rejected) for each in read(self.settings, Name.REJECTED)]
        until = _now() + timedelta(hours=1)
        filed = [
            Filed(
                at=_now(),
                source=each.source,
                reject=each.reject,
                ticket_key=each.ticket_key,
                origin=Origin(topic=each.topic, partition=each.partition, offset=each.offset, until=until),
            )
            for each in letters
        ]
        with self.database.write() as connection:
            return SqlOrigins(self.database).file(connection, filed)

    def close(self) -> None:
        self.worker.stop()
        self.sink.close()
        self.database.close()


@pytest.fixture
def front(kafka_settings: Settings, tmp_path: Path) -> Iterator[Front]:
    made = Front(smaller(kafka_settings, tmp_path, inputs=INPUTS), tmp_path)
    yield made
    made.close()


def test_what_is_answered_is_in_the_topic(front: Front) -> None:
    """Accepted items are in tickets.pushed; refused ones are dead letters whose originals stand in quarantine."""
    answers = front.push(ticket(1), ticket(2, created_at="yesterday"), ticket(3))
    assert [(each.ticket_id, each.accepted) for each in answers] == [("T1", True), ("T2", False), ("T3", True)]
    assert front.ids() == ["T1", "T3"]
    (message,) = read(front.settings, Name.REJECTED)
    letter = decode(message.value or b"", Rejected)
    assert (letter.source, letter.reject.row, letter.reject.reason) == (SOURCE, 2, RejectReason.BAD_TIME)
    assert letter.ticket_key == ticket_key(SOURCE, "T2")
    assert letter.topic == topics(front.settings)[Name.QUARANTINE].name
    (original,) = read(front.settings, Name.QUARANTINE)
    assert (letter.offset, json.loads(original.value or b"")) == (original.offset, ticket(2, created_at="yesterday"))
    assert front.refused == [RejectReason.BAD_TIME]


def test_an_original_that_is_too_large_is_not_kept_but_its_letter_is(front: Front) -> None:
    """What ``tickets.quarantine`` would not take is refused all the same, and its letter says that it is not kept;
    each has a place of its own, so that the next one is not taken for the same sent again.
    """
    huge = b'"' + b"x" * (17 << 20) + b'"'
    for _ in range(2):
        (answer,) = front.pushing.push(SOURCE, [ticket(2, created_at="yesterday")], [huge])
        assert not answer.accepted
    assert not read(front.settings, Name.QUARANTINE)
    said = [decode(each.value or b"", Rejected) for each in read(front.settings, Name.REJECTED)]
    assert len({each.offset for each in said}) == len(said) == 2
    letter, _ = front.file()
    assert front.letters.original(letter, reader="ann", at=_now()) is None
    (again,) = front.replay([letter], actor="ann")
    assert again.reject is not None
    assert "no longer kept" in again.reject.advice_en


def test_after_an_answer_that_ends_a_producer_pushes_work_again(front: Front) -> None:
    """A record that the brokers refuse for good (here: too large) costs no push but its own."""
    with pytest.raises(StoreBusyError):
        _push_what_no_topic_takes(front)
    wait_for(lambda: _pushed(front, ticket(1)), "pushes work again", PATIENCE)
    assert "T1" in front.ids()


def _pushed(front: Front, event: object) -> bool:
    with suppress(StoreBusyError):
        return front.push(event)[0].accepted
    return False


def _push_what_no_topic_takes(front: Front) -> None:
    front.sink._longest_original = 18 << 20
    front.pushing.push(SOURCE, [ticket(2, created_at="yesterday")], [b"x" * (17 << 20)])


def test_many_requests_at_once_are_each_answered(front: Front) -> None:
    """Requests from many threads are read together, and every accepted item is in the topic once."""
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda n: front.push(ticket(n)), range(200)))
    assert all(answer.accepted for (answer,) in answers)
    assert front.ids() == sorted(f"T{n}" for n in range(200))


def test_a_ticket_that_was_taken_waits_until_it_is_counted(front: Front) -> None:
    """What this process took is known at once, though no database says so yet; nothing else is."""
    front.push(ticket(1))
    status = front.pushing.status(SOURCE, "T1")
    assert status is not None
    assert status.outcome is None
    assert front.pushing.status(SOURCE, "T2") is None
    assert front.pushing.status("elsewhere", "T1") is None


def test_what_was_taken_is_forgotten_in_time_and_beyond_a_number(front: Front) -> None:
    """The memory of what was taken has an end in time and in size; the oldest goes first."""

    class Nowhere:
        def write(self, judged: object) -> None: ...

    now = [now_ms()]
    taken = Remembering(Nowhere(), lambda: now[0])
    reader = TicketReader("city", lambda _: front.mapping, None, now_ms)
    part = reader.judge(SOURCE, [])
    first = front.worker._reader.judge(SOURCE, [_submission(ticket(1))])
    taken.write([first])
    assert taken.taken_at(SOURCE, "T1") == now[0]
    now[0] += WAITING_MS + 1
    assert taken.taken_at(SOURCE, "T1") is None
    taken._taken = dict.fromkeys(range(MOST_WAITING), now[0])
    second = front.worker._reader.judge(SOURCE, [_submission(ticket(2))])
    taken.write([second, part])
    assert len(taken._taken) == MOST_WAITING
    assert 0 not in taken._taken
    assert taken.taken_at(SOURCE, "T2") == now[0]


def _submission(event: object) -> Submission:
    return Submission(SOURCE, [event], [b""])


def test_a_refused_ticket_is_found_by_its_id(front: Front) -> None:
    """Once its letter is filed, the look-up says why a ticket was refused."""
    front.push(ticket(2, created_at="yesterday"))
    front.file()
    status = front.pushing.status(SOURCE, "T2")
    assert status is not None
    assert status.outcome is RowOutcome.REJECTED


def test_a_dead_letter_is_replayed_after_its_mapping_was_corrected(front: Front) -> None:
    """What is still refused stays; after a correction it is accepted, once, and who read the original is noted."""
    front.push(ticket(2, created_at="04/05/2026 11:00"), ticket(3, created_at=None))
    first, second = front.file()
    (again,) = front.replay([first], actor="ann")
    assert (again.accepted, again.reject and again.reject.reason) == (False, RejectReason.BAD_TIME)
    fields = front.mapping.fields
    created = fields.created_at.model_copy(update={"formats": ("%d/%m/%Y %H:%M",)})
    front.mapping = front.mapping.model_copy(update={"fields": fields.model_copy(update={"created_at": created})})
    answers = front.replay([first, second], actor="ann")
    assert [each.accepted for each in answers] == [True, False]
    assert [each.accepted for each in front.replay([first], actor="ann")] == [True]
    assert front.ids() == ["T2"]
    with pytest.raises(UnknownNameError):
        front.replay([first, 77], actor="ann")


def test_an_item_of_a_raw_record_is_replayed(front: Front) -> None:
    """The original of a dead letter of tickets.raw is the record; the item that was refused is found in it."""
    raw = topics(front.settings)[Name.RAW].name
    produce(front.settings, Name.RAW, [(json.dumps([ticket(1), ticket(2)]).encode(), 1, [])])
    reject = decode_reject(row=2)
    origin = Origin(topic=raw, partition=1, offset=0, until=_now() + timedelta(hours=1))
    lost = Origin(topic=raw, partition=0, offset=5, until=_now() + timedelta(hours=1))
    old = Origin(topic=raw, partition=1, offset=0, until=_now() - timedelta(hours=1))
    with front.database.write() as connection:
        filed = [
            Filed(at=_now(), source=SOURCE, reject=reject, ticket_key=None, origin=each) for each in (origin, lost, old)
        ]
        ids = SqlOrigins(front.database).file(connection, filed)
    answers = front.replay(ids, actor="ann")
    assert [each.accepted for each in answers] == [True, False, False]
    assert all("no longer kept" in each.reject.advice_en for each in answers[1:] if each.reject)
    assert front.ids() == ["T2"]
    assert front.letters.original(ids[0], reader="ann", at=_now()) == json.dumps([ticket(1), ticket(2)]).encode()


def decode_reject(row: int) -> Reject:
    return make_reject(SOURCE, row, "created_at", RejectReason.BAD_TIME)


def _stop(kafka: Kafka) -> None:
    kafka.brokers[0].stop()


def _kill(kafka: Kafka) -> None:
    kafka.brokers[0].kill()


def _pause(kafka: Kafka) -> None:
    kafka.brokers[0].pause()


@pytest.fixture
def quiet() -> Iterator[None]:
    """Keep no log record of kafka-python: each would keep the exception it names, and that its socket."""
    logger = logging.getLogger("kafka")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    yield
    logger.setLevel(before)


@pytest.fixture(scope="module")
def fragile() -> Iterator[Kafka]:
    """A broker of these tests alone."""
    with Kafka() as kafka:
        yield kafka


@LEAVES_SOCKETS
@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("harm", [_stop, _kill, _pause])
def test_while_the_broker_is_away_pushes_are_refused_soon_and_then_work_again(
    fragile: Kafka, harm: Callable[[Kafka], None], prefix: str, tmp_path: Path
) -> None:
    """A broker that is stopped, killed or stands still: every push is refused within 2 s, also many at once; when it is
    back the same process works again, and whatever was accepted is there.
    """
    settings = Settings.model_validate({"kafka": {"bootstrap": fragile.bootstrap, "prefix": prefix}})
    front = Front(smaller(settings, tmp_path, inputs=INPUTS), tmp_path)
    accepted: list[str] = []

    def push(number: int) -> float:
        began = time.monotonic()
        with suppress(StoreBusyError):
            front.push(ticket(number))
            accepted.append(f"T{number}")
        return time.monotonic() - began

    try:
        push(0)
        assert accepted == ["T0"]
        harm(fragile)
        with ThreadPoolExecutor(8) as threads:
            took = list(threads.map(push, range(1, 25)))
        assert max(took) < LONGEST
        assert accepted == ["T0"]
        fragile.restart()
        deadline = time.monotonic() + PATIENCE
        number = 100
        while accepted == ["T0"] and time.monotonic() < deadline:
            push(number)
            number += 1
            time.sleep(0.1)
        assert len(accepted) > 1
        assert set(accepted) <= set(front.ids())
    finally:
        fragile.restart()
        front.close()
        gc.collect()


@LEAVES_SOCKETS
@pytest.mark.usefixtures("quiet")
def test_a_front_starts_while_no_broker_is_there(fragile: Kafka, prefix: str, tmp_path: Path) -> None:
    """The process can begin before Kafka does: pushes are refused until then."""
    settings = Settings.model_validate({"kafka": {"bootstrap": fragile.bootstrap, "prefix": prefix}})
    settings = smaller(settings, tmp_path, inputs=INPUTS)
    fragile.brokers[0].kill()
    front = Front(settings, tmp_path)
    try:
        for _ in range(2):
            began = time.monotonic()
            with pytest.raises(StoreBusyError):
                front.push(ticket(1))
            assert time.monotonic() - began < LONGEST
        fragile.restart()
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                front.push(ticket(2))
                break
            except StoreBusyError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        assert "T2" in front.ids()
    finally:
        fragile.restart()
        front.close()
        gc.collect()
