"""History: files of old tickets that teach the running service."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import anyio
from anyio import to_thread
from fastapi import Query, Request

from warning.api.access import guarded_router
from warning.api.parts import TheServices
from warning.api.phrases import faulty
from warning.api.problems import WRONG_MEDIA_TYPE, ProblemError
from warning.api.schemas.base import Name
from warning.api.schemas.others import HistoryOut, LoadOut
from warning.domain.errors import InvalidInputError, UnknownNameError
from warning.intake.mapping_files import load_mapping
from warning.service.ports import StoreBusyError
from warning.service.words import Words

router = guarded_router("history")


class Format(StrEnum):
    """The formats of a file."""

    CSV = "csv"
    NDJSON = "ndjson"
    XLSX = "xlsx"
    PARQUET = "parquet"


MEDIA_TYPES = {
    "text/csv": Format.CSV,
    "application/x-ndjson": Format.NDJSON,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": Format.XLSX,
    "application/vnd.apache.parquet": Format.PARQUET,
}
_FILE: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_BODY: dict[str, Any] = {"required": True, "content": dict.fromkeys(MEDIA_TYPES, _FILE)}


@router.post("/history", openapi_extra={"requestBody": _BODY})
async def load(
    request: Request,
    services: TheServices,
    mapping: Annotated[str, Query(min_length=1, max_length=1000, description="Name or path. 映射名称或路径")],
    source: Annotated[Name, Query(description="Source of the tickets [the mapping's]. 工单来源")] = "",
    form: Annotated[Format | None, Query(alias="format", description="[as Content-Type says] 文件格式")] = None,
    force: Annotated[bool, Query(description="Also where the log's beginning is gone. 日志起始已删除时仍载入")] = False,
) -> HistoryOut:
    """Load a file of old tickets as history: it teaches the baselines and raises nothing.

    The body is the file, CSV, NDJSON, XLSX or Parquet, and may be much larger than that of other requests. The answer
    comes when all of it is stored; the engine then begins anew with it. What is newer than the service's own log is
    left out. A file that cannot be used leaves nothing. Where the log's beginning was deleted a load is refused,
    because what was learned from it would be lost, unless it is forced; ``gap`` then says where the log begins.
    """
    _check_mapping(mapping)
    suffix = f".{form or _form_of(request.headers.get('content-type', ''))}"
    with services.history.place(suffix) as file:
        await _receive(request, file)
        take = partial(services.history.load, file, mapping=mapping, source=source, force=force)
        return HistoryOut.model_validate(await to_thread.run_sync(take))


@router.get("/history")
def loads(services: TheServices) -> list[LoadOut]:
    """List the loads of history, oldest first."""
    return [LoadOut.model_validate(each) for each in services.history.loads()]


def _check_mapping(mapping: str) -> None:
    """Raise ProblemError for a mapping that cannot be used, before a large body is read."""
    try:
        load_mapping(mapping)
    except (InvalidInputError, UnknownNameError) as error:
        raise faulty("mapping", Words(f"映射无法使用 ({error})", f"It cannot be used ({error})")) from error


def _form_of(content_type: str) -> Format:
    form = MEDIA_TYPES.get(content_type.partition(";")[0].strip().lower())
    if form is None:
        known = ", ".join(MEDIA_TYPES)
        detail = Words(
            f"Content-Type 须为 {known} 之一,或在 format 中说明格式。",
            f"Send one of {known}, or say the format in format.",
        )
        raise ProblemError(WRONG_MEDIA_TYPE, detail)
    return form


async def _receive(request: Request, path: Path) -> None:
    """Write the body to a file as it comes; the gate stops it at the limit."""
    try:
        async with await anyio.open_file(path, "wb") as file:
            async for chunk in request.stream():
                await file.write(chunk)
    except OSError as error:
        raise StoreBusyError(
            f"the file cannot be received ({error.strerror})", 60, f"无法接收文件 ({error.strerror})。请稍后重试。"
        ) from error
