"""Accounts: every implementation of the port keeps what it is given, and forgets what it is told to forget."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.warning.service.accounts_in_memory import MemoryAccountStore
from warning.domain.account import Role
from warning.service.ports import AccountStore, ApiKey, Session, Source, User
from warning.store.sql.accounts import SqlAccounts
from warning.store.sql.database import Database

NOW = datetime(2026, 3, 2, 8, 0, 0, 123456, tzinfo=UTC)
USER = User(name="wang", role=Role.REVIEWER, password_hash="$argon2$x", created_at=NOW)
KEY = ApiKey(id="k1", source="hotline", prefix="ew_ab", key_hash="h1", created_at=NOW)
SESSION = Session(token_hash="t1", user="wang", csrf="c1", created_at=NOW, expires_at=NOW + timedelta(hours=8))


@pytest.fixture(name="store", params=["memory", "sql"])
def _store(request: pytest.FixtureRequest, database: Database) -> AccountStore:
    return MemoryAccountStore() if request.param == "memory" else SqlAccounts(database)


def test_users_are_kept(store: AccountStore) -> None:
    """A user comes back as saved, and saving again replaces."""
    assert (store.user("wang"), store.users()) == (None, [])
    store.save_user(USER)
    changed = replace(USER, role=Role.ADMIN, active=False)
    store.save_user(replace(USER, name="zhao"))
    store.save_user(changed)
    assert store.user("wang") == changed
    assert sorted(user.name for user in store.users()) == ["wang", "zhao"]


def test_keys_are_found_by_their_hash(store: AccountStore) -> None:
    """A key is found by its hash only, and noting its use changes nothing else."""
    store.save_key(KEY)
    revoked = replace(KEY, revoked_at=NOW, expires_at=NOW + timedelta(days=1))
    store.save_key(revoked)
    store.touch_key("k1", NOW)
    assert store.key_by_hash("h1") == replace(revoked, last_used_at=NOW)
    keys = store.keys()
    assert (store.key_by_hash("h2"), [key.id for key in keys]) == (None, ["k1"])


@pytest.mark.parametrize("written", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
def test_a_time_at_the_edge_hides_no_key(written: str, database: Database) -> None:
    """A key with a time that no calendar has in UTC is listed with the others, its time in every zone's reach."""
    store = SqlAccounts(database)
    store.save_key(replace(KEY, expires_at=datetime.fromisoformat(written)))
    store.save_key(replace(KEY, id="k2", key_hash="h2"))
    odd, plain = store.keys()
    assert (odd.id, plain) == ("k1", replace(KEY, id="k2", key_hash="h2"))
    assert odd.expires_at is not None
    assert {odd.expires_at.astimezone(timezone(timedelta(hours=hours))).day for hours in (-23, 23)}


def test_sessions_end(store: AccountStore) -> None:
    """A session is found until it, or all of its user's, are dropped; a dropped one cannot be made longer."""
    for number in range(3):
        store.save_session(replace(SESSION, token_hash=f"t{number}", user="zhao" if number == 2 else "wang"))
    later = NOW + timedelta(days=1)
    store.extend_session("t1", later)
    assert store.session("t1") == replace(SESSION, expires_at=later)
    store.drop_session("t1")
    store.extend_session("t1", later)
    assert store.session("t1") is None
    store.drop_sessions_of("wang")
    assert [number for number in range(3) if store.session(f"t{number}")] == [2]


def test_a_one_time_token_serves_once(store: AccountStore) -> None:
    """A token gives its user once, before it runs out, and nobody afterwards."""
    store.save_one_time_token("a", "wang", NOW + timedelta(minutes=1))
    store.save_one_time_token("b", "wang", NOW)
    assert [store.take_one_time_token(token, NOW) for token in ("a", "a", "b", "c")] == ["wang", None, None, None]
    for token, user in (("d", "wang"), ("e", "zhao")):
        store.save_one_time_token(token, user, NOW + timedelta(minutes=1))
    store.drop_one_time_tokens_of("wang")
    assert [store.take_one_time_token(token, NOW) for token in ("d", "e")] == [None, "zhao"]


def test_sources_are_kept(store: AccountStore) -> None:
    """A source comes back as saved, and saving again replaces."""
    store.save_source(Source(name="hotline", mapping="a"))
    store.save_source(Source(name="hotline", mapping="b", title_zh="热线", title_en="Hotline"))
    assert store.source("hotline") == Source(name="hotline", mapping="b", title_zh="热线", title_en="Hotline")
    assert (store.source("x"), len(store.sources())) == (None, 1)
