"""Result folders on a real disk: whole or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.warning import samples
from tests.warning.disks import CRAMPED, Cramp
from warning.domain.errors import InvalidInputError
from warning.service.errors import UnwritableOutputError
from warning.store.atomic import write_file
from warning.store.files import RESULT_FILES, check_result_folder, read_result, write_result

WRITE = """
import sys
from pathlib import Path
from tests.warning import samples
from warning.service.errors import UnwritableOutputError
from warning.store.files import write_result
try:
    write_result(Path(sys.argv[1]), samples.result(), "x" * 3_000_000)
except UnwritableOutputError as error:
    print(error)
    sys.exit(4)
"""


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_same_result_gives_the_same_bytes(tmp_path: Path) -> None:
    """Two writes of one result have the same six files, byte for byte, and nothing else is left beside them."""
    for name in ("one", "two"):
        write_result(tmp_path / name, samples.result(), "<html>")
    assert _contents(tmp_path / "one") == _contents(tmp_path / "two")
    assert sorted(_contents(tmp_path / "one")) == sorted(RESULT_FILES)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]


def test_result_is_read_back(tmp_path: Path) -> None:
    """Reading a result gives what was written, and writing that again gives the same bytes."""
    write_result(tmp_path / "one", samples.result(), "<html>")
    read = read_result(tmp_path / "one")
    write_result(tmp_path / "two", read, "<html>")
    assert _contents(tmp_path / "one") == _contents(tmp_path / "two")
    assert read.alerts[0].headline == samples.alert().headline
    assert read.evidence == samples.course()


def test_folder_is_readable_by_others(tmp_path: Path) -> None:
    """A result has the ordinary modes of the user's umask, although it was made in a private folder."""
    before = os.umask(0o022)
    try:
        write_result(tmp_path / "one", samples.result(), "<html>")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "one").stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "one" / "summary.json").stat().st_mode) == 0o644


def test_older_result_is_replaced(tmp_path: Path) -> None:
    """A second run into the same folder, or one through a link, replaces the older result as a whole."""
    write_result(tmp_path / "one", samples.result(), "<html>")
    (tmp_path / "link").symlink_to(tmp_path / "one")
    write_result(tmp_path / "link", replace(samples.result(), alerts=[]), "<html>")
    assert (tmp_path / "link").is_symlink()
    assert read_result(tmp_path / "one").alerts == []


def test_parents_are_made_and_an_empty_folder_is_taken(tmp_path: Path) -> None:
    """The folders above are created; a folder that is there and empty is used."""
    (tmp_path / "empty").mkdir()
    for target in (tmp_path / "a" / "b" / "c", tmp_path / "empty"):
        write_result(target, samples.result(), "<html>")
        assert read_result(target).alerts


@pytest.mark.parametrize("names", [("holiday.jpg",), ("report.html",), ("summary.json", "notes.txt")])
def test_foreign_files_are_never_replaced(tmp_path: Path, names: tuple[str, ...]) -> None:
    """A folder that holds anything but a result is refused before any work, and stays as it is."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in names:
        (folder / name).write_text("mine")
    with pytest.raises(UnwritableOutputError, match="Choose a new or empty folder") as caught:
        write_result(folder, samples.result(), "<html>")
    assert "请指定新目录" in caught.value.zh
    assert set(_contents(folder)) == set(names)


def test_places_where_nothing_can_go(tmp_path: Path) -> None:
    """A file in the way, at the target or above it, and a mount point are refused with a sentence that says so."""
    (tmp_path / "file").write_text("x")
    for target, words in (
        (tmp_path / "file", "is a file"),
        (tmp_path / "file" / "below", "cannot be written"),
        (Path("/proc"), "mount point"),
    ):
        with pytest.raises(UnwritableOutputError, match=words):
            check_result_folder(target)


@pytest.mark.parametrize("cramp", CRAMPED)
def test_full_disk_leaves_no_answer(tmp_path: Path, cramp: Cramp) -> None:
    """A disk that fills while writing leaves the older result as it was, nothing new, and one clear sentence."""
    with cramp(tmp_path) as (place, preparation):
        write_result(place / "out", samples.result(), "<older>")
        before = _contents(place / "out")
        run = subprocess.run(
            [sys.executable, "-c", preparation + WRITE, str(place / "out")], capture_output=True, text=True, check=False
        )
        assert run.returncode == 4, run.stderr
        assert "out: cannot be written" in run.stdout
        assert _contents(place / "out") == before
        assert [path.name for path in place.iterdir()] == ["out"]
        again = subprocess.run(
            [sys.executable, "-c", preparation + WRITE, str(place / "new")], capture_output=True, text=True, check=False
        )
        assert again.returncode == 4
        assert not (place / "new").exists()


@pytest.mark.parametrize("missing", RESULT_FILES)
def test_part_of_a_result_is_not_read(tmp_path: Path, missing: str) -> None:
    """A folder that lacks any of the six files is not taken for a result."""
    write_result(tmp_path / "one", samples.result(), "<html>")
    (tmp_path / "one" / missing).unlink()
    with pytest.raises(InvalidInputError, match=f"lacks {missing}"):
        read_result(tmp_path / "one")


def test_broken_line_is_named(tmp_path: Path) -> None:
    """A line that cannot be read is named by file and number."""
    write_result(tmp_path / "one", samples.result(), "<html>")
    with (tmp_path / "one" / "alerts.jsonl").open("a") as file:
        file.write('{"id": "x"}\n')
    with pytest.raises(InvalidInputError, match=r"alerts\.jsonl, line 2: cannot be read"):
        read_result(tmp_path / "one")


def test_single_file_is_whole_or_not_at_all(tmp_path: Path) -> None:
    """When the content fails half-way the older file stays; when it ends, the new one is there alone."""
    target = tmp_path / "scores.csv"
    target.write_bytes(b"older")

    def _breaks() -> list[bytes]:
        raise OSError(28, "No space left on device")

    with pytest.raises(UnwritableOutputError, match="disk is full"):
        write_file(target, (chunk for _ in range(1) for chunk in _breaks()))
    assert target.read_bytes() == b"older"
    write_file(target, [b"new", b"er"])
    assert _contents(tmp_path) == {"scores.csv": b"newer"}
