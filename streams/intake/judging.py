"""What was polled from the inputs -> tickets for the log and rejections: everything of a poll that needs no broker."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from streams.failures import frames_of
from streams.intake.decoding import Decoder, Item
from streams.intake.pushed import decode_pushed
from streams.records import Rejected, encode
from warning.domain.reject import RejectReason
from warning.domain.ticket import LifeEvent
from warning.intake.columns import TicketColumns
from warning.intake.envelopes import Fault
from warning.intake.events import normalise_events
from warning.intake.normalise import Normaliser
from warning.store.sql.dead_letters import ticket_key

if TYPE_CHECKING:
    from streams.intake.batching import Batcher
    from streams.intake.sources import Mappings
    from warning.domain.area import AreaRegister
    from warning.domain.reject import Reject
    from warning.intake.mapping import Mapping
    from warning.intake.normalise import Normalised
    from warning.runtime.clock import Clock

_LOG = logging.getLogger(__name__)

Place = tuple[str, int]
"""(topic, partition)."""

MOST_TOGETHER = 20_000
"""Events that are normalised in one go; a record may hold many."""


class Received(NamedTuple):
    """A record as it came."""

    topic: str
    partition: int
    offset: int
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


@dataclass(slots=True)
class Judged:
    """What a poll became.

    batches : (shard, value) for the log, in the order in which they must stand there
    letters : (source, value) for the dead letters
    latest : by input, the largest time at which one of its tickets was created: what a ticket tells of its later life
        must not carry the watermark past the tickets behind it
    tickets : how many tickets, by topic
    reasons : how many refusals, by reason
    heard : by source, the largest event time
    """

    batches: list[tuple[int, bytes]] = field(default_factory=list)
    letters: list[tuple[str, bytes]] = field(default_factory=list)
    latest: dict[Place, int] = field(default_factory=dict)
    tickets: Counter[str] = field(default_factory=Counter)
    reasons: Counter[RejectReason] = field(default_factory=Counter)
    heard: dict[str, int] = field(default_factory=dict)


class _Placed(NamedTuple):
    record: Received
    item: Item


class Judge:
    """Reads polls.

    Parameters
    ----------
    raw, pushed : names of the two inputs
    default : the source of records that name none
    mapping_of : see :class:`streams.intake.sources.Mappings`
    """

    def __init__(
        self,
        *,
        jurisdiction: str,
        raw: str,
        pushed: str,
        default: str,
        mapping_of: Mappings,
        register: AreaRegister | None,
        batcher: Batcher,
        clock: Clock,
    ) -> None:
        self._jurisdiction = jurisdiction
        self._raw, self._pushed = raw, pushed
        self._default = default
        self._mapping_of = mapping_of
        self._register = register
        self._batcher = batcher
        self._clock = clock
        self._normalisers: dict[str, Normaliser] = {}

    def judge(self, records: Sequence[Received]) -> Judged:
        """Read some records; raises StoreBusyError while nobody knows which sources there are, and nothing else."""
        judged = Judged()
        for source, placed in self._by_source([each for each in records if each.topic == self._raw]).items():
            for first in range(0, len(placed), MOST_TOGETHER):
                self._read(judged, source, placed[first : first + MOST_TOGETHER])
        self._take(judged, [record for record in records if record.topic == self._pushed])
        return judged

    def _by_source(self, records: Sequence[Received]) -> dict[str, list[_Placed]]:
        decoder = Decoder(self._default, self._mapping_of.sources.names() if records else ())
        found: dict[str, list[_Placed]] = {}
        for record in records:
            for item in decoder.decode(record.value, record.headers):
                found.setdefault(item.source, []).append(_Placed(record, item))
        return found

    # --- tickets.raw --------------------------------------------------------------------------------------------------

    def _read(self, judged: Judged, source: str, placed: Sequence[_Placed]) -> None:
        mapping = self._mapping_of(source)
        if isinstance(mapping, str):
            fault = Fault(RejectReason.UNKNOWN_SOURCE, "source", mapping)
            placed = [each._replace(item=each.item._replace(event=fault)) for each in placed]
        good: list[_Placed] = []
        for each in placed:
            if isinstance(each.item.event, Fault):
                self._refuse(judged, each.record, source, each.item.event.reject(source, each.item.row))
            else:
                good.append(each)
        if good and not isinstance(mapping, str):
            self._normalise(judged, source, mapping, good)

    def _normalise(self, judged: Judged, source: str, mapping: Mapping, placed: Sequence[_Placed]) -> None:
        try:
            normalised = self._normalised(source, mapping, placed)
        except Exception as error:  # noqa: BLE001  whatever ails one event, it must not stop its partition
            if len(placed) == 1:
                told = {"place": _name_of(placed[0]), "trace": frames_of(error)}
                _LOG.error("an event could not be normalised", extra=told)
                fault = Fault(RejectReason.UNREADABLE_ROW, value=type(error).__name__)
                self._refuse(judged, placed[0].record, source, fault.reject(source, placed[0].item.row))
                return
            half = len(placed) // 2
            self._normalise(judged, source, mapping, placed[:half])
            self._normalise(judged, source, mapping, placed[half:])
            return
        for reject in normalised.rejects:
            record, item = placed[reject.row - 1]
            said = _said_id(item.event, mapping)
            self._refuse(judged, record, source, replace(reject, row=item.row), said)
        tickets, life = self._settled(normalised.tickets, placed), self._settled(normalised.life, placed)
        if len(tickets):
            for place, latest in _latest(normalised.tickets, placed):
                judged.latest[place] = max(judged.latest.get(place, latest), latest)
            parts = [tickets, life] if len(life) else [tickets]
            self._write(judged, self._raw, len(tickets), TicketColumns.joined(parts))

    def _normalised(self, source: str, mapping: Mapping, placed: Sequence[_Placed]) -> Normalised:
        normaliser = self._normalisers.get(source)
        if normaliser is None or normaliser.mapping is not mapping:
            normaliser = self._normalisers[source] = Normaliser(mapping, register=self._register)
        return normalise_events(
            [each.item.event for each in placed],
            normaliser.at(self._clock()),
            source,
            named=lambda row: _name_of(placed[row - 1]),
        )

    def _settled(self, tickets: TicketColumns, placed: Sequence[_Placed]) -> TicketColumns:
        """Return tickets of this jurisdiction, their rows numbered in their own records."""
        rows = np.array([0, *(each.item.row for each in placed)], np.int64)
        return replace(tickets, jurisdiction=self._jurisdiction, row=rows[tickets.row])

    # --- tickets.pushed -----------------------------------------------------------------------------------------------

    def _take(self, judged: Judged, records: Sequence[Received]) -> None:
        found: dict[str, list[TicketColumns]] = {}
        for record in records:
            tickets = decode_pushed(record.value, self._jurisdiction)
            if isinstance(tickets, Fault):
                self._refuse(judged, record, self._default, tickets.reject(self._default, 1))
                continue
            found.setdefault(tickets.source, []).append(tickets)
            created = tickets.time[tickets.kind == LifeEvent.CREATED]
            if len(created):
                place = (record.topic, record.partition)
                judged.latest[place] = max(judged.latest.get(place, 0), int(created.max()))
        for parts in found.values():
            tickets = TicketColumns.joined(parts)
            self._write(judged, self._pushed, int((tickets.kind == LifeEvent.CREATED).sum()), tickets)

    # --- both ---------------------------------------------------------------------------------------------------------

    def _write(self, judged: Judged, topic: str, count: int, tickets: TicketColumns) -> None:
        judged.batches.extend(self._batcher.records(tickets))
        judged.tickets[topic] += count
        judged.heard[tickets.source] = max(judged.heard.get(tickets.source, 0), int(tickets.time.max()))

    def _refuse(self, judged: Judged, record: Received, source: str, reject: Reject, said: str = "") -> None:
        letter = Rejected(
            source=source,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            at=self._clock(),
            reject=reject,
            ticket_key=ticket_key(source, said) if said else None,
        )
        judged.letters.append((source, encode(letter)))
        judged.reasons[reject.reason] += 1


def _name_of(placed: _Placed) -> str:
    """Name a ticket that has no id after its place, so that it is the same ticket whenever it is read again."""
    record, item = placed
    name = f"{record.topic}-{record.partition}-{record.offset}"
    return name if item.row == 1 else f"{name}-{item.row}"


def _latest(tickets: TicketColumns, placed: Sequence[_Placed]) -> Iterator[tuple[Place, int]]:
    """Yield the largest event time of each input partition's tickets, whose rows are those of one reading."""
    places: dict[Place, int] = {}
    codes = np.array(
        [places.setdefault((each.record.topic, each.record.partition), len(places)) for each in placed], np.int64
    )
    latest = np.full(len(places), -1, np.int64)
    np.maximum.at(latest, codes[tickets.row - 1], tickets.time)
    return ((place, time) for place, time in zip(places, latest.tolist(), strict=True) if time >= 0)


def _said_id(event: object, mapping: Mapping) -> str:
    """Return the id that a refused item gave itself, under the service's name for it or the mapping's."""
    if not isinstance(event, dict):
        return ""
    field = mapping.fields.ticket_id
    names = ("ticket_id", *(field.sources() if field is not None else ()))
    given: Any = next((event[name] for name in names if name in event), "")
    return str(given) if isinstance(given, (str, int)) else ""
