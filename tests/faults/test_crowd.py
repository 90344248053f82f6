"""A thousand posts at once: each is answered, none by a failure, and what was accepted is stored once."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path

from tests.faults.real import Place, Real, now_ms, running, settings_of, ticket, until

POSTS = 1_000
MEMORY = 100_000_000
FEW_FILES = "import resource as r; r.setrlimit(r.RLIMIT_NOFILE, (256, r.getrlimit(r.RLIMIT_NOFILE)[1]))"
"""As many systems have it: few open files for a process unless it asks for more."""


def test_a_thousand_posts_at_once(tmp_path: Path) -> None:
    """Every answer is 202, or 429 or 503 with a time to wait; what was answered 202 is stored once; memory stays."""
    place = Place(tmp_path / "data", tmp_path / "aside")
    place.prepare()
    with running(place, settings_of(place.data, queue_items=300), before=FEW_FILES) as real:
        real.forget_peak()
        before = real.memory()
        answers = asyncio.run(_crowd(real))
        assert real.memory("VmHWM") - before < MEMORY
        statuses = Counter(status for status, _ in answers.values())
        assert set(statuses) <= {202, 429, 503}, statuses
        assert statuses[202] > POSTS // 4, statuses
        assert all("retry-after" in head for status, head in answers.values() if status != 202)
        accepted = {identity for identity, (status, _) in answers.items() if status == 202}
        until(lambda: real.metric("applied_lag_records") == 0)
        real.stop()
    stored = place.rows("SELECT ticket_id, times_received, outcome FROM tickets")
    assert sorted(stored) == sorted((identity, 1, "accepted") for identity in accepted)
    assert '"level": "error"' not in place.said


async def _crowd(real: Real) -> dict[str, tuple[int, str]]:
    """Open all connections first, then send on all of them; returns each ticket's status and head."""
    identities = [f"T{number}" for number in range(POSTS)]
    opened = await asyncio.gather(*(asyncio.open_connection("127.0.0.1", real.port) for _ in identities))
    answers = await asyncio.gather(
        *(_post(real, one, *streams) for one, streams in zip(identities, opened, strict=True))
    )
    return dict(zip(identities, answers, strict=True))


async def _post(
    real: Real, identity: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> tuple[int, str]:
    body = json.dumps(ticket(identity, now_ms())).encode()
    head = {"Host": "a", "Content-Length": str(len(body)), "Connection": "close", **real.headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    writer.write(f"POST /api/v1/tickets HTTP/1.1\r\n{lines}\r\n".encode() + body)
    answer = (await asyncio.wait_for(reader.read(), 60)).decode()
    writer.close()
    await writer.wait_closed()
    return int(answer.split()[1]), answer.partition("\r\n\r\n")[0].lower()
