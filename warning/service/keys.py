"""A platform's key: how it stands, and what is seen of it when it is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from warning.service.errors import BadInputError
from warning.service.times import check_sensible

if TYPE_CHECKING:
    from datetime import datetime

    from warning.service.ports import ApiKey


@dataclass(frozen=True, slots=True)
class NewKey:
    """A platform's key with its secret: the only time it can be seen."""

    key: ApiKey
    secret: str = field(repr=False)


class KeyState(StrEnum):
    """How a key stands."""

    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"


def key_state(key: ApiKey, now: datetime) -> KeyState:
    """Return how a key stands at a moment; only a valid one lets in."""
    if key.revoked_at is not None:
        return KeyState.REVOKED
    return KeyState.VALID if key.expires_at is None or now < key.expires_at else KeyState.EXPIRED


def check_expiry(expires_at: datetime, now: datetime) -> None:
    """Raise BadInputError for a time at which no key can expire."""
    check_sensible("expires_at", expires_at)
    if expires_at <= now:
        raise BadInputError(
            "expires_at", "is not in the future", "Give a later time.", "expires_at: 到期时间必须晚于现在。"
        )


def works(key: ApiKey, now: datetime) -> bool:
    """Whether a key lets in."""
    return key_state(key, now) is KeyState.VALID
