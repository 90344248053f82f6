"""Bytewax: ``python -m benchmarks.streams.peers.bytewax intake|detect``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from bytewax import operators as op
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.run import cli_main
from confluent_kafka import Producer

from benchmarks.streams.job import BATCH, IntakeJob, Out, detect_job
from streams.topics import Name, topics
from warning.settings import load_settings

if TYPE_CHECKING:
    from warning.settings import Settings


@click.command()
@click.argument("role", type=click.Choice(["intake", "detect"]))
@click.option("--engine", default="engine")
@click.option("--ticks", default="")
def main(role: str, engine: str, ticks: str) -> None:
    """Run one half until told to stop."""
    settings = load_settings()
    cli_main(_intake(settings, ticks) if role == "intake" else _detect(settings, engine), workers_per_process=1)


def _intake(settings: Settings, ticks: str) -> Dataflow:
    job = IntakeJob(settings, ticks)

    def take(messages: list[Any]) -> list[Out]:
        """Take all that one poll of a partition gave."""
        return job.take([job.received(one.partition, one.offset, one.value) for one in messages])

    flow = Dataflow("intake")
    source = KafkaSource(
        [settings.kafka.bootstrap],
        [topics(settings)[Name.RAW].name],
        batch_size=BATCH // topics(settings)[Name.RAW].partitions,
    )
    read = op.input("raw", flow, source)
    op.output("log", op.flat_map_batch("normalise", read, take), _Sink(settings.kafka.bootstrap))
    return flow


def _detect(settings: Settings, engine: str) -> Dataflow:
    job = detect_job(engine, settings)

    def take(message: Any) -> list[Out]:
        return job.take(message.partition, message.offset, message.value)

    flow = Dataflow("detect")
    source = KafkaSource([settings.kafka.bootstrap], [topics(settings)[Name.TICKETS].name], batch_size=500)
    read = op.input("log", flow, source)
    op.output("said", op.flat_map("detect", read, take), _Sink(settings.kafka.bootstrap))
    return flow


class _Sink(DynamicSink):  # type: ignore[misc]  # Bytewax is not where mypy runs
    """Bytewax's Kafka sink, which passes no partition on, with the partition passed on."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap

    def build(self, step_id: str, worker_index: int, worker_count: int) -> _SinkPartition:
        return _SinkPartition(self._bootstrap)


class _SinkPartition(StatelessSinkPartition):  # type: ignore[misc]  # Bytewax is not where mypy runs
    def __init__(self, bootstrap: str) -> None:
        more = {"message.max.bytes": 16 << 20, "linger.ms": 5, "compression.type": "lz4"}
        self._producer = Producer({"bootstrap.servers": bootstrap, **more})

    def write_batch(self, items: list[Out]) -> None:
        for topic, partition, key, value in items:
            self._producer.produce(topic, value, key, partition)
            self._producer.poll(0)
        self._producer.flush()

    def close(self) -> None:
        self._producer.flush()


if __name__ == "__main__":
    main()
