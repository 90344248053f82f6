"""Sending a file of events to ``tickets.raw``, as a platform would."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka import KafkaProducer
from kafka.errors import KafkaError

from streams.connection import kafka_python_options
from streams.records import SOURCE_HEADER
from streams.topics import Name, topics
from warning.domain.errors import EarlyWarningError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from warning.settings import Settings

CONNECT_SECONDS = 10.0
SEND_SECONDS = 30.0


class KafkaAwayError(EarlyWarningError):
    """The brokers cannot be reached, or did not take a record."""

    def __init__(self, settings: Settings, cause: BaseException) -> None:
        where = settings.kafka.bootstrap
        super().__init__(
            f"setting kafka.bootstrap: Kafka at {where} did not answer or refused ({type(cause).__name__}: {cause}). "
            "Check that it runs, that the topics are there (`early-warning topics check`) and the kafka settings."
        )
        self.zh = (
            f"设置 kafka.bootstrap: {where} 处的 Kafka 没有应答或拒绝 ({type(cause).__name__})。"
            "请检查其是否运行、主题是否已建立 (early-warning topics check) 以及 kafka 设置。"
        )


def send_lines(
    lines: Iterable[bytes], settings: Settings, *, source: str = "", progress: Callable[[int], None] | None = None
) -> int:
    """Send each line that is not empty as one record; returns how many, all of which every broker that must has.

    source : named in each record's header; empty: none
    Raises KafkaAwayError.
    """
    topic = topics(settings)[Name.RAW].name
    headers = [(SOURCE_HEADER, source.encode())] if source else []
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
        raise KafkaAwayError(settings, error) from error
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
        raise KafkaAwayError(settings, error) from error
    finally:
        producer.close(timeout=CONNECT_SECONDS)
    return len(sent)
