"""The sequencer: of all intake workers the one that the group gives the clock's partition writes ticks and controls."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from mode import Service

from streams.clock.term import Term
from streams.connection import member_options
from streams.metrics import LEADER, TICKS, counter, gauge
from streams.process import or_end_process
from streams.topics import Name, topics
from warning.service.ports import StoreBusyError

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from streams.log_topic import LogTopic
    from streams.sending import Sender
    from warning.runtime.clock import Clock
    from warning.settings import Settings

_WAIT_MS = 250
_AGAIN_SECONDS = 1.0
_STOP_SECONDS = 3.0
_SECOND = 1000

_LOG = logging.getLogger(__name__)


class Sequencer(Service, ConsumerRebalanceListener):  # type: ignore[misc]
    """Stands for election, and does the work while it is elected.

    Parameters
    ----------
    find_log : says where the log is; asked again while the database does not say
    new_sender : makes a sender: every term has its own
    """

    def __init__(
        self,
        settings: Settings,
        *,
        find_log: Callable[[], Awaitable[LogTopic]],
        new_sender: Callable[[], Sender],
        clock: Clock,
        registry: CollectorRegistry,
    ) -> None:
        super().__init__()
        self._settings = settings
        self._topic = topics(settings)[Name.CLOCK].name
        self._find_log = find_log
        self._new_sender = new_sender
        self._clock = clock
        self._leader = gauge(registry, LEADER)
        self._ticks = counter(registry, TICKS)
        self._turn = asyncio.Lock()
        self._elected = False
        self._term: tuple[Term, Sender] | None = None
        self._consumer: AIOKafkaConsumer | None = None
        self._work: asyncio.Task[None] | None = None

    @property
    def leading(self) -> bool:
        """Whether this process writes the ticks."""
        return self._term is not None

    async def on_start(self) -> None:
        """Stand for election."""
        self._consumer = AIOKafkaConsumer(**member_options(self._settings, "sequencer", "intake"))
        self._consumer.subscribe([self._topic], listener=self)
        await self._consumer.start()
        self._work = asyncio.create_task(or_end_process(self._run(self._consumer)))

    async def on_stop(self) -> None:
        """Let another do it."""
        if self._work is not None:
            done, _ = await asyncio.wait([self._work], timeout=_STOP_SECONDS)
            if not done:
                self._work.cancel()
        await self._end_term()
        if self._consumer is not None:
            with suppress(TimeoutError, KafkaError):
                await asyncio.wait_for(self._consumer.stop(), _AGAIN_SECONDS)

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Finish the step in hand, and do no other."""
        self._elected = False
        async with self._turn:
            await self._end_term()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Begin, if it is this one."""
        self._elected = bool(list(assigned))

    async def _run(self, consumer: AIOKafkaConsumer) -> None:
        while not self.should_stop:
            async with self._turn:
                try:
                    await self._step(consumer)
                except (KafkaError, IllegalStateError, StoreBusyError, TimeoutError) as error:
                    _LOG.warning("the clock cannot go on for now", extra={"reason": repr(error)})
                    await self._end_term()
                    await asyncio.sleep(_AGAIN_SECONDS)
            await asyncio.sleep(0)

    async def _step(self, consumer: AIOKafkaConsumer) -> None:
        if not self._elected:
            await asyncio.sleep(_WAIT_MS / _SECOND)
        elif self._term is None:
            await self._begin_term(consumer)
        else:
            await self._term[0].step()

    async def _begin_term(self, consumer: AIOKafkaConsumer) -> None:
        log = await self._find_log()
        sender = self._new_sender()
        await sender.start()
        term = Term(
            self._settings, elected=consumer, sender=sender, log=log, clock=self._clock, on_tick=self._ticks.inc
        )
        self._term = term, sender
        await term.begin()
        self._leader.set(1)
        _LOG.info("this worker writes the ticks now")

    async def _end_term(self) -> None:
        self._leader.set(0)
        if self._term is None:
            return
        (term, sender), self._term = self._term, None
        for part in (term.end, sender.stop):
            with suppress(TimeoutError, KafkaError):
                await asyncio.wait_for(part(), _AGAIN_SECONDS)
