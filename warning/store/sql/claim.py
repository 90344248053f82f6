"""One service on one database: a lock on a file beside it, which the system lets go when the process ends."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from warning.store.sql.errors import StoreInUseError


class Claim:
    """Holds a database for this process until :meth:`release`, or the process' end, however it ends."""

    def __init__(self, database: Path) -> None:
        """Take the lock; raises StoreInUseError naming the process that has it."""
        path = database.with_name(f"{database.name}.lock")
        self._file = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _number(os.pread(self._file, 32, 0))
            os.close(self._file)
            raise StoreInUseError(str(database), holder) from None
        with suppress(OSError):  # a full disk: the lock holds all the same, only the name is missing
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Let go; the file stays, because taking it away could take away another's lock."""
        os.close(self._file)


def _number(text: bytes) -> int:
    return int(text) if text.isdigit() else 0
