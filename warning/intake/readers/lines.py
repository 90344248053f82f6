"""A text file as blocks of physical lines, each with its line end, in bounded memory."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from warning.intake.readers.sniff import MARK_ERRORS, encoding_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

BLOCK = 1 << 22
"""Characters read at once: some 50,000 short rows."""

MAX_LINE = 1 << 24
"""Characters of a line that are kept; a longer line is no row of any table, and its rest is skipped."""

LINE_ENDS = ("\n", "\r")


class TextFile:
    """An open text file; ``blocks`` reads it once from its start."""

    def __init__(self, file: BinaryIO, encoding: str | None = None) -> None:
        self._binary = file
        self.encoding = encoding_of(file, encoding)
        self._text = io.TextIOWrapper(file, encoding=self.encoding, errors=MARK_ERRORS, newline="")

    @classmethod
    def open(cls, path: Path, encoding: str | None = None) -> TextFile:
        """Open a file; close it with ``close``."""
        return cls(path.open("rb"), encoding)

    def close(self) -> None:
        """Close the file."""
        self._text.close()

    @property
    def offset(self) -> int:
        """Bytes read so far."""
        return self._binary.tell()

    def blocks(self) -> Iterator[list[str]]:
        """Yield lists of whole lines; lines end in LF, CR or CRLF, the last one perhaps in nothing."""
        carry = ""
        while block := self._text.read(BLOCK):
            lines = _split(carry + block)
            # A CR at the end of a block may be half of a CRLF.
            carry = lines.pop() if not lines[-1].endswith("\n") else ""
            if len(carry) > MAX_LINE:
                carry = carry[:MAX_LINE]
            if lines:
                yield lines
        if carry:
            yield _split(carry)


def _split(text: str) -> list[str]:
    # str.splitlines would also split at form feeds and U+2028, which are text here.
    return io.StringIO(text, newline="").readlines()
