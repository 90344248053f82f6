"""Any file -> its table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warning.intake.readers.delimited import read_delimited
from warning.intake.readers.ndjson import read_ndjson
from warning.intake.readers.parquet import read_parquet
from warning.intake.readers.sniff import Kind, kind_of
from warning.intake.readers.spreadsheet import read_spreadsheet

if TYPE_CHECKING:
    from pathlib import Path

    from warning.intake.layout import Layout
    from warning.intake.raw import Table

_READERS = {
    Kind.DELIMITED: read_delimited,
    Kind.NDJSON: read_ndjson,
    Kind.SPREADSHEET: read_spreadsheet,
    Kind.PARQUET: read_parquet,
}


def open_table(path: Path, layout: Layout) -> Table:
    """Open a file of any format that is read; raises InvalidInputError if the whole of it cannot be used."""
    return _READERS[kind_of(path)](path, layout)
