"""Users, sessions, keys, one-time tokens and sources."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Table, delete, select, update

from warning.domain.account import Role
from warning.service.ports import ApiKey, Session, Source, User
from warning.store.sql.database import Database
from warning.store.sql.statements import upsert
from warning.store.sql.tables import api_keys, one_time_tokens, sessions, sources, users

T = TypeVar("T")


class SqlAccounts:
    """Implements :class:`warning.service.ports.AccountStore`; every call is a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def user(self, name: str) -> User | None:
        return next(iter(self._users(users.c.name == name)), None)

    def users(self) -> list[User]:
        return self._users()

    def save_user(self, user: User) -> None:
        self._save(users, asdict(user) | {"role": user.role.value})

    def key_by_hash(self, key_hash: str) -> ApiKey | None:
        return next(iter(self._all(api_keys, ApiKey, api_keys.c.key_hash == key_hash)), None)

    def keys(self) -> list[ApiKey]:
        return self._all(api_keys, ApiKey)

    def save_key(self, key: ApiKey) -> None:
        self._save(api_keys, asdict(key))

    def touch_key(self, key_id: str, at: datetime) -> None:
        with self._database.write() as connection:
            connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(last_used_at=at))

    def session(self, token_hash: str) -> Session | None:
        return next(iter(self._all(sessions, Session, sessions.c.token_hash == token_hash)), None)

    def save_session(self, session: Session) -> None:
        self._save(sessions, asdict(session))

    def extend_session(self, token_hash: str, expires_at: datetime) -> None:
        with self._database.write() as connection:
            found = sessions.c.token_hash == token_hash
            connection.execute(update(sessions).where(found).values(expires_at=expires_at))

    def drop_session(self, token_hash: str) -> None:
        self._drop(sessions, sessions.c.token_hash == token_hash)

    def drop_sessions_of(self, user: str) -> None:
        self._drop(sessions, sessions.c.user == user)

    def save_one_time_token(self, token_hash: str, user: str, expires_at: datetime) -> None:
        self._save(one_time_tokens, {"token_hash": token_hash, "user": user, "expires_at": expires_at})

    def drop_one_time_tokens_of(self, user: str) -> None:
        self._drop(one_time_tokens, one_time_tokens.c.user == user)

    def take_one_time_token(self, token_hash: str, now: datetime) -> str | None:
        found = one_time_tokens.c.token_hash == token_hash
        with self._database.write() as connection:
            row = connection.execute(select(one_time_tokens).where(found)).one_or_none()
            connection.execute(delete(one_time_tokens).where(found | (one_time_tokens.c.expires_at <= now)))
        return row.user if row is not None and row.expires_at > now else None

    def source(self, name: str) -> Source | None:
        return next(iter(self._all(sources, Source, sources.c.name == name)), None)

    def sources(self) -> list[Source]:
        return self._all(sources, Source)

    def save_source(self, source: Source) -> None:
        self._save(sources, asdict(source))

    def _users(self, *conditions: ColumnElement[bool]) -> list[User]:
        wanted = select(users).where(*conditions).order_by(users.c.name)
        with self._database.read() as connection:
            rows = connection.execute(wanted).mappings().all()
        return [User(**{**row, "role": Role(row["role"])}) for row in rows]

    def _all(self, table: Table, kind: type[T], *conditions: ColumnElement[bool]) -> list[T]:
        wanted = select(table).where(*conditions).order_by(*table.primary_key)
        with self._database.read() as connection:
            return [kind(**row) for row in connection.execute(wanted).mappings()]

    def _save(self, table: Table, row: dict[str, Any]) -> None:
        with self._database.write() as connection:
            upsert(connection, table, [row])

    def _drop(self, table: Table, condition: ColumnElement[bool]) -> None:
        with self._database.write() as connection:
            connection.execute(delete(table).where(condition))
