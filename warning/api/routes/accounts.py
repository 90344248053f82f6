"""Users and keys. A password or key is shown once, when it is made."""

from __future__ import annotations

from warning.api.access import V1, guarded_router
from warning.api.parts import TheServices
from warning.api.schemas.others import (
    KeyIn,
    KeyOut,
    NewKeyOut,
    NewUserOut,
    PasswordIn,
    PasswordOut,
    RotateIn,
    UserChange,
    UserIn,
    UserOut,
)
from warning.service.keys import NewKey

router = guarded_router("accounts", V1)


@router.get("/users")
def users(services: TheServices) -> list[UserOut]:
    """List the users, the deactivated too."""
    return [UserOut.model_validate(user) for user in services.accounts.users()]


@router.post("/users", status_code=201)
def add_user(body: UserIn, services: TheServices) -> NewUserOut:
    """Let a person in."""
    new = services.accounts.create_user(body.name, body.role, body.password)
    return NewUserOut(**UserOut.model_validate(new.user).model_dump(), password=new.password)


@router.put("/users/{name}")
def change_user(name: str, body: UserChange, services: TheServices) -> UserOut:
    """Give a user another role, or let them in no more, or again."""
    accounts = services.accounts
    accounts.set_role(name, body.role)
    return UserOut.model_validate(accounts.activate(name) if body.active else accounts.deactivate(name))


@router.post("/users/{name}/password")
def set_password(name: str, body: PasswordIn, services: TheServices) -> PasswordOut:
    """Give a user another password."""
    return PasswordOut(password=services.accounts.set_password(name, body.password))


@router.get("/keys")
def keys(services: TheServices) -> list[KeyOut]:
    """List the keys, the expired and revoked too."""
    return [KeyOut.model_validate(key) for key in services.accounts.keys()]  # noqa: SIM118  no dict


@router.post("/keys", status_code=201)
def add_key(body: KeyIn, services: TheServices) -> NewKeyOut:
    """Make a key of a source."""
    return _new(services.accounts.add_key(body.source, body.expires_at))


@router.post("/keys/{key_id}/rotate", status_code=201)
def rotate_key(key_id: str, body: RotateIn, services: TheServices) -> NewKeyOut:
    """Make the successor of a key; the old one works on for the overlap."""
    return _new(services.accounts.rotate_key(key_id, body.overlap))


@router.delete("/keys/{key_id}")
def revoke_key(key_id: str, services: TheServices) -> KeyOut:
    """End a key at once."""
    return KeyOut.model_validate(services.accounts.revoke_key(key_id))


def _new(new: NewKey) -> NewKeyOut:
    return NewKeyOut(**KeyOut.model_validate(new.key).model_dump(), key=new.secret)
