"""A Faust app as small as one can be, as a process: prints the first records of a topic, one a line, as hex.

``python -m tests.streams.tiny_app SETTINGS.json TOPIC COUNT SECONDS_EACH``; in the end it says how often the agent's
buffer was full.
"""

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faust.types import StreamT

from warning.settings import Settings

PATIENCE = 40.0


def main() -> None:
    settings = Settings.model_validate_json(Path(sys.argv[1]).read_text("utf-8"))
    asyncio.run(_consume(settings, sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))


class TinyApp:
    """The process, seen by who started it."""

    def __init__(self, process: subprocess.Popen[bytes], out: Path, errors: Path) -> None:
        self._process = process
        self._out = out
        self._errors = errors

    def wait(self) -> None:
        """Wait until it has read as many records as it was told to."""
        assert self._process.wait(PATIENCE) == 0, self._errors.read_text("utf-8", "replace")[-4000:]

    def full(self) -> int:
        """Return how often the agent's buffer was full; to be asked when the process has ended."""
        (told,) = re.findall(r"^full (\d+)$", self._errors.read_text("utf-8", "replace"), re.MULTILINE)
        return int(told)

    def taken(self) -> list[bytes]:
        """Return what it has read so far."""
        return [
            bytes.fromhex(line) for line in self._out.read_text("utf-8").splitlines(keepends=True) if line[-1] == "\n"
        ]


@contextmanager
def tiny_app(settings: Settings, topic: str, count: int, folder: Path, seconds_each: float = 0.0) -> Iterator[TinyApp]:
    """Run one in a process; it reads so many records from a topic, and each takes it so long."""
    file, out, errors = (folder / name for name in ("settings.json", "taken", "errors"))
    file.write_text(settings.model_dump_json(), encoding="utf-8")
    words = [sys.executable, "-m", "tests.streams.tiny_app", str(file), topic, str(count), str(seconds_each)]
    with out.open("wb") as stdout, errors.open("wb") as stderr:
        process = subprocess.Popen(words, stdout=stdout, stderr=stderr)
    try:
        yield TinyApp(process, out, errors)
    finally:
        process.kill()
        process.wait()


def run_tiny_app(settings: Settings, topic: str, count: int, folder: Path) -> list[bytes]:
    """Return the first records that a Faust app reads from a topic."""
    with tiny_app(settings, topic, count, folder) as app:
        app.wait()
        return app.taken()


async def _consume(settings: Settings, topic: str, count: int, seconds_each: float) -> None:
    from streams.app import build_app

    app = build_app(settings, "tiny", consumes=True)
    seen: asyncio.Queue[bytes] = asyncio.Queue()

    async def read(stream: StreamT[bytes]) -> None:
        async for value in stream:
            seen.put_nowait(value)
            await asyncio.sleep(seconds_each)

    app.agent(app.topic(topic, value_type=bytes, value_serializer="raw"))(read)
    await app.start()
    for _ in range(count):
        sys.stdout.write((await seen.get()).hex() + "\n")
        sys.stdout.flush()
    sys.stderr.write(f"full {app.monitor.topic_buffer_full.total()}\n")
    await app.stop()


if __name__ == "__main__":
    main()
