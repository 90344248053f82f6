"""Accounts over dictionaries, with a clock to be turned and passwords that hash quickly."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from argon2 import PasswordHasher

from warning.service.accounts import Accounts
from warning.service.credentials import Passwords
from warning.service.ports import ApiKey, Session, Source, User

START = datetime(2026, 3, 2, 8, tzinfo=UTC)


@dataclass
class TurnedClock:
    """Stands still until it is turned."""

    time: datetime = START

    def __call__(self) -> datetime:
        return self.time

    def turn(self, **by: float) -> None:
        self.time += timedelta(**by)


@dataclass
class MemoryAccountStore:
    """An AccountStore that forgets everything at the end; ``reads`` counts look-ups of sessions and keys."""

    reads: int = 0
    touched: list[datetime] = field(default_factory=list)
    extended: list[datetime] = field(default_factory=list)
    _users: dict[str, User] = field(default_factory=dict)
    _keys: dict[str, ApiKey] = field(default_factory=dict)
    _sessions: dict[str, Session] = field(default_factory=dict)
    _tokens: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    _sources: dict[str, Source] = field(default_factory=dict)

    def user(self, name: str) -> User | None:
        return self._users.get(name)

    def users(self) -> list[User]:
        return list(self._users.values())

    def save_user(self, user: User) -> None:
        self._users[user.name] = user

    def key_by_hash(self, key_hash: str) -> ApiKey | None:
        self.reads += 1
        return next((key for key in self._keys.values() if key.key_hash == key_hash), None)

    def keys(self) -> list[ApiKey]:
        return list(self._keys.values())

    def save_key(self, key: ApiKey) -> None:
        self._keys[key.id] = key

    def touch_key(self, key_id: str, at: datetime) -> None:
        self.touched.append(at)
        self._keys[key_id] = replace(self._keys[key_id], last_used_at=at)

    def session(self, token_hash: str) -> Session | None:
        self.reads += 1
        return self._sessions.get(token_hash)

    def save_session(self, session: Session) -> None:
        self._sessions[session.token_hash] = session

    def extend_session(self, token_hash: str, expires_at: datetime) -> None:
        self.extended.append(expires_at)
        if token_hash in self._sessions:
            self._sessions[token_hash] = replace(self._sessions[token_hash], expires_at=expires_at)

    def drop_session(self, token_hash: str) -> None:
        self._sessions.pop(token_hash, None)

    def drop_sessions_of(self, user: str) -> None:
        self._sessions = {key: session for key, session in self._sessions.items() if session.user != user}

    def save_one_time_token(self, token_hash: str, user: str, expires_at: datetime) -> None:
        self._tokens[token_hash] = (user, expires_at)

    def drop_one_time_tokens_of(self, user: str) -> None:
        self._tokens = {key: kept for key, kept in self._tokens.items() if kept[0] != user}

    def take_one_time_token(self, token_hash: str, now: datetime) -> str | None:
        user, expires_at = self._tokens.pop(token_hash, ("", now))
        return user if now < expires_at else None

    def source(self, name: str) -> Source | None:
        return self._sources.get(name)

    def sources(self) -> list[Source]:
        return list(self._sources.values())

    def save_source(self, source: Source) -> None:
        self._sources[source.name] = source

    def everything(self) -> str:
        """All that is stored, as text."""
        return repr((self._users, self._keys, self._sessions, self._tokens, self._sources)) + "".join(
            [*(user.password_hash for user in self._users.values()), *(key.key_hash for key in self._keys.values())]
        )


def quick_passwords() -> Passwords:
    """Hashes at the smallest cost there is."""
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


def accounts_on(store: MemoryAccountStore, clock: TurnedClock) -> Accounts:
    return Accounts(store, now=clock, passwords=quick_passwords())
