"""Passwords and secrets: hashes that verify, a crowd at the door, throttling and memory that stay bounded."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import pytest
from argon2 import PasswordHasher

from tests.warning.service.accounts_in_memory import MemoryAccountStore, TurnedClock, quick_passwords
from warning.domain.account import Role
from warning.service import credentials, recent, throttle
from warning.service.accounts import Accounts, SignInRefusedError
from warning.service.credentials import BusyError, Passwords, hash_of, new_password, new_secret, same
from warning.service.recent import Recent
from warning.service.throttle import Throttle


class CountingHasher(PasswordHasher):
    """Counts verifications; while ``gate`` is not set they wait at it."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified: list[str | bytes] = []
        self.gate = Event()
        self.gate.set()

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]  # noqa: A002
        self.verified.append(hash)
        self.gate.wait()
        return super().verify(hash, password)


def test_hashes_are_argon2id_and_salted() -> None:
    """By default a password becomes an argon2id hash of 64 MiB, another one each time, and verifies."""
    passwords = Passwords()
    one, other = passwords.hash("four words make sense"), passwords.hash("four words make sense")
    assert one != other
    assert one.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert passwords.verify("four words make sense", one)
    assert not passwords.verify("four words make no sense", one)


@pytest.mark.parametrize("kept", [None, "", "not a hash"])
def test_nothing_verifies_against_no_hash(kept: str | None) -> None:
    """A password compared with no hash, or a broken one, is wrong."""
    assert not quick_passwords().verify("", kept)


def test_an_unknown_name_costs_a_verification() -> None:
    """Signing in with an unknown name or one that is no name verifies a hash of the same parameters, like any other."""
    hasher = CountingHasher()
    accounts = Accounts(MemoryAccountStore(), now=TurnedClock(), passwords=Passwords(hasher))
    accounts.create_user("wang", Role.VIEWER, "four words make sense")
    for name in ("wang", "nobody", "a b"):
        with pytest.raises(SignInRefusedError):
            accounts.sign_in(name, "wrong")
    known, unknown, no_name = (str(one).rsplit("$", 2)[0] for one in hasher.verified)
    assert known == unknown == no_name


def test_a_crowd_waits_its_turn_or_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more passwords than stated are hashed at once; who waits too long is told to come back in a second."""
    monkeypatch.setattr(credentials, "PATIENCE", 0.01)
    hasher = CountingHasher()
    accounts = Accounts(MemoryAccountStore(), now=TurnedClock(), passwords=Passwords(hasher))
    hasher.gate.clear()

    def attempt(number: int) -> int:
        try:
            accounts.sign_in(f"user{number}", "wrong")
        except SignInRefusedError as refused:
            if refused.retry_after:
                hasher.gate.set()
            return refused.retry_after
        return -1

    with ThreadPoolExecutor(3) as pool:
        waits = sorted(pool.map(attempt, range(3)))
    assert waits == [0, 0, 1]
    assert len(hasher.verified) == credentials.HASHING_AT_ONCE


def test_being_busy_is_no_wrong_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """A verification that never got its turn is an error, not an answer, and frees nothing that it did not take."""
    monkeypatch.setattr(credentials, "PATIENCE", 0)
    passwords = quick_passwords()
    kept = passwords.hash("four words make sense")
    for _ in range(credentials.HASHING_AT_ONCE):
        passwords._slots.acquire()
    with pytest.raises(BusyError):
        passwords.verify("four words make sense", kept)
    for _ in range(credentials.HASHING_AT_ONCE):
        passwords._slots.release()
    assert passwords.verify("four words make sense", kept)


def test_secrets_are_random_and_safe_in_urls() -> None:
    """Secrets differ, have 256 bits, and need no quoting; what is kept of one is its SHA-256."""
    made = {new_secret("ew_") for _ in range(1000)} | {new_password() for _ in range(1000)}
    assert len(made) == 2000
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{20,}", one) for one in made)
    assert hash_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert same("é", "é")
    assert not same("é", "e")


def test_failures_are_forgotten_after_an_hour() -> None:
    """An hour without an attempt gives the free attempts back; a clock that was set back makes nobody wait."""
    clock = TurnedClock()
    slow = Throttle(clock)
    assert [slow.admit("a") for _ in range(6)] == [0, 0, 0, 0, 0, 1]
    clock.turn(hours=-1)
    assert slow.admit("a") == 0
    clock.turn(hours=1)
    assert [slow.admit("a") for _ in range(6)] == [0, 0, 0, 0, 0, 1]


def test_names_that_are_tried_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many names are tried, a bounded number is remembered, the latest ones."""
    monkeypatch.setattr(throttle, "NAMES", 10)
    slow = Throttle(TurnedClock())
    for _ in range(5):
        slow.admit("early")
    for number in range(9):
        slow.admit(f"name{number}")
    assert slow.admit("early") == 1
    slow.admit("one more")
    assert slow.admit("early") == 0
    assert len(slow._failures) == 10


def test_what_is_recent_is_bounded_and_short_lived(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value is given for its life, and a full memory starts anew."""
    monkeypatch.setattr(recent, "ENTRIES", 3)
    clock = TurnedClock()
    memory = Recent[int](timedelta(seconds=3), clock)
    for number in range(4):
        memory.put(str(number), number)
    assert [memory.get(str(number)) for number in range(4)] == [None, None, None, 3]
    clock.turn(seconds=3)
    assert memory.get("3") is None
