"""A full disk and a read-only one: refusals say why, nothing accepted is lost, and the service recovers by itself."""

from __future__ import annotations

import os
import random
import resource
import string
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests.faults.real import Place, Real, now_ms, running, settings_of, ticket, until
from tests.warning.disks import CRAMPED, tiny_disk

FEW, MANY = 20, 400
Room = Callable[[Real], None]
Disk = Callable[[Path], AbstractContextManager[tuple[Path, Room, Room]]]
"""Gives a folder, what takes all room away from a service on it, and what gives it back."""


@contextmanager
def _limited_files(folder: Path) -> Iterator[tuple[Path, Room, Room]]:
    def fill(real: Real) -> None:
        real.limit_files(max(file.stat().st_size for file in real.place.data.iterdir()))

    yield folder / "data", fill, lambda real: real.limit_files(resource.RLIM_INFINITY)


@contextmanager
def _small_disk(folder: Path) -> Iterator[tuple[Path, Room, Room]]:
    place = folder / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(place)], check=True, capture_output=True)
    filler = place / "filler"

    def fill(_: Real) -> None:
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while file.write(b"x" * 4096):
                pass

    try:
        yield place / "data", fill, lambda _: filler.unlink()
    finally:
        subprocess.run(["umount", str(place)], check=True, capture_output=True)


DISKS: list[Disk] = [_limited_files, *([_small_disk] if tiny_disk in CRAMPED else [])]


@contextmanager
def _read_only(folder: Path) -> Iterator[tuple[Path, Room, Room]]:
    def lock(real: Real) -> None:
        real.place.read_only(on=True)

    yield folder / "data", lock, lambda real: real.place.read_only(on=False)


FULL, READ_ONLY = ("full", "已满"), ("read-only", "只读")


@pytest.mark.parametrize(("disk", "why"), [*((disk, FULL) for disk in DISKS), (_read_only, READ_ONLY)])
def test_refusals_are_clear_and_end_by_themselves(tmp_path: Path, disk: Disk, why: tuple[str, str]) -> None:
    """Without room pushes get 503, health and metrics say why; with room again all accepted is there once."""
    with disk(tmp_path) as (data, fill, free):
        place = Place(data, tmp_path / "aside")
        place.prepare()
        with running(place, settings_of(data)) as real, real.signed_in() as browser:
            accepted = _pushed(real, "before", FEW)
            until(lambda: real.metric("applied_lag_records") == 0)
            fill(real)
            refused = [_refused(real, f"during-{number}", why) for number in range(2)]
            _says_so(real, why)
            assert browser.get("/").status_code == browser.get("/status").status_code == 200
            free(real)
            until(lambda: real.health().status_code == 200, 10)
            assert real.metric("writes_failing") == 0
            for answer in refused:
                assert answer.status_code == 503
            accepted |= _pushed(real, "during-0", MANY) | _pushed(real, "after", FEW)
            until(lambda: real.metric("applied_lag_records") == 0)
            real.stop()
        stored = place.rows("SELECT ticket_id, times_received, outcome FROM tickets")
    assert set(stored) == {(identity, 1, "accepted") for identity in accepted}
    assert len(stored) == len(accepted)
    assert "trace" not in place.said


def _pushed(real: Real, name: str, number: int) -> set[str]:
    answer = real.push(_items(name, number))
    assert answer.status_code == 202, answer.text
    assert answer.json()["accepted"] == number
    return {f"{name}-{index}" for index in range(number)}


def _items(name: str, number: int) -> list[dict[str, object]]:
    """Write tickets that hardly compress."""
    letters = random.Random(name)
    return [
        ticket(f"{name}-{index}", now_ms(), "".join(letters.choices(string.ascii_letters + " ", k=3_500)))
        for index in range(number)
    ]


def _refused(real: Real, name: str, why: tuple[str, str]) -> httpx.Response:
    answer = real.push(_items(name, MANY))
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["retry-after"]) == answer.json()["retry_after"] > 0
    assert why[0] in answer.json()["detail_en"]
    assert why[1] in answer.json()["detail_zh"]
    return answer


def _says_so(real: Real, why: tuple[str, str]) -> None:
    """Health and metrics tell of it, though the engine itself has nothing to write; the process stays alive."""
    until(lambda: real.health().status_code == 503)
    health = real.health().json()
    assert why[0] in health["reason_en"]
    assert why[1] in health["reason_zh"]
    assert "cannot" not in health["reason_zh"]
    assert real.metric("writes_failing") == 1
    assert real.get("/health/live").status_code == 200


@contextmanager
def _unwritable(folder: Path) -> Iterator[None]:
    """Make a folder read-only, also for root: by its mode, or else by a mount."""
    if os.geteuid() != 0:
        for path in (*folder.iterdir(), folder):
            path.chmod(path.stat().st_mode & ~0o222)
        try:
            yield
        finally:
            folder.chmod(0o700)
        return
    subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True, capture_output=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True, capture_output=True)
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True, capture_output=True)


@pytest.mark.parametrize("prepared", [True, False], ids=["with a database", "empty"])
def test_a_read_only_folder_is_said_at_the_start(tmp_path: Path, prepared: bool) -> None:
    """``serve`` on a folder that cannot be written ends at once with a sentence in each language and code 4."""
    data = tmp_path / "data"
    data.mkdir()
    if prepared:
        Place(data, tmp_path / "aside").prepare()
    command = "from warning.cli import main; main()"
    with _unwritable(data):
        done = subprocess.run(
            [sys.executable, "-c", command, "serve", "--data", str(data), "--port", "0"],
            check=False,
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert done.returncode == 4
    chinese, english = done.stderr.strip().splitlines()[-2:]
    assert chinese.startswith("错误: ")
    assert "无法写入" in chinese
    assert english.startswith("Error: ")
    assert "cannot be written" in english
    assert str(data) in english
    assert "Traceback" not in done.stderr
