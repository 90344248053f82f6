"""The HTTP API of a cluster as a process, over a real Kafka and a real PostgreSQL that come and go."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import httpx
import msgspec
import pytest
from kafka import KafkaProducer

from streams.admin import apply_topics
from streams.connection import kafka_python_options
from streams.records import Outcomes, encode
from streams.topics import Name, topics
from tests.cluster.workers import Cluster, Worker, wait_for
from tests.kafka.harness import Kafka
from tests.postgres import Postgres
from tests.streams.alerts.reports import reports_of, surging
from tests.streams.alerts.stored import Reports, read_topic
from tests.warning.engine.tickets import CITY, log
from warning.bootstrap.accounts import build_accounts
from warning.bootstrap.folder import store_of
from warning.domain.account import Role
from warning.domain.control import ControlKind
from warning.settings import Settings
from warning.store.logfile import decode_record
from warning.store.sql.database import Database

TICKET = {
    "ticket_id": "A-1",
    "created_at": "2026-03-02T08:00:00Z",
    "category": "Noise",
    "area": "Testville/North",
    "text": "call me at 13812345678",
}
PASSWORD = "correct horse battery staple"


def settings_of(bootstrap: str, prefix: str, postgres: Postgres, name: str) -> Settings:
    """Return the settings of the test city's cluster."""
    return Settings.model_validate(
        {
            "jurisdiction": CITY,
            "zone": "UTC",
            "engine": {"shards": 8},
            "policy": {"minimum_tickets": 5, "false_alerts_per_week": 1.0},
            "kafka": {"bootstrap": bootstrap, "prefix": prefix, "partitions": 3, "input_partitions": 1},
            "cluster": {"snapshot_seconds": 1, "wait_seconds": 2},
            "store": {"url": postgres.url(name), "password_file": str(postgres.password_file)},
        }
    )


@pytest.fixture
def settings(kafka_settings: Settings, prefix: str, postgres: Postgres, postgres_name: str) -> Settings:
    """Settings over the shared brokers, the topics made."""
    made = settings_of(kafka_settings.kafka.bootstrap, prefix, postgres, postgres_name)
    apply_topics(made)
    return made


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """The cluster's database, open."""
    database = store_of(settings)
    yield database
    database.close()


@pytest.fixture
def key(database: Database) -> str:
    """A platform's key; an admin can sign in, too."""
    return key_in(database)


def key_in(database: Database) -> str:
    """Make a source with a key, and an admin."""
    accounts = build_accounts(database)
    accounts.create_user("ann", Role.ADMIN, PASSWORD)
    accounts.add_source("desk", "canonical")
    return accounts.add_key("desk").secret


class Client:
    """Speaks with an API worker: as a platform by key, as an admin by session."""

    def __init__(self, worker: Worker, key: str) -> None:
        self.platform = httpx.Client(
            base_url=worker.address, headers={"Authorization": f"Bearer {key}"}, timeout=20, trust_env=False
        )
        self.admin = httpx.Client(base_url=worker.address, timeout=20, trust_env=False)

    def sign_in(self) -> None:
        answer = self.admin.post("/api/v1/session", json={"name": "ann", "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        self.admin.headers["X-CSRF-Token"] = answer.json()["csrf"]

    def push(self, *tickets: object) -> httpx.Response:
        return self.platform.post("/api/v1/tickets", json=list(tickets))

    def taken(self, *tickets: object) -> httpx.Response:
        """Push as a platform does: again where it is told to."""
        answer: httpx.Response = wait_for(
            lambda: (told := self.push(*tickets)).status_code != 503 and told, "the push is answered"
        )
        assert answer.status_code == 202, answer.text
        return answer

    def close(self) -> None:
        self.platform.close()
        self.admin.close()


@pytest.fixture
def cluster(settings: Settings, tmp_path: Path) -> Iterator[Cluster]:
    """The cluster's workers; none is started yet."""
    with Cluster(settings, tmp_path) as cluster:
        yield cluster


@pytest.fixture
def client(cluster: Cluster, key: str) -> Iterator[Client]:
    """A client of a running API."""
    client = Client(cluster.start("api").wait_until_ready(), key)
    try:
        client.sign_in()
        yield client
    finally:
        client.close()


def test_what_is_pushed_is_in_kafka_when_it_is_answered(client: Client, settings: Settings) -> None:
    """Accepted items stand redacted in the topic, refused ones as a dead letter whose original can be read there."""
    answer = client.taken(TICKET, {"ticket_id": "A-2"})
    assert (answer.json()["accepted"], answer.json()["rejected"]) == (1, 1)
    assert b"A-1" in pushed_in(settings)[-1]
    assert not any(b"13812345678" in value for value in pushed_in(settings))
    letters = [msgspec.json.decode(value or b"") for _, value, _ in read_topic(settings, Name.REJECTED)]
    assert letters[-1]["source"] == "desk"
    originals = {value for _, value, _ in read_topic(settings, Name.QUARANTINE)}
    assert [msgspec.json.decode(value or b"") for value in originals] == [{"ticket_id": "A-2"}]


def test_dead_letters_are_filed_read_and_replayed(client: Client, cluster: Cluster) -> None:
    """The alert worker files what was refused; an admin reads the original, and replays it."""
    cluster.start("alerts").wait_until_ready()
    client.taken({"ticket_id": "A-2"})
    letter, *_ = wait_for(lambda: client.admin.get("/api/v1/rejections").json()["items"], "the letter is filed")
    original = client.admin.get(f"/api/v1/rejections/{letter['id']}/original")
    assert original.json() == {"ticket_id": "A-2"}
    again = client.admin.post("/api/v1/rejections/replay", json={"ids": [letter["id"]]})
    assert again.json()["rejected"] == 1
    assert client.platform.get("/api/v1/tickets/A-2").json()["outcome"] == "rejected"


def test_a_review_goes_from_the_page_to_the_topic(client: Client, cluster: Cluster, settings: Settings) -> None:
    """Alerts appear by the API; a review's controls come into the topic ``reviews`` in order, with their positions."""
    cluster.start("alerts").wait_until_ready()
    writer = Reports(settings)
    writer.write(reports_of(log(surging()), 3))
    writer.close()
    found = wait_for(lambda: client.admin.get("/api/v1/alerts").json()["items"], "there is an alert")
    body = {"version": 0, "disposition": "confirmed", "reason": "seen"}
    answer = client.admin.post(f"/api/v1/alerts/{found[0]['id']}/review", json=body)
    assert answer.status_code == 200, answer.text

    def relayed() -> list[tuple[bytes | None, bytes | None, dict[str, bytes]]]:
        records = read_topic(settings, Name.REVIEWS)
        controls = [decode_record(value or b"", "reviews") for _, value, _ in records]
        return records if any(getattr(each, "kind", None) is ControlKind.REVIEWED for each in controls) else []

    records = wait_for(relayed, "the review is relayed")
    positions = [int(headers["position"]) for _, _, headers in records]
    assert positions == sorted(set(positions))


def test_what_became_of_a_ticket_is_looked_up(client: Client, cluster: Cluster, settings: Settings) -> None:
    """Before it is counted a ticket waits; once a detect worker said what became of it, the look-up says so."""
    cluster.start("alerts").wait_until_ready()
    client.taken(TICKET)
    assert client.platform.get("/api/v1/tickets/A-1").json()["outcome"] is None
    outcomes = Outcomes(
        log=topics(settings)[Name.TICKETS].name,
        partition=1,
        offset=7,
        source="desk",
        received=1,
        ticket_id=["A-1"],
        time=[1],
        category=["Noise"],
        area=["Testville/North"],
        outcome=[3],
    )
    producer = KafkaProducer(**kafka_python_options(settings), acks="all")
    for _ in range(2):
        producer.send(topics(settings)[Name.OUTCOMES].name, encode(outcomes))
    producer.flush()
    producer.close()
    found = wait_for(
        lambda: (said := client.platform.get("/api/v1/tickets/A-1").json())["outcome"] and said, "it is counted"
    )
    assert (found["outcome"], found["times_received"]) == ("accepted", 1)


def test_the_database_away_answers_503_and_pushes_go_on(client: Client, postgres: Postgres, settings: Settings) -> None:
    """Without PostgreSQL reads are 503 with Retry-After, a known platform's pushes are taken; then all is well."""
    client.taken(TICKET)
    postgres.kill()
    try:
        read = client.admin.get("/api/v1/alerts")
        assert read.status_code == 503, read.text
        assert int(read.headers["Retry-After"]) > 0
        page = client.admin.get("/", headers={"Accept": "text/html"})
        assert page.status_code == 503
        assert client.push(TICKET | {"ticket_id": "A-3"}).status_code == 202
        assert client.platform.get("/health/live").status_code == 200
        assert client.platform.get("/metrics").status_code == 200
        wait_for(lambda: client.platform.get("/health/ready").status_code == 503, "it says that it is not ready")
    finally:
        postgres.start()
    wait_for(lambda: client.admin.get("/api/v1/alerts").status_code == 200, "reads are answered again")
    assert {b"A-1", b"A-3"} == {
        ticket for ticket in (b"A-1", b"A-3") for value in pushed_in(settings) if ticket in value
    }


def pushed_in(settings: Settings) -> list[bytes]:
    """Return what was pushed; the same may be there twice where an answer came too late."""
    return [value or b"" for _, value, _ in read_topic(settings, Name.PUSHED)]


def test_the_topics_are_described(client: Client) -> None:
    """The AsyncAPI document stands beside OpenAPI's, for anyone."""
    found = httpx.get(f"{client.platform.base_url}/api/v1/asyncapi.json", trust_env=False)
    assert found.json()["asyncapi"].startswith("3.")


def test_it_ends_within_ten_seconds(client: Client, cluster: Cluster) -> None:
    """Told to stop while a live stream is open it ends cleanly in time."""
    (worker,) = cluster.of("api")
    with client.admin.stream("GET", "/api/v1/alerts/stream") as stream:
        next(stream.iter_lines())
        began = monotonic()
        assert worker.stop() == 0
        assert monotonic() - began < 10


def test_brokers_away_answer_503_within_two_seconds(postgres: Postgres, postgres_name: str, tmp_path: Path) -> None:
    """Without Kafka a push is refused in time, to be sent again; what was answered 202 is there afterwards."""
    with Kafka() as brokers:
        settings = settings_of(brokers.bootstrap, "away-", postgres, postgres_name)
        apply_topics(settings)
        database = store_of(settings)
        key = key_in(database)
        database.close()
        with Cluster(settings, tmp_path) as cluster:
            client = Client(cluster.start("api").wait_until_ready(), key)
            client.sign_in()
            client.taken(TICKET)
            brokers.brokers[0].kill()
            began = monotonic()
            answer = client.push(TICKET | {"ticket_id": "A-2"})
            assert monotonic() - began < 2.5
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) > 0
            assert client.admin.get("/api/v1/alerts").status_code == 200
            brokers.restart()
            client.taken(TICKET | {"ticket_id": "A-3"})
            taken = pushed_in(settings)
            assert [any(ticket in value for value in taken) for ticket in (b"A-1", b"A-3")] == [True, True]
            client.close()
