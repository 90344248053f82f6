"""Quix Streams: ``python -m benchmarks.streams.peers.quix intake|detect``."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any

import click
from quixstreams import Application
from quixstreams.sinks import BaseSink

from benchmarks.streams.job import BATCH, WAIT_SECONDS, IntakeJob, Out, detect_job
from benchmarks.streams.preload import FETCH_BYTES
from streams.topics import Name, topics
from warning.settings import load_settings

if TYPE_CHECKING:
    from streams.intake.judging import Received
    from warning.settings import Settings

_PRODUCER = {"message.max.bytes": 16 << 20, "linger.ms": 5, "compression.type": "lz4"}


@click.command()
@click.argument("role", type=click.Choice(["intake", "detect"]))
@click.option("--engine", default="engine")
@click.option("--ticks", default="")
def main(role: str, engine: str, ticks: str) -> None:
    """Run one half until told to stop."""
    settings = load_settings()
    intake = role == "intake"
    app = Application(
        broker_address=settings.kafka.bootstrap,
        consumer_group=f"{settings.kafka.prefix}quix-{role}",
        auto_offset_reset="earliest",
        # A checkpoint is where sinks are flushed: it is the batch.
        commit_every=BATCH if intake else 0,
        commit_interval=WAIT_SECONDS if intake else 1.0,
        consumer_poll_timeout=WAIT_SECONDS,
        consumer_extra_config={"max.partition.fetch.bytes": FETCH_BYTES} if intake else None,
        producer_extra_config=_PRODUCER,
        state_dir=tempfile.mkdtemp(prefix="early-warning-quix-"),
        loglevel="WARNING",
        auto_create_topics=False,
        use_changelog_topics=False,
    )
    if intake:
        _intake(app, settings, ticks)
    else:
        _detect(app, settings, engine)
    app.run()


def _intake(app: Application, settings: Settings, ticks: str) -> None:
    raw = _topic(app, topics(settings)[Name.RAW].name)
    app.dataframe(raw).sink(_Batches(IntakeJob(settings, ticks), app.get_producer()))


def _detect(app: Application, settings: Settings, engine: str) -> None:
    job = detect_job(engine, settings)
    table = topics(settings)
    from quixstreams import message_context  # noqa: PLC0415

    def take(value: bytes) -> list[Out]:
        place = message_context()
        return job.take(place.partition, place.offset, value)

    said = app.dataframe(_topic(app, table[Name.TICKETS].name)).apply(take, expand=True)
    for name in (Name.OUTCOMES, Name.SIGNALS):
        topic = table[name].name
        mine = said.filter(lambda out, topic=topic: out.topic == topic)
        mine.apply(lambda out: out.value).to_topic(_topic(app, topic))


def _topic(app: Application, name: str) -> Any:
    return app.topic(
        name, key_deserializer="bytes", value_deserializer="bytes", key_serializer="bytes", value_serializer="bytes"
    )


class _Batches(BaseSink):  # type: ignore[misc]  # Quix is not where mypy runs
    """All records since the last checkpoint together, whichever partition they are of."""

    def __init__(self, job: IntakeJob, producer: Any) -> None:
        super().__init__()
        self._job = job
        self._producer = producer
        self._waiting: list[Received] = []

    def add(self, value: Any, key: Any, timestamp: int, headers: Any, topic: str, partition: int, offset: int) -> None:
        self._waiting.append(self._job.received(partition, offset, value))

    def flush(self) -> None:
        for topic, partition, key, value in self._job.take(self._waiting) if self._waiting else ():
            self._producer.produce(topic, value, key, partition=partition)
        self._waiting.clear()
        self._producer.flush()


if __name__ == "__main__":
    main()
