"""What a file is, seen from its first bytes: its kind, and the encoding of its text."""

from __future__ import annotations

import codecs
import re
from enum import StrEnum
from typing import TYPE_CHECKING

from warning.domain.errors import InvalidInputError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

UNDECODABLE = "\ufffe"
"""Stands for bytes that are not in the encoding: a noncharacter, which no real text contains."""

MARK_ERRORS = "early-warning-mark"
"""The codec error handler that writes UNDECODABLE in place of such bytes."""

SAMPLE = 1 << 20
HEAD = 1 << 16

_CONTROLS = bytes(code for code in range(32) if chr(code) not in "\t\n\r\f\x1a")
_GB2312_PAIRS = re.compile(rb"[\xa1-\xa9\xb0-\xf7][\xa1-\xfe]")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MAGIC = (
    (b"%PDF", "a PDF document", "Export the table itself as CSV or XLSX."),
    (b"\x1f\x8b", "compressed with gzip", "Unpack it first."),
    (b"7z\xbc\xaf", "a 7z archive", "Unpack it first."),
    (b"Rar!", "a RAR archive", "Unpack it first."),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "Unpack it first."),
    (b"\x89PNG", "a picture", "Export the table as CSV or XLSX."),
    (b"\xff\xd8\xff", "a picture", "Export the table as CSV or XLSX."),
    (b"SQLite format 3", "an SQLite database", "Export the table as CSV."),
)


class Kind(StrEnum):
    """The file formats read."""

    DELIMITED = "delimited"
    NDJSON = "ndjson"
    SPREADSHEET = "spreadsheet"
    PARQUET = "parquet"


_SUFFIXES = {
    ".ndjson": Kind.NDJSON,
    ".jsonl": Kind.NDJSON,
    ".json": Kind.NDJSON,
    ".xlsx": Kind.SPREADSHEET,
    ".xlsm": Kind.SPREADSHEET,
    ".xlsb": Kind.SPREADSHEET,
    ".xls": Kind.SPREADSHEET,
    ".ods": Kind.SPREADSHEET,
    ".parquet": Kind.PARQUET,
    ".pq": Kind.PARQUET,
}
_CONTAINERS = (
    (b"PK\x03\x04", Kind.SPREADSHEET, "a ZIP archive or a spreadsheet", "Unpack it, or name it .xlsx if it is one."),
    (b"\xd0\xcf\x11\xe0", Kind.SPREADSHEET, "an old Office document", "Name it .xls if it is a spreadsheet."),
    (b"PAR1", Kind.PARQUET, "a Parquet file", "Name it .parquet."),
)


def _mark(error: UnicodeError) -> tuple[str, int]:
    if isinstance(error, UnicodeDecodeError):
        return UNDECODABLE, error.end
    raise error


codecs.register_error(MARK_ERRORS, _mark)


def kind_of(path: Path) -> Kind:
    """Say which format a file is; raises InvalidInputError for one that none of the readers can read."""
    head = _head(path)
    if not head:
        raise InvalidInputError(str(path), "the file is empty", "Export it again.")
    kind = _SUFFIXES.get(path.suffix.lower(), Kind.DELIMITED)
    for magic, container, what, advice in _CONTAINERS:
        if head.startswith(magic) and kind is not container:
            raise InvalidInputError(str(path), f"is {what}, not {_article(kind)}", advice)
    for magic, what, advice in _MAGIC:
        if head.startswith(magic):
            raise InvalidInputError(str(path), f"is {what}, not {_article(kind)}", advice)
    if kind in {Kind.DELIMITED, Kind.NDJSON}:
        _refuse_binary(path, head)
    return kind


def encoding_of(file: BinaryIO, declared: str | None) -> str:
    """Detect the encoding of a text file; leaves it at its start.

    A byte order mark decides; then what the mapping declares; then UTF-8, GB18030 or Latin-1 by the first block that
    is not ASCII. Text that is nearly all valid UTF-8 is damaged UTF-8, not another encoding.
    """
    head = file.read(4)
    file.seek(0)
    for bom, name in _BOMS:
        if head.startswith(bom):
            return name
    if declared is not None:
        return declared
    sample = file.read(SAMPLE)
    while sample.isascii() and (more := file.read(SAMPLE)):
        sample = more
    file.seek(0)
    return _encoding_of_sample(sample)


def _encoding_of_sample(sample: bytes) -> str:
    foreign = sum(len(run) for run in re.findall(rb"[\x80-\xff]+", sample))
    if not foreign or _damage(sample, "utf-8") * 20 <= foreign:
        return "utf-8"
    pairs = len(_GB2312_PAIRS.findall(sample))
    if pairs * 2 >= foreign * 0.8 and _damage(sample, "gb18030") * 20 <= pairs:
        return "gb18030"
    return "cp1252"


def _damage(sample: bytes, encoding: str) -> int:
    decoder = codecs.getincrementaldecoder(encoding)(MARK_ERRORS)
    return decoder.decode(sample).count(UNDECODABLE)


def _head(path: Path) -> bytes:
    if path.is_dir():
        raise InvalidInputError(str(path), "is a folder", "Name the files in it.")
    try:
        with path.open("rb") as file:
            return file.read(HEAD)
    except FileNotFoundError as error:
        raise InvalidInputError(str(path), "does not exist", "Check the path.") from error
    except OSError as error:
        raise InvalidInputError(str(path), f"cannot be read ({error.strerror})", "Check its permissions.") from error


def _refuse_binary(path: Path, head: bytes) -> None:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if controls * 50 > len(head):
        raise InvalidInputError(
            str(path), "is not text (or is UTF-16 without a byte order mark)", "Export it as CSV in UTF-8."
        )


def _article(kind: Kind) -> str:
    return {"delimited": "a CSV file", "ndjson": "a file of JSON lines"}.get(kind.value, f"a {kind.value} file")
