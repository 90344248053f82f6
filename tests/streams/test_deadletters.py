"""Dead letters of a cluster by the command: refused, corrected, sent again, counted."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from streams.admin import apply_topics
from streams.topics import Name
from tests.cluster.plugin import with_partitions
from tests.cluster.stored import database_of
from tests.cluster.topics import produce
from tests.cluster.workers import Cluster, wait_for
from warning.bootstrap.accounts import build_accounts
from warning.cli.app import Exit
from warning.domain.outcome import RowOutcome
from warning.intake.mapping_files import load_mapping
from warning.settings import Settings
from warning.store.sql.tickets import SqlTickets

SOURCE, DAY_FIRST = "desk", "%d/%m/%Y %H:%M"


def test_a_refused_ticket_is_replayed_by_the_command(cluster_settings: Settings, tmp_path: Path) -> None:
    """A ticket whose time no format fits is refused; sent again it is refused once more, and, after its mapping was
    corrected, accepted and counted, all by running workers.
    """
    settings, mapping = with_partitions(cluster_settings, 2), tmp_path / "desk.yaml"
    apply_topics(settings)
    _read_times_as(mapping, "%Y-%m-%dT%H:%M:%SZ")
    created = (datetime.now(UTC) - timedelta(minutes=5)).strftime(DAY_FIRST)
    event = {"ticket_id": "T1", "created_at": created, "category": "Noise", "area": "Testville/North"}
    with database_of(settings) as database, Cluster(settings, tmp_path) as cluster:
        build_accounts(database).add_source(SOURCE, str(mapping))
        for kind in ("intake", "detect", "alerts"):
            cluster.start(kind)
        produce(settings, Name.RAW, [(json.dumps(event).encode(), 0, [("source", SOURCE.encode())])])

        def letters() -> list[dict[str, object]]:
            return list(json.loads(cluster.run("deadletters", "list", "--json"))["items"])

        def replayed(number: object, code: int = Exit.OK) -> list[dict[str, object]]:
            return list(json.loads(cluster.run("deadletters", "replay", str(number), "--json", code=code)))

        (letter,) = wait_for(letters, "the letter is filed")
        assert (letter["source"], letter["reason"]) == (SOURCE, "bad_time")
        refused = replayed(letter["id"], Exit.BAD_INPUT)
        assert refused == [{"id": letter["id"], "accepted": False, "reason": "bad_time"}]
        _read_times_as(mapping, "%Y-%m-%dT%H:%M:%SZ", DAY_FIRST)
        assert replayed(letter["id"]) == [{"id": letter["id"], "accepted": True, "reason": None}]

        def outcome() -> RowOutcome | None:
            status = SqlTickets(database).status(SOURCE, "T1")
            return None if status is None else status.outcome

        wait_for(lambda: outcome() is RowOutcome.ACCEPTED, "the ticket is counted")
        assert [each["id"] for each in letters()] == [letter["id"]], "what was refused again is no second letter"


def _read_times_as(mapping: Path, *formats: str) -> None:
    """Write a mapping file with these formats of the creation's time."""
    document = json.loads(load_mapping("canonical").model_dump_json(exclude_none=True))
    document["fields"]["created_at"] = {"column": "created_at", "formats": formats}
    mapping.write_text(json.dumps(document), encoding="utf-8")
