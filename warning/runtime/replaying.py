"""Refused items through intake again, once what was wrong with them (a mapping, a register) is corrected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import msgspec

from warning.domain.errors import UnknownNameError
from warning.service.ports import DeadLetter, ItemAnswer
from warning.store.sql.dead_letters import SqlDeadLetters

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from warning.domain.reject import Reject
    from warning.runtime.intake import IntakeWorker
    from warning.store.sql.database import Database


class Letters(Protocol):
    """Dead letters and what they were read from."""

    def get(self, ids: Sequence[int]) -> list[DeadLetter]: ...

    def event(self, letter: DeadLetter, *, reader: str, at: datetime) -> tuple[object, bytes] | None:
        """Return what a letter's item is read from (None: no mapping makes a ticket of it), and the original.

        None where the original is gone.
        """
        ...

    def mark_replayed(self, connection: Connection, ids: Sequence[int], at: datetime) -> None: ...


class FiledLetters(SqlDeadLetters):
    """Implements :class:`Letters` where the originals are in the database, too."""

    def event(self, letter: DeadLetter, *, reader: str, at: datetime) -> tuple[object, bytes] | None:
        """See :meth:`Letters.event`."""
        original = self.original(letter.id, reader=reader, at=at)
        return None if original is None else (event_in(original), original)


class Replaying:
    """Implements :class:`warning.service.ports.Replay`.

    now : the service's clock
    """

    def __init__(self, worker: IntakeWorker, letters: Letters, database: Database, now: Callable[[], datetime]) -> None:
        self._worker = worker
        self._letters = letters
        self._database = database
        self._now = now

    def replay(self, letter_ids: Sequence[int], *, actor: str) -> list[ItemAnswer]:
        """Send refused items through intake again; one that would be refused again stays as it is.

        One whose original is gone is answered with its old reason and the advice to send it from the platform; one that
        was replayed before is not sent again. Raises UnknownNameError, before anything is sent, for an id that there is
        not.
        """
        known = {letter.id for letter in self._letters.get(letter_ids)}
        for letter_id in letter_ids:
            if letter_id not in known:
                raise UnknownNameError("rejection", str(letter_id), [])
        return [replace(self._replay_one(each, actor), index=index) for index, each in enumerate(letter_ids)]

    def _replay_one(self, letter_id: int, actor: str) -> ItemAnswer:
        (letter,) = self._letters.get([letter_id])
        if letter.replayed_at is not None:
            return ItemAnswer(index=0, ticket_id="", accepted=True)
        now = self._now()
        found = self._letters.event(letter, reader=actor, at=now)
        if found is None:
            return ItemAnswer(index=0, ticket_id="", accepted=False, reject=_gone(letter.reject))
        answer = self._sent_again(letter, *found)
        if answer.accepted:
            with self._database.write() as connection:
                self._letters.mark_replayed(connection, [letter_id], now)
        return answer

    def _sent_again(self, letter: DeadLetter, event: object, original: bytes) -> ItemAnswer:
        if event is None:
            return ItemAnswer(index=0, ticket_id="", accepted=False, reject=letter.reject)
        answer = self._worker.validate(letter.source, [event])[0]
        return self._worker.push(letter.source, [event], [original])[0] if answer.accepted else answer


def _gone(reject: Reject) -> Reject:
    """Return a letter's reason with what is to be done where only the platform still has the item."""
    return replace(
        reject,
        advice_zh="原文已不再保留 (最多 72 小时);请从来源平台重新发送。",
        advice_en="The original is no longer kept (72 h at most); send it again from the platform.",
    )


def event_in(original: bytes) -> object:
    """Return the event that an original holds; None for one that no mapping makes a ticket: no JSON, or an envelope.

    A CloudEvent is kept as the ticket it carried: one that is kept whole was refused for its envelope.
    """
    try:
        event: object = msgspec.json.decode(original)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return None if isinstance(event, dict) and "specversion" in event else event
