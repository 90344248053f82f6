"""Who may do what: roles of people, keys of platforms, and the rights they give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """A person's role; each includes the ones before it."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    REVIEWER = "reviewer"
    ADMIN = "admin"


class Right(StrEnum):
    """One thing a principal may do."""

    READ = "read"
    """See alerts, freshness and the metrics page."""
    HANDLE = "handle"
    """Acknowledge, assign, snooze, close and annotate alerts; read the dead letters."""
    REVIEW = "review"
    """Give an alert a disposition, which teaches the models; enter planned events."""
    ADMINISTER = "administer"
    """Users, keys, sources, history, replay of dead letters and their originals."""
    PUSH = "push"
    """Send tickets of one's own source and look up what became of them."""


RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.VIEWER: frozenset({Right.READ}),
    Role.OPERATOR: frozenset({Right.READ, Right.HANDLE}),
    Role.REVIEWER: frozenset({Right.READ, Right.HANDLE, Right.REVIEW}),
    Role.ADMIN: frozenset({Right.READ, Right.HANDLE, Right.REVIEW, Right.ADMINISTER}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Whoever makes a request: a person with a role, or a platform's key, which belongs to one source."""

    name: str
    rights: frozenset[Right]
    role: Role | None = None
    source: str | None = None

    def may(self, right: Right) -> bool:
        """Whether this principal has a right."""
        return right in self.rights
