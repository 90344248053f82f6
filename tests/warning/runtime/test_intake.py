"""The way in: many requests at once, each answered for itself, and none answered before its items are durable."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.warning.engine.tickets import CITY, START
from warning.domain.errors import InvalidInputError, UnknownNameError
from warning.domain.reject import RejectReason
from warning.intake.mapping import Mapping
from warning.intake.mapping_files import load_mapping
from warning.intake.refusals import make_reject
from warning.runtime.intake import BROKEN_MAPPING_SECONDS, MOST_TOGETHER, IntakeWorker, Judged, Submission, TicketReader
from warning.service.ports import ItemAnswer, StoreBusyError, Unread

PATIENCE = 10.0
CANONICAL = load_mapping("canonical")


class MemorySink:
    """Keeps what is written; it can be held up, and told of writes to fail."""

    def __init__(self) -> None:
        self.commits: list[list[Judged]] = []
        self.failures: list[Exception | None] = []
        self.reached = threading.Event()
        self.open = threading.Event()
        self.open.set()

    def write(self, judged: Sequence[Judged]) -> None:
        self.reached.set()
        assert self.open.wait(PATIENCE)
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        self.commits.append(list(judged))

    def ids(self) -> list[str]:
        return [name for commit in self.commits for part in commit for name in part.tickets.ticket_id.tolist()]


def mapping_of(source: str) -> Mapping:
    """Know the sources desk and app, and "broken", whose mapping cannot be read."""
    if source == "broken":
        raise InvalidInputError("broken.yaml", "is not valid YAML", "Correct it.")
    if source not in {"desk", "app"}:
        raise UnknownNameError("source", source, ["app", "desk"])
    return CANONICAL.model_copy(update={"source": source, "zone": "UTC"})


class PoisonedReader(TicketReader):
    """Has a defect that some item brings to light."""

    def judge(self, source: str, submissions: Sequence[Submission]) -> Judged:
        if any(event == "poison" for each in submissions for event in each.events):
            raise ZeroDivisionError("defect")
        return super().judge(source, submissions)


def _worker(sink: MemorySink, *, most_waiting: int = 1000, reader: type[TicketReader] = TicketReader) -> IntakeWorker:
    return IntakeWorker(reader(CITY, mapping_of, None, lambda: START), sink, most_waiting=most_waiting)


@contextmanager
def _running(
    sink: MemorySink, *, most_waiting: int = 1000, reader: type[TicketReader] = TicketReader
) -> Iterator[IntakeWorker]:
    worker = _worker(sink, most_waiting=most_waiting, reader=reader)
    worker.start()
    try:
        yield worker
    finally:
        sink.open.set()
        worker.stop()


def _event(name: str, **changes: object) -> dict[str, object]:
    return {"ticket_id": name, "created_at": "2023-11-19T12:00:00Z", "category": "Noise", "area": CITY} | changes


def _push(worker: IntakeWorker, *events: object, source: str = "desk") -> list[ItemAnswer]:
    return worker.push(source, events, [str(event).encode() for event in events])


@contextmanager
def _held(sink: MemorySink, worker: IntakeWorker) -> Iterator[Callable[..., Future[list[ItemAnswer]]]]:
    """Hold a first request up in the sink, so that all pushed in the block wait together."""
    with ThreadPoolExecutor(16) as pool:
        sink.open.clear()
        sink.reached.clear()
        pool.submit(_push, worker, _event("first"))
        assert sink.reached.wait(PATIENCE)

        def push(*events: object, source: str = "desk") -> Future[list[ItemAnswer]]:
            before = len(worker._waiting)
            pushed = pool.submit(_push, worker, *events, source=source)
            while len(worker._waiting) == before and not pushed.done():
                threading.Event().wait(0.001)
            return pushed

        try:
            yield push
        finally:
            sink.open.set()


def test_each_request_is_answered_for_itself() -> None:
    """Requests read together are each answered in the order of their own items, counted from 0."""
    sink = MemorySink()
    with _running(sink) as worker, _held(sink, worker) as push:
        pushed = [push(_event(f"{n}-a"), _event(f"{n}-b", created_at="soon"), _event(f"{n}-c")) for n in range(5)]
        sink.open.set()
        for number, answers in enumerate(each.result(PATIENCE) for each in pushed):
            assert [(a.index, a.ticket_id, a.accepted) for a in answers] == [
                (0, f"{number}-a", True),
                (1, f"{number}-b", False),
                (2, f"{number}-c", True),
            ]
            assert answers[1].reject is not None
            assert answers[1].reject.reason is RejectReason.BAD_TIME
    assert len(sink.commits) == 2


def test_what_waits_shares_one_write() -> None:
    """All that came while the disk was busy is written together, sources apart, in the order it came."""
    sink = MemorySink()
    with _running(sink) as worker, _held(sink, worker) as push:
        pushed = [push(_event(f"T{n}"), source=("desk", "app")[n % 2]) for n in range(10)]
        sink.open.set()
        assert all(answer.accepted for each in pushed for answer in each.result(PATIENCE))
    assert [[part.source for part in commit] for commit in sink.commits] == [["desk"], ["desk", "app"]]
    assert sink.ids() == ["first", "T0", "T2", "T4", "T6", "T8", "T1", "T3", "T5", "T7", "T9"]


def test_refused_items_keep_their_originals() -> None:
    """A refused item is filed with what was sent, under the id it gave itself; tickets are of the jurisdiction."""
    sink = MemorySink()
    with _running(sink) as worker:
        worker.push("desk", [_event("A"), "no object", _event("B", category="")], [b"a", b"b", b"c"])
    (part,) = sink.commits[0]
    assert [(each.ticket_id, each.original, each.source) for each in part.refused] == [
        ("", b"b", "desk"),
        ("B", b"c", "desk"),
    ]
    assert (part.tickets.jurisdiction, part.tickets.source) == (CITY, "desk")


def test_what_could_not_be_read_is_filed_with_the_rest() -> None:
    """Items that came without an event in them are filed in the same write, also where nothing else came."""
    sink = MemorySink()
    unread = [Unread(reject=make_reject("desk", 2, "", RejectReason.UNREADABLE_ROW), original=b"{cut")]
    with _running(sink) as worker:
        (answer,) = worker.push("desk", [_event("A")], [b"a"], unread)
        assert worker.push("desk", [], [], unread) == []
    assert answer.accepted
    assert [
        [(each.original, each.reject.row) for part in commit for each in part.refused] for commit in sink.commits
    ] == [
        [(b"{cut", 2)],
        [(b"{cut", 2)],
    ]
    assert sink.ids() == ["A"]


@pytest.mark.parametrize("failure", [StoreBusyError("disk full", 10, "磁盘已满"), ZeroDivisionError("defect")])
def test_a_refused_write_reaches_everyone_who_waits(failure: Exception) -> None:
    """When the store refuses, or fails, all of that write hear of it, nothing is taken, and the worker goes on."""
    sink = MemorySink()
    with _running(sink) as worker:
        with _held(sink, worker) as push:
            sink.failures = [None, failure]
            pushed = [push(_event(f"T{n}"), source=("desk", "app")[n % 2]) for n in range(4)]
            sink.open.set()
            assert [each.exception(PATIENCE) for each in pushed] == [failure] * 4
        assert _push(worker, _event("after"))[0].accepted
    assert sink.ids() == ["first", "after"]


@pytest.mark.parametrize(
    ("source", "error"), [("nowhere", UnknownNameError), ("broken", StoreBusyError)], ids=["unknown", "broken"]
)
def test_a_source_that_cannot_be_read_fails_alone(source: str, error: type[Exception]) -> None:
    """A request of an unknown source, or of one whose mapping cannot be used, fails; those read beside it do not."""
    sink = MemorySink()
    with _running(sink) as worker, _held(sink, worker) as push:
        good = [push(_event("T0")), push(_event("T1"), source="app")]
        bad = [push(_event("X"), source=source) for _ in range(2)]
        good.append(push(_event("T2")))
        sink.open.set()
        assert [type(each.exception(PATIENCE)) for each in bad] == [error, error]
        assert all(answer.accepted for each in good for answer in each.result(PATIENCE))
    assert sink.ids() == ["first", "T0", "T2", "T1"]


def test_a_broken_mapping_is_told_to_the_operator(caplog: pytest.LogCaptureFixture) -> None:
    """Who pushes is asked to come back and sees no path of ours; the log says it once for as long as it is the same."""
    sink = MemorySink()
    with _running(sink) as worker, caplog.at_level(logging.WARNING, "warning.runtime.intake"):
        for _ in range(3):
            with pytest.raises(StoreBusyError) as refused:
                _push(worker, _event("A"), source="broken")
    assert refused.value.retry_after == BROKEN_MAPPING_SECONDS
    assert "yaml" not in f"{refused.value} {refused.value.zh}"
    (record,) = caplog.records
    assert "broken.yaml" in record.__dict__["problem"]


def test_a_request_that_breaks_the_reader_fails_alone() -> None:
    """What brings a defect of the reader to light is refused by itself; requests of the same source are taken."""
    sink = MemorySink()
    with _running(sink, reader=PoisonedReader) as worker, _held(sink, worker) as push:
        good, bad = [push(_event("T0"))], push("poison")
        good.append(push(_event("T1")))
        sink.open.set()
        assert isinstance(bad.exception(PATIENCE), ZeroDivisionError)
        assert [each.result(PATIENCE)[0].ticket_id for each in good] == ["T0", "T1"]
    assert sink.ids() == ["first", "T0", "T1"]


def test_the_queue_has_a_limit() -> None:
    """What would wait beyond the limit is refused with a time to come again; when the queue is empty it is taken."""
    sink = MemorySink()
    with _running(sink, most_waiting=5) as worker:
        with _held(sink, worker) as push:
            waits = push(*(_event(f"T{n}") for n in range(4)))
            with pytest.raises(StoreBusyError) as refused:
                _push(worker, _event("more"))
            assert refused.value.retry_after >= 1
            sink.open.set()
            assert len(waits.result(PATIENCE)) == 4
        assert _push(worker, _event("more"))[0].accepted
    assert sink.ids() == ["first", "T0", "T1", "T2", "T3", "more"]


def test_a_request_larger_than_the_queue_is_taken_alone() -> None:
    """A request that no queue could hold passes when nothing waits, so that a limit never refuses it for ever."""
    sink = MemorySink()
    with _running(sink, most_waiting=5) as worker:
        assert len(_push(worker, *(_event(f"T{n}") for n in range(20)))) == 20


def test_a_go_is_bounded() -> None:
    """No more requests are read together than make up one go, so that the first does not wait for all."""
    sink = MemorySink()
    half = MOST_TOGETHER // 2 + 1
    with _running(sink, most_waiting=10 * half) as worker, _held(sink, worker) as push:
        pushed = [push(*(_event(f"{n}-{i}") for i in range(half))) for n in range(3)]
        sink.open.set()
        assert [len(each.result(PATIENCE)) for each in pushed] == [half] * 3
    assert [sum(len(part.tickets) for part in commit) for commit in sink.commits] == [1, 2 * half, half]


def test_stop_writes_what_waits() -> None:
    """What was pushed before the stop is written and answered; what comes after is refused."""
    sink = MemorySink()
    with _running(sink) as worker, _held(sink, worker) as push:
        waits = push(_event("T0"))
        threading.Timer(0.05, sink.open.set).start()
        worker.stop()
        assert waits.result(PATIENCE)[0].accepted
        with pytest.raises(StoreBusyError):
            _push(worker, _event("T1"))
    assert sink.ids() == ["first", "T0"]


def test_validation_takes_nothing() -> None:
    """A validation answers as a push would, and nothing is written."""
    sink = MemorySink()
    with _running(sink) as worker:
        answers = worker.validate("desk", [_event("A"), _event("B", created_at="2099-01-01T00:00:00Z")])
        assert [answer.accepted for answer in answers] == [True, False]
        with pytest.raises(UnknownNameError):
            worker.validate("nowhere", [_event("A")])
    assert sink.commits == []


def test_a_row_s_later_life_is_written_with_it() -> None:
    """An item that tells of its closing becomes two events of one ticket and one answer."""
    sink = MemorySink()
    with _running(sink) as worker:
        answers = _push(worker, _event("A", closed_at="2023-11-19T13:00:00Z"), _event("A"))
    assert [answer.index for answer in answers] == [0, 1]
    assert sorted(sink.ids()) == ["A", "A", "A"]


def test_a_reject_tells_where_its_item_stood_in_its_own_request() -> None:
    """Requests that are read together are answered with their own row numbers, and filed with their own originals."""
    good, bad = _event("good"), {"ticket_id": "bad", "category": "Noise"}
    first = Submission("desk", [good, bad], [b"first good", b"first bad"])
    second = Submission("desk", [bad, good], [b"second bad", b"second good"])
    judged = TicketReader(CITY, mapping_of, None, lambda: START).judge("desk", [first, second])
    rows = [[None if each.reject is None else each.reject.row for each in answers] for _, answers in judged.answers]
    assert rows == [[None, 2], [1, None]]
    assert [(each.reject.row, each.original) for each in judged.refused] == [(2, b"first bad"), (1, b"second bad")]
