"""Where the log begins, on a real broker."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from streams.admin import apply_topics
from streams.detect.beginning import LogBeginning
from streams.generations import Generation, GenerationGoneError, generations
from streams.poison import PoisonTopic, key_of
from streams.reading import RangeGoneError, RangeReader
from streams.records import Poison, encode
from streams.sending import Sender
from streams.topics import Name, topics
from tests.cluster.logs import LogWriter
from tests.streams.places import delete, make, trim
from tests.warning.engine.tickets import CITY, START, STEP, Row, columns, tick
from warning.settings import Settings

NUMBER = START // STEP


@pytest.fixture
def settings(kafka_settings: Settings) -> Settings:
    """A log of two partitions: five ticks, each after a batch."""
    told = kafka_settings.model_dump() | {"jurisdiction": CITY, "zone": "UTC"}
    told["kafka"] |= {"partitions": 2}
    told["engine"] |= {"shards": 8}
    made = Settings.model_validate(told)
    apply_topics(made)
    writer = LogWriter(made)
    for number in range(5):
        rows = [Row(time=START, id=f"{number}{name}", category=name) for name in "abcdefgh"]
        writer.write([columns(rows), tick(NUMBER + number, START)])
    writer.close()
    return made


def beginning(settings: Settings, name: str = "tickets") -> tuple[LogBeginning, list[Generation]]:
    reader = RangeReader(settings)
    found = asyncio.run(generations(reader, settings, name))
    return LogBeginning(reader, settings, found), found


def test_a_whole_log_begins_with_its_first_record(settings: Settings) -> None:
    """Nothing is passed over, and history ends where the first tick is."""
    log, found = beginning(settings)
    assert found == [Generation(topic=topics(settings)[Name.TICKETS].name, partitions=2)]
    whole = asyncio.run(log.whole(1, (1, 3, 5, 7)))
    assert (whole.offset, whole.clock, whole.spans) == (0, -1, [])
    assert asyncio.run(log.common_clock()) == 0
    assert asyncio.run(log.live_since(-1)) == NUMBER * STEP
    assert asyncio.run(log.live_since(2)) == (NUMBER + 3) * STEP
    assert asyncio.run(log.live_since(4)) is None


def test_a_log_that_lost_its_beginning_is_no_whole_one(settings: Settings) -> None:
    """It is refused by name; what is kept begins at the first tick that every partition still has."""
    topic = topics(settings)[Name.TICKETS].name
    _, end = asyncio.run(RangeReader(settings).bounds(topic, 1))
    trim(settings, topic, end - 2, partition=1)
    log, _ = beginning(settings)
    with pytest.raises(RangeGoneError, match=f"{topic}/1"):
        asyncio.run(log.whole(1, (1, 3, 5, 7)))
    assert asyncio.run(log.whole(0, (0, 2, 4, 6))).offset == 0
    common = asyncio.run(log.common_clock())
    assert common == 4
    kept = asyncio.run(log.kept(1, common))
    assert (kept.offset, kept.clock) == (end - 2, 3)


def test_older_generations_are_read_first(settings: Settings) -> None:
    """Of every older partition that has one of the shards, to its end; poison is left out."""
    topic = make(settings, "tickets.g2", partitions=3)
    log, found = beginning(settings, "tickets.g2")
    assert [each.partitions for each in found] == [2, 3]
    assert found[-1].topic == topic
    begin = asyncio.run(log.whole(1, (1, 4, 7)))
    assert [(span.partition, span.first) for span in begin.spans[0]] == [(0, 0), (1, 0)]

    async def read() -> list[int]:
        poison = await PoisonTopic(RangeReader(settings), settings).refresh()
        async with aclosing(log.older(begin, poison)) as records:
            return [clock async for record, clock in records if record == tick(NUMBER + clock, START)]

    assert asyncio.run(read()) == [0, 1, 2, 3, 4]


def test_an_older_generation_that_was_deleted_is_missed(settings: Settings) -> None:
    """A beginning with everything is refused by the topic's name; what is kept begins in the present generation."""
    make(settings, "tickets.g2", partitions=3)
    older = topics(settings)[Name.TICKETS].name
    delete(settings, older)
    log, found = beginning(settings, "tickets.g2")
    assert [each.gone for each in found] == [True, False]
    with pytest.raises(GenerationGoneError, match=older) as error:
        asyncio.run(log.whole(1, (1, 4, 7)))
    assert "已被删除" in error.value.zh
    assert asyncio.run(log.common_clock()) == 1


def test_poison_is_read_as_a_whole_and_then_what_is_new(settings: Settings) -> None:
    """A later record of a batch replaces the earlier one."""

    async def story() -> None:
        known = PoisonTopic(RangeReader(settings), settings)
        sender = Sender(settings)
        await sender.start()
        try:
            assert (await known.refresh()).of("tickets", 1, 7) == frozenset()
            for rows in ([2], [2, 5]):
                poison = Poison(topic="tickets", partition=1, offset=7, rows=rows, at=0, reason="test")
                await sender.send(known.topic, encode(poison), key=key_of(poison))
                await sender.settle()
                assert (await known.refresh()).of("tickets", 1, 7) == frozenset(rows)
            assert sender.failure is None
            fresh = PoisonTopic(RangeReader(settings), settings)
            assert (await fresh.refresh()).of("tickets", 1, 7) == frozenset({2, 5})
        finally:
            await sender.stop()

    asyncio.run(story())
