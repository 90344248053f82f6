"""What a kind of database does in its own way. All else is the same for both."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from warning.store.sql.claim import Claim
from warning.store.sql.errors import StoreUnwritableError


class Place(Protocol):
    """A database of one kind, opened only when it is used.

    where : it as people are shown it, without a password
    reading, writing : what connections come from
    side_by_side : whether writers that ask for it may write at the same time
    """

    @property
    def where(self) -> str: ...
    @property
    def reading(self) -> Engine: ...
    @property
    def writing(self) -> Engine: ...
    @property
    def side_by_side(self) -> bool: ...
    @property
    def path(self) -> Path:
        """The file; a mistake (TypeError) for a database that is none."""
        ...

    def prepare(self) -> None:
        """Make what must be there before the first connection."""

    def begin(self, connection: Connection, *, alone: bool) -> None:
        """Begin a transaction that writes: ``alone`` waits until no other such one is open, in any process."""

    def begin_migration(self, connection: Connection) -> None:
        """Wait, in a transaction that writes, for as long as another process migrates."""

    def migrating(self, connection: Connection, version: str) -> AbstractContextManager[None]:
        """Change tables that there are inside; raises StoreVersionError where an older program runs on them."""
        ...

    def refusal(self, error: Exception, *, reading: bool = False) -> StoreUnwritableError | None:
        """Say why the database did not do its work; None for an error that is not its own."""
        ...

    def is_damage(self, error: DBAPIError) -> bool:
        """Whether an error says that the database is damaged."""
        ...

    def claim(self) -> Claim | None:
        """Take the lock of the one service on it, where there is such a lock."""
        ...

    def lock(self, connection: Connection, name: str) -> None:
        """Wait for other transactions that have locked this name; the lock goes with the transaction."""

    def overwriting(self, connection: Connection) -> AbstractContextManager[None]:
        """Let no byte stay of what is deleted inside, as far as that is possible at once."""
        ...

    def scrub(self, deleted: frozenset[str]) -> bool:
        """Do so for what was left of the rows deleted from some tables; False: to be tried again."""
        ...

    def close(self) -> None:
        """Close all connections."""
