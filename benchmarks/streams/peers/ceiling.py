"""The ceiling: aiokafka's ``getmany`` and decoding, nothing else: ``python -m benchmarks.streams.peers.ceiling N``."""

from __future__ import annotations

import asyncio

import click
import msgspec
from aiokafka import AIOKafkaConsumer

from streams.connection import aiokafka_options
from streams.topics import Name, topics
from warning.settings import load_settings


@click.command()
@click.argument("tickets", type=int)
def main(tickets: int) -> None:
    """Read so many tickets, then end; prints the seconds from the first to the last."""
    click.echo(asyncio.run(_read(tickets)))


async def _read(tickets: int) -> float:
    settings = load_settings()
    consumer = AIOKafkaConsumer(
        topics(settings)[Name.RAW].name,
        **aiokafka_options(settings),
        group_id=None,
        auto_offset_reset="earliest",
    )
    decode = msgspec.json.Decoder().decode
    await consumer.start()
    loop = asyncio.get_running_loop()
    read, began = 0, loop.time()
    try:
        while read < tickets:
            for records in (await consumer.getmany(timeout_ms=100, max_records=5_000)).values():
                for record in records:
                    decode(record.value)
                read += len(records)
    finally:
        await consumer.stop()
    return loop.time() - began


if __name__ == "__main__":
    main()
