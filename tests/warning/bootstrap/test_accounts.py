"""Accounts on a real database, used by many threads and opened twice at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from warning.bootstrap.accounts import open_accounts
from warning.domain.account import Role
from warning.service.accounts import Accounts, SignedIn, SignInRefusedError
from warning.service.errors import BadInputError

THREADS = 8


@pytest.fixture(name="accounts")
def _accounts(tmp_path: Path) -> Iterator[Accounts]:
    with open_accounts(tmp_path, create=True) as accounts:
        accounts.create_user("wang", Role.ADMIN)
        accounts.add_source("hotline", "nyc311")
        yield accounts


@pytest.fixture(name="beside")
def _beside(accounts: Accounts, tmp_path: Path) -> Iterator[Accounts]:
    """The same accounts, opened a second time as a command does."""
    with open_accounts(tmp_path) as beside:
        yield beside


def test_a_link_lets_one_in_however_many_use_it(accounts: Accounts, beside: Accounts) -> None:
    """Of many who use one link at the same moment, through two openings of the database, exactly one gets in."""

    def use(number: int) -> SignedIn | None:
        try:
            return (accounts, beside)[number % 2].sign_in_once(token)
        except SignInRefusedError:
            return None

    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(5):
            token = accounts.one_time_token("wang")
            let_in = [one for one in pool.map(use, range(THREADS)) if one is not None]
            assert len(let_in) == 1
            assert beside.session(let_in[0].token)


def test_a_name_is_taken_once(accounts: Accounts) -> None:
    """Of many who create a user of one name at the same moment, one does, and that password signs in."""

    def create(_: int) -> str | None:
        try:
            return accounts.create_user("li", Role.VIEWER).password
        except BadInputError:
            return None

    with ThreadPoolExecutor(THREADS) as pool:
        (password,) = [one for one in pool.map(create, range(THREADS)) if one is not None]
    assert accounts.sign_in("li", password).user.name == "li"


def test_everything_survives_the_round_trip(accounts: Accounts, beside: Accounts) -> None:
    """Users, sessions, keys and sources read back from the database are what was returned when they were made."""
    user = accounts.create_user("li", Role.OPERATOR)
    signed_in = accounts.sign_in("li", user.password)
    key = accounts.add_key("hotline", accounts.now() + timedelta(days=30))
    assert user.user in beside.users()
    assert beside.keys() == [key.key]
    assert beside.sources() == accounts.sources()
    found = beside.session(signed_in.token)
    assert found is not None
    assert (found[0].role, found[1].csrf) == (Role.OPERATOR, signed_in.csrf)
    principal = beside.key_principal(key.secret)
    assert principal is not None
    assert principal.source == "hotline"
    assert accounts.keys()[0].last_used_at is not None
