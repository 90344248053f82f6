"""The log of a cluster as one."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Sequence

import pytest

from streams.generations import Generation
from streams.merging import Merging, Span
from streams.poison import PoisonRows
from streams.reading import Message
from streams.records import CLOCK_HEADER, Poison
from tests.streams.detect.worlds import messages_of
from tests.warning.engine.tickets import START, STEP, Row, city, columns, engine, feed, log, tick
from warning.domain.errors import InvalidInputError
from warning.engine.records import Record, Tick
from warning.intake.columns import TicketColumns

NUMBER = START // STEP


class InMemory:
    """Partitions in lists."""

    def __init__(self, partitions: Sequence[Sequence[Message]]) -> None:
        self.partitions = partitions

    async def read(
        self, topic: str, partition: int, first: int, until: int | None = None
    ) -> AsyncGenerator[Message, None]:
        for message in self.partitions[partition][first:until]:
            yield message


def spans(partitions: Sequence[Sequence[Message]], *, first: int = 0) -> list[Span]:
    return [
        Span(topic="tickets", partition=number, first=first, until=len(messages))
        for number, messages in enumerate(partitions)
    ]


def merged(
    partitions: Sequence[Sequence[Message]], *, whole: bool = True, poison: PoisonRows | None = None
) -> list[Record]:
    async def read() -> list[Record]:
        merging = Merging(InMemory(partitions), poison or PoisonRows())
        return [record async for record in merging.merge(spans(partitions), whole=whole)]

    return asyncio.run(read())


def outline(records: Sequence[Record]) -> list[object]:
    """Return ticks by how far they are from the first, and batches by their tickets."""
    return [
        each.number - NUMBER if isinstance(each, Tick) else each.ticket_id.tolist()
        for each in records
        if isinstance(each, (Tick, TicketColumns))
    ]


def two_batches_a_tick() -> list[Record]:
    said: list[Record] = []
    for number in range(3):
        rows = [Row(time=START, id=f"{number}{name}", category=name) for name in "abcd"]
        said += [columns(rows), tick(NUMBER + number, START)]
    return said


@pytest.mark.parametrize("partitions", [1, 2, 3, 8])
def test_a_merged_log_says_what_the_log_says(partitions: int) -> None:
    """One engine gives the same signals and alerts of the merged partitions as of the log that was written to them."""
    records = log(city())
    expected = feed(engine(), records)
    found = merged(messages_of(records, Generation(topic="tickets", partitions=partitions)))
    heard = feed(engine(), found)
    assert heard.signals == expected.signals
    assert heard.alerts == expected.alerts != {}
    assert [each for each in found if isinstance(each, Tick)] == [each for each in records if isinstance(each, Tick)]


@pytest.mark.parametrize("seed", range(5))
def test_copies_that_came_again_count_once(seed: int) -> None:
    """A sequencer that begins again writes some ticks twice into some partitions: the merged log is the same."""
    rng = random.Random(seed)
    plain = messages_of(log(city(days=1)), Generation(topic="tickets", partitions=3))
    again: list[list[Message]] = []
    for messages in plain:
        copies: list[Message] = []
        doubled: list[Message] = []
        for message in messages:
            doubled.append(message)
            if dict(message.headers).get(CLOCK_HEADER) is not None:
                copies.append(message)
                if rng.random() < 0.3:
                    doubled += copies[-rng.randrange(1, 4) :]
        again.append(doubled)
    assert sum(map(len, again)) > sum(map(len, plain))
    assert outline(merged(again)) == outline(merged(plain))


def test_it_ends_where_a_tick_has_not_reached_every_partition() -> None:
    """Batches that no common tick follows stand at the end; a tick that only some have is left out."""
    partitions = messages_of(two_batches_a_tick(), Generation(topic="tickets", partitions=2))
    partitions[1] = partitions[1][:-1]
    ticks = [each for each in outline(merged(partitions)) if isinstance(each, int)]
    assert ticks == [0, 1]
    batches = [each for part in outline(merged(partitions)) if isinstance(part, list) for each in part]
    assert sorted(batches) == sorted(f"{number}{name}" for number in range(3) for name in "abcd")
    assert [each for each in outline(merged(partitions, whole=False)) if isinstance(each, int)] == [0, 1, 2]


def test_batches_stand_before_the_tick_that_followed_them() -> None:
    """In each partition, whatever the others hold."""
    seen = outline(merged(messages_of(two_batches_a_tick(), Generation(topic="tickets", partitions=8))))
    number = 0
    for each in seen:
        if isinstance(each, int):
            assert each == number
            number += 1
        else:
            assert isinstance(each, list)
            assert all(name.startswith(str(number)) for name in each)
    assert number == 3


def test_poison_is_left_out() -> None:
    """Its rows only, of its batch only; a batch of nothing else is not there at all."""
    partitions = messages_of(
        [columns([Row(time=START, id=name) for name in "abc"]), tick(NUMBER, START)] * 2,
        Generation(topic="tickets", partitions=1),
    )
    poison = PoisonRows()
    for offset, rows in ((0, [1]), (2, [0, 1, 2])):
        poison.add(Poison(topic="tickets", partition=0, offset=offset, rows=rows, at=0, reason=""))
    poison.add(Poison(topic="tickets.g2", partition=0, offset=0, rows=[0], at=0, reason=""))
    assert outline(merged(partitions, poison=poison)) == [["a", "c"], 0, 0]


def test_a_tick_from_nowhere_is_named() -> None:
    """Only copies of the clock are in order."""
    (messages,) = messages_of([tick(NUMBER, START)], Generation(topic="tickets", partitions=1))
    bare = Message(messages[0].topic, 0, 0, None, messages[0].value, (), 0)
    with pytest.raises(InvalidInputError, match="tickets/0@0"):
        merged([[bare]])
