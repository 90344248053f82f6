"""A worker as a process: it ends when it is told to, whatever hangs."""

import signal
import subprocess
import sys
from time import monotonic

import pytest

from streams.process import DRAIN_SECONDS
from tests.cluster.workers import PATIENCE

_CHILD = """
import asyncio, time
from prometheus_client import CollectorRegistry
from streams.process import Health, Process
from warning.settings import Settings

class App:
    crashed = should_stop = False
    crash_reason = None
    async def start(self):
        if {hangs_at!r} == "start":
            await asyncio.sleep(3600)
    async def stop(self):
        if {hangs_at!r} == "stop":
            await asyncio.sleep(3600)

class Part:
    async def start(self):
        if {hangs_at!r} == "thread":
            self.asked = asyncio.create_task(asyncio.to_thread(time.sleep, 3600))
    async def stop(self): ...

settings = Settings.model_validate({{"cluster": {{"port": 0}}}})
Process(App(), settings, parts=[Part()], registry=CollectorRegistry(), health=Health,
        announced=lambda _: print("up", flush=True)).run()
"""


@pytest.mark.parametrize("hangs_at", ["", "start", "stop", "thread"])
def test_sigterm_ends_a_process_in_time(hangs_at: str) -> None:
    """Whether brokers say nothing at the start, a part does not stop, or a thread hangs: ten seconds are enough."""
    with subprocess.Popen(
        [sys.executable, "-c", _CHILD.format(hangs_at=hangs_at)], stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "up\n"
            began = monotonic()
            child.send_signal(signal.SIGTERM)
            assert child.wait(PATIENCE) == 0
            assert monotonic() - began < DRAIN_SECONDS + 1
        finally:
            child.kill()
