"""The first redactor: phone, identity and card numbers, e-mail addresses and licence plates leave free text.

Every pattern has bounded repetitions over disjoint classes, so a text costs time in proportion to its length. Text is
matched in a spelling of the same length with ASCII digits, dashes and spaces, so that full-width digits and separators
inside a number hide nothing. Names and addresses need a model and are not this redactor's.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from warning.intake.personal import has_digit, is_card, is_identity_15, is_identity_18

if TYPE_CHECKING:
    from collections.abc import Callable

PHONE = "[电话/phone]"
IDENTITY = "[证件号/id]"
CARD = "[银行卡/card]"
EMAIL = "[邮箱/email]"
PLATE = "[车牌/plate]"

_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_CANDIDATE = (
    r"[@＠]|\p{Nd}(?:[^\p{L}\p{Nd}]{0,3}\p{Nd}){6}"
    rf"|[{_PROVINCES}][^\p{{L}}\p{{Nd}}]{{0,2}}[A-Za-zＡ-Ｚａ-ｚ]|(?i:plate|tag)"
)
"""A text without a match of this holds nothing to redact; polars decides it without a call into Python."""


def _spelling() -> dict[int, str]:
    """Map every digit, dash, space and full-width character to one ASCII character."""
    table: dict[int, str] = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    for code in (*range(0x80, 0x10000), *range(0x1D7CE, 0x1D800)):
        char = chr(code)
        kind = unicodedata.category(char)
        if kind == "Nd":
            table[code] = str(unicodedata.decimal(char))
        elif kind in {"Zs", "Cf"}:
            table[code] = " "
        elif kind == "Pd" or char in "−·•・":
            table[code] = "-"
    return table | {ord(char): " " for char in "\t\n\r\f\v"}


_SPELLING = _spelling()
_TAKEN = "\0"


@dataclass(frozen=True, slots=True)
class _Recogniser:
    """A pattern, the check that its matches pass, and what is written in their place."""

    pattern: re.Pattern[str]
    placeholder: str
    accepts: Callable[[str], bool] = bool

    def claim(self, text: str, claimed: list[tuple[int, int, str]]) -> str:
        """Note every accepted match (its group 1 if it has one), and blank it for the recognisers that follow."""

        def blank(found: re.Match[str]) -> str:
            group = self.pattern.groups
            if not self.accepts(found.group(group)):
                return found.group()
            claimed.append((*found.span(group), self.placeholder))
            return _TAKEN * len(found.group())

        return self.pattern.sub(blank, text)


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text.replace("~", "[ -]{0,2}"), re.IGNORECASE | re.ASCII)


# In the patterns ~ is a separator that may be there. The first recogniser that claims a stretch of text keeps it.
_RECOGNISERS = (
    _Recogniser(_pattern(r"(?<![\w.%+-])[\w.%+-]{1,256}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,4}"), EMAIL),
    _Recogniser(
        _pattern(r"(?<!\d)[1-9]\d{5}~(?:18|19|20)\d{2}~\d{2}~\d{2}~\d{3}~[\dx](?![a-z0-9])"), IDENTITY, is_identity_18
    ),
    _Recogniser(_pattern(r"(?<!\d)[3-6]\d{3}~\d{4}~\d{4}~\d{1,4}(?:~\d{1,3})?(?!\d)"), CARD, is_card),
    _Recogniser(_pattern(r"(?:卡号|银行卡|账号|card)[^\d\n]{0,8}(\d(?:[ -]{0,2}\d){12,18})(?!\d)"), CARD),
    _Recogniser(_pattern(r"(?<!\d)3[47]\d{2}~\d{6}~\d{5}(?!\d)"), CARD, is_card),
    _Recogniser(_pattern(r"(?<!\d)[1-9]\d{5}~\d{6}~\d{3}(?!\d)"), IDENTITY, is_identity_15),
    _Recogniser(_pattern(r"(?<!\d)(?:(?:\+|00)?86~)?1[3-9]\d~(?:\d{4}~\d{4}|\d{3}~\d{5})(?!\d)"), PHONE),
    _Recogniser(_pattern(r"(?<!\d)1[ -]{1,2}[3-9](?:[ -]{1,2}\d){9}(?!\d)"), PHONE),
    _Recogniser(
        _pattern(r"(?<!\d)(?:(?:\+|00)86~)?\(?0[1-9]\d{1,2}\)?~[2-9]\d{2,3}~\d{4}(?:~(?:转|ext\.?|x)~\d{1,6})?(?!\d)"),
        PHONE,
    ),
    _Recogniser(
        _pattern(r"(?<!\d)(?:\+?1[ .-]{0,2})?\(?[2-9]\d{2}(?:\)[ .-]{0,2}|[ .-]{0,2})[2-9]\d{2}[ .-]{0,2}\d{4}(?!\d)"),
        PHONE,
    ),
    _Recogniser(_pattern(r"\+\d{1,3}[ .-]{0,2}\(?\d{1,4}\)?(?:[ .-]{0,2}\d){5,12}(?!\d)"), PHONE),
    _Recogniser(_pattern(r"(?<=电话|座机|手机|致电|回电)[^\d\n]{0,6}(\d{3,4}~\d{4})(?!\d)"), PHONE),
    _Recogniser(_pattern(r"(?<![a-z])(?:phone|tel|call|mobile)[^\d\n]{0,12}(\d{3}[ .-]{0,2}\d{4})(?!\d)"), PHONE),
    _Recogniser(
        _pattern(
            rf"[{_PROVINCES}] ?[a-hj-np-z]~"
            r"(?:[a-hj-np-z0-9]{6}|[a-hj-np-z0-9]{4}[a-hj-np-z0-9挂学警港澳])(?![a-z0-9])"
        ),
        PLATE,
        has_digit,
    ),
    _Recogniser(
        _pattern(
            r"(?<![a-z])(?:plates?|tag)(?: (?:number|no\.?))?[ :#]{0,4}(?:is )?"
            r"([a-z0-9]{2,4}[ -]?[a-z0-9]{2,4})(?![a-z0-9])"
        ),
        PLATE,
        has_digit,
    ),
)


def redact_text(text: str) -> str:
    """Write a placeholder such as ``[电话/phone]`` in place of each personal number, address or plate."""
    spelled = text.translate(_SPELLING)
    claimed: list[tuple[int, int, str]] = []
    for recogniser in _RECOGNISERS:
        spelled = recogniser.claim(spelled, claimed)
    return _replaced(text, sorted(claimed)) if claimed else text


def redact_texts(texts: pl.Series) -> pl.Series:
    """Redact a String series; texts that cannot hold anything personal cost one pass of a linear-time regex."""
    candidates = texts.str.contains(_CANDIDATE).arg_true()
    if not len(candidates):
        return texts
    return texts.scatter(candidates, [redact_text(text) for text in texts.gather(candidates).to_list()])


def _replaced(text: str, spans: list[tuple[int, int, str]]) -> str:
    parts: list[str] = []
    done = 0
    for start, end, placeholder in spans:
        parts += [text[done:start], placeholder]
        done = end
    return "".join([*parts, text[done:]])
