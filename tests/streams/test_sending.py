"""Sends that are awaited together."""

import asyncio
from typing import Any

import pytest

from streams.sending import Sender
from warning.settings import Settings


class _Producer:
    """Gives futures that a test lets end."""

    def __init__(self) -> None:
        self.futures: list[asyncio.Future[Any]] = []

    async def send(self, *_: object, **__: object) -> asyncio.Future[Any]:
        self.futures.append(asyncio.get_running_loop().create_future())
        return self.futures[-1]


def _sender() -> tuple[Sender, _Producer]:
    sender, producer = Sender(Settings()), _Producer()
    sender._producer = producer
    return sender, producer


async def _cancelled(task: asyncio.Task[Any]) -> None:
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_who_waits_may_be_cancelled_without_harm_to_the_record() -> None:
    """A waiter that a rebalance cancels, of one record or of all, leaves the record on its way and the sender well."""

    async def story() -> None:
        sender, producer = _sender()
        future = await sender.send("poison", b"")

        async def wait() -> None:
            await future

        await _cancelled(asyncio.create_task(wait()))
        await _cancelled(asyncio.create_task(sender.settle()))
        assert not producer.futures[0].done()
        assert sender.failure is None
        producer.futures[0].set_result(None)
        await sender.settle()

    asyncio.run(story())


def test_what_befell_a_record_is_raised_to_all_who_settle() -> None:
    """A send that failed is told, and told again: nobody goes on as if it counted."""

    async def story() -> None:
        sender, producer = _sender()
        future = await sender.send("signals", b"")
        producer.futures[0].set_exception(OSError("gone"))
        for _ in range(2):
            with pytest.raises(OSError, match="gone"):
                await sender.settle()
        assert isinstance(sender.failure, OSError)
        with pytest.raises(OSError, match="gone"):
            await future

    asyncio.run(story())
