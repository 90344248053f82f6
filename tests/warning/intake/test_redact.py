"""The first redactor: what it takes out, what it leaves, and that no text makes it slow."""

import csv
import time

import polars as pl
import pytest

from tests.conftest import SharedData
from warning.intake.personal import is_card, is_identity_15, is_identity_18
from warning.intake.redact import redact_text, redact_texts

PERSONAL = [
    ("请联系13812345678张先生", "请联系[电话/phone]张先生"),
    ("电话138 1234 5678", "电话[电话/phone]"),
    ("１３８－１２３４－５６７８", "[电话/phone]"),
    ("+86 138-1234-5678", "[电话/phone]"),
    ("008613812345678", "[电话/phone]"),
    ("1 3 8 1 2 3 4 5 6 7 8", "[电话/phone]"),
    ("座机010-62345678转123", "座机[电话/phone]"),
    ("(021)62345678", "[电话/phone]"),
    ("电话：62345678", "电话：[电话/phone]"),
    ("call (212) 639-9675 now", "call [电话/phone] now"),
    ("212.639.9675", "[电话/phone]"),
    ("1-212-639-9675", "[电话/phone]"),
    ("call me at 555-1234", "call me at [电话/phone]"),
    ("+44 20 7946 0958", "[电话/phone]"),
    ("身份证11010519491231002X号", "身份证[证件号/id]号"),
    ("110105 19491231 002x", "[证件号/id]"),
    ("１１０１０５１９４９１２３１００２Ｘ", "[证件号/id]"),
    ("110105194912310021", "[证件号/id]"),
    ("130503670401001", "[证件号/id]"),
    ("4111 1111 1111 1111", "[银行卡/card]"),
    ("4111-1111-1111-1111", "[银行卡/card]"),
    ("378282246310005", "[银行卡/card]"),
    ("卡号6222 0212 3456 7890 123", "卡号[银行卡/card]"),
    ("mail a.b+c@example.com.cn thanks", "mail [邮箱/email] thanks"),
    ("ｚｈａｎｇ＠ｅｘａｍｐｌｅ．ｃｏｍ", "[邮箱/email]"),
    ("车牌京A12345乱停", "车牌[车牌/plate]乱停"),
    ("粤BD12345", "[车牌/plate]"),
    ("沪A·12345", "[车牌/plate]"),
    ("license plate ABC-1234", "license plate [车牌/plate]"),
    ("Plate #: JFK 1234", "Plate #: [车牌/plate]"),
    ("a 13812345678 b 13912345678 c x@y.org", "a [电话/phone] b [电话/phone] c [邮箱/email]"),
]
IMPERSONAL = [
    "",
    "12345热线",
    "2025-01-02 13:45:10",
    "工单202501021234567890",
    "订单编号13812345678901",
    "12 Main Street 10027",
    "40.712776,-74.005974",
    "No plates on the car",
    "Plates Missing",
    "price tag removed 5 days ago",
    "新A区1号楼2单元301",
    "Missed Collection (All Materials)",
    "1000000 tickets, 64 shards",
    "06/05/2025 10:00 - 11:30",
    "3.14159265358979",
]
HOSTILE = [
    "1" * 300_000,
    "1 " * 150_000,
    "a" * 300_000,
    "a@" * 150_000,
    "a." * 150_000 + "@",
    "京A" * 150_000,
    "+1 " * 100_000,
    "(2" * 150_000,
    "plate " * 50_000,
    "电话" * 150_000,
    "1-3-" * 75_000,
    "138 1234 567 " * 20_000,
    "13812345678 " * 25_000,
    "a@b.co " * 40_000,
    "\u200b1" * 100_000,
]


@pytest.mark.parametrize(("text", "expected"), PERSONAL)
def test_personal_numbers_leave_the_text(text: str, expected: str) -> None:
    """Each kind of number, address and plate becomes its placeholder, the text around it stays."""
    assert redact_text(text) == expected


@pytest.mark.parametrize("text", IMPERSONAL)
def test_what_is_no_personal_number_stays(text: str) -> None:
    """Dates, ids, addresses, coordinates and counts are left alone."""
    assert redact_text(text) == text


def test_a_column_is_redacted_as_its_texts_are() -> None:
    """The prefilter hides nothing from the recognisers."""
    texts = [text for text, _ in PERSONAL] + IMPERSONAL
    expected = [redact_text(text) for text in texts]
    assert redact_texts(pl.Series(texts)).to_list() == expected


def test_redacting_twice_changes_nothing_more() -> None:
    """Placeholders hold nothing that a recogniser takes."""
    for _, redacted in PERSONAL:
        assert redact_text(redacted) == redacted


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:8])
def test_no_text_takes_more_than_linear_time(text: str) -> None:
    """Texts made to backtrack cost milliseconds a megabyte, not minutes."""
    started = time.perf_counter()
    redact_text(text)
    redact_texts(pl.Series([text]))
    assert time.perf_counter() - started < 5


def test_descriptors_and_types_of_real_files_stay(shared_data: SharedData) -> None:
    """No descriptor, complaint type, agency, location type or status of the real files is touched."""
    with shared_data("nyc311-animals-2025q1.csv").open(newline="") as file:
        animals = [value for row in csv.reader(file) for value in (*row[3:8], row[19])]
    with shared_data("nyc311-jan2020.csv").open(newline="") as file:
        types = [row[3] for row in csv.reader(file)]
    texts = sorted({*animals, *types})
    assert len(texts) > 150
    assert [redact_text(text) for text in texts] == texts
    assert redact_texts(pl.Series(texts)).to_list() == texts


@pytest.mark.parametrize(
    ("number", "valid"),
    [
        ("11010519491231002X", True),
        ("110105194912310021", True),
        ("110105194913310022", False),
        ("990105194912310021", False),
        ("202501021234567890", False),
        ("1101051949123100", False),
    ],
)
def test_identity_numbers_need_a_province_and_a_birthday_or_their_check_digit(number: str, valid: bool) -> None:
    """A mistyped check digit still points at a person; a wrong province or day does not."""
    assert is_identity_18(number) is valid


def test_first_generation_numbers_need_a_birthday() -> None:
    """Fifteen digits are an identity number only with a province and a day of the 1900s."""
    assert is_identity_15("130503670401001")
    assert not is_identity_15("130503671301001")
    assert not is_identity_15("13050367040100")


def test_cards_pass_the_luhn_check() -> None:
    """One wrong digit makes a card number none."""
    assert is_card("4111 1111 1111 1111")
    assert not is_card("4111 1111 1111 1112")
    assert not is_card("411111111111")
