"""Sources: the platforms that push tickets, and how fresh their data is."""

from __future__ import annotations

from collections.abc import Mapping

from warning.api.access import guarded_router
from warning.api.parts import TheServices
from warning.api.phrases import faulty
from warning.api.schemas.others import SourceIn, SourceOut
from warning.domain.errors import InvalidInputError, UnknownNameError
from warning.intake.mapping_files import load_mapping
from warning.service.ports import Freshness, Source
from warning.service.services import Services
from warning.service.words import Words

router = guarded_router("sources")


@router.get("/sources")
def sources(services: TheServices) -> list[SourceOut]:
    """List the sources with how fresh they are."""
    fresh = _freshness(services)
    return [_shown(source, fresh) for source in services.accounts.sources()]


@router.post("/sources", status_code=201)
def add(body: SourceIn, services: TheServices) -> SourceOut:
    """Add a source, or give one that is there another mapping and titles."""
    try:
        load_mapping(body.mapping)
    except (InvalidInputError, UnknownNameError) as error:
        raise faulty("mapping", Words(f"映射无法使用 ({error})", f"It cannot be used ({error})")) from error
    source = services.accounts.add_source(body.name, body.mapping, body.title_zh, body.title_en)
    return _shown(source, _freshness(services))


def _freshness(services: Services) -> Mapping[str, Freshness]:
    return {each.source: each for each in services.runtime.condition().freshness}


def _shown(source: Source, fresh: Mapping[str, Freshness]) -> SourceOut:
    shown = SourceOut.model_validate(source)
    if source.name not in fresh:
        return shown
    known = fresh[source.name]
    return shown.model_copy(
        update={
            "last_received_at": known.last_received_at,
            "last_event_at": known.last_event_at,
            "silent": known.silent,
        }
    )
