"""Users, sessions, keys, one-time tokens and sources."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from warning.domain.account import Role
from warning.service.ports.planning import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person's account; the password's argon2 hash never leaves the accounts service."""

    name: str
    role: Role
    password_hash: str = field(repr=False)
    active: bool = True
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A platform's key: only its hash is kept, and the first characters so that people can tell keys apart."""

    id: str
    source: str
    prefix: str
    key_hash: str = field(repr=False)
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A signed-in browser: only the token's hash is kept."""

    token_hash: str = field(repr=False)
    user: str
    csrf: str = field(repr=False)
    created_at: datetime
    expires_at: datetime


class AccountStore(Protocol):
    """Users, sessions, keys, one-time tokens and sources."""

    def user(self, name: str) -> User | None: ...
    def users(self) -> list[User]: ...
    def save_user(self, user: User) -> None: ...
    def key_by_hash(self, key_hash: str) -> ApiKey | None: ...
    def keys(self) -> list[ApiKey]: ...
    def save_key(self, key: ApiKey) -> None: ...
    def touch_key(self, key_id: str, at: datetime) -> None:
        """Note when a key was last used, and nothing else: a revocation of this moment stands."""

    def session(self, token_hash: str) -> Session | None: ...
    def save_session(self, session: Session) -> None: ...
    def extend_session(self, token_hash: str, expires_at: datetime) -> None:
        """Let a session that is there end later; one that was dropped meanwhile stays dropped."""

    def drop_session(self, token_hash: str) -> None: ...
    def drop_sessions_of(self, user: str) -> None: ...
    def save_one_time_token(self, token_hash: str, user: str, expires_at: datetime) -> None: ...
    def drop_one_time_tokens_of(self, user: str) -> None: ...
    def take_one_time_token(self, token_hash: str, now: datetime) -> str | None:
        """Return the user of a token that is valid, and forget it."""

    def source(self, name: str) -> Source | None: ...
    def sources(self) -> list[Source]: ...
    def save_source(self, source: Source) -> None: ...
