"""A term after a clean hand-over: all that was appended is copied, and the clock goes on where it stood."""

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition

from streams.clock.term import Term
from streams.connection import REBALANCE_SECONDS, aiokafka_options
from streams.log_topic import LogTopic
from streams.records import Flushed, encode
from streams.sending import Sender
from streams.topics import Name, topics
from tests.cluster.topics import produce, read, smaller
from warning.domain.bucket import MINUTE_MS, QUARTER_MS
from warning.engine.records import Tick
from warning.runtime.clock import now_ms
from warning.settings import Settings
from warning.store.logfile import decode_record, encode_record

STEPS = 8
"""Far more than it takes to hear what is there."""


@pytest.fixture
def settings(kafka_settings: Settings, tmp_path: Path) -> Settings:
    return smaller(kafka_settings, tmp_path, partitions=1, inputs=1)


def _say(settings: Settings, at: int, offset: int, latest: int | None) -> None:
    """Say that both inputs were read to their ends at a moment."""
    names = [topics(settings)[name].name for name in (Name.RAW, Name.PUSHED)]
    said = [Flushed(topic=each, partition=0, next_offset=offset, latest=latest, at=at, end=True) for each in names]
    produce(settings, Name.FLUSHED, [(encode(each), 0, []) for each in said])


async def _term(settings: Settings, clock: int) -> None:
    """Lead for some steps, then hand over with nothing left to copy."""
    table = topics(settings)
    elected = AIOKafkaConsumer(
        **aiokafka_options(settings),
        group_id=f"{settings.kafka.prefix}sequencer",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    sender = Sender(settings)
    await elected.start()
    elected.assign([TopicPartition(table[Name.CLOCK].name, 0)])
    await sender.start()
    term = Term(
        settings, elected=elected, sender=sender, log=LogTopic(table[Name.TICKETS].name, 1), clock=lambda: clock
    )
    try:
        await term.begin()
        for _ in range(STEPS):
            await term.step()
    finally:
        await term.end()
        await sender.stop()
        await elected.stop()


def _ticks(settings: Settings) -> Sequence[Tick]:
    found = [decode_record(each.value or b"", each.place) for each in read(settings, Name.CLOCK)]
    return [each for each in found if isinstance(each, Tick)]


@pytest.fixture
def first(settings: Settings) -> Tick:
    """A tick that was written and copied in a term that is over."""
    number = (now_ms() // QUARTER_MS - 4) * QUARTER_MS // MINUTE_MS
    tick = Tick(jurisdiction="city", number=number, watermark=number * MINUTE_MS, read_to=number * MINUTE_MS + 1)
    produce(settings, Name.CLOCK, [(encode_record(tick), 0, [])])
    asyncio.run(_term(settings, tick.watermark))
    assert _ticks(settings) == [tick]
    return tick


def _moment(settings: Settings, watermark: int) -> int:
    return watermark + settings.engine.lateness_minutes * MINUTE_MS


def test_the_next_term_goes_on_from_the_last_tick(settings: Settings, first: Tick) -> None:
    """Tickets that were flushed just before the hand-over bring a tick at once; how far was read does not go back."""
    now = _moment(settings, first.watermark + 2 * MINUTE_MS)
    _say(settings, now, 9, first.read_to - QUARTER_MS)
    asyncio.run(_term(settings, now))
    (_, second) = _ticks(settings)
    assert (second.number, second.read_to) == (first.number + 2, first.read_to)


def test_quarters_close_after_a_hand_over_though_no_ticket_has_come(settings: Settings, first: Tick) -> None:
    """Workers that began anew and have read nothing say no event time: the clock goes on all the same."""
    now = _moment(settings, first.watermark + 2 * QUARTER_MS)
    _say(settings, now, 5, None)
    asyncio.run(_term(settings, now))
    (_, second) = _ticks(settings)
    assert (second.watermark, second.read_to) == (first.watermark + 2 * QUARTER_MS, first.read_to)


class _Holding(ConsumerRebalanceListener):  # type: ignore[misc]
    """Keeps the clock until the step in hand has ended, as the sequencer does."""

    def __init__(self) -> None:
        self.asked, self.ended = asyncio.Event(), asyncio.Event()

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        if revoked:
            self.asked.set()
            await self.ended.wait()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        pass


def test_a_term_is_over_when_the_group_asks_for_the_clock(settings: Settings) -> None:
    """A step amid which another worker joins ends long before the group gives up on this one."""
    asyncio.run(_taken_away(settings))


async def _taken_away(settings: Settings) -> None:
    table, group = topics(settings), f"{settings.kafka.prefix}sequencer"
    options = aiokafka_options(settings) | {"group_id": group, "enable_auto_commit": False}
    elected, other = (AIOKafkaConsumer(**options, auto_offset_reset="earliest") for _ in range(2))
    sender, holding = Sender(settings), _Holding()
    elected.subscribe([table[Name.CLOCK].name], listener=holding)
    other.subscribe([table[Name.CLOCK].name])
    await elected.start()
    await sender.start()
    log = LogTopic(table[Name.TICKETS].name, 1)
    term = Term(settings, elected=elected, sender=sender, log=log, clock=now_ms)
    await term.begin()
    joining = asyncio.create_task(other.start())
    try:
        await asyncio.wait_for(holding.asked.wait(), 60)
        step = asyncio.create_task(term.step())
        done, _ = await asyncio.wait({step}, timeout=REBALANCE_SECONDS / 2)
        assert done
        assert isinstance(step.exception(), TimeoutError)
    finally:
        holding.ended.set()
        await asyncio.wait({joining}, timeout=60)
        await term.end()
        await sender.stop()
        await elected.stop()
        await other.stop()
