"""The one normaliser of every source: raw cells -> tickets, their later life, rejections and counted repairs."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import polars as pl

from warning.domain.reject import Reject, RejectReason
from warning.domain.ticket import LifeEvent
from warning.intake.areas import AreaReader
from warning.intake.columns import Dictionary, TicketColumns
from warning.intake.damage import settle_flaws
from warning.intake.identity import clean_ids, digest_ids, digests_of, keys_of
from warning.intake.labels import coalesced, read_areas, read_names
from warning.intake.life import CLOCK_TOLERANCE_MS, Later, believable, life_events, without_stale_closings
from warning.intake.names import MAX_NAME
from warning.intake.redact import redact_texts
from warning.intake.refusals import make_reject
from warning.intake.status import read_states
from warning.intake.times import Times, no_times, parse_times

if TYPE_CHECKING:
    from collections import Counter

    from warning.domain.area import AreaRegister
    from warning.intake.columns import IntArray
    from warning.intake.mapping import Mapping, TimeField
    from warning.intake.raw import RawChunk
    from warning.intake.work import Work

OLDEST_MS = 946_684_800_000
"""2000-01-01 UTC: before any hotline's records; an empty time that became 1970 is older."""

MAX_TEXT = 10_000
"""Characters of a ticket's text that are kept."""


Namer: TypeAlias = Callable[[int], str]
"""Gives a ticket that has no id one by its row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalised:
    """What some rows became: each row read is one of ``tickets`` or one of ``rejects``.

    ``life`` holds the events derived from the kept rows (their ``row`` is 0), ``repairs`` counts the repaired cells
    of kept rows by (field, rule).
    """

    tickets: TicketColumns
    life: TicketColumns
    rejects: list[Reject]
    repairs: Counter[tuple[str, str]]

    @property
    def rows(self) -> int:
        """Data rows read."""
        return len(self.tickets) + len(self.rejects)


@dataclass(frozen=True, slots=True)
class _Fields:
    """The fields of every row of a chunk that are not times."""

    ids: pl.Series
    area: Dictionary
    category: Dictionary
    department: Dictionary
    owner: Dictionary
    channel: Dictionary
    text: pl.Series


class Normaliser:
    """Turns raw chunks of one mapping into tickets.

    Parameters
    ----------
    mapping
        How columns become fields.
    register
        The areas that exist; an area it does not know becomes its nearest known ancestor.
    now_ms
        The clock, milliseconds of the epoch; event times more than ten minutes later are refused. None: no limit.
    oldest_ms
        Event times before it are refused.
    """

    def __init__(
        self,
        mapping: Mapping,
        *,
        register: AreaRegister | None = None,
        now_ms: int | None = None,
        oldest_ms: int = OLDEST_MS,
    ) -> None:
        self.mapping = mapping
        self.now_ms = now_ms
        self.oldest_ms = oldest_ms
        self._areas = AreaReader(mapping.area, register)
        self._area_columns = [column for level in mapping.area for column in level.sources()]
        self._sources = mapping.fields.sources() | {"area": tuple(self._area_columns)}

    def at(self, now_ms: int) -> Normaliser:
        """Return the same normaliser at another time; areas read before are remembered by both."""
        other = copy(self)
        other.now_ms = now_ms
        return other

    def normalise(self, chunk: RawChunk, where: str | None = None, *, named: Namer | None = None) -> Normalised:
        """Read a chunk; ``where`` names the input in rejections (default: the mapping's source).

        ``named`` gives a ticket without an id one by its row; by default its content does.
        """
        work = settle_flaws(chunk, self._sources)
        states = read_states(self.mapping, work)
        created = self._created(work)
        closed = self._later(work, "closed_at", self.mapping.fields.closed_at, created)
        updated = self._later(work, "updated_at", self.mapping.fields.updated_at, created)
        later = Later(without_stale_closings(closed, states, work.repairs), updated, states)
        fields = self._fields(work)
        kept = np.flatnonzero(work.refusals.kept)
        tickets = self._tickets(chunk.rows[kept], created.ms[kept], later.take(kept), fields, kept, named)
        return Normalised(
            tickets=tickets,
            life=life_events(tickets, fields.owner.take(kept), later.take(kept)),
            rejects=self._rejects(work, where or self.mapping.source),
            repairs=work.repairs.counts(work.refusals.kept),
        )

    @property
    def _limit_ms(self) -> int | None:
        return None if self.now_ms is None else self.now_ms + CLOCK_TOLERANCE_MS

    def _created(self, work: Work) -> Times:
        field = self.mapping.fields.created_at
        times = parse_times(work.column(field.column), field.formats, self.mapping.zone)
        refuse = work.refusals.mark
        refuse(times.missing, "created_at", RejectReason.MISSING_REQUIRED)
        if times.bad.any():
            formula = work.column(field.column).fill_null("").str.contains(r"^\s*=").to_numpy()
            refuse(times.bad & formula, "created_at", RejectReason.FORMULA_CELL)
        refuse(times.bad, "created_at", RejectReason.BAD_TIME)
        refuse(times.nonexistent, "created_at", RejectReason.NONEXISTENT_LOCAL_TIME)
        refuse(times.known & (times.ms < self.oldest_ms), "created_at", RejectReason.TIME_TOO_OLD)
        if self._limit_ms is not None:
            refuse(times.known & (times.ms > self._limit_ms), "created_at", RejectReason.TIME_IN_FUTURE)
        work.repairs.mark(times.ambiguous, "created_at", "ambiguous_local_time")
        return times

    def _later(self, work: Work, name: str, field: TimeField | None, created: Times) -> IntArray:
        times = no_times(len(work))
        cells = None if field is None else work.column(field.column)
        if field is not None and cells is not None and cells.null_count() < len(cells):
            times = parse_times(cells, field.formats, self.mapping.zone)
        return believable(name, times, created.ms, self._limit_ms, work.repairs)

    def _fields(self, work: Work) -> _Fields:
        fields = self.mapping.fields
        owner = read_names(work, "department", fields.department)
        first = fields.created_department
        return _Fields(
            ids=self._ids(work),
            area=read_areas(work, self._areas, self._area_columns),
            category=read_names(work, "category", fields.category, required=True),
            department=owner if first is None else coalesced(read_names(work, "created_department", first), owner),
            owner=owner,
            channel=read_names(work, "channel", fields.channel),
            text=self._texts(work),
        )

    def _ids(self, work: Work) -> pl.Series:
        field = self.mapping.fields.ticket_id
        if field is None or not field.sources():
            return pl.repeat("", len(work), dtype=pl.String, eager=True)
        ids = clean_ids([work.column(column) for column in field.sources()])
        formula = ids.str.contains(r"^=").to_numpy()
        work.refusals.mark(formula, "ticket_id", RejectReason.FORMULA_CELL)
        work.refusals.mark((ids.str.len_chars() > MAX_NAME).to_numpy(), "ticket_id", RejectReason.TOO_LONG_NAME)
        return ids

    def _texts(self, work: Work) -> pl.Series:
        field = self.mapping.fields.text
        if field is None or not field.sources():
            return pl.repeat("", len(work), dtype=pl.String, eager=True)
        columns = [work.column(column).fill_null("").str.strip_chars() for column in field.sources()]
        texts = columns[0]
        for column in columns[1:]:
            texts = (texts + " " + column).str.strip_chars()
        work.repairs.mark((texts.str.len_chars() > MAX_TEXT).to_numpy(), "text", "text_cut")
        return redact_texts(texts).str.slice(0, MAX_TEXT)  # cut before, half a number would pass

    def _tickets(
        self, rows: IntArray, time: IntArray, later: Later, fields: _Fields, kept: IntArray, named: Namer | None
    ) -> TicketColumns:
        version = np.maximum(time, later.latest)
        ids, text = fields.ids.gather(kept), fields.text.gather(kept)
        area, category = fields.area.take(kept), fields.category.take(kept)
        department, owner, channel = fields.department.take(kept), fields.owner.take(kept), fields.channel.take(kept)
        times = [pl.Series(part).cast(pl.String) for part in (time, later.closed, later.updated, later.states)]
        names = [_spelled(part) for part in (area, category, department, owner, channel)]
        digest = digests_of([ids, *times, *names, text])
        unnamed = (ids == "").arg_true()
        if len(unnamed):
            at = unnamed.to_numpy()
            ids = ids.scatter(unnamed, digest_ids(digest[at]) if named is None else [*map(named, rows[at].tolist())])
        return TicketColumns(
            jurisdiction=self.mapping.jurisdiction,
            source=self.mapping.source,
            row=rows,
            kind=np.full(len(kept), LifeEvent.CREATED, dtype=np.uint8),
            time=time,
            version=version,
            ticket_id=_objects(ids),
            key=keys_of(self.mapping.source, ids),
            digest=digest,
            area=area,
            category=category,
            department=department,
            channel=channel,
            text=_objects(text),
        )

    def _rejects(self, work: Work, where: str) -> list[Reject]:
        unread = [make_reject(where, raw.row, "", raw.reason, raw.value) for raw in work.chunk.rejects]
        refused = work.refusals.rejects(where, work.chunk.rows, lambda field, index: self._cell(work, field, index))
        return sorted(unread + refused, key=lambda reject: reject.row)

    def _cell(self, work: Work, field: str, index: int) -> str:
        cells = (work.column(column)[index] for column in self._sources.get(field, (field,)))
        return " | ".join(cell for cell in cells if cell)


def _spelled(column: Dictionary) -> pl.Series:
    return pl.Series(column.values, dtype=pl.String).gather(column.codes)


def _objects(texts: pl.Series) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    objects = np.empty(len(texts), dtype=np.object_)
    objects[:] = texts.to_list()
    return objects
