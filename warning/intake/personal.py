"""Check digits and structure of personal numbers: what tells them from other long numbers.

Sources: GB 11643-1999 (resident identity numbers; its check digit is ISO 7064 MOD 11-2) and ISO/IEC 7812 (Luhn).
"""

from __future__ import annotations

import re
from datetime import date

_PROVINCES_BY_REGION = {
    1: range(1, 6),
    2: range(1, 4),
    3: range(1, 8),
    4: range(1, 7),
    5: range(5),
    6: range(1, 6),
    7: range(1, 2),
    8: range(1, 4),
}
PROVINCE_CODES = frozenset(
    f"{region}{province}" for region, provinces in _PROVINCES_BY_REGION.items() for province in provinces
)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_CARD_LENGTHS = range(13, 20)
_SEPARATORS = re.compile(r"[ .-]+")


def compact(number: str) -> str:
    """Write a number without its separators."""
    return _SEPARATORS.sub("", number).upper()


def is_identity_18(number: str) -> bool:
    """Whether 18 characters are a resident identity number: a province, and a birthday or the right check digit.

    A number with a mistyped check digit still points at a person, so a valid birthday is enough.
    """
    digits = compact(number)
    if len(digits) != 18 or digits[:2] not in PROVINCE_CODES:
        return False
    return _is_day(digits[6:14]) or _CHECKS[_weighted(digits) % 11] == digits[17]


def is_identity_15(number: str) -> bool:
    """Whether 15 digits are an identity number of the first generation: a province and a birthday in the 1900s."""
    digits = compact(number)
    return len(digits) == 15 and digits[:2] in PROVINCE_CODES and _is_day("19" + digits[6:12])


def is_card(number: str) -> bool:
    """Whether a number of 13 to 19 digits passes the Luhn check of payment cards."""
    digits = compact(number)
    return digits.isdigit() and len(digits) in _CARD_LENGTHS and _luhn(digits) == 0


def has_digit(text: str) -> bool:
    """Whether a text has a digit: a plate has one, a word such as a street's name has none."""
    return any(char.isdigit() for char in text)


def _weighted(digits: str) -> int:
    return sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, digits, strict=False))


def _luhn(digits: str) -> int:
    doubled = (int(digit) * (2 if index % 2 else 1) for index, digit in enumerate(reversed(digits)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10


def _is_day(text: str) -> bool:
    try:
        date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return False
    return True
