"""The commands users and keys, on a real database: what scripts capture, and what then works."""

from __future__ import annotations

import json
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.warning.cli.conftest import Run
from warning.bootstrap.accounts import DATABASE, open_accounts
from warning.domain.account import Role
from warning.service.accounts import Accounts, SignInRefusedError

SECRET = re.compile(r"[A-Za-z0-9_-]{20,}\n")


@pytest.fixture(name="data")
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Name a data folder in the environment, as a deployment does; nothing is in it yet."""
    folder = tmp_path / "city" / "data"
    monkeypatch.setenv("EARLY_WARNING_SERVICE__DATA", str(folder))
    return folder


@pytest.fixture(name="accounts")
def _accounts(data: Path) -> Iterator[Accounts]:
    """Accounts as a running service holds them, with an admin."""
    with open_accounts(data, create=True) as accounts:
        accounts.first_admin()
        yield accounts


def _secret(run: Run, *words: object) -> str:
    """What a script captures: one line that holds nothing but the secret."""
    done = run(*words)
    assert done.exit_code == 0, done.output
    assert SECRET.fullmatch(done.stdout), done.stdout
    assert "只显示这一次" in done.stderr
    assert "only this once" in done.stderr
    assert done.stdout.strip() not in done.stderr
    return str(done.stdout.strip())


def test_a_first_user_makes_the_database(run: Run, data: Path) -> None:
    """On an empty machine adding a user makes a private database and prints a password that signs in."""
    password = _secret(run, "users", "add", "Wang", "--role", "admin")
    assert stat.S_IMODE((data / DATABASE).stat().st_mode) == 0o600
    with open_accounts(data) as accounts:
        assert accounts.sign_in("wang", password).user.role is Role.ADMIN


@pytest.mark.parametrize(
    "words",
    [
        ("users", "list"),
        ("users", "set-role", "wang", "--role", "viewer"),
        ("users", "reset-password", "wang"),
        ("users", "deactivate", "wang"),
        ("users", "activate", "wang"),
        ("users", "link", "wang"),
        ("keys", "list"),
        ("keys", "add", "hotline"),
        ("keys", "rotate", "key-1"),
        ("keys", "revoke", "key-1"),
    ],
    ids=" ".join,
)
def test_a_wrong_folder_is_not_made(run: Run, data: Path, words: tuple[str, ...]) -> None:
    """A folder without a database is bad input, in both languages, and stays as it is."""
    done = run(*words)
    assert (done.exit_code, done.stdout) == (3, "")
    assert "--data" in done.stderr
    assert "没有服务数据库" in done.stderr
    assert not data.exists()


def test_users_are_listed(run: Run, data: Path, accounts: Accounts) -> None:
    """The list has every user with role and state, for people and as JSON, and no hash."""
    accounts.create_user("li", Role.OPERATOR)
    accounts.deactivate("li")
    text = run("users", "list", "--data", data).stdout
    assert re.search(r"^li +operator +处理 handles .*已停用 deactivated$", text, re.MULTILINE)
    assert re.search(r"^admin +admin +管理 administers +\d{4}-\d\d-\d\d \d\d:\d\dZ$", text, re.MULTILINE)
    printed = run("users", "list", "--data", data, "--json").stdout
    assert [(one["name"], one["role"], one["active"]) for one in json.loads(printed)] == [
        ("admin", "admin", True),
        ("li", "operator", False),
    ]
    assert "argon2" not in text + printed


def test_a_role_is_changed(run: Run, accounts: Accounts) -> None:
    """A running service sees the new role, and the user has to sign in again."""
    user = accounts.create_user("li", Role.VIEWER)
    old = accounts.sign_in("li", user.password)
    done = run("users", "set-role", "LI", "--role", "reviewer")
    assert (done.exit_code, done.stdout) == (0, "")
    assert accounts.session(old.token) is None
    assert accounts.sign_in("li", user.password).user.role is Role.REVIEWER


def test_a_password_is_reset(run: Run, accounts: Accounts) -> None:
    """The new password signs in on a running service; the old one does no more."""
    old = accounts.create_user("li", Role.VIEWER).password
    accounts.sign_in("li", _secret(run, "users", "reset-password", "li"))
    with pytest.raises(SignInRefusedError):
        accounts.sign_in("li", old)


def test_a_user_is_deactivated_and_activated(run: Run, accounts: Accounts) -> None:
    """A deactivated user cannot sign in, an activated one can; the last admin cannot be deactivated."""
    password = accounts.create_user("li", Role.VIEWER).password
    assert "已停用 deactivated" in run("users", "deactivate", "li").stderr
    with pytest.raises(SignInRefusedError):
        accounts.sign_in("li", password)
    assert "已恢复 active" in run("users", "activate", "li").stderr
    accounts.sign_in("li", password)
    last = run("users", "deactivate", "admin")
    assert last.exit_code == 3
    assert "最后一名管理员" in last.stderr
    assert "last admin" in last.stderr


def test_a_link_signs_in(run: Run, accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """The link is a path, with the proxy's prefix, whose token signs the user in once."""
    monkeypatch.setenv("EARLY_WARNING_SERVICE__PREFIX", "/warning")
    done = run("users", "link", "admin", "--minutes", "5")
    path, token = done.stdout.strip().split("?token=")
    assert path == "/warning/sign-in/once"
    assert "5 min" in done.stderr
    assert accounts.sign_in_once(token).user.name == "admin"
    with pytest.raises(SignInRefusedError):
        accounts.sign_in_once(token)


def test_a_missing_extra_is_named(run: Run, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the packages of the service are not installed, the commands say which extra brings them."""
    monkeypatch.setitem(sys.modules, "warning.bootstrap.folder", None)
    done = run("users", "add", "wang", "--role", "admin")
    assert done.exit_code == 3
    assert "early-warning[service]" in done.stderr
    assert "未安装" in done.stderr


def test_a_settings_file_names_the_service(
    run: Run, accounts: Accounts, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folder and prefix come from the settings file with which the service runs, unless --data says otherwise."""
    monkeypatch.delenv("EARLY_WARNING_SERVICE__DATA")
    (tmp_path / "city.yaml").write_text(f"service: {{data: {data}, prefix: /city}}\n")
    done = run("users", "link", "admin", "--settings", tmp_path / "city.yaml")
    assert done.stdout.startswith("/city/sign-in/once?token=")
    elsewhere = run("users", "list", "--settings", tmp_path / "city.yaml", "--data", tmp_path)
    assert elsewhere.exit_code == 3


@pytest.mark.parametrize(
    ("words", "code", "chinese", "english"),
    [
        (("users", "add", "admin", "--role", "viewer"), 3, "已存在", "is taken"),
        (("users", "add", "a b", "--role", "viewer"), 3, "不能用作名称", "is no name"),
        (("users", "add", "li", "--role", "king"), 2, "", "'king' is not one of"),
        (("users", "reset-password", "li"), 2, "没有名为 'li' 的用户;现有: admin", "no user is named 'li'"),
        (("keys", "revoke", "key-1"), 2, "没有名为 'key-1' 的密钥;现有: 无", "no key is named 'key-1'"),
        (("keys", "add", "hotline"), 2, "新来源需用 --mapping", "is a new source"),
        (("keys", "add", "hotline", "--mapping", "nyc312"), 2, "没有名为 'nyc312' 的映射", "no mapping is named"),
        (("keys", "add", "a b", "--mapping", "nyc311"), 3, "不能用作名称", "is no name"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_mistakes_are_explained(
    run: Run, accounts: Accounts, words: tuple[str, ...], code: int, chinese: str, english: str
) -> None:
    """A mistake is a sentence in each language on standard error, and changes nothing."""
    done = run(*words)
    assert (done.exit_code, done.stdout) == (code, "")
    assert chinese in done.stderr
    assert english in done.stderr
    assert [user.name for user in accounts.users()] == ["admin"]
    assert accounts.sources() == []


def test_a_key_is_added_with_its_source(run: Run, data: Path) -> None:
    """The first key of a new source needs its mapping and makes the source; the next needs none."""
    first = _secret(run, "keys", "add", "hotline", "--mapping", "nyc311")
    second = _secret(run, "keys", "add", "hotline", "--expires-days", "30")
    with open_accounts(data) as accounts:
        (source,) = accounts.sources()
        assert (source.name, source.mapping) == ("hotline", "nyc311")
        assert source.title_zh
        for secret in (first, second):
            principal = accounts.key_principal(secret)
            assert principal is not None
            assert principal.source == "hotline"
        one, other = sorted(accounts.keys(), key=lambda key: key.expires_at is not None)
        assert one.expires_at is None
        assert other.expires_at is not None
        assert (other.expires_at - other.created_at).days in {29, 30}


def test_a_mapping_file_is_found_from_anywhere(
    run: Run, accounts: Accounts, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mapping given as a file is kept by its full path, so that the service finds it wherever it starts."""
    shipped = root / "warning" / "intake" / "mappings"
    text = next(shipped.glob("nyc311.y*ml")).read_text("utf-8")
    (tmp_path / "city.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    _secret(run, "keys", "add", "hotline", "--mapping", "city.yaml")
    assert accounts.sources()[0].mapping == str(tmp_path / "city.yaml")


def test_keys_are_listed_rotated_and_revoked(run: Run, accounts: Accounts) -> None:
    """After a rotation both keys are valid, without overlap only the new one; a revoked key works no more."""
    old = _secret(run, "keys", "add", "hotline", "--mapping", "nyc311")
    (key,) = accounts.keys()
    middle = _secret(run, "keys", "rotate", key.id)
    assert accounts.key_principal(old)
    both = accounts.keys()
    (successor,) = [one.id for one in both if middle.startswith(one.prefix)]
    new = _secret(run, "keys", "rotate", successor, "--overlap-hours", "0")
    assert accounts.key_principal(middle) is None
    assert "已吊销 revoked" in run("keys", "revoke", key.id).stderr
    listed = {one["prefix"]: one for one in json.loads(run("keys", "list", "--json").stdout)}
    assert [listed[secret[:9]]["state"] for secret in (old, middle, new)] == ["revoked", "expired", "valid"]
    assert listed[old[:9]]["last_used_at"]
    text = run("keys", "list").stdout
    assert "已吊销 revoked" in text
    assert f"{key.id}  {old[:9]}…  hotline" in text
    assert not any(secret in text for secret in (old, middle, new))
