"""The demonstration: a made-up city whose days pass in minutes, with incidents in it, on the real service."""

from __future__ import annotations

import heapq
import json
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from warning.bootstrap.folder import open_database
from warning.bootstrap.history import HistoryLoad
from warning.bootstrap.live import LiveService
from warning.domain.bucket import DAY_MS, MINUTE_MS
from warning.domain.errors import EarlyWarningError
from warning.intake.events import normalise_events
from warning.intake.mapping_files import load_mapping
from warning.intake.normalise import Normalised, Normaliser
from warning.intake.register import load_register
from warning.runtime.clock import FastClock
from warning.settings import Settings
from warning.simulator import IncidentSpec, Shape, SimulatedTicket, Stream, load_city, simulate
from warning.simulator.export import files_of
from warning.store.sql import meta
from warning.store.sql.database import Database

SOURCE = "demo"
MAPPING = "simulated-city"
SEED = 11
HISTORY_DAYS = 120
FIRST_MORNING = datetime(2025, 6, 17, 9, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
"""When the demonstration's clock starts: a Tuesday, 9 o'clock. The history goes up to the lateness before it."""
FACTOR = 120.0
"""How much faster than real time: two minutes a second, so that an hour's surge shows in half a minute."""
PUSH_SECONDS = 0.5
READY_POLL_SECONDS = 0.1
CLOSING_DAYS = 14
"""How far back tickets may still be closed when a demonstration goes on."""

_CURSOR = "demo_cursor"
_LOG = logging.getLogger(__name__)
Progress = Callable[[int], None]


def incidents() -> tuple[IncidentSpec, ...]:
    """Return what happens beside the city's own incidents: one within minutes, then one every few hours."""
    turns = (
        ("供水 Water supply", "东湖区", 22.0, 2.0),
        ("噪声扰民 Noise", "高新区", 18.0, 3.0),
        ("路灯故障 Street light", "青山区", 16.0, 4.0),
        ("物业管理 Housing management", "临港区", 18.0, 3.0),
    )
    first = FIRST_MORNING + timedelta(minutes=8)
    specs = []
    for number in range(120):
        category, area, size, hours = turns[number % len(turns)]
        start = first + timedelta(hours=7 * number)
        specs.append(
            IncidentSpec(shape=Shape.BURST, start=start, size=size, areas=(area,), category=category, hours=hours)
        )
    return tuple(specs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """What a demonstration runs on."""

    settings: Settings
    clock: FastClock


def prepare(settings: Settings, progress: Progress | None = None, *, days: int = HISTORY_DAYS) -> Demo:
    """Make the data folder ready: on the first start load some days of history, later go on from where the clock was.

    ``progress`` is told of each day of history.
    """
    data = Path(settings.service.data)
    database = open_database(data)
    try:
        register = data / "register.yaml"
        settings = _settings(settings, register)
        with database.read() as connection:
            stopped_at = meta.get_number(connection, meta.CLOCK)
        if stopped_at:
            return Demo(settings=settings, clock=FastClock(stopped_at, FACTOR))
        start_ms = int(FIRST_MORNING.timestamp() * 1000)
        cursor = start_ms - settings.engine.lateness_minutes * MINUTE_MS
        _load(settings, database, cursor, days, progress)
        with database.write() as connection:
            meta.put(connection, meta.CLOCK, start_ms)
            meta.put(connection, _CURSOR, cursor)
        return Demo(settings=settings, clock=FastClock(start_ms, FACTOR))
    finally:
        database.close()


def _settings(settings: Settings, register: Path) -> Settings:
    city = load_city("demo")
    policy = settings.policy.model_copy(update={"false_alerts_per_week": 0.5, "minimum_tickets": 5})
    return settings.model_copy(
        update={
            "jurisdiction": city.title.zh,
            "zone": city.zone,
            "register_file": str(register),
            "policy": policy,
        }
    )


def _load(settings: Settings, database: Database, cursor: int, days: int, progress: Progress | None) -> None:
    """Load what the city received before a moment; the stream goes on from there."""
    simulation = simulate(load_city("demo"), SEED, _day_before(days), days + 1, extra_incidents=incidents())
    Path(settings.register_file).write_bytes(b"".join(files_of(simulation)["register.yaml"]))
    received = [ticket for ticket in simulation.tickets if ticket.received_time < cursor]
    now = int(FIRST_MORNING.timestamp() * 1000)
    parts = _parts(settings, received, now, progress)
    HistoryLoad(settings, database, lambda: now).run(parts, files=("simulated",), mapping=MAPPING, source=SOURCE)


def _parts(
    settings: Settings, tickets: Sequence[SimulatedTicket], now: int, progress: Progress | None
) -> Iterator[Normalised]:
    """Read tickets a week at a time, as they stand at ``now``."""
    mapping = load_mapping(MAPPING).model_copy(update={"source": SOURCE})
    normaliser = Normaliser(mapping, register=load_register(Path(settings.register_file)), now_ms=now)
    week = 7 * DAY_MS
    first = 0
    while first < len(tickets):
        begin = tickets[first].event_time
        last = first
        while last < len(tickets) and tickets[last].event_time < begin + week:
            last += 1
        yield normalise_events([event_of(ticket, now) for ticket in tickets[first:last]], normaliser, SOURCE)
        first = last
        if progress is not None:
            progress(7)


def event_of(ticket: SimulatedTicket, now: int) -> dict[str, object]:
    """Write a ticket as its platform would at ``now``: that it was closed is known from then on only."""
    city, part, district = ticket.area
    closed = ticket.closed_ms is not None and ticket.closed_ms <= now
    return {
        "ticket_id": ticket.ticket_id,
        "created_at": _iso(ticket.event_time),
        "closed_at": _iso(ticket.closed_ms) if closed and ticket.closed_ms is not None else "",
        "category": ticket.category,
        "department": ticket.department,
        "final_department": ticket.final_department if closed else ticket.department,
        "channel": ticket.channel,
        "city": city,
        "part": part,
        "district": district,
        "text": ticket.text,
    }


class Streaming:
    """A thread that pushes the city's tickets as the demonstration's clock reaches them.

    announce : called when the service is ready and the clock begins to run
    """

    def __init__(self, demo: Demo, service: LiveService, announce: Callable[[], None]) -> None:
        self._clock = demo.clock
        self._service = service
        self._announce = announce
        self._stream = Stream(load_city("demo"), SEED, _day_before(HISTORY_DAYS), extra_incidents=incidents())
        self._closing: list[tuple[int, str, SimulatedTicket]] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="demo", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._service.services.accounts.add_source(SOURCE, MAPPING, "演示城市", "Demo city")
        self._thread.start()

    def stop(self) -> None:
        """End, and remember where the clock was."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._service.runtime.condition().ready:
            if self._stopping.wait(READY_POLL_SECONDS):
                return
        self._clock.run()
        self._announce()
        self._stream_on()

    def _stream_on(self) -> None:
        with self._service.database.read() as connection:
            cursor = meta.get_number(connection, _CURSOR)
        for ticket in self._stream.between(cursor - CLOSING_DAYS * DAY_MS, cursor):
            self._await_closing(ticket, cursor)
        while not self._stopping.wait(PUSH_SECONDS):
            now = self._clock()
            try:
                self._push(cursor, now)
            except EarlyWarningError:
                _LOG.exception("the demonstration could not push; it tries again")
                continue
            cursor = now

    def _push(self, cursor: int, now: int) -> None:
        created = self._stream.between(cursor, now)
        for ticket in created:
            self._await_closing(ticket, now)
        events = [event_of(ticket, now) for ticket in [*created, *self._closed(now)]]
        if events:
            self._service.services.intake.push(SOURCE, events, [json.dumps(event).encode() for event in events])
        with self._service.database.write() as connection:
            meta.put(connection, _CURSOR, now)
            meta.put(connection, meta.CLOCK, now)

    def _await_closing(self, ticket: SimulatedTicket, now: int) -> None:
        if ticket.closed_ms is not None and ticket.closed_ms > now:
            heapq.heappush(self._closing, (ticket.closed_ms, ticket.ticket_id, ticket))

    def _closed(self, now: int) -> Iterator[SimulatedTicket]:
        while self._closing and self._closing[0][0] <= now:
            yield heapq.heappop(self._closing)[2]


def _day_before(days: int) -> date:
    return FIRST_MORNING.date() - timedelta(days=days)


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()
