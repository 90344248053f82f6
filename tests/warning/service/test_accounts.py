"""Users, sessions, sign-in links, keys and sources: who comes in, and who no longer does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from operator import methodcaller

import pytest

from tests.warning.service.accounts_in_memory import MemoryAccountStore, TurnedClock, accounts_on
from warning.domain.account import RIGHTS, Role
from warning.domain.errors import UnknownNameError
from warning.service.accounts import Accounts, SignedIn, SignInRefusedError
from warning.service.errors import BadInputError
from warning.service.ports import StoreBusyError

PASSWORD = "four words make sense"


@pytest.fixture(name="clock")
def _clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture(name="store")
def _store() -> MemoryAccountStore:
    return MemoryAccountStore()


@pytest.fixture(name="accounts")
def _accounts(store: MemoryAccountStore, clock: TurnedClock) -> Accounts:
    """Accounts with an admin, a reviewer and a source."""
    accounts = accounts_on(store, clock)
    accounts.create_user("root", Role.ADMIN, "the admin's password")
    accounts.create_user("wang", Role.REVIEWER, PASSWORD)
    accounts.add_source("hotline", "nyc311", "热线", "Hotline")
    return accounts


def _failure(accounts: Accounts, name: str, password: str) -> SignInRefusedError:
    with pytest.raises(SignInRefusedError) as refused:
        accounts.sign_in(name, password)
    return refused.value


# --- users


def test_the_first_admin_is_made_once(store: MemoryAccountStore, clock: TurnedClock) -> None:
    """An empty store gets one admin with a random password that works; a store with any user gets none."""
    accounts = accounts_on(store, clock)
    first = accounts.first_admin()
    assert first is not None
    assert (first.user.name, first.user.role) == ("admin", Role.ADMIN)
    assert len(first.password) >= 20
    assert accounts.sign_in("admin", first.password).user == first.user
    assert accounts.first_admin() is None
    again = accounts_on(MemoryAccountStore(), clock).first_admin()
    assert again is not None
    assert again.password != first.password


def test_secrets_are_not_stored_nor_shown(accounts: Accounts, store: MemoryAccountStore) -> None:
    """No password, session token, link or key is in the store, nor in the text form of what is returned."""
    user = accounts.create_user("li", Role.VIEWER)
    signed_in, key = accounts.sign_in("li", user.password), accounts.add_key("hotline")
    link = accounts.one_time_token("li")
    shown = repr((user, signed_in, key))
    for secret in (user.password, signed_in.token, key.secret, link):
        assert secret not in store.everything()
        assert secret not in shown
    assert signed_in.csrf not in shown


def test_names_are_one_whatever_their_case(accounts: Accounts) -> None:
    """A name is found in any case or width, and cannot be taken twice in another."""
    assert accounts.create_user("Zhāng.San", Role.VIEWER).user.name == "zhāng.san"
    assert accounts.sign_in(" WANG ", PASSWORD).user.name == "wang"
    assert accounts.sign_in("ｗａｎｇ", PASSWORD).user.name == "wang"
    with pytest.raises(BadInputError, match="taken"):
        accounts.create_user("Wang", Role.VIEWER)
    assert accounts.create_user("王伟", Role.VIEWER).user.name == "王伟"


@pytest.mark.parametrize("name", ["", " ", "a b", "-x", "a/b", "x" * 65, "a\x00b", "a\nb", "\ud800", "<b>"])
def test_what_is_no_name_is_refused(accounts: Accounts, name: str) -> None:
    """A name that is empty, long or has other characters is refused in both languages, and signs nobody in."""
    with pytest.raises(BadInputError) as refused:
        accounts.create_user(name, Role.VIEWER)
    assert refused.value.where == "name"
    assert refused.value.zh.startswith("name:")
    assert str(_failure(accounts, name, PASSWORD)) == str(_failure(accounts, "nobody", PASSWORD))


@pytest.mark.parametrize("password", ["", "elevenchars", "x" * 1001, "WangWangWang"])
def test_bad_passwords_are_refused(accounts: Accounts, password: str) -> None:
    """A password that is short, endless or the user's name is refused by name of the field, in both languages."""
    with pytest.raises(BadInputError) as refused:
        accounts.create_user("wangwangwang", Role.VIEWER, password)
    assert refused.value.where == "password"
    assert refused.value.zh.startswith("password:")
    assert "wangwangwang" not in [user.name for user in accounts.users()]
    with pytest.raises(BadInputError):
        accounts.set_password("wang", "short")


def test_a_password_is_one_however_it_is_typed(accounts: Accounts) -> None:
    """Composed and decomposed characters, and any character at all, make the same password."""
    accounts.create_user("li", Role.VIEWER, "café au lait, s'il vous plaît")
    accounts.sign_in("li", "cafe\u0301 au lait, s'il vous plai\u0302t")
    accounts.create_user("ou", Role.VIEWER, "\ud800 is half a character \0")
    accounts.sign_in("ou", "\ud800 is half a character \0")


def test_the_last_admin_stays(accounts: Accounts) -> None:
    """The only active admin can be neither demoted nor deactivated; with another one both are possible."""
    with pytest.raises(BadInputError, match="last admin"):
        accounts.set_role("root", Role.VIEWER)
    with pytest.raises(BadInputError, match="last admin"):
        accounts.deactivate("root")
    accounts.set_role("wang", Role.ADMIN)
    assert accounts.set_role("root", Role.VIEWER).role is Role.VIEWER
    assert not accounts.deactivate("root").active


def test_unknown_users_are_named(accounts: Accounts) -> None:
    """Each act on a user who does not exist says who does."""
    for act in (accounts.deactivate, accounts.activate, accounts.set_password, accounts.one_time_token):
        with pytest.raises(UnknownNameError) as unknown:
            act("li si")
        assert unknown.value.known == ["root", "wang"]


# --- sign-in


def test_a_session_has_the_rights_of_the_role(accounts: Accounts) -> None:
    """Whoever signs in holds a session with the user's name, role and rights, and the form text of that session."""
    signed_in = accounts.sign_in("wang", PASSWORD)
    found = accounts.session(signed_in.token)
    assert found is not None
    principal, session = found
    assert (principal.name, principal.role, principal.rights) == ("wang", Role.REVIEWER, RIGHTS[Role.REVIEWER])
    assert (session.csrf, session.user) == (signed_in.csrf, "wang")
    assert accounts.session("another") is None
    assert accounts.session("\ud800") is None


def test_a_refusal_does_not_tell_what_was_wrong(accounts: Accounts) -> None:
    """An unknown name, a wrong password and a deactivated user are refused in the same words, in both languages."""
    accounts.create_user("li", Role.VIEWER, PASSWORD)
    accounts.deactivate("li")
    refusals = [
        _failure(accounts, name, password)
        for name, password in (("nobody", PASSWORD), ("wang", "wrong"), ("li", PASSWORD), ("wang", "x" * 100_000))
    ]
    assert len({(str(refusal), refusal.zh, refusal.retry_after) for refusal in refusals}) == 1
    assert refusals[0].retry_after == 0


def test_guessing_is_slowed_down(accounts: Accounts, clock: TurnedClock) -> None:
    """After five failures the waits are 1, 2, 4 s and so on up to 5 minutes, for the right password too."""
    for _ in range(5):
        assert _failure(accounts, "wang", "wrong").retry_after == 0
    waits = []
    for _ in range(11):
        wait = _failure(accounts, "wang", PASSWORD).retry_after
        waits.append(wait)
        clock.turn(seconds=wait)
        assert _failure(accounts, "wang", "wrong").retry_after == 0
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert accounts.sign_in("root", "the admin's password").user.name == "root"
    refused = _failure(accounts, "wang", PASSWORD)
    assert "300 s" in str(refused)
    assert "300 秒" in refused.zh
    clock.turn(seconds=300)
    accounts.sign_in("wang", PASSWORD)
    assert _failure(accounts, "wang", "wrong").retry_after == 0


def test_a_new_password_ends_the_wait(accounts: Accounts) -> None:
    """Whoever gets a new password from an admin need not wait for the failures with the old one."""
    for _ in range(6):
        _failure(accounts, "wang", "wrong")
    accounts.sign_in("wang", accounts.set_password("wang"))


def test_unknown_names_are_slowed_down_alike(accounts: Accounts) -> None:
    """A name that nobody has is slowed down like one that somebody has, so waiting tells nothing."""
    for _ in range(5):
        _failure(accounts, "nobody", "wrong")
    assert _failure(accounts, "nobody", "wrong").retry_after == 1


def test_a_link_signs_in_once(accounts: Accounts, clock: TurnedClock) -> None:
    """A one-time token starts a session, once, within its minutes, for an active user."""
    token = accounts.one_time_token("Wang")
    assert accounts.sign_in_once(token).user.name == "wang"
    late, stopped = accounts.one_time_token("wang", minutes=1), accounts.one_time_token("wang")
    clock.turn(minutes=1)
    accounts.deactivate("wang")
    for refused in (token, late, stopped, "made up"):
        with pytest.raises(SignInRefusedError):
            accounts.sign_in_once(refused)


@pytest.mark.parametrize(
    "change",
    [
        lambda accounts: accounts.set_password("wang"),
        lambda accounts: accounts.set_role("wang", Role.VIEWER),
        lambda accounts: (accounts.deactivate("wang"), accounts.activate("wang")),
    ],
    ids=["password", "role", "active"],
)
def test_a_link_does_not_outlive_a_change(change: Callable[[Accounts], object], accounts: Accounts) -> None:
    """Another password, role or state ends the sign-in links that were given out before, and nobody else's."""
    accounts.create_user("zhao", Role.VIEWER)
    before, others = accounts.one_time_token("wang"), accounts.one_time_token("zhao")
    change(accounts)
    with pytest.raises(SignInRefusedError):
        accounts.sign_in_once(before)
    assert accounts.sign_in_once(others).user.name == "zhao"
    assert accounts.sign_in_once(accounts.one_time_token("wang")).user.name == "wang"


# --- sessions


def test_a_session_slides_and_ends(accounts: Accounts, clock: TurnedClock) -> None:
    """A session in use ends after 7 days, also one used a moment ago; one that is not used ends after 12 hours."""
    used, idle = accounts.sign_in("wang", PASSWORD), accounts.sign_in("wang", PASSWORD)
    clock.turn(hours=11)
    assert accounts.session(used.token)
    clock.turn(hours=1)
    assert accounts.session(idle.token) is None
    for _ in range(7 * 24 - 13):
        assert accounts.session(used.token)
        clock.turn(hours=1)
    clock.turn(hours=1, seconds=-1)
    assert accounts.session(used.token)
    clock.turn(seconds=1)
    assert accounts.session(used.token) is None


def test_a_session_is_seldom_written(accounts: Accounts, store: MemoryAccountStore, clock: TurnedClock) -> None:
    """A session that is used every second is extended in the store once in ten minutes."""
    token = accounts.sign_in("wang", PASSWORD).token
    for _ in range(3_601):
        accounts.session(token)
        clock.turn(seconds=1)
    assert len(store.extended) == 6


def test_sessions_are_cheap(accounts: Accounts, store: MemoryAccountStore) -> None:
    """A hundred requests in a moment cost one look-up of the session."""
    token = accounts.sign_in("wang", PASSWORD).token
    before = store.reads
    assert all(accounts.session(token) for _ in range(100))
    assert store.reads == before + 1


def test_signing_out_ends_one_session(accounts: Accounts) -> None:
    """Signing out ends that session at once, even one just used, and no other."""
    one, other = accounts.sign_in("wang", PASSWORD), accounts.sign_in("wang", PASSWORD)
    assert accounts.session(one.token)
    accounts.sign_out(one.token)
    assert accounts.session(one.token) is None
    assert accounts.session(other.token)


@pytest.mark.parametrize(
    "change",
    [
        methodcaller("set_role", "wang", Role.VIEWER),
        methodcaller("set_password", "wang"),
        methodcaller("deactivate", "wang"),
    ],
    ids=["role", "password", "deactivate"],
)
def test_a_change_of_the_user_ends_the_sessions(accounts: Accounts, change: Callable[[Accounts], object]) -> None:
    """A new role, a new password and a deactivation end that user's sessions at once, and nobody else's."""
    own, others = accounts.sign_in("wang", PASSWORD), accounts.sign_in("root", "the admin's password")
    assert accounts.session(own.token)
    change(accounts)
    assert accounts.session(own.token) is None
    assert accounts.session(others.token)


def test_an_activated_user_signs_in_again(accounts: Accounts) -> None:
    """A deactivated user who is activated again signs in with the old password; old sessions stay ended."""
    old = accounts.sign_in("wang", PASSWORD)
    accounts.deactivate("wang")
    accounts.activate("wang")
    assert accounts.session(old.token) is None
    assert accounts.session(accounts.sign_in("wang", PASSWORD).token)


def _other_process(accounts: Accounts, store: MemoryAccountStore, clock: TurnedClock) -> tuple[Accounts, SignedIn, str]:
    """Use a session and a key here; return accounts of another process on the same store."""
    signed_in, key = accounts.sign_in("wang", PASSWORD), accounts.add_key("hotline")
    assert accounts.session(signed_in.token)
    assert accounts.key_principal(key.secret)
    return accounts_on(store, clock), signed_in, key.secret


def test_what_another_process_revokes_ends_within_5_seconds(
    accounts: Accounts, store: MemoryAccountStore, clock: TurnedClock
) -> None:
    """A session and a key that were just used end within 5 s when another process revokes them."""
    other, signed_in, secret = _other_process(accounts, store, clock)
    other.set_password("wang")
    other.revoke_key(other.keys()[0].id)
    clock.turn(seconds=5)
    assert accounts.session(signed_in.token) is None
    assert accounts.key_principal(secret) is None


def test_a_clock_set_back_believes_nothing_longer(
    accounts: Accounts, store: MemoryAccountStore, clock: TurnedClock
) -> None:
    """When the clock is set back an hour, what another process revokes still ends at once."""
    other, signed_in, secret = _other_process(accounts, store, clock)
    other.deactivate("wang")
    other.revoke_key(other.keys()[0].id)
    clock.turn(hours=-1)
    assert accounts.session(signed_in.token) is None
    assert accounts.key_principal(secret) is None


def test_use_does_not_bring_back_what_was_revoked_meanwhile(
    accounts: Accounts, store: MemoryAccountStore, clock: TurnedClock
) -> None:
    """A session that is extended, and a key that is noted as used, while another process ends them stay ended."""
    signed_in, key = accounts.sign_in("wang", PASSWORD), accounts.add_key("hotline")
    other = accounts_on(store, clock)
    clock.turn(hours=1)
    extend, touch = store.extend_session, store.touch_key
    store.extend_session = lambda *given: (other.set_password("wang"), extend(*given))[1]  # type: ignore[method-assign]
    store.touch_key = lambda *given: (other.revoke_key(key.key.id), touch(*given))[1]  # type: ignore[method-assign]
    accounts.session(signed_in.token)
    accounts.key_principal(key.secret)
    clock.turn(seconds=5)
    assert accounts.session(signed_in.token) is None
    assert accounts.key_principal(key.secret) is None


class FullDisk(MemoryAccountStore):
    """Can be read, not written."""

    def extend_session(self, token_hash: str, expires_at: datetime) -> None:
        raise StoreBusyError("full", 10, "磁盘已满")

    def touch_key(self, key_id: str, at: datetime) -> None:
        raise StoreBusyError("full", 10, "磁盘已满")


def test_a_full_disk_shuts_nobody_out(clock: TurnedClock) -> None:
    """While the store refuses to write, sessions and keys that are there are still good."""
    accounts = accounts_on(FullDisk(), clock)
    accounts.create_user("wang", Role.REVIEWER, PASSWORD)
    accounts.add_source("hotline", "nyc311")
    token, secret = accounts.sign_in("wang", PASSWORD).token, accounts.add_key("hotline").secret
    clock.turn(hours=11)
    assert accounts.session(token)
    assert accounts.key_principal(secret)
    clock.turn(hours=1)
    assert accounts.session(token) is None
