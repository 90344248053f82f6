"""A Faust app as small as one can be, as a process: prints the first records of a topic, one a line, as hex.

``python -m tests.streams.tiny_app SETTINGS.json TOPIC COUNT``
"""

import asyncio
import subprocess
import sys
from pathlib import Path

from faust.types import StreamT

from warning.settings import Settings


def main() -> None:
    settings = Settings.model_validate_json(Path(sys.argv[1]).read_text("utf-8"))
    asyncio.run(_consume(settings, sys.argv[2], int(sys.argv[3])))


def run_tiny_app(settings: Settings, topic: str, count: int, folder: Path, seconds: float = 40.0) -> list[bytes]:
    """Return the first records that a Faust app reads from a topic."""
    file = folder / "settings.json"
    file.write_text(settings.model_dump_json(), encoding="utf-8")
    words = [sys.executable, "-m", "tests.streams.tiny_app", str(file), topic, str(count)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return [bytes.fromhex(line) for line in done.stdout.split()]


async def _consume(settings: Settings, topic: str, count: int) -> None:
    from streams.app import build_app

    app = build_app(settings, "tiny", consumes=True)
    seen: asyncio.Queue[bytes] = asyncio.Queue()

    async def read(stream: StreamT[bytes]) -> None:
        async for value in stream:
            seen.put_nowait(value)

    app.agent(app.topic(topic, value_type=bytes, value_serializer="raw"))(read)
    await app.start()
    for _ in range(count):
        sys.stdout.write((await seen.get()).hex() + "\n")
    await app.stop()


if __name__ == "__main__":
    main()
