"""Where pushed items become durable in a cluster: the broker has them before they are answered."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from kafka import KafkaProducer
from kafka.errors import KafkaError
from kafka.net.compat import KafkaNetClient

from streams.connection import kafka_python_options
from streams.intake.batching import values_of
from streams.records import Rejected, encode
from streams.topics import Name, topics
from warning.runtime.clock import steady_seconds
from warning.service.ports import StoreBusyError
from warning.store.sql.dead_letters import ticket_key

if TYPE_CHECKING:
    from warning.domain.reject import RejectReason
    from warning.runtime.clock import Clock
    from warning.runtime.intake import Judged
    from warning.settings import Settings
    from warning.store.sql.dead_letters import Refused

WAIT_SECONDS = 1.4
"""For the brokers to have what was pushed; whoever waits is answered within 2 s, also who came a moment later."""
_DROP_SECONDS = 0.2
"""For a producer that is fatally wrong to close: whoever pushed waits for it."""
REST_SECONDS = 1.0
"""After brokers did not answer, items are refused at once for so long: requests must not wait for one another."""
STALE_SECONDS = 5.0
"""Other brokers have taken over from one that is away after so long; a producer that sends nothing then never will."""
RETRY_AFTER = 3
_LARGEST = 20 << 20
_BATCH = 1 << 20
_AROUND = 1 << 10
"""Bytes of a record beside its value, at most, and of the batch that it is alone in."""
_MS = 1000

_LOG = logging.getLogger(__name__)


class KafkaSink:
    """Implements :class:`warning.runtime.intake.Sink` with an idempotent producer.

    An answer that brokers gave too late may follow a refusal: then the platform sends again what is there already, and
    the engine counts it once.

    Parameters
    ----------
    refused : called with the reasons of what was refused
    """

    def __init__(
        self, settings: Settings, clock: Clock, refused: Callable[[Iterable[RejectReason]], None] = lambda _: None
    ) -> None:
        self._settings = settings
        table = topics(settings)
        self._names = {name: topic.name for name, topic in table.items()}
        self._longest_original = table[Name.QUARANTINE].largest - _AROUND
        self._clock = clock
        self._refused = refused
        self._producer: KafkaProducer | None = None
        self._making = threading.Lock()
        self._failed_at = -REST_SECONDS
        self._failing_since: float | None = None

    def write(self, judged: Sequence[Judged]) -> None:
        """Hand over the tickets and file the refused items; raises StoreBusyError unless the brokers have all of it."""
        if steady_seconds() - self._failed_at < REST_SECONDS:
            raise _away()
        deadline = steady_seconds() + WAIT_SECONDS
        try:
            self._write(judged, deadline)
        except KafkaError as error:
            _LOG.warning("the brokers did not take what was pushed", extra={"reason": repr(error)})
            self._failed_at = steady_seconds()
            self._drop_if_useless(error)
            raise _away() from error
        self._failing_since = None
        self._refused(each.reject.reason for part in judged for each in part.refused)

    def close(self) -> None:
        """Let go of the brokers; nothing waits, as every write has waited."""
        with self._making:
            if self._producer is not None:
                self._producer.close(timeout=WAIT_SECONDS)
                self._producer = None

    def _drop_if_useless(self, error: KafkaError) -> None:
        """Let the next push make another producer where this one can send nothing any more.

        An idempotent producer that got an answer which trying again does not change (a record too large, an epoch that
        is over) refuses every later record; one whose records ran out of time while a broker was away may send nothing
        ever after, and says nothing of it.
        """
        since = self._failing_since = self._failing_since or self._failed_at
        with self._making:
            producer = self._producer
            if producer is None:
                return
            fatal = producer._transaction_manager.has_fatal_error()  # noqa: SLF001  nothing else tells
            stale = self._failed_at - since > STALE_SECONDS
            if error.retriable and not fatal and not stale:
                return
            self._producer = self._failing_since = None
        producer._sender.force_close()  # noqa: SLF001  nothing that it still holds can be sent
        with suppress(KafkaError):
            producer.close(timeout=_DROP_SECONDS)

    def _write(self, judged: Sequence[Judged], deadline: float) -> None:
        tickets = [
            self._send(Name.PUSHED, part.source, value)
            for part in judged
            if len(part.tickets)
            for value in values_of(part.tickets)
        ]
        refused = [each for part in judged for each in part.refused]
        originals = [self._keep(each) for each in refused]
        places = [None if sent is None else _settled(sent, deadline) for sent in originals]
        letters = [
            self._send(Name.REJECTED, each.source, encode(self._letter(each, place)))
            for each, place in zip(refused, places, strict=True)
        ]
        for sent in (*tickets, *letters):
            _settled(sent, deadline)

    def _letter(self, refused: Refused, place: Any) -> Rejected:
        """Say what was refused, and where it stands; an original that no topic takes at an offset that none has.

        Whoever reads there is told that it is not kept. The offset is another at another time, as two refusals of one
        place are taken for one that was sent again.
        """
        now = self._clock()
        return Rejected(
            source=refused.source,
            topic=self._names[Name.QUARANTINE],
            partition=0 if place is None else place.partition,
            offset=-now if place is None else place.offset,
            at=now,
            reject=refused.reject,
            ticket_key=ticket_key(refused.source, refused.ticket_id) if refused.ticket_id else None,
        )

    def _keep(self, refused: Refused) -> Any:
        """Send an original; None for one that the topic would not take, whose letter is filed without it."""
        if len(refused.original) + len(refused.source.encode()) > self._longest_original:
            return None
        return self._send(Name.QUARANTINE, refused.source, refused.original)

    def _send(self, name: Name, source: str, value: bytes) -> Any:
        return self._open().send(self._names[name], value, key=source.encode())

    def _open(self) -> KafkaProducer:
        """Return the producer, made when the brokers first answer."""
        with self._making:
            if self._producer is None:
                self._producer = self._made()
            return self._producer

    def _made(self) -> KafkaProducer:
        clients: list[KafkaNetClient] = []

        def client(**options: Any) -> KafkaNetClient:
            clients.append(KafkaNetClient(**options))
            return clients[-1]

        try:
            return KafkaProducer(
                **kafka_python_options(self._settings),
                acks="all",
                enable_idempotence=True,
                allow_auto_create_topics=False,
                bootstrap_timeout_ms=int(WAIT_SECONDS * _MS),
                max_block_ms=int(WAIT_SECONDS * _MS / 2),
                request_timeout_ms=int(WAIT_SECONDS * _MS),
                delivery_timeout_ms=int(WAIT_SECONDS * _MS),
                reconnect_backoff_max_ms=500,
                batch_size=_BATCH,
                max_request_size=_LARGEST,
                kafka_client=client,
            )
        except BaseException:
            for each in clients:  # the producer that is none leaves its sockets open
                each.close()
            raise


def _settled(sent: Any, deadline: float) -> Any:
    """Return where a record stands once the brokers have it."""
    return sent.get(timeout=max(0.01, deadline - steady_seconds()))


def _away() -> StoreBusyError:
    return StoreBusyError("Kafka does not answer at present", RETRY_AFTER, "Kafka 目前没有应答,请稍后重发。")
