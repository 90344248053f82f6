"""The way in of the embedded runtime: what platforms push becomes durable log records before it is answered.

Requests that come at the same time are read together and share one commit, so that a thousand small ones cost no more
than one large one.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from warning.domain.errors import InvalidInputError, UnknownNameError
from warning.intake.columns import TicketColumns
from warning.intake.events import normalise_events
from warning.intake.normalise import Normaliser
from warning.intake.refusals import shown
from warning.service.ports import ItemAnswer, StoreBusyError, Unread
from warning.store.sql.dead_letters import Refused

if TYPE_CHECKING:
    from warning.domain.area import AreaRegister
    from warning.intake.mapping import Mapping
    from warning.intake.normalise import Normalised
    from warning.runtime.clock import Clock

_LOG = logging.getLogger(__name__)

MOST_TOGETHER = 5_000
"""Items read in one go: enough that the cost of a go vanishes, few enough that the first does not wait long."""


BROKEN_MAPPING_SECONDS = 60
"""A person has to correct a mapping: to send again sooner would be in vain."""


@dataclass(slots=True)
class Submission:
    """What one request brought."""

    source: str
    events: Sequence[object]
    originals: Sequence[bytes]
    unread: Sequence[Unread] = ()
    answer: Future[list[ItemAnswer]] = field(default_factory=Future)

    def __len__(self) -> int:
        return len(self.events) + len(self.unread)


@dataclass(slots=True)
class Judged:
    """What some submissions of one source became: the tickets to write, and who is answered what."""

    source: str
    tickets: TicketColumns
    refused: list[Refused]
    answers: list[tuple[Submission, list[ItemAnswer]]]


class Sink(Protocol):
    """Makes judged items durable; raises StoreBusyError when it cannot, and has then taken nothing."""

    def write(self, judged: Sequence[Judged]) -> None:
        """Append the tickets to the log and file the refused items, together or not at all."""


class TicketReader:
    """Reads pushed events by the mapping of their source."""

    def __init__(
        self,
        jurisdiction: str,
        mapping_of: Callable[[str], Mapping],
        register: AreaRegister | None,
        clock: Clock,
    ) -> None:
        self.jurisdiction = jurisdiction
        self._mapping_of = mapping_of
        self._register = register
        self._clock = clock
        self._normalisers: dict[str, Normaliser] = {}
        self._broken: dict[str, str] = {}

    def judge(self, source: str, submissions: Sequence[Submission]) -> Judged:
        """Read what several requests brought of one source, and answer each by itself."""
        events = [event for submission in submissions for event in submission.events]
        normalised = self._normalised(source, events)
        answers = iter(_answers(events, normalised))
        parted = [
            (each, [answer.at(index) for index, answer in enumerate(islice(answers, len(each.events)))])
            for each in submissions
        ]
        refused = [letter for submission, own in parted for letter in _letters(source, submission, own)]
        events_read = [part for part in (normalised.tickets, normalised.life) if len(part)]
        tickets = TicketColumns.joined(events_read) if events_read else normalised.tickets
        return Judged(source, replace(tickets, jurisdiction=self.jurisdiction), refused, parted)

    def _normalised(self, source: str, events: Sequence[object]) -> Normalised:
        mapping = self._mapping(source)
        normaliser = self._normalisers.get(source)
        if normaliser is None or normaliser.mapping is not mapping:
            normaliser = self._normalisers[source] = Normaliser(mapping, register=self._register)
        return normalise_events(events, normaliser.at(self._clock()), source)

    def _mapping(self, source: str) -> Mapping:
        """Return a source's mapping; raises StoreBusyError, which names no path, while it cannot be used."""
        try:
            mapping = self._mapping_of(source)
        except (InvalidInputError, UnknownNameError) as error:
            if isinstance(error, UnknownNameError) and error.kind == "source":
                raise
            if self._broken.get(source) != str(error):
                _LOG.warning("a mapping cannot be used", extra={"source": source, "problem": str(error)})
            self._broken[source] = str(error)
            raise StoreBusyError(
                f"the mapping of source {source!r} cannot be used at present; tell the service's administrator",
                BROKEN_MAPPING_SECONDS,
                f"来源 {source!r} 的映射目前无法使用,请告知服务管理员。",
            ) from error
        self._broken.pop(source, None)
        return mapping


def _letters(source: str, submission: Submission, answers: Sequence[ItemAnswer]) -> Iterator[Refused]:
    """Yield a request's dead letters: what intake refused, then what could not even be read."""
    for answer, event, original in zip(answers, submission.events, submission.originals, strict=True):
        if answer.reject is not None:
            yield Refused(source=source, ticket_id=_said_id(event), reject=answer.reject, original=original)
    for each in submission.unread:
        yield Refused(source=source, ticket_id="", reject=each.reject, original=each.original)


def _answers(events: Sequence[object], normalised: Normalised) -> list[ItemAnswer]:
    ids = dict(zip(normalised.tickets.row.tolist(), normalised.tickets.ticket_id.tolist(), strict=True))
    rejects = {reject.row: reject for reject in normalised.rejects}
    return [
        ItemAnswer(index=row - 1, ticket_id=ids[row], accepted=True)
        if row in ids
        else ItemAnswer(index=row - 1, ticket_id=shown(_said_id(event)), accepted=False, reject=rejects.get(row))
        for row, event in enumerate(events, start=1)
    ]


def _said_id(event: object) -> str:
    """Return the id a refused item gave itself under the service's own name for it; it may hold anything."""
    given: Any = event.get("ticket_id", "") if isinstance(event, dict) else ""
    return str(given) if isinstance(given, (str, int)) else ""


class IntakeWorker:
    """A thread that judges and writes what was pushed, in the order it came; any thread may push."""

    def __init__(self, reader: TicketReader, sink: Sink, *, most_waiting: int) -> None:
        self._reader = reader
        self._sink = sink
        self._most_waiting = most_waiting
        self._waiting: deque[Submission] = deque()
        self._items = 0
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, then end."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def push(
        self, source: str, events: Sequence[object], originals: Sequence[bytes], unread: Sequence[Unread] = ()
    ) -> list[ItemAnswer]:
        """Return one answer an event once all are durable; raises StoreBusyError and has then taken nothing."""
        submission = Submission(source, events, originals, unread)
        with self._changed:
            if self._stopping or self._items + len(submission) > max(self._most_waiting, len(submission)):
                raise busy()
            self._waiting.append(submission)
            self._items += len(submission)
            self._changed.notify_all()
        return submission.answer.result()

    def validate(self, source: str, events: Sequence[object]) -> list[ItemAnswer]:
        """Say what would become of the items, and take nothing."""
        judged = self._reader.judge(source, [Submission(source, events, [b""] * len(events))])
        return judged.answers[0][1]

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._stopping)
                taken = list(self._take())
                if not taken:
                    return
            self._serve(taken)
            with self._changed:
                self._items -= sum(len(submission) for submission in taken)

    def _take(self) -> Iterable[Submission]:
        items = 0
        while self._waiting and items < MOST_TOGETHER:
            submission = self._waiting.popleft()
            items += len(submission)
            yield submission

    def _serve(self, taken: Sequence[Submission]) -> None:
        """Judge and write; whatever goes wrong is told to those who wait, and the worker goes on."""
        sources = dict.fromkeys(submission.source for submission in taken)
        judged = [part for s in sources for part in self._judge(s, [each for each in taken if each.source == s])]
        answered = [answer for part in judged for answer in part.answers]
        try:
            self._sink.write(judged)
        except BaseException as error:  # noqa: BLE001  every waiting request must hear of it
            for submission, _ in answered:
                submission.answer.set_exception(error)
            return
        for submission, answers in answered:
            submission.answer.set_result(answers)

    def _judge(self, source: str, submissions: Sequence[Submission]) -> list[Judged]:
        """Judge requests of one source together; where that fails each by itself, so that only the cause is refused."""
        try:
            return [self._reader.judge(source, submissions)]
        except BaseException as error:  # noqa: BLE001  who waits must hear of it
            if len(submissions) == 1:
                submissions[0].answer.set_exception(error)
                return []
        return [part for each in submissions for part in self._judge(source, [each])]


def busy() -> StoreBusyError:
    """Say that too much waits already."""
    return StoreBusyError("the service is taking in as much as it can", 1, "服务正忙,请稍后重发。")
