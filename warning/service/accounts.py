"""Accounts: who may come in, by password, sign-in link, session or key.

Only hashes of secrets are stored; what is secret is returned once. All methods may be called from several threads, and
from several processes on one store: what another process revokes ends here within :data:`BELIEVED` (5 s at most).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import RLock

from warning.domain.account import RIGHTS, Principal, Right, Role
from warning.domain.errors import EarlyWarningError, UnknownNameError
from warning.service.credentials import (
    KEY_PREFIX,
    BusyError,
    Passwords,
    check_password,
    hash_of,
    new_password,
    new_secret,
    same,
)
from warning.service.errors import BadInputError
from warning.service.keys import NewKey, check_expiry, works
from warning.service.names import checked_name, folded_name
from warning.service.ports import AccountStore, ApiKey, Session, Source, StoreBusyError, User
from warning.service.recent import Recent
from warning.service.throttle import Throttle
from warning.service.times import LATEST

FIRST_ADMIN = "admin"

IDLE = timedelta(hours=12)
"""A session ends when it was not used for so long: a shift, so that nobody signs in twice in one."""
OLDEST = timedelta(days=7)
"""A session ends at this age, used or not."""
EXTENDED_EVERY = timedelta(minutes=10)
"""A session in use is written no more often than this."""
TOUCHED_EVERY = timedelta(minutes=1)
"""When a key was last used is written no more often than this."""
BELIEVED = timedelta(seconds=3)
"""How long a session or key that was looked up is believed without looking again."""
STANDS_IN = timedelta(minutes=15)
"""How long a key that was valid still lets in while nobody can look it up: the store is away, tickets can be taken."""

_SHOWN = len(KEY_PREFIX) + 6
"""Characters of a key by which people tell it apart; some 220 random bits stay hidden."""


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user with the password as it was set: the only time it can be seen."""

    user: User
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What a browser gets: the session's token (a cookie) and the text its forms have to send back."""

    token: str = field(repr=False)
    csrf: str = field(repr=False)
    user: User


class SignInRefusedError(EarlyWarningError):
    """Not let in. Says the same whether the name or the password is wrong.

    retry_after : seconds after which it makes sense to try again; 0: at once
    """

    def __init__(self, retry_after: int = 0) -> None:
        wait = f"Too many attempts; try again in {retry_after} s." if retry_after else "Try again."
        wait_zh = f"尝试过于频繁,请在 {retry_after} 秒后重试。" if retry_after else "请重试。"
        super().__init__(f"Not signed in: the name or the password is wrong, or the link has been used. {wait}")
        self.retry_after = retry_after
        self.zh = f"未能登录:用户名或密码有误,或登录链接已失效。{wait_zh}"


class Accounts:
    """Users, sessions, keys and sources.

    store : where they are kept
    now : the time of the wall clock, aware (not the clock of a demo, which runs faster)
    passwords : hashes passwords; another one only in tests, which cannot wait
    """

    def __init__(self, store: AccountStore, *, now: Callable[[], datetime], passwords: Passwords | None = None) -> None:
        self._store = store
        self.now = now
        self._passwords = passwords or Passwords()
        self._throttle = Throttle(now)
        self._sessions = Recent[tuple[Principal, Session]](BELIEVED, now)
        self._keys = Recent[tuple[Principal, ApiKey]](BELIEVED, now)
        self._last_keys = Recent[tuple[Principal, ApiKey]](STANDS_IN, now)
        self._writing = RLock()

    # --- users ------------------------------------------------------------------------------------------------------

    def users(self) -> list[User]:
        """Return all users by name, the deactivated too."""
        return sorted(self._store.users(), key=lambda user: user.name)

    def first_admin(self) -> NewUser | None:
        """Create the user "admin" when there is no user at all; None when there is one."""
        with self._writing:
            return None if self._store.users() else self.create_user(FIRST_ADMIN, Role.ADMIN)

    def create_user(self, name: str, role: Role, password: str | None = None) -> NewUser:
        """Create a user, with a random password unless one is given.

        Names are compared without regard to case. Raises BadInputError for a name that is taken or no name, and for a
        bad password.
        """
        name = checked_name(name, "name")
        with self._writing:
            if self._store.user(name) is not None:
                raise BadInputError("name", f"{name!r} is taken", "Choose another.", f"name: 用户名 {name!r} 已存在。")
            password = self._checked_password(password, name)
            hashed = self._passwords.hash(password)
            user = User(name=name, role=role, password_hash=hashed, created_at=self.now())
            self._store.save_user(user)
        return NewUser(user, password)

    def set_role(self, name: str, role: Role) -> User:
        """Give a user another role and end the user's sessions; the last admin stays one."""
        with self._writing:
            user = self._user(name)
            if role is not Role.ADMIN:
                self._check_not_last_admin(user)
            return self._changed(replace(user, role=role))

    def set_password(self, name: str, password: str | None = None) -> str:
        """Give a user another password, a random one unless given; ends the user's sessions and sign-in links."""
        with self._writing:
            user = self._user(name)
            password = self._checked_password(password, user.name)
            self._changed(replace(user, password_hash=self._passwords.hash(password)))
        self._throttle.forget(user.name)
        return password

    def deactivate(self, name: str) -> User:
        """Let a user in no more and end the user's sessions; what the user did stays. The last admin stays active."""
        with self._writing:
            user = self._user(name)
            self._check_not_last_admin(user)
            return self._changed(replace(user, active=False))

    def activate(self, name: str) -> User:
        """Let a deactivated user in again."""
        with self._writing:
            return self._changed(replace(self._user(name), active=True))

    # --- sessions ---------------------------------------------------------------------------------------------------

    def sign_in(self, name: str, password: str) -> SignedIn:
        """Start a session; raises SignInRefusedError, after as long a time whatever was wrong.

        After five failures for a name every further attempt, right or wrong, has to wait: 1 s, 2 s, 4 s, up to 5
        minutes.
        """
        name = folded_name(name)
        wait = self._throttle.admit(name)
        if wait:
            raise SignInRefusedError(wait)
        user = self._store.user(name) if name else None
        try:
            right = self._passwords.verify(password, user.password_hash if user else None)
        except BusyError as error:
            raise SignInRefusedError(1) from error
        if user is None or not right:
            raise SignInRefusedError
        signed_in = self._start_session(user)
        self._throttle.forget(name)
        return signed_in

    def one_time_token(self, user: str, minutes: int = 15) -> str:
        """Make a token that signs a user in once, within some minutes."""
        token = new_secret()
        expires_at = self.now() + timedelta(minutes=minutes)
        self._store.save_one_time_token(hash_of(token), self._user(user).name, expires_at)
        return token

    def sign_in_once(self, token: str) -> SignedIn:
        """Start a session by a one-time token; raises SignInRefusedError when it is unknown, used or too old."""
        name = self._store.take_one_time_token(hash_of(token), self.now())
        user = self._store.user(name) if name else None
        if user is None:
            raise SignInRefusedError
        return self._start_session(user)

    def session(self, token: str) -> tuple[Principal, Session] | None:
        """Return who holds a session's token; None when it has ended or its user is no longer active."""
        hashed = hash_of(token)
        found = self._sessions.get(hashed) or self._look_up_session(hashed)
        if found is None or found[1].expires_at <= self.now():
            return None
        return found

    def sign_out(self, token: str) -> None:
        """End a session."""
        hashed = hash_of(token)
        self._store.drop_session(hashed)
        self._sessions.drop(hashed)

    # --- keys and sources -------------------------------------------------------------------------------------------

    def sources(self) -> list[Source]:
        """Return all sources by name."""
        return sorted(self._store.sources(), key=lambda source: source.name)

    def add_source(self, name: str, mapping: str, title_zh: str = "", title_en: str = "") -> Source:
        """Add a source, or give one that there is another mapping and titles."""
        name = checked_name(name, "source", fold=False)
        source = Source(name=name, mapping=mapping, title_zh=title_zh, title_en=title_en)
        self._store.save_source(source)
        return source

    def keys(self) -> list[ApiKey]:
        """Return all keys by source and age, the expired and revoked too."""
        return sorted(self._store.keys(), key=lambda key: (key.source, key.created_at, key.id))

    def add_key(self, source: str, expires_at: datetime | None = None) -> NewKey:
        """Make a key of a source; raises UnknownNameError when there is no such source."""
        if self._store.source(source) is None:
            raise UnknownNameError("source", source, [one.name for one in self.sources()])
        now = self.now()
        if expires_at is not None:
            check_expiry(expires_at, now)
        secret = new_secret(KEY_PREFIX)
        key = ApiKey(
            id=f"key-{secrets.token_hex(4)}",
            source=source,
            prefix=secret[:_SHOWN],
            key_hash=hash_of(secret),
            created_at=now,
            expires_at=expires_at,
        )
        self._store.save_key(key)
        return NewKey(key, secret)

    def rotate_key(self, key_id: str, overlap: timedelta) -> NewKey:
        """Make the successor of a key, which itself works until the overlap is over.

        The successor lasts as long as the key was to last. Raises BadInputError when the key works no more.
        """
        with self._writing:
            key, now = self._key(key_id), self.now()
            if not works(key, now):
                raise BadInputError(
                    "key_id", f"{key_id} works no more", "Add a new key.", f"key_id: {key_id} 已失效,请新建密钥。"
                )
            lasts = min(key.expires_at - key.created_at, LATEST - now) if key.expires_at else None
            new = self.add_key(key.source, now + lasts if lasts else None)
            ends = now + overlap
            self._store.save_key(replace(key, expires_at=min(key.expires_at or ends, ends)))
            self._keys.clear()
        return new

    def revoke_key(self, key_id: str) -> ApiKey:
        """End a key at once."""
        with self._writing:
            key = self._key(key_id)
            if key.revoked_at is None:
                key = replace(key, revoked_at=self.now())
                self._store.save_key(key)
            self._keys.clear()
            self._last_keys.clear()
        return key

    def key_principal(self, key: str) -> Principal | None:
        """Return whom a key stands for: its source, with the right to push; None when it is unknown or ended."""
        if not key.startswith(KEY_PREFIX):
            return None
        hashed = hash_of(key)
        found = self._keys.get(hashed) or self._looked_up_or_last(hashed)
        return found[0] if found is not None and works(found[1], self.now()) else None

    # --- behind it --------------------------------------------------------------------------------------------------

    def _user(self, name: str) -> User:
        folded = folded_name(name)
        user = self._store.user(folded) if folded else None
        if user is None:
            raise UnknownNameError("user", name, [one.name for one in self.users()])
        return user

    def _changed(self, user: User) -> User:
        """Store a changed user and end the sessions and sign-in links that the unchanged one had."""
        self._store.save_user(user)
        self._store.drop_sessions_of(user.name)
        self._store.drop_one_time_tokens_of(user.name)
        self._sessions.clear()
        return user

    def _checked_password(self, password: str | None, user: str) -> str:
        if password is None:
            return new_password()
        check_password(password, user)
        return password

    def _check_not_last_admin(self, user: User) -> None:
        admins = {one.name for one in self._store.users() if one.active and one.role is Role.ADMIN}
        if admins == {user.name}:
            raise BadInputError(
                "name",
                f"{user.name!r} is the last admin",
                "Make another user admin first.",
                f"name: {user.name!r} 是最后一名管理员,请先指定另一名管理员。",
            )

    def _start_session(self, user: User) -> SignedIn:
        """Start a session, unless the user changed since the password or link was checked."""
        token, csrf = new_secret(), new_secret()
        with self._writing:
            if not user.active or self._store.user(user.name) != user:
                raise SignInRefusedError
            now = self.now()
            self._store.save_session(
                Session(token_hash=hash_of(token), user=user.name, csrf=csrf, created_at=now, expires_at=now + IDLE)
            )
        return SignedIn(token, csrf, user)

    def _look_up_session(self, hashed: str) -> tuple[Principal, Session] | None:
        session = self._store.session(hashed)
        if session is None or not same(hashed, session.token_hash):
            return None
        now = self.now()
        if session.expires_at <= now:
            self._store.drop_session(hashed)
            return None
        user = self._store.user(session.user)
        if user is None or not user.active:
            return None
        expires_at = min(now + IDLE, session.created_at + OLDEST)
        if expires_at - session.expires_at >= EXTENDED_EVERY:
            with suppress(StoreBusyError):  # a full disk shuts nobody out of what can be read
                self._store.extend_session(hashed, expires_at)
                session = replace(session, expires_at=expires_at)
        principal = Principal(name=user.name, rights=RIGHTS[user.role], role=user.role)
        return self._sessions.put(hashed, (principal, session))

    def _key(self, key_id: str) -> ApiKey:
        keys = {key.id: key for key in self.keys()}
        if key_id not in keys:
            raise UnknownNameError("key", key_id, sorted(keys))
        return keys[key_id]

    def _looked_up_or_last(self, hashed: str) -> tuple[Principal, ApiKey] | None:
        """Look a key up; while the store is away what it said last holds. Raises StoreBusyError where it said nothing.

        What another process revokes meanwhile ends here once the store is back, and after :data:`STANDS_IN` at last.
        """
        try:
            return self._look_up_key(hashed)
        except StoreBusyError:
            last = self._last_keys.get(hashed)
            if last is None:
                raise
            return last

    def _look_up_key(self, hashed: str) -> tuple[Principal, ApiKey] | None:
        key, now = self._store.key_by_hash(hashed), self.now()
        if key is None or not same(hashed, key.key_hash) or not works(key, now):
            self._last_keys.drop(hashed)
            return None
        if key.last_used_at is None or abs(now - key.last_used_at) >= TOUCHED_EVERY:
            with suppress(StoreBusyError):  # whether tickets can be taken is for intake to say
                self._store.touch_key(key.id, now)
        principal = Principal(name=key.id, rights=frozenset({Right.PUSH}), source=key.source)
        self._last_keys.put(hashed, (principal, key))
        return self._keys.put(hashed, (principal, key))
