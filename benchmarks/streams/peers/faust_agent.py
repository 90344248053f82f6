"""A plain Faust agent, one event at a time: ``python -m benchmarks.streams.peers.faust_agent intake|detect``.

With ``--take`` the intake gathers events as the others do (Faust's own ``take_events``).
"""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any

import click
import faust

from benchmarks.streams.job import BATCH, WAIT_SECONDS, IntakeJob, Out, detect_job
from benchmarks.streams.preload import FETCH_BYTES
from streams.connection import faust_options
from streams.topics import Name, topics
from warning.settings import load_settings

if TYPE_CHECKING:
    from warning.settings import Settings


@click.command()
@click.argument("role", type=click.Choice(["intake", "detect"]))
@click.option("--engine", default="engine")
@click.option("--ticks", default="")
@click.option("--take", "gathers", is_flag=True)
def main(role: str, engine: str, ticks: str, *, gathers: bool) -> None:
    """Run one half until told to stop."""
    settings = load_settings()
    app = _app(settings, f"faust-{role}", FETCH_BYTES if role == "intake" else 16 << 20)
    send = _Send(app)
    if role == "intake":
        _intake(app, settings, ticks, send, gathers=gathers)
    else:
        _detect(app, settings, send, engine)
    faust.Worker(app, loglevel="warning", quiet=True).execute_from_commandline()


def _app(settings: Settings, name: str, fetch: int) -> faust.App:
    return faust.App(
        f"{settings.kafka.prefix}{name}",
        **faust_options(settings),
        autodiscover=False,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=fetch,
        datadir=tempfile.mkdtemp(prefix="early-warning-faust-"),
        key_serializer="raw",
        producer_linger=0.005,
        producer_max_request_size=16 << 20,
        store="memory://",
        topic_allow_declare=False,
        topic_disable_leader=True,
        value_serializer="raw",
        web_enabled=False,
    )


def _intake(app: faust.App, settings: Settings, ticks: str, send: _Send, *, gathers: bool) -> None:
    job = IntakeJob(settings, ticks)

    async def one(stream: Any) -> None:
        async for event in stream.events():
            message = event.message
            await send(job.take([job.received(message.partition, message.offset, message.value)]))

    async def many(stream: Any) -> None:
        async for events in stream.take_events(BATCH, within=WAIT_SECONDS):
            messages = [event.message for event in events]
            await send(job.take([job.received(one.partition, one.offset, one.value) for one in messages]))

    raw = app.topic(topics(settings)[Name.RAW].name, key_type=bytes, value_type=bytes, value_serializer="raw")
    app.agent(raw, name="intake")(many if gathers else one)


def _detect(app: faust.App, settings: Settings, send: _Send, engine: str) -> None:
    job = detect_job(engine, settings)

    async def detect(stream: Any) -> None:
        async for event in stream.events():
            message = event.message
            await send(job.take(message.partition, message.offset, message.value))

    log = app.topic(topics(settings)[Name.TICKETS].name, key_type=bytes, value_type=bytes, value_serializer="raw")
    app.agent(log, name="detect")(detect)


class _Send:
    """Sends by the app's own producer, which gathers records for as long as ``producer_linger`` says."""

    def __init__(self, app: faust.App) -> None:
        self._app = app

    async def __call__(self, out: list[Out]) -> None:
        producer = await self._app.maybe_start_producer()
        for topic, partition, key, value in out:
            await producer.send(topic, key, value, partition, None, {})


if __name__ == "__main__":
    main()
