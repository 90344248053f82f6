"""The table of topics: what Kafka is told of each."""

from __future__ import annotations

import pytest

from streams.topics import FOR_EVER, Name, Topic, partition_of, shards_of, topics
from tests.kafka.harness import LARGEST_MESSAGE
from warning.domain.bucket import DAY_MS, HOUR_MS, MINUTE_MS
from warning.settings import Settings

CHECK_INTERVAL_MS = 5 * MINUTE_MS
"""How often brokers look for what is too old, unless told otherwise."""


def _table(**settings: object) -> dict[Name, Topic]:
    return topics(Settings.model_validate(settings))


def test_every_topic_has_all_its_words() -> None:
    """Every name is in the table, with the prefix, an owner, a key and a meaning in both languages."""
    table = _table(kafka={"prefix": "city-"})
    assert list(table) == list(Name)
    for name, topic in table.items():
        assert topic.name == f"city-{name}"
        assert topic.key
        assert topic.owner
        assert any("一" <= letter <= "鿿" for letter in topic.meaning)
        assert topic.meaning[0].isascii()


@pytest.mark.parametrize("hours", [1, 2, 24, 72])
def test_originals_are_gone_in_time(hours: int) -> None:
    """A record that may hold personal data is gone within the hours of the settings, also on a busy topic."""
    # Kafka deletes a segment once its newest record is too old, and writes one as long as `segment.ms`.
    table = _table(retention={"original_hours": hours})
    private = {name: topic for name, topic in table.items() if topic.private}
    assert set(private) == {Name.RAW, Name.QUARANTINE}
    for topic in private.values():
        told = topic.configuration(1)
        worst = int(told["retention.ms"]) + int(told["segment.ms"]) + CHECK_INTERVAL_MS
        assert worst < hours * HOUR_MS
        assert int(told["retention.ms"]) >= hours * HOUR_MS // 2


def test_the_log_stays_as_long_as_was_said() -> None:
    """The log, its clock and what people decided stay for the days of the settings, and are never compacted."""
    table = _table(retention={"log_days": 500})
    for name in (Name.TICKETS, Name.CLOCK, Name.REVIEWS):
        told = table[name].configuration(1)
        assert told["retention.ms"] == str(500 * DAY_MS)
        assert told["cleanup.policy"] == "delete"


def test_compacted_topics_keep_the_last_of_a_key() -> None:
    """Compacted topics lose nothing by age, and close segments often enough that readers of the whole find little."""
    compacted = {name: topic for name, topic in _table().items() if topic.compacted}
    assert set(compacted) == {Name.POISON, Name.FLUSHED, Name.ALERTS}
    for topic in compacted.values():
        told = topic.configuration(1)
        assert (told["cleanup.policy"], told["retention.ms"]) == ("compact", str(FOR_EVER))
        assert int(told["segment.ms"]) <= HOUR_MS


def test_the_brokers_clock_counts() -> None:
    """What is too old is told by the broker's clock: a platform's wrong clock neither loses nor keeps anything."""
    assert {topic.configuration(1)["message.timestamp.type"] for topic in _table().values()} == {"LogAppendTime"}


def test_copies_are_told() -> None:
    """How many copies must have a record goes to every topic."""
    assert {topic.configuration(2)["min.insync.replicas"] for topic in _table().values()} == {"2"}


def test_no_topic_takes_more_than_the_tests_broker() -> None:
    """The brokers of the tests are told of sizes that hold every topic's largest record."""
    assert max(topic.largest for topic in _table().values()) < LARGEST_MESSAGE


def test_every_shard_has_one_partition() -> None:
    """The partitions' shards are all shards, each once, and the partition of each is the one that carries it."""
    for partitions in (1, 3, 6, 64, 100):
        carried = [(shard, at) for at in range(partitions) for shard in shards_of(at, partitions, 64)]
        assert sorted(shard for shard, _ in carried) == list(range(64))
        assert all(partition_of(shard, partitions) == at for shard, at in carried)
