"""Passwords and secrets: how they are made, kept as hashes and compared.

A password is kept as an argon2id hash (RFC 9106). A secret (of a session, a key, a sign-in link) is random and long, so
a plain SHA-256 of it gives nothing away and can be looked up.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from warning.service.errors import BadInputError

MINIMUM_PASSWORD = 12
MAXIMUM_PASSWORD = 1_000
"""Characters. Longer input would only cost time."""

KEY_PREFIX = "ew_"
"""By it people, and scanners of leaked secrets, know whose key it is."""

HASHING_AT_ONCE = 2
"""One hash takes 64 MiB and a tenth of a second: a crowd at the door must not take the memory of the service."""
PATIENCE = 2.0
"""Seconds that a sign-in waits for its turn to hash."""


class BusyError(Exception):
    """Too many passwords are being checked at this moment."""


class Passwords:
    """Hashes and verifies passwords; one that is compared with no hash takes the same time as any other."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._nobodys = self._hasher.hash(secrets.token_bytes(16))
        self._slots = BoundedSemaphore(HASHING_AT_ONCE)

    def hash(self, password: str) -> str:
        """Return the hash with its salt and parameters."""
        with self._slots:
            return self._hasher.hash(_bytes(password))

    def verify(self, password: str, kept: str | None) -> bool:
        """Whether a password is the one whose hash is kept (None: no); raises BusyError when its turn never comes."""
        if not self._slots.acquire(timeout=PATIENCE):
            raise BusyError
        try:
            return self._hasher.verify(kept or self._nobodys, _bytes(password)[: MAXIMUM_PASSWORD * 4]) and bool(kept)
        except (VerificationError, InvalidHashError):
            return False
        finally:
            self._slots.release()


def check_password(password: str, user: str) -> None:
    """Raise BadInputError unless the password is long enough, not absurdly long, and not the user's name."""
    if len(password) < MINIMUM_PASSWORD:
        raise BadInputError(
            "password",
            f"has fewer than {MINIMUM_PASSWORD} characters",
            "Four unrelated words make a good one.",
            f"password: 密码不足 {MINIMUM_PASSWORD} 个字符,可用几个互不相干的词组成。",
        )
    if len(password) > MAXIMUM_PASSWORD:
        raise BadInputError(
            "password",
            f"has more than {MAXIMUM_PASSWORD} characters",
            "Choose a shorter one.",
            f"password: 密码超过 {MAXIMUM_PASSWORD} 个字符。",
        )
    if _folded(password) == _folded(user):
        raise BadInputError("password", "is the user's name", "Choose another.", "password: 密码不能与用户名相同。")


def new_password() -> str:
    """Make a password for a person to change: 120 random bits."""
    return secrets.token_urlsafe(15)


def new_secret(prefix: str = "") -> str:
    """Make a secret of 256 random bits."""
    return prefix + secrets.token_urlsafe(32)


def hash_of(secret: str) -> str:
    """Return what is kept of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def same(given: str, kept: str) -> bool:
    """Whether two secrets are equal, in a time that tells nothing of where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), kept.encode("utf-8", "surrogatepass"))


def _bytes(password: str) -> bytes:
    """Return the bytes to hash: the same however a keyboard or a system composes the characters."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
