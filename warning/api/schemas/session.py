"""Signing in."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from warning.api.schemas.base import In, Out
from warning.domain.account import Principal, Right, Role


class SignIn(In):
    """A person's name and password."""

    model_config = ConfigDict(
        str_strip_whitespace=False,
        json_schema_extra={"examples": [{"name": "wang", "password": "four unrelated words"}]},
    )

    name: Annotated[str, Field(max_length=200)]
    password: Annotated[str, Field(max_length=1000, repr=False)]


class SessionOut(Out):
    """Who makes a request."""

    name: str
    role: Annotated[Role | None, Field(description="None for a key. 密钥没有角色")]
    source: Annotated[str | None, Field(description="The source a key belongs to. 密钥所属来源")]
    rights: list[Right]
    csrf: Annotated[str | None, Field(description="Send as X-CSRF-Token with unsafe requests. 修改类请求须带上")]

    @classmethod
    def of(cls, principal: Principal, csrf: str | None) -> SessionOut:
        """Describe a principal."""
        return cls(
            name=principal.name,
            role=principal.role,
            source=principal.source,
            rights=sorted(principal.rights),
            csrf=csrf,
        )
