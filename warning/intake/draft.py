"""A first mapping for a file that has none: a draft that a person corrects, never one that is used unread."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml

from warning.intake.layout import Layout, header_key
from warning.intake.mapping import EPOCH_MILLISECONDS, EPOCH_SECONDS, DataClass
from warning.intake.normalise import OLDEST_MS
from warning.intake.raw import RawChunk
from warning.intake.readers.opening import open_table
from warning.intake.times import NOTHING, parse_times

DRAFT_ROWS = 2_000
TIME_SHARE = 0.8
"""Share of the cells that are times in a column that holds times: exports have gaps and shifted rows."""

WORDS: dict[str, str] = {
    "ticket_id": r"unique key|ticket|request id|service request id|sr number|case (id|number)|\bid\b|编号|工单号|单号",
    "created_at": (
        r"creat|open|request(ed)? (date|time)|requested datetime|received|"
        r"受理时间|来电时间|登记时间|创建时间|留言时间|提交时间"
    ),
    "closed_at": r"clos|resolved|completed|办结|结案|完成时间|答复时间",
    "updated_at": r"updat|modif|更新时间|回访时间",
    "category": (
        r"complaint type|sr type|service name|category|problem|(?<!address )(?<!location )\btype\b|"
        r"分类|类别|类型|标签"
    ),
    "department": r"agency(?! name)|owner department|department|responsible|承办|部门|办理单位|主办",
    "channel": r"channel|origin|method received|渠道|来源",
    "status": r"status|状态",
    "text": r"descri|detail|comment|content|内容|详情",
    "area": r"borough|district|community (area|board)|neighbou?rhood|\bward\b|county|city|区县|行政区|街道|乡镇|社区",
}
"""Words in a header that say what a column is, English and Chinese; fields are given their columns in this order."""

NEVER_WORDS = (
    r"name|phone|e-?mail|contact|address(?! type)|street|intersection|latitude|longitude|\blat\b|\blong?\b|coordinate|"
    r"location$|plate|来电人|联系|电话|手机|姓名|地址|身份证|用户|邮箱|车牌|坐标|经度|纬度"
)
"""Words of columns that may hold personal data: not read unless a person decides so."""

TIME_FORMATS = (
    (),
    ("%m/%d/%Y %I:%M:%S %p",),
    ("%m/%d/%Y %H:%M",),
    ("%m/%d/%Y %H:%M:%S",),
    ("%d/%m/%Y %H:%M",),
    ("%d/%m/%Y %H:%M:%S",),
    ("%d.%m.%Y %H:%M",),
    ("%Y/%m/%d %H:%M:%S",),
    ("%Y/%m/%d %H:%M",),
    ("%Y年%m月%d日 %H:%M:%S",),
    ("%Y年%m月%d日 %H:%M",),
    ("%Y%m%d%H%M%S",),
    ("%Y-%m-%d",),
    ("%m/%d/%Y",),
    (EPOCH_SECONDS,),
    (EPOCH_MILLISECONDS,),
)
"""Formats tried; () is ISO 8601, which every list of formats ends with."""

_PLACEHOLDER = "TODO"

_ADVICE = """\
# 草稿：由文件的表头和内容猜测而来。请逐项核对，替换每个 TODO，确认 zone、数据级别（class）和状态词。
# A draft, guessed from the file's header and cells. Check every line, replace each TODO, and confirm the zone, the
# data class of each column (what is not needed is `never`) and the status words. Then: early-warning mapping check.
"""


@dataclass(frozen=True, slots=True)
class _Sample:
    """The first rows of a file, every column of it."""

    header: tuple[str, ...]
    headerless: bool
    chunk: RawChunk

    def cells(self, name: str) -> pl.Series:
        cells = self.chunk.column(name).fill_null("").str.strip_chars()
        return cells.filter(~cells.is_in(NOTHING))


def draft_mapping(path: Path | str) -> str:
    """Write a mapping (YAML) for a file, guessed from its header's words and from its cells.

    Raises InvalidInputError if the file is of no format that can be read.
    """
    file = Path(path)
    sample = _sample(file)
    formats = {name: found for name in sample.header if (found := _time_formats(sample.cells(name))) is not None}
    fields = _fields(sample, formats)
    chinese = any("\u4e00" <= char <= "\u9fff" for name in sample.header for char in name)
    document: dict[str, Any] = {
        "name": re.sub(r"[^a-z0-9]+", "-", file.stem.lower()).strip("-")[:60] or "draft",
        "title": {"zh": file.stem[:100], "en": file.stem[:100]},
        "jurisdiction": _PLACEHOLDER,
        "source": _PLACEHOLDER,
        "zone": "Asia/Shanghai" if chinese else "UTC",
        **({"format": {"header": False}} if sample.headerless else {}),
        "columns": {name: _data_class(name, fields).value for name in sample.header},
        "fields": _as_yaml(fields, formats),
        "area": [{"fixed": _PLACEHOLDER}, *({"column": name} for name in fields.get("area", []))],
    }
    return _with_advice(document)


def _sample(file: Path) -> _Sample:
    header = open_table(file, Layout(names={}, wanted=frozenset(), where=str(file))).header
    headerless = any(_time_formats(pl.Series([cell])) is not None for cell in header)
    names = tuple(f"column_{number}" for number in range(1, len(header) + 1)) if headerless else header
    names = tuple(dict.fromkeys(name for name in names if name))
    layout = Layout(
        names={header_key(name): name for name in names},
        wanted=frozenset(names),
        headerless=names if headerless else None,
        where=str(file),
    )
    chunk = next(open_table(file, layout).chunks, RawChunk(np.empty(0, dtype=np.int64), {}))
    return _Sample(names, headerless, chunk.head(DRAFT_ROWS))


def _time_formats(cells: pl.Series) -> tuple[str, ...] | None:
    """Return the format that reads most cells of a column, None if none reads nearly all."""

    def read(formats: tuple[str, ...]) -> int:
        times = parse_times(cells, formats, "UTC")
        return int((times.known & (times.ms > OLDEST_MS)).sum())

    counts = {formats: read(formats) for formats in TIME_FORMATS}
    best = max(counts, key=lambda formats: counts[formats])
    return best if counts[best] > 0 and counts[best] >= TIME_SHARE * len(cells) else None


def _fields(sample: _Sample, formats: dict[str, tuple[str, ...]]) -> dict[str, list[str]]:
    """Give each field its columns: by the words of the header, then by what the cells look like."""
    free = [name for name in sample.header if not re.search(NEVER_WORDS, header_key(name))]
    fields: dict[str, list[str]] = {}
    for field, words in WORDS.items():
        fits = [
            name for name in free if re.search(words, header_key(name)) and field.endswith("_at") == (name in formats)
        ]
        if fits:
            fields[field] = _chosen(field, fits, sample)
            free = [name for name in free if name not in fields[field]]
    return _by_content(sample, formats, fields, free)


def _chosen(field: str, fits: list[str], sample: _Sample) -> list[str]:
    """Choose among columns whose names fit: levels of an area from coarse to fine, levels of a category, else one."""
    filled = [name for name in fits if 2 * len(sample.cells(name)) >= len(sample.chunk)] or fits
    if field == "area":
        return sorted(filled, key=lambda name: sample.cells(name).n_unique())[:3]
    levels = [name for name in filled if "级" in name]
    return (levels if field == "category" and levels else filled[:1])[:3]


def _by_content(
    sample: _Sample, formats: dict[str, tuple[str, ...]], fields: dict[str, list[str]], free: list[str]
) -> dict[str, list[str]]:
    times = [name for name in free if name in formats]
    others = [name for name in free if name not in formats]
    for field in ("created_at", "closed_at"):
        if field not in fields and times and (sample.headerless or field == "created_at"):
            fields[field] = [times.pop(0)]
    unique = [name for name in others if sample.cells(name).n_unique() == len(sample.chunk) > 1]
    if "ticket_id" not in fields and unique:
        fields["ticket_id"] = unique[:1]
        others.remove(unique[0])
    few = [name for name in others if 1 < sample.cells(name).n_unique() <= max(len(sample.chunk) // 5, 2)]
    if "category" not in fields:
        fields["category"] = (few or others or [_PLACEHOLDER])[:1]
    fields.setdefault("created_at", [_PLACEHOLDER])
    return fields


def _data_class(name: str, fields: dict[str, list[str]]) -> DataClass:
    if name in fields.get("text", []):
        return DataClass.SENSITIVE
    if re.search(NEVER_WORDS, header_key(name)):
        return DataClass.NEVER
    used = any(name in columns for columns in fields.values())
    return DataClass.INTERNAL if used else DataClass.NEVER


def _as_yaml(fields: dict[str, list[str]], formats: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    written: dict[str, Any] = {}
    for field in (field for field in WORDS if field in fields and field != "area"):
        columns = fields[field]
        if field.endswith("_at"):
            written[field] = {"column": columns[0], "formats": list(formats.get(columns[0], ()))}
        elif field == "status":
            written[field] = {"column": columns[0], "words": {"Open": "open", "Closed": "closed"}}
        elif len(columns) > 1:
            written[field] = {"columns": columns}
        else:
            written[field] = columns[0]
    return written


def _with_advice(document: dict[str, Any]) -> str:
    body = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
    return f"{_ADVICE}{body}"
