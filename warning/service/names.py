"""Names of users and of sources: short, printable, one word."""

from __future__ import annotations

import re
import unicodedata

from warning.service.errors import BadInputError

_NAME = re.compile(r"[^\W_][\w.@-]{0,63}")


def folded_name(name: str) -> str:
    """Return the form in which a user's name is kept; empty when no user can have it."""
    folded = unicodedata.normalize("NFKC", name.strip()).casefold()
    return folded if _NAME.fullmatch(folded) else ""


def checked_name(name: str, field: str, *, fold: bool = True) -> str:
    """Return a name as it is kept, a user's folded; raises BadInputError that names the field."""
    checked = folded_name(name) if fold else name.strip()
    if not _NAME.fullmatch(checked):
        raise BadInputError(
            field,
            f"{name!r} is no name",
            "Use 1 to 64 letters, digits, dots, hyphens, underscores or @, with a letter or digit first.",
            f"{field}: {name!r} 不能用作名称;可用 1 至 64 个文字、数字及 . - _ @,以文字或数字开头。",
        )
    return checked
