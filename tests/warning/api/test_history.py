"""Files of history over HTTP: received on the disk, whatever their size, and handed on once they are whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from anyio.from_thread import BlockingPortal

from tests.warning.api.conftest import CallerAs
from tests.warning.api.worlds import Caller, World, headers_of
from tests.warning.service.accounts_in_memory import START
from warning.api.limits import Limits
from warning.domain.account import Role
from warning.domain.errors import InvalidInputError
from warning.service.ports import PastLoad, StoreBusyError

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FILE = b"ticket_id,created_at\n1,2020-01-01\n"


def _load(
    caller: CallerAs, query: str = "mapping=canonical", content: Any = FILE, kind: str | None = "text/csv"
) -> httpx.Response:
    headers = {} if kind is None else {"Content-Type": kind}
    return caller(Role.ADMIN).post(f"/api/v1/history?{query}", content=content, headers=headers)


@pytest.mark.parametrize(
    ("query", "kind", "name"),
    [
        ("mapping=canonical", "text/csv", "upload.csv"),
        ("mapping=canonical", "Text/CSV; charset=gb18030", "upload.csv"),
        ("mapping=canonical", "application/x-ndjson", "upload.ndjson"),
        ("mapping=canonical", XLSX, "upload.xlsx"),
        ("mapping=canonical", "application/vnd.apache.parquet", "upload.parquet"),
        ("mapping=canonical&format=parquet", "application/octet-stream", "upload.parquet"),
        ("mapping=canonical&format=csv", None, "upload.csv"),
        ("mapping=canonical&format=ndjson", "text/csv", "upload.ndjson"),
    ],
)
def test_a_file_is_handed_on_whole(caller: CallerAs, world: World, query: str, kind: str | None, name: str) -> None:
    """The file arrives as it was sent, named by its format, and what the load brought is answered."""
    response = _load(caller, f"{query}&source=old", kind=kind)
    assert response.status_code == 200, response.text
    assert response.json() == {
        "rows": 3,
        "newer": 1,
        "rejected": {"bad_time": 2},
        "until": "2026-03-02T08:00:00-05:00",
        "gap": None,
    }
    assert world.history.given == [(name, FILE, "canonical", "old")]
    assert list(world.history.folder.iterdir()) == []


def test_a_load_can_be_forced(caller: CallerAs) -> None:
    """With force=true a load goes on where the log has lost its beginning, and the answer says where it begins."""
    assert _load(caller, "mapping=canonical&force=true").json()["gap"] == "2025-12-01T08:00:00-05:00"


@pytest.mark.parametrize(
    ("query", "kind", "status", "words"),
    [
        ("", "text/csv", 422, "mapping"),
        ("mapping=nyc312", "text/csv", 422, "no mapping is named 'nyc312'"),
        ("mapping=/etc/none.yaml", "text/csv", 422, "cannot be read"),
        ("mapping=canonical", "application/json", 415, "text/csv"),
        ("mapping=canonical", None, 415, "format"),
        ("mapping=canonical&format=pdf", "text/csv", 422, "format"),
    ],
)
def test_what_cannot_be_read_is_said_first(
    caller: CallerAs, world: World, query: str, kind: str | None, status: int, words: str
) -> None:
    """A missing or unknown mapping or format is a problem that names it, and no file is received."""
    response = _load(caller, query, kind=kind)
    assert response.status_code == status
    assert words in response.text
    assert world.history.given == []


def test_an_unusable_file_is_a_problem(caller: CallerAs, world: World) -> None:
    """A file that its reader refuses is answered with the reason and what to do, and nothing stays behind."""
    world.history.failure = InvalidInputError("body", "the file is empty", "Export it again.")
    response = _load(caller, content=b"")
    assert (response.status_code, response.json()["detail_en"]) == (422, "body: the file is empty. Export it again.")
    world.history.failure = StoreBusyError("the disk is full", 10, "磁盘已满")
    assert _load(caller).status_code == 503
    assert list(world.history.folder.iterdir()) == []


def test_a_disk_that_takes_no_file_is_busy(caller: CallerAs, world: World) -> None:
    """Where the file cannot be written the answer is to come again."""
    world.history.folder.rmdir()
    response = _load(caller)
    assert response.status_code == 503
    assert response.json()["retry_after"] == 60


def test_a_file_has_a_limit_of_its_own(world: World, portal: BlockingPortal) -> None:
    """A file may be larger than other requests, and than all others at a time, but not than its own limit."""
    limits = Limits(body_bytes=1000, bytes_in_flight=2000, history_bytes=100_000)
    caller = Caller(world.app(limits=limits), portal, headers_of(world, Role.ADMIN))

    async def chunks(size: int) -> AsyncIterator[bytes]:
        for _ in range(size // 1000):
            yield b"x" * 1000

    path, headers = "/api/v1/history?mapping=canonical", {"Content-Type": "text/csv"}
    assert caller.post(path, content=chunks(100_000), headers=headers).status_code == 200
    assert len(world.history.given[0][1]) == 100_000
    too_large = caller.post(path, content=chunks(101_000), headers=headers)
    assert too_large.status_code == 413
    assert too_large.json()["limit"] == {"name": "history_bytes", "value": 100_000}
    assert caller.post(path, content=chunks(100_000), headers=headers).status_code == 200
    others = caller.post("/api/v1/sources", content=chunks(2000), headers={"Content-Type": "application/json"})
    assert others.status_code == 413
    assert list(world.history.folder.iterdir()) == []


def test_loads_are_listed(caller: CallerAs, world: World) -> None:
    """The list has each load, and which have not ended."""
    load = PastLoad(
        id=1, files=("a.csv", "b.csv"), mapping="canonical", loaded_at=START, rows=7, rejected=1, until=START
    )
    world.history.past = [
        load,
        PastLoad(
            id=2,
            files=("c.csv",),
            mapping="x.yaml",
            loaded_at=START + timedelta(hours=1),
            rows=0,
            rejected=0,
            until=None,
        ),
    ]
    listed = caller(Role.ADMIN).get("/api/v1/history").json()
    assert [(one["id"], one["files"], one["rows"], one["until"] is None) for one in listed] == [
        (1, ["a.csv", "b.csv"], 7, False),
        (2, ["c.csv"], 0, True),
    ]
