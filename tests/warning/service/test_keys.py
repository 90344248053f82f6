"""Keys and sources: what platforms push with, from the first key to its successor and its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.warning.service.accounts_in_memory import MemoryAccountStore, TurnedClock, accounts_on
from warning.domain.account import Right
from warning.domain.errors import UnknownNameError
from warning.service.accounts import STANDS_IN, Accounts
from warning.service.errors import BadInputError
from warning.service.keys import KeyState, key_state
from warning.service.ports import ApiKey, StoreBusyError
from warning.service.times import LATEST


@pytest.fixture(name="clock")
def _clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture(name="store")
def _store() -> MemoryAccountStore:
    return MemoryAccountStore()


@pytest.fixture(name="accounts")
def _accounts(store: MemoryAccountStore, clock: TurnedClock) -> Accounts:
    """Accounts with a source."""
    accounts = accounts_on(store, clock)
    accounts.add_source("hotline", "nyc311", "热线", "Hotline")
    return accounts


def test_a_key_pushes_for_its_source(accounts: Accounts) -> None:
    """A key stands for its source with the right to push and no other; people see how it begins."""
    new = accounts.add_key("hotline")
    principal = accounts.key_principal(new.secret)
    assert principal is not None
    assert (principal.name, principal.source, principal.role) == (new.key.id, "hotline", None)
    assert principal.rights == {Right.PUSH}
    assert new.secret.startswith("ew_")
    assert new.secret.startswith(new.key.prefix)
    assert len(new.key.prefix) < 10
    for wrong in ("", "ew_", new.secret[:-1], new.secret.removeprefix("ew_"), new.key.key_hash, "ew_\ud800"):
        assert accounts.key_principal(wrong) is None


def test_a_key_needs_a_source_and_a_future(accounts: Accounts, clock: TurnedClock) -> None:
    """A key of an unknown source names the known ones; one that would have ended already is refused."""
    with pytest.raises(UnknownNameError) as unknown:
        accounts.add_key("hotlnie")
    assert unknown.value.known == ["hotline"]
    with pytest.raises(BadInputError, match="expires_at"):
        accounts.add_key("hotline", clock())
    with pytest.raises(BadInputError, match="expires_at: is not between the years") as far:
        accounts.add_key("hotline", datetime.fromisoformat("9999-12-31T23:59:59-14:00"))
    assert far.value.zh.startswith("expires_at: 须在")


def test_a_far_end_is_not_moved_further(accounts: Accounts, store: MemoryAccountStore, clock: TurnedClock) -> None:
    """The successor of a key that was to last for ages ends in a year that can still be written."""
    key = accounts.add_key("hotline", LATEST).key
    clock.turn(days=365)
    assert accounts.rotate_key(key.id, timedelta()).key.expires_at == LATEST
    old = accounts.add_key("hotline").key
    store.save_key(replace(old, expires_at=datetime(9999, 12, 29, tzinfo=UTC)))
    assert accounts.rotate_key(old.id, timedelta()).key.expires_at == LATEST


def test_a_key_expires(accounts: Accounts, clock: TurnedClock) -> None:
    """A key works up to its end and not at it, even when it was used a moment ago."""
    secret = accounts.add_key("hotline", clock() + timedelta(days=30)).secret
    clock.turn(days=30, seconds=-1)
    assert accounts.key_principal(secret)
    clock.turn(seconds=1)
    assert accounts.key_principal(secret) is None


def test_a_rotated_key_overlaps_its_successor(accounts: Accounts, clock: TurnedClock) -> None:
    """After a rotation both keys work until the overlap ends, then only the new one, for as long as the old had."""
    old = accounts.add_key("hotline", clock() + timedelta(days=90))
    assert accounts.key_principal(old.secret)
    clock.turn(days=80)
    new = accounts.rotate_key(old.key.id, timedelta(hours=24))
    assert accounts.key_principal(old.secret)
    assert accounts.key_principal(new.secret)
    assert new.key.source == "hotline"
    assert new.key.expires_at == clock() + timedelta(days=90)
    clock.turn(hours=24)
    assert accounts.key_principal(old.secret) is None
    assert accounts.key_principal(new.secret)
    with pytest.raises(BadInputError, match="works no more"):
        accounts.rotate_key(old.key.id, timedelta(0))


def test_an_overlap_lengthens_no_life(accounts: Accounts, clock: TurnedClock) -> None:
    """A key that ends before the overlap does ends when it was to end; without overlap it ends at once."""
    ends = clock() + timedelta(hours=1)
    short, endless = accounts.add_key("hotline", ends), accounts.add_key("hotline")
    accounts.rotate_key(short.key.id, timedelta(days=7))
    new = accounts.rotate_key(endless.key.id, timedelta(0))
    kept = accounts.keys()
    assert [key.expires_at for key in kept if key.id == short.key.id] == [ends]
    assert accounts.key_principal(endless.secret) is None
    assert new.key.expires_at is None


def test_a_revoked_key_ends_at_once(accounts: Accounts, clock: TurnedClock) -> None:
    """A key that was just used ends with its revocation; revoking it again changes nothing; unknown ids are named."""
    new = accounts.add_key("hotline")
    assert accounts.key_principal(new.secret)
    first = accounts.revoke_key(new.key.id)
    assert accounts.key_principal(new.secret) is None
    clock.turn(hours=1)
    assert accounts.revoke_key(new.key.id) == first
    with pytest.raises(UnknownNameError):
        accounts.revoke_key("key-none")


def test_the_last_use_is_noted_once_a_minute(accounts: Accounts, store: MemoryAccountStore, clock: TurnedClock) -> None:
    """A key in steady use is noted as used once a minute, and looked up rarely."""
    secret = accounts.add_key("hotline").secret
    for _ in range(180):
        accounts.key_principal(secret)
        clock.turn(seconds=1)
    assert len(store.touched) == 3
    assert store.reads <= 60


def test_sources_are_listed_and_changed(accounts: Accounts) -> None:
    """A source is listed with its mapping and titles; adding it again changes them; its name keeps its case."""
    accounts.add_source("App", "city.yaml")
    accounts.add_source("hotline", "nyc311-headerless")
    assert [(source.name, source.mapping) for source in accounts.sources()] == [
        ("App", "city.yaml"),
        ("hotline", "nyc311-headerless"),
    ]
    with pytest.raises(BadInputError, match="source"):
        accounts.add_source("a b", "nyc311")


def test_how_a_key_stands_is_told(accounts: Accounts, clock: TurnedClock) -> None:
    """A key is valid, then expired; a revoked one is revoked whatever its end."""
    key = accounts.add_key("hotline", clock() + timedelta(days=1)).key
    assert key_state(key, clock()) is KeyState.VALID
    clock.turn(days=1)
    assert key_state(key, clock()) is KeyState.EXPIRED
    assert key_state(accounts.revoke_key(key.id), clock()) is KeyState.REVOKED


class AwayStore(MemoryAccountStore):
    """An AccountStore that may be away."""

    away = False

    def key_by_hash(self, key_hash: str) -> ApiKey | None:
        if self.away:
            raise StoreBusyError("away", 1, "无法访问")
        return super().key_by_hash(key_hash)


def test_a_known_key_lets_in_while_the_store_is_away(clock: TurnedClock) -> None:
    """For a quarter of an hour after it was last looked up, and no other key; back again, the store's word counts."""
    store = AwayStore()
    accounts = accounts_on(store, clock)
    accounts.add_source("hotline", "nyc311")
    known, unknown = accounts.add_key("hotline"), accounts.add_key("hotline")
    principal = accounts.key_principal(known.secret)
    store.away = True
    clock.turn(minutes=14)
    assert accounts.key_principal(known.secret) == principal
    with pytest.raises(StoreBusyError):
        accounts.key_principal(unknown.secret)
    clock.turn(seconds=STANDS_IN.total_seconds())
    with pytest.raises(StoreBusyError):
        accounts.key_principal(known.secret)
    store.away = False
    assert accounts.key_principal(known.secret) == principal
    accounts_on(store, clock).revoke_key(known.key.id)
    clock.turn(seconds=10)
    assert accounts.key_principal(known.secret) is None
    store.away = True
    with pytest.raises(StoreBusyError):
        accounts.key_principal(known.secret)
