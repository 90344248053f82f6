"""Workbooks written part by part, so that a test says exactly what lies in a cell: a value, a formula, a range."""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from xml.sax.saxutils import escape

_SPREADSHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_MEDIA = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_DATE_STYLE = 1


@dataclass(frozen=True)
class Formula:
    """A formula cell with the result that the spreadsheet program stored; None where it stored none."""

    formula: str
    result: str | float | None


def write_workbook(
    path: Path, rows: Sequence[Sequence[object]], merged: Sequence[str] = (), sheet: str = "data"
) -> Path:
    """Write a workbook of one sheet."""
    parts = {
        "[Content_Types].xml": _tag(
            "Types",
            f'<Override PartName="/xl/workbook.xml" ContentType="{_MEDIA}.sheet.main+xml"/>'
            f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_MEDIA}.worksheet+xml"/>'
            f'<Override PartName="/xl/styles.xml" ContentType="{_MEDIA}.styles+xml"/>'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>',
            f"{_PACKAGE}/content-types",
        ),
        "_rels/.rels": _relations(("officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": (
            f'<workbook xmlns="{_SPREADSHEET}" xmlns:r="{_OFFICE}"><sheets>'
            f'<sheet name="{escape(sheet)}" sheetId="1" r:id="rId1"/></sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": _relations(("worksheet", "worksheets/sheet1.xml"), ("styles", "styles.xml")),
        "xl/styles.xml": _tag("styleSheet", '<cellXfs><xf numFmtId="0"/><xf numFmtId="22"/></cellXfs>', _SPREADSHEET),
        "xl/worksheets/sheet1.xml": _tag("worksheet", _sheet(rows) + _merges(merged), _SPREADSHEET),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{text}')
    return path


def _tag(name: str, content: str, namespace: str) -> str:
    return f'<{name} xmlns="{namespace}">{content}</{name}>'


def _relations(*targets: tuple[str, str]) -> str:
    items = (
        f'<Relationship Id="rId{number}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, 1)
    )
    return _tag("Relationships", "".join(items), f"{_PACKAGE}/relationships")


def _sheet(rows: Sequence[Sequence[object]]) -> str:
    lines = (
        f'<row r="{number}">'
        + "".join(_cell(f"{chr(65 + index)}{number}", value) for index, value in enumerate(row))
        + "</row>"
        for number, row in enumerate(rows, 1)
    )
    return f"<sheetData>{''.join(lines)}</sheetData>"


def _cell(place: str, value: object) -> str:
    if isinstance(value, Formula):
        kind = ' t="str"' if isinstance(value.result, str) else ""
        stored = "" if value.result is None else f"<v>{escape(str(value.result))}</v>"
        return f'<c r="{place}"{kind}><f>{escape(value.formula)}</f>{stored}</c>'
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, datetime):
        days = (value - datetime(1899, 12, 30)).total_seconds() / 86_400  # noqa: DTZ001 - sheets have no zones
        return f'<c r="{place}" s="{_DATE_STYLE}"><v>{days!r}</v></c>'
    if isinstance(value, int | float):
        return f'<c r="{place}"><v>{value!r}</v></c>'
    if value is None:
        return ""
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(str(value))}</t></is></c>'


def _merges(ranges: Sequence[str]) -> str:
    cells = "".join(f'<mergeCell ref="{ref}"/>' for ref in ranges)
    return f"<mergeCells>{cells}</mergeCells>" if ranges else ""
