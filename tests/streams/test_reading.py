"""Ranges of partitions, read from a real broker."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest
from aiokafka.errors import KafkaError

from streams.reading import Ends, LogLostError, Message, RangeGoneError, RangeReader
from tests.kafka.broker import free_ports
from tests.streams.places import make, trim, write
from warning.domain.bucket import HOUR_MS
from warning.runtime.clock import now_ms
from warning.settings import Settings

VALUES = [b"value %d" % number for number in range(1200)]


async def collected(settings: Settings, topic: str, first: int, until: int | None = None) -> list[Message]:
    async with aclosing(RangeReader(settings).read(topic, 0, first, until)) as messages:
        return [message async for message in messages]


@pytest.mark.parametrize(
    ("first", "until", "wanted"),
    [
        (0, None, range(1200)),
        (700, None, range(700, 1200)),
        (3, 705, range(3, 705)),
        (5, 5, range(0)),
        (1200, None, range(0)),
    ],
    ids=["all", "the rest", "a range", "nothing", "at the end"],
)
def test_a_range_is_read_exactly(kafka_settings: Settings, first: int, until: int | None, wanted: range) -> None:
    """From the first offset up to the last, which is not included; None is the present end."""
    topic = make(kafka_settings, "log")
    write(kafka_settings, topic, VALUES)
    found = asyncio.run(collected(kafka_settings, topic, first, until))
    assert [(message.offset, message.value) for message in found] == [(at, VALUES[at]) for at in wanted]


def test_a_record_comes_with_everything_that_is_known_of_it(kafka_settings: Settings) -> None:
    """Topic, partition, key, headers and time of a record are the broker's."""
    topic = make(kafka_settings, "log", partitions=2)
    write(kafka_settings, topic, [b"a"], partition=1, timestamps=[1_700_000_000_123])

    async def read() -> list[Message]:
        async with aclosing(RangeReader(kafka_settings).read(topic, 1, 0)) as messages:
            return [message async for message in messages]

    assert asyncio.run(read()) == [Message(topic, 1, 0, b"0", b"a", (("n", b"0"),), 1_700_000_000_123)]


def test_what_retention_deleted_is_named(kafka_settings: Settings) -> None:
    """A range whose beginning is gone is never read as if it were whole: the error says what is gone and what to do."""
    topic = make(kafka_settings, "log")
    write(kafka_settings, topic, VALUES[:50])
    trim(kafka_settings, topic, 20)
    with pytest.raises(RangeGoneError, match=rf"{topic}/0: the records 5 to 19 .*backup") as raised:
        asyncio.run(collected(kafka_settings, topic, 5))
    assert (raised.value.first, raised.value.oldest) == (5, 20)
    assert "5 到 19" in raised.value.zh
    assert len(asyncio.run(collected(kafka_settings, topic, 20))) == 30
    assert asyncio.run(collected(kafka_settings, topic, 5, 5)) == []


def test_a_topic_that_was_made_anew_is_noticed(kafka_settings: Settings) -> None:
    """A state of more records than there are is not taken for one that has nothing to do."""
    topic = make(kafka_settings, "log")
    write(kafka_settings, topic, VALUES[:3])
    with pytest.raises(LogLostError, match="ends at 3, but what is stored is of 4"):
        asyncio.run(collected(kafka_settings, topic, 4))


def test_bounds_and_ends_are_the_brokers(kafka_settings: Settings) -> None:
    """The oldest offset that is kept and the next one, of each partition, as they are and as they become."""
    topic = make(kafka_settings, "log", partitions=2)
    write(kafka_settings, topic, VALUES[:9])
    trim(kafka_settings, topic, 4)

    async def ends() -> list[dict[int, int]]:
        tells = Ends(kafka_settings)
        await tells.start()
        try:
            before = await tells.of(topic, [0, 1])
            await asyncio.to_thread(write, kafka_settings, topic, VALUES[:2], 1)
            return [before, await tells.of(topic, [0, 1]), await tells.of(topic, [])]
        finally:
            await tells.stop()

    reader = RangeReader(kafka_settings)
    assert asyncio.run(reader.all_bounds(topic, [0, 1])) == {0: (4, 9), 1: (0, 0)}
    assert asyncio.run(reader.bounds(topic, 0)) == (4, 9)
    assert asyncio.run(ends()) == [{0: 9, 1: 0}, {0: 9, 1: 2}, {}]


def test_partitions_are_counted(kafka_settings: Settings) -> None:
    """A topic that is not there has none."""
    topic = make(kafka_settings, "log", partitions=3)
    reader = RangeReader(kafka_settings)
    assert asyncio.run(reader.partitions(topic)) == 3
    assert asyncio.run(reader.partitions(f"{topic}-not")) == 0


@pytest.mark.parametrize(("at", "wanted"), [(0, 0), (2_000, 1), (2_001, 2), (9_000, 3)])
def test_a_time_is_a_place(kafka_settings: Settings, at: int, wanted: int) -> None:
    """The first record written at or after it; the end where there is none."""
    topic = make(kafka_settings, "log")
    start = now_ms() - HOUR_MS  # what is older than a topic keeps may be gone before it is read
    write(kafka_settings, topic, VALUES[:3], timestamps=[start + 1_000, start + 2_000, start + 3_000])
    assert asyncio.run(RangeReader(kafka_settings).at_time(topic, 0, start + at)) == wanted


def test_brokers_that_stay_away_end_the_patience() -> None:
    """Nobody waits for ever for an address where nothing listens."""
    (port,) = free_ports(1)
    settings = Settings.model_validate({"kafka": {"bootstrap": f"127.0.0.1:{port}"}})
    reader = RangeReader(settings, patience=1.0)
    with pytest.raises(KafkaError):
        asyncio.run(reader.bounds("log", 0))
    with pytest.raises(KafkaError):
        asyncio.run(reader.partitions("log"))
