"""Row outcomes: what became of each row that was read. Exactly one each, in this order of precedence."""

from enum import StrEnum


class RowOutcome(StrEnum):
    """The five things that can become of a row."""

    REJECTED = "rejected"
    DUPLICATE = "duplicate"
    UPDATED = "updated"
    LATE = "late"
    ACCEPTED = "accepted"
