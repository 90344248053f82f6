"""Each page speaks one language, every string comes from one table, and both tables say the same."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest

from warning.service.words import Words
from warning.web.language import CODES, FORMS, chosen, language

NAMES = {"htmx", "uPlot", "early-warning", "p"}
"""Not words of a language."""
SHOWN = ("title", "aria-label", "placeholder", "alt")
"""Attributes that people read or hear."""


def _templates(root: Path) -> list[Path]:
    return sorted((root / "warning/web/templates/pages").glob("*.j2"))


def _literal(template: str) -> str:
    """What of a template is text on the page, whatever the data."""
    without_code = re.sub(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", " ", template, flags=re.DOTALL)
    attributes = re.findall(rf'(?:{"|".join(SHOWN)})="([^"]*)"', without_code)
    return " ".join([re.sub(r"<[^>]*>", " ", without_code), *attributes])


def test_no_template_speaks_for_itself(root: Path) -> None:
    """No template holds a word of its own: whatever is said comes from the tables, in either language."""
    assert _templates(root)
    for path in _templates(root):
        words = set(re.findall(r"[^\W\d_][\w-]*", _literal(path.read_text("utf-8"))))
        assert words <= NAMES, path.name


def test_a_word_in_a_template_is_seen() -> None:
    """The reader of templates sees text and labels, and takes code and markup for neither."""
    found = _literal('<b title="Hello {{ name }}">{{ t("a.b") }}</b>{% if x %} 你好{% endif %}<i class="soft">')
    assert found.split() == ["你好", "Hello"]


def test_tables_have_the_same_keys() -> None:
    """Every string exists in both languages."""
    assert language("zh").strings.keys() == language("en").strings.keys()


def test_strings_are_filled_alike() -> None:
    """What is filled into a string is the same in both languages, in each of its forms (the number may go without)."""
    for key, zh in language("zh").strings.items():
        for form in language("en").strings[key].split(FORMS):
            assert _fields(zh) - {"n"} == _fields(form) - {"n"}, key


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_every_string_is_used_and_every_used_one_exists(root: Path) -> None:
    """Templates and tables agree: a key in a template is in the table, and none in the table is left over."""
    code = "".join(path.read_text("utf-8") for path in _templates(root))
    code += "".join(path.read_text("utf-8") for path in (root / "warning/web").rglob("*.py"))
    named = set(re.findall(r'\bt\("([\w.]+)"', code))
    prefixes = set(re.findall(r'"([a-z_]+\.)"', code)) | {"problem."}
    keys = language("en").strings.keys()
    assert {key for key in named if not key.endswith(".")} - keys == set()
    left_over = {key for key in keys if key not in named and not key.startswith(tuple(prefixes))}
    assert left_over - {"tag", "weekdays"} == set()


@pytest.mark.parametrize(
    ("cookie", "accepted", "code"),
    [
        ("zh", "en", "zh"),
        ("", "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("", "en-GB, zh;q=0.7", "en"),
        ("", "fr, zh;q=0.2, en;q=0.1", "zh"),
        ("", "fr", "en"),
        ("", "", "en"),
        ("klingon", "zh;q=nonsense, en;q=0.1", "en"),
    ],
)
def test_choice(cookie: str, accepted: str, code: str) -> None:
    """What was chosen on the page holds; else what the browser prefers; else English."""
    assert chosen(cookie, accepted).code == code


def test_numbers_choose_the_form() -> None:
    """One thing and several are said differently where the language does so."""
    assert language("en")("feed.new", n=1) == "Show 1 new alert"
    assert language("en")("feed.new", n=3) == "Show 3 new alerts"
    assert language("zh")("feed.new", n=1).startswith("1 条")


def test_words_in_both_languages() -> None:
    """Words that come in both languages are said in the page's."""
    assert [language(code).say(Words("甲", "a")) for code in CODES] == ["甲", "a"]
