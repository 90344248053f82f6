"""CSV as text: encodings, delimiters, lines, headers, quotes and what a cut or an open quote costs."""

import codecs
from pathlib import Path

import pytest

from tests.warning.intake.tables import HEADER, city, csv_text, good, line, run
from warning.domain.errors import InvalidInputError
from warning.intake.readers import lines as lines_module

CHINESE = ("T1", "2025-06-01 08:00:00", "", "噪声", "海淀区", "夜间施工噪声扰民，请尽快处理")
FRENCH = ("T1", "2025-06-01 08:00:00", "", "Déchets", "Orléans", "poubelle cassée")


@pytest.mark.parametrize(
    ("encoding", "row"),
    [
        ("utf-8", CHINESE),
        ("utf-8-sig", CHINESE),
        ("utf-16", CHINESE),
        ("gb18030", CHINESE),
        ("latin-1", FRENCH),
        ("cp1252", FRENCH),
    ],
)
def test_the_encoding_is_detected(encoding: str, row: tuple[str, ...], tmp_path: Path) -> None:
    """The same export in each encoding gives the same ticket."""
    path = tmp_path / "export.csv"
    path.write_bytes(csv_text(row).encode(encoding))
    outcome = run(path)
    assert (outcome.categories, outcome.areas, outcome.texts) == ([row[3]], [f"City/{row[4]}"], [row[5]])


def test_big_endian_utf16_is_read(tmp_path: Path) -> None:
    """The byte order mark says which UTF-16 it is."""
    path = tmp_path / "export.csv"
    path.write_bytes(codecs.BOM_UTF16_BE + csv_text(CHINESE).encode("utf-16-be"))
    assert run(path).categories == ["噪声"]


def test_an_encoding_far_into_an_ascii_file_is_detected(tmp_path: Path) -> None:
    """Detection looks on until the first bytes that are not ASCII."""
    path = tmp_path / "export.csv"
    path.write_bytes((csv_text(*[good(2)] * 30_000) + line(CHINESE)).encode("gb18030"))
    assert run(path).categories[-1] == "噪声"


def test_the_mapping_may_name_the_encoding(tmp_path: Path) -> None:
    """A declared encoding is used where detection could go either way."""
    path = tmp_path / "export.csv"
    path.write_bytes(csv_text(("T1", "2025-06-01 08:00:00", "", "Šum", "Nord", "")).encode("cp1250"))
    mapping = city(zone="zone: UTC\nformat: {encoding: cp1250}")
    assert run(path, mapping=mapping).categories == ["Šum"]


@pytest.mark.parametrize(
    ("cells", "refused", "texts"),
    [
        ((b"No\xe5\xaeise", b"loud"), [(3, "category", "undecodable_text")], ["夜间施工", "夜间施工"]),
        ((b"Noise", b"lo\xe5\xaeud"), [], ["夜间施工", "lo\N{REPLACEMENT CHARACTER}ud", "夜间施工"]),
    ],
    ids=["in the category", "in the text"],
)
def test_broken_utf8_in_the_middle_is_still_utf8(
    cells: tuple[bytes, bytes], refused: list[tuple[int, str, str]], texts: list[str], tmp_path: Path
) -> None:
    """Damaged bytes refuse the row if its category is damaged; in the text they become a replacement character."""
    path = tmp_path / "export.csv"
    whole = line((*good(1)[:5], "夜间施工")).encode()
    bad = b"T2,2025-06-02 08:00:00,," + cells[0] + b",North," + cells[1] + b"\n"
    path.write_bytes(line(HEADER).encode() + whole + bad + whole)
    outcome = run(path)
    assert outcome.refused == refused
    assert outcome.texts == texts


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str, tmp_path: Path) -> None:
    """The delimiter is the one by which the mapping's columns appear."""
    path = tmp_path / "export.csv"
    path.write_text(csv_text(good(1)).replace(",", delimiter))
    assert run(path).ids == ["T1"]


def test_mixed_line_ends_are_counted_as_lines(tmp_path: Path) -> None:
    """LF, CRLF and CR end lines alike, and a row's number is its line."""
    path = tmp_path / "export.csv"
    text = line(HEADER) + line(good(1)).replace("\n", "\r\n") + line(good(2)).replace("\n", "\r") + line(good(3))
    path.write_text(text, newline="")
    assert run(path).rows == [2, 3, 4]


def test_a_row_with_line_breaks_has_the_number_of_its_first_line(tmp_path: Path) -> None:
    """Rows after a cell of three lines are numbered on from its last line."""
    path = tmp_path / "export.csv"
    path.write_text(csv_text((*good(1)[:5], '"a\nb\nc"'), good(2)))
    outcome = run(path)
    assert outcome.rows == [2, 5]
    assert outcome.texts[0] == "a\nb\nc"


@pytest.mark.parametrize("tail", ["T4,2025-06-04 08:0", "T4", 'T4,2025-06-04 08:00:00,,Noise,North,"lou'])
def test_a_file_cut_in_mid_row_loses_that_row_alone(tail: str, tmp_path: Path) -> None:
    """The last row is refused with a reason, every row before it is kept."""
    path = tmp_path / "export.csv"
    path.write_text(csv_text(good(1), good(2), good(3)) + tail)
    outcome = run(path)
    assert outcome.ids == ["T1", "T2", "T3"]
    assert [row for row, _, _ in outcome.refused] == [5]


@pytest.mark.parametrize("closing", ["", '"', 'end"', '"x'])
@pytest.mark.parametrize("rows", [1, 6])
def test_an_open_quote_never_swallows_rows(closing: str, rows: int, tmp_path: Path) -> None:
    """Whether or not a later quote closes it, an open quote costs the rows with the quotes, not those between."""
    path = tmp_path / "export.csv"
    between = [good(number) for number in range(2, 2 + rows)]
    path.write_text(csv_text((*good(1)[:5], '"loud'), *between, (*good(8)[:5], f"loud{closing}"), good(9)))
    outcome = run(path)
    assert set(outcome.ids) >= {f"T{number}" for number in (*range(2, 2 + rows), 9)}
    assert outcome.read == rows + 3


def test_an_open_quote_in_a_large_file_costs_one_row(tmp_path: Path) -> None:
    """With no other quote in sight, the rows after an open quote are read as if it were not there."""
    path = tmp_path / "export.csv"
    path.write_text(csv_text((*good(1)[:5], '"loud'), *[good(2)] * 50_000))
    outcome = run(path)
    assert (len(outcome.ids), outcome.refused) == (50_000, [(2, "", "unreadable_row")])


def test_a_text_with_commas_and_lines_in_quotes_is_one_row(tmp_path: Path) -> None:
    """A long quoted complaint with its own commas and line breaks is not mistaken for swallowed rows."""
    path = tmp_path / "export.csv"
    text = '"Dear city,\nsince May, each night, from 2 to 4, on our street, loud music, again\n1, 2, 3, 4, 5, 6"'
    path.write_text(csv_text((*good(1)[:5], text), good(2)))
    assert run(path).ids == ["T1", "T2"]


def test_a_title_above_the_header_is_no_row(tmp_path: Path) -> None:
    """The header is the row with the mapping's column names; what stands above it is not data."""
    path = tmp_path / "export.csv"
    path.write_text("Hotline export,,,,,\n\n" + csv_text(good(1)))
    outcome = run(path)
    assert (outcome.rows, outcome.read) == ([4], 1)


def test_a_file_without_its_header_is_refused_without_repeating_its_cells(tmp_path: Path) -> None:
    """What may be data is not shown in an error message; a header that fits in part is."""
    path = tmp_path / "export.csv"
    path.write_text(line(good(1)) + line(good(2)))
    with pytest.raises(InvalidInputError, match="none of its 6 columns is in the mapping") as caught:
        run(path)
    assert "loud" not in str(caught.value)
    path.write_text("id,opened,closed\n1,2,3\n")
    with pytest.raises(InvalidInputError, match="the header reads: id, opened, closed"):
        run(path)


def test_a_duplicate_name_of_an_unread_column_is_no_matter(tmp_path: Path) -> None:
    """Only a column that is read has to stand once."""
    path = tmp_path / "export.csv"
    path.write_text(line((*HEADER, "x", "x", "caller", "caller")) + line((*good(1), "1", "2", "3", "4")))
    assert run(path).ids == ["T1"]


def test_names_of_columns_are_compared_without_case_and_underscores(tmp_path: Path) -> None:
    """`TYPE`, `type` and the mapping's aliases are one column."""
    path = tmp_path / "export.csv"
    path.write_text("\ufeffID, CREATED ,closed,类型,district,note\n" + line(good(1)), "utf-8")
    assert run(path).categories == ["Noise"]


def test_blocks_cut_anywhere_give_the_same_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading in blocks of a few characters changes no row, no number and no rejection."""
    path = tmp_path / "export.csv"
    rows = [good(1), (*good(2)[:5], '"a\r\nb"'), "T3,short\r\n", (*good(4)[:5], '"open'), good(5), "\r", good(6)]
    path.write_text(csv_text(*rows), newline="")
    whole = run(path)
    for size in (1, 2, 3, 7, 64):
        monkeypatch.setattr(lines_module, "BLOCK", size)
        assert run(path) == whole


def test_progress_adds_up_to_the_size_of_the_files(tmp_path: Path) -> None:
    """What is reported along the way sums to the bytes of the files, so that a bar ends at its end."""
    from warning.intake.files import read_files

    path = tmp_path / "export.csv"
    path.write_text(csv_text(*[good(1)] * 50_000))
    seen: list[int] = []
    list(read_files([path, path], city(), progress=seen.append))
    assert sum(seen) == 2 * path.stat().st_size
    assert len(seen) > 4
