"""No planted number of two simulated cities is left anywhere but in quarantine, and there only as long as it says.

What the first redactor promises (:mod:`warning.intake.redact`): phone, identity and card numbers, e-mail addresses and
licence plates leave free text. Names and addresses need a model and are not its own: they are counted here, not judged.

Quarantine is one table. Its pages are also in the write-ahead log until the next checkpoint; retention overwrites what
it deletes and empties the log, so that the originals' bytes are in no file any more when their time is over.
"""

from __future__ import annotations

import json
import re
import sqlite3
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from tests.faults.real import Place, Real, running, settings_of, until
from tests.warning.store.sql.test_retention import LIMITS
from warning.bootstrap.demo import event_of
from warning.domain.bucket import HOUR_MS
from warning.settings import RetentionGroup, Settings
from warning.simulator import IncidentSpec, Shape, Simulation, load_city, simulate
from warning.store.sql.backup import back_up
from warning.store.sql.database import Database
from warning.store.sql.retention import SqlRetention

CITIES = ("beihe", "fairmont")
"""One whose people write Chinese, one whose people write English."""
START, DAYS = date(2025, 3, 3), 3
EVERY_MS = 4 * HOUR_MS
NUMBERS = {"phone", "identity", "card", "email"}
REFUSED = 15
"""Tickets of each city that are sent again in each way of being refused."""
PAGES = ("/", "/queue", "/rejections", "/plans", "/status", "/help", "/metrics", "/health/ready", "/api/v1/sources")


@dataclass
class Story:
    """What happened: what was planted, and everything that the service showed."""

    place: Place
    planted: dict[str, set[str]]
    refused: set[str] = field(default_factory=set)
    shown: list[str] = field(default_factory=list)
    alerts: int = 0
    now: int = 0

    @property
    def numbers(self) -> set[str]:
        """The planted numbers and e-mail addresses, as written, and numbers without what stands between digits."""
        written = {value for kind in NUMBERS for value in self.planted[kind]}
        return written | {re.sub(r"\D", "", value) for value in written if "@" not in value and value[-1] != "X"}


@pytest.fixture(name="story", scope="module")
def _story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Story, Real]]:
    """Run a service, push both cities through HTTP, look at everything it shows."""
    place = Place(tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("aside"))
    cities = [simulate(load_city(name), 5, START, DAYS, extra_incidents=[_burst(name)]) for name in CITIES]
    keys = []
    for name in CITIES:
        place.prepare(name, "simulated-city")
        keys.append(place.key)
    story = Story(place, _planted(cities))
    with running(place, _settings(place.data)) as real:
        _send(real, story, dict(zip(keys, cities, strict=True)))
        until(lambda: real.metric("applied_lag_records") == 0)
        with real.signed_in() as browser:
            _look_at_all(browser, story)
        real.stop()  # which takes a snapshot
    with running(place, _settings(place.data)) as real:
        yield story, real
        real.stop()


def _settings(data: Path) -> Settings:
    ordinary = settings_of(data)
    engine = ordinary.engine.model_copy(update={"warm_up_hours": 1})
    return ordinary.model_copy(update={"engine": engine, "retention": RetentionGroup(original_hours=1)})


def _burst(name: str) -> IncidentSpec:
    start = datetime(START.year, START.month, START.day, 10, tzinfo=UTC) + timedelta(days=DAYS - 2)
    category, area = {"beihe": ("噪声扰民", "河东区"), "fairmont": ("Noise", "Riverside")}[name]
    return IncidentSpec(shape=Shape.BURST, start=start, size=10.0, category=category, hours=4.0, areas=(area,))


def _planted(cities: Iterable[Simulation]) -> dict[str, set[str]]:
    planted: dict[str, set[str]] = {}
    for city in cities:
        for identity in city.identities:
            planted.setdefault(identity.kind, set()).add(identity.value)
    return planted


def _send(real: Real, story: Story, cities: dict[str, Simulation]) -> None:
    """Push the cities' tickets as their days pass, then some again in each way in which an item is refused."""
    times = [ticket.event_time for city in cities.values() for ticket in city.tickets]
    for begin in range(min(times), max(times) + 1, EVERY_MS):
        story.now = begin + EVERY_MS
        real.place.clock(at=story.now)
        for key, city in cities.items():
            real.place.key = key
            batch = [event_of(each, story.now) for each in city.tickets if begin <= each.event_time < story.now]
            answer = real.push(batch)
            assert answer.json()["accepted"] == len(batch), answer.text
            story.shown.append(answer.text)
    for key, city in cities.items():
        real.place.key = key
        _send_refused(real, story, city)


def _send_refused(real: Real, story: Story, city: Simulation) -> None:
    named = [identity for identity in city.identities if identity.kind in NUMBERS][:REFUSED]
    story.refused |= {identity.value for identity in named}
    by_id = {ticket.ticket_id: ticket for ticket in city.tickets}
    for number, identity in enumerate(named):
        event = event_of(by_id[identity.ticket_id], story.now) | {"ticket_id": f"bad-{number}"}
        items = _refusable(event, identity.value)
        answer = real.push(items)
        assert answer.json()["rejected"] == len(items), answer.text
        odd = real.push([event | {"ticket_id": f"odd-{number}", "text": {"call": [identity.value]}}])
        broken = real.push_lines(json.dumps({"text": identity.value}, ensure_ascii=False)[:-1].encode())
        assert broken.json()["rejected"] == 1
        story.shown += [answer.text, odd.text, broken.text]


def _refusable(event: dict[str, object], value: str) -> list[dict[str, object]]:
    """Items that are refused for a field, with somebody's number in that field or in any other."""
    return [
        event | {"created_at": "some day", "caller": value, "text": f"call me at {value}"},
        event | {"created_at": "", "address": value},
        event | {"created_at": f"yesterday, call {value}"},
        event | {"city": "x" * 300, "part": f"call {value}", "category": value},
        event | {"created_at": "2099-01-01T00:00:00Z", "text": value, "department": f"of {value}"},
    ]


def _look_at_all(browser: httpx.Client, story: Story) -> None:
    """Look at all pages in both languages, and at all lists and details of the API."""
    alerts = [item["id"] for item in _listed(browser, "/api/v1/alerts", story)]
    letters = [item["id"] for item in _listed(browser, "/api/v1/rejections", story)]
    story.alerts = len(alerts)
    for language in ("zh", "en"):
        browser.get(f"/language/{language}")
        for page in (*PAGES, *(f"/alerts/{one}" for one in alerts), *(f"/alerts/{one}/card" for one in alerts)):
            _show(browser, page, story)
    for page in (*(f"/api/v1/alerts/{one}" for one in alerts), "/api/v1/tickets/bad-0?source=beihe"):
        _show(browser, page, story)
    replayed = browser.post("/api/v1/rejections/replay", json={"ids": letters[:50]})
    assert replayed.json()["rejected"] == 50
    story.shown.append(replayed.text)


def _show(browser: httpx.Client, page: str, story: Story) -> httpx.Response:
    answer = browser.get(page)
    assert answer.status_code == 200, (page, answer.text)
    story.shown += [answer.text, str(answer.headers)]
    return answer


def _listed(browser: httpx.Client, path: str, story: Story) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = _show(browser, f"{path}?limit=100{cursor}", story).json()
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = f"&cursor={page['next_cursor']}"


# --- looking for them -------------------------------------------------------------------------------------------------


def _unpacked(value: object) -> Iterator[bytes]:
    """Yield everything that is in a stored value: as it is, and what is compressed and encoded in it."""
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, (list, tuple)):
        for each in value:
            yield from _unpacked(each)
        return
    if not isinstance(value, bytes):
        yield str(value).encode()
        return
    yield value
    for start in (0, 1):
        with suppress(zlib.error):
            yield from _unpacked(zlib.decompress(value[start:]))
        with suppress(msgspec.DecodeError, UnicodeDecodeError):
            decoded = msgspec.msgpack.decode(value[start:])
            if isinstance(decoded, (list, dict)):
                yield from _unpacked(decoded)


def _stored(database: Path) -> dict[str, bytes]:
    """Return all that each table holds, unpacked."""
    with closing(sqlite3.connect(database)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: b"\n".join(_unpacked(connection.execute(f'SELECT * FROM "{name}"').fetchall())) for name in names}


def _found(values: Iterable[str], *hay: bytes) -> set[str]:
    return {value for value in values if any(value.encode() in each for each in hay)}


def _files(place: Place) -> list[bytes]:
    return [path.read_bytes() for path in place.data.iterdir() if not path.name.endswith("-shm")]


def test_no_number_is_stored_but_in_quarantine(story: tuple[Story, Real], record_property: Any) -> None:
    """No planted number is in any table but quarantine, packed or not; the refused ones are in quarantine."""
    told, _ = story
    stored = _stored(told.place.database)
    quarantine = stored.pop("quarantine")
    assert _found(told.refused, quarantine) == told.refused
    assert [name for name, hay in stored.items() if _found(told.numbers, hay)] == []
    assert b"[" in stored["log"]
    assert b"phone]" in stored["log"]
    assert b"phone]" in stored["snapshots"]
    for kind in ("name", "address"):
        left = Counter(name for name, hay in stored.items() for _ in _found(told.planted[kind], hay))
        record_property(f"{kind}s left", dict(left))


def test_no_number_is_shown(story: tuple[Story, Real]) -> None:
    """No planted number is in an answer, a page, a metric or the log; what is shown does show alerts and rejections."""
    told, _ = story
    shown = "\n".join(told.shown).encode()
    assert told.alerts > 0
    assert "[电话/phone]".encode() in shown
    assert _found(told.numbers, shown, told.place.said.encode()) == set()


def test_a_backup_holds_none(story: tuple[Story, Real], tmp_path: Path) -> None:
    """A backup taken while the service runs holds no planted number, in no table and in no byte of its file."""
    told, _ = story
    back_up(told.place.database, tmp_path / "out.db")
    assert _found(told.numbers, (tmp_path / "out.db").read_bytes(), *_stored(tmp_path / "out.db").values()) == set()


def test_originals_leave_no_byte_behind(story: tuple[Story, Real]) -> None:
    """When originals have had their time no byte of them is in the database's file or its log, though it runs."""
    told, real = story
    assert _found(told.refused, *_files(told.place)) == told.refused
    database = Database(told.place.database)
    later = datetime.fromtimestamp(told.now / 1000, UTC) + timedelta(hours=2)
    gone = SqlRetention(database).enforce(replace(LIMITS, now=later))
    assert gone["quarantine"] > REFUSED
    assert _found(told.numbers, *_files(told.place)) == set()
    assert real.health().status_code == 200
    database.close()
