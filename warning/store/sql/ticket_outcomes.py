"""What became of tickets, many rows at a time: on PostgreSQL by COPY, else by INSERT."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, select

from warning.engine.records import OUTCOME_ORDER
from warning.store.sql import meta
from warning.store.sql.database import Database
from warning.store.sql.postgres_copy import merge_tickets
from warning.store.sql.statements import insert
from warning.store.sql.tables import meta as meta_table
from warning.store.sql.tables import tickets

_OUTCOMES = [outcome.value for outcome in OUTCOME_ORDER]


class TicketRow(NamedTuple):
    """One ticket as received, or several receipts of it: the first outcome, the last, and how many there were."""

    source: str
    ticket_id: str
    outcome: str
    last_outcome: str
    received_ms: int
    created_ms: int
    category: str
    area: str
    times_received: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeBatch:
    """What became of the tickets of one record of a cluster's log: columns of equal length.

    log : name of the log's topic, whose partition and offset these are
    outcomes : positions in :data:`warning.engine.records.OUTCOME_ORDER`
    """

    log: str
    partition: int
    offset: int
    source: str
    received_ms: int
    ticket_ids: Sequence[str]
    times: Sequence[int]
    categories: Sequence[str]
    areas: Sequence[str]
    outcomes: Sequence[int]

    def rows(self) -> Iterator[TicketRow]:
        """Yield a row a ticket."""
        columns = (self.ticket_ids, self.outcomes, self.times, self.categories, self.areas)
        for ticket_id, code, time, category, area in zip(*columns, strict=True):
            said = _OUTCOMES[code]
            yield TicketRow(self.source, ticket_id, said, said, self.received_ms, time, category, area)


class TicketOutcomes:
    """Stores batches, each once, in the order of their partition."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def store(self, batches: Iterable[OutcomeBatch]) -> int:
        """Store what became of tickets, all of it or nothing; returns how many receipts were new.

        Batches of a partition come by ascending offset. One that is not beyond the last stored was delivered before,
        and counts nothing.
        """
        with self._database.write(alone=False) as connection:
            fresh = _fresh(connection, batches)
            store_tickets(connection, (row for batch in fresh for row in batch.rows()))
        return sum(len(batch.ticket_ids) for batch in fresh)

    def applied(self, log: str, partition: int) -> int | None:
        """Return the offset of the last batch stored of a partition."""
        with self._database.read() as connection:
            value = meta.get(connection, _key(log, partition))
        return None if value in {None, _NONE} else int(value or 0)


_NONE = "-1"


def _key(log: str, partition: int) -> str:
    return f"outcomes:{log}/{partition}"


def _fresh(connection: Connection, batches: Iterable[OutcomeBatch]) -> list[OutcomeBatch]:
    """Return the batches not stored yet, and note that they are; whoever else stores the same ones waits."""
    coming = list(batches)
    stored = {key: _locked(connection, key) for key in sorted({_key(batch.log, batch.partition) for batch in coming})}
    before = dict(stored)
    fresh = []
    for batch in coming:
        key = _key(batch.log, batch.partition)
        if batch.offset > stored[key]:
            stored[key] = batch.offset
            fresh.append(batch)
    for key, offset in stored.items():
        if offset != before[key]:
            meta.put(connection, key, offset)
    return fresh


def _locked(connection: Connection, key: str) -> int:
    """Return the last offset stored, and keep it until the transaction is over."""
    first = insert(connection, meta_table).values(key=key, value=_NONE).on_conflict_do_nothing()
    connection.execute(first)
    wanted = select(meta_table.c.value).where(meta_table.c.key == key).with_for_update()
    return int(connection.execute(wanted).scalar_one())


def store_tickets(connection: Connection, received: Iterable[TicketRow]) -> None:
    """Keep what became of each ticket the first time, and add what became of it now."""
    rows = _by_ticket(received)
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        merge_tickets(connection, rows)
        return
    statement = insert(connection, tickets)
    again = {
        "last_outcome": statement.excluded.last_outcome,
        "times_received": tickets.c.times_received + statement.excluded.times_received,
    }
    statement = statement.on_conflict_do_update(index_elements=["source", "ticket_id"], set_=again)
    connection.execute(statement, [row._asdict() for row in rows])


def _by_ticket(received: Iterable[TicketRow]) -> list[TicketRow]:
    """Join the receipts of each ticket; sorted, so that two writers lock rows in the same order."""
    found: dict[tuple[str, str], TicketRow] = {}
    for row in received:
        known = found.setdefault(row[:2], row)
        if known is not row:
            times = known.times_received + row.times_received
            found[row[:2]] = known._replace(last_outcome=row.last_outcome, times_received=times)
    return [found[key] for key in sorted(found)]
