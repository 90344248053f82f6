"""A simulation as files: tickets, truth, planted identities, the city and its area register.

The same simulation gives the same bytes.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

import yaml

from warning.domain.truth import Period, Truth
from warning.simulator.city import City
from warning.simulator.days import moment
from warning.simulator.parameters import parameters
from warning.simulator.simulation import Simulation
from warning.simulator.stream import SimulatedTicket

TICKETS = "tickets.csv"
TRUTH = "truth.jsonl"
IDENTITIES = "identities.jsonl"
CITY = "city.json"
REGISTER = "register.yaml"
SETTINGS = "settings.yaml"
FILES = (TICKETS, TRUTH, IDENTITIES, CITY, REGISTER, SETTINGS)

TICKET_COLUMNS = (
    "ticket_id",
    "created_at",
    "received_at",
    "closed_at",
    "transfers",
    "category",
    "department",
    "final_department",
    "channel",
    "city",
    "part",
    "district",
    "text",
)
_BLOCK = 5_000


def files_of(simulation: Simulation) -> dict[str, Iterable[bytes]]:
    """Return the content of each file of FILES, made as it is read."""
    return {
        TICKETS: ticket_lines(simulation.tickets, simulation.city.zone),
        TRUTH: _json_lines([period_record(simulation.period), *map(truth_record, simulation.truth)]),
        IDENTITIES: _json_lines(identity._asdict() for identity in simulation.identities),
        CITY: [_pretty(_city_record(simulation))],
        REGISTER: [_yaml(_register(simulation.city))],
        SETTINGS: [_yaml({"jurisdiction": simulation.city.name, "zone": simulation.city.zone})],
    }


def ticket_lines(tickets: list[SimulatedTicket], zone: str) -> Iterator[bytes]:
    """Write tickets as CSV with TICKET_COLUMNS, in blocks; times are local with their offset."""
    yield (",".join(TICKET_COLUMNS) + "\n").encode()
    told = _teller(zone)
    for first in range(0, len(tickets), _BLOCK):
        block = io.StringIO()
        csv.writer(block, lineterminator="\n").writerows(_row(one, told) for one in tickets[first : first + _BLOCK])
        yield block.getvalue().encode()


def period_record(period: Period) -> dict[str, Any]:
    """Return the first line of the truth file."""
    return _plain(asdict(period))


def truth_record(truth: Truth) -> dict[str, Any]:
    """Return a further line of the truth file."""
    return _plain(asdict(truth) | {"size_sd": round(truth.size_sd, 3)})


def _row(one: SimulatedTicket, told: Callable[[int], str]) -> tuple[object, ...]:
    closed = "" if one.closed_ms is None else told(one.closed_ms)
    times = (told(one.event_time), told(one.received_time), closed)
    names = (one.category, one.department, one.final_department, one.channel)
    return (one.ticket_id, *times, one.transfers, *names, *one.area, one.text)


def _teller(zone: str) -> Callable[[int], str]:
    """Return what writes a moment as local time."""

    def told(ms: int) -> str:
        return moment(ms, zone).isoformat(timespec="seconds")

    return told


def _city_record(simulation: Simulation) -> dict[str, Any]:
    return {
        "period": period_record(simulation.period),
        "tickets": len(simulation.tickets),
        "calendar_sources": simulation.calendar_sources,
        "city": simulation.city.model_dump(mode="json", exclude_defaults=True),
        "parameters": parameters().model_dump(mode="json"),
    }


def _register(city: City) -> dict[str, Any]:
    root = city.area
    touching = city.touching()
    rows: list[dict[str, Any]] = [{"id": root.name, "name_zh": root.name, "name_en": root.en or root.name}]
    for part in root.parts:
        rows.append({"id": part.name, "name_zh": part.name, "name_en": part.en or part.name, "parent": root.name})
        rows += [
            {
                "id": district.name,
                "name_zh": district.name,
                "name_en": district.en or district.name,
                "parent": part.name,
                "neighbours": sorted(other for one, other in touching if one == district.name),
                "population": district.population,
            }
            for district in part.districts
        ]
    return {"areas": rows}


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in record.items()}


def _json_lines(records: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    for record in records:
        yield json.dumps(record, ensure_ascii=False).encode() + b"\n"


def _pretty(record: dict[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False, indent=2).encode() + b"\n"


def _yaml(document: dict[str, Any]) -> bytes:
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False).encode()
