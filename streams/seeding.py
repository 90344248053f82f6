"""Sending a file of events to ``tickets.raw``, as a platform would."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka import KafkaProducer
from kafka.errors import KafkaError

from streams.connection import CONNECT_SECONDS, kafka_away, kafka_python_options, need_a_broker
from streams.records import SOURCE_HEADER
from streams.topics import Name, topics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from warning.settings import Settings

SEND_SECONDS = 30.0


def send_lines(
    lines: Iterable[bytes], settings: Settings, *, source: str = "", progress: Callable[[int], None] | None = None
) -> int:
    """Send each line that is not empty as one record; returns how many, all of which every broker that must has.

    source : named in each record's header; empty: none
    Raises BadInputError where no broker answers, or one did not take a record.
    """
    topic = topics(settings)[Name.RAW].name
    headers = [(SOURCE_HEADER, source.encode())] if source else []
    need_a_broker(settings)
    try:
        producer = KafkaProducer(
            **kafka_python_options(settings),
            acks="all",
            compression_type="gzip",
            linger_ms=20,
            delivery_timeout_ms=int(SEND_SECONDS * 1000),
            request_timeout_ms=int(CONNECT_SECONDS * 1000),
            max_block_ms=int(CONNECT_SECONDS * 1000),
        )
    except KafkaError as error:
        raise kafka_away(settings, error) from error
    sent = []
    try:
        for line in lines:
            if line.strip():
                sent.append(producer.send(topic, line.strip(), headers=headers))
            if progress is not None:
                progress(len(line))
        for each in sent:
            each.get(timeout=SEND_SECONDS)
    except KafkaError as error:
        raise kafka_away(settings, error) from error
    finally:
        producer.close(timeout=CONNECT_SECONDS)
    return len(sent)
