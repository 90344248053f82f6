"""Making and checking topics, on real brokers and by the command."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from streams.admin import Difference, Found, TopicsError, apply_topics, check_topics, compare, make_topic
from streams.connection import kafka_python_options
from streams.topics import Name, topics
from tests.cluster.workers import wait_for
from tests.kafka.broker import free_ports
from tests.kafka.harness import Kafka
from warning.cli import main
from warning.domain.errors import InvalidInputError
from warning.settings import Settings

PROGRAM = [sys.executable, "-c", "from warning.cli import main; main(prog_name='early-warning')"]


def _changed(settings: Settings, group: str, **values: object) -> Settings:
    return settings.model_copy(update={group: getattr(settings, group).model_copy(update=values)})


def _run(settings: Settings, *words: str) -> Result:
    environment = {
        f"EARLY_WARNING_{group.upper()}__{name.upper()}": str(value)
        for group in ("kafka", "retention")
        for name, value in getattr(settings, group).model_dump().items()
    }
    return CliRunner(env=environment).invoke(main, ["topics", *words], prog_name="early-warning")


@pytest.fixture(name="admin")
def _admin(kafka_settings: Settings) -> Iterator[KafkaAdminClient]:
    admin = KafkaAdminClient(**kafka_python_options(kafka_settings))
    yield admin
    admin.close()


def test_apply_makes_the_table_true(kafka_settings: Settings) -> None:
    """Everything is missing before, nothing differs after; a second time there is nothing to do."""
    assert {(each.topic, each.what) for each in check_topics(kafka_settings)} == {
        (topic.name, "topic") for topic in topics(kafka_settings).values()
    }
    first = apply_topics(kafka_settings)
    assert first.made == list(topics(kafka_settings).values())
    assert (first.changed, first.left, check_topics(kafka_settings)) == ([], [], [])
    again = apply_topics(kafka_settings)
    assert (again.made, again.changed, again.left) == ([], [], [])


def test_kafka_was_told(kafka_settings: Settings, admin: KafkaAdminClient) -> None:
    """What Kafka itself says of a topic is what the table says."""
    apply_topics(kafka_settings)
    table = topics(kafka_settings)
    described = {topic["name"]: topic for topic in admin.describe_topics([each.name for each in table.values()])}
    for topic in table.values():
        assert len(described[topic.name]["partitions"]) == topic.partitions
        resource = ConfigResource(ConfigResourceType.TOPIC, topic.name)
        said = admin.describe_configs([resource], config_filter="all")["topic"][topic.name]
        wanted = topic.configuration(1)
        assert {key: said[key]["value"] for key in wanted} == wanted


def test_apply_sets_what_differs(kafka_settings: Settings) -> None:
    """New settings of retention reach topics that are there; only what differs is set, and check names it before."""
    apply_topics(kafka_settings)
    shorter = _changed(kafka_settings, "retention", rejected_days=5)
    name = topics(shorter)[Name.REJECTED].name
    differences = check_topics(shorter)
    assert {(each.topic, each.what, each.remedy) for each in differences} == {
        (name, "retention.ms", ""),
        (name, "segment.ms", ""),
    }
    done = apply_topics(shorter)
    assert (done.made, done.changed, done.left) == ([], differences, [])
    assert check_topics(shorter) == []


def test_apply_leaves_partitions_and_records_alone(kafka_settings: Settings, admin: KafkaAdminClient) -> None:
    """Other numbers of partitions are told with what to do, and not changed; a stranger's topic is not touched."""
    stranger = f"{kafka_settings.kafka.prefix}stranger"
    admin.create_topics({stranger: {"num_partitions": 2, "replication_factor": 1}}, wait_for_metadata=True)
    apply_topics(kafka_settings)
    other = _changed(kafka_settings, "kafka", partitions=12, input_partitions=2)
    left = {each.topic.removeprefix(other.kafka.prefix): each for each in apply_topics(other).left}
    assert set(left) == {"tickets", "tickets.raw", "tickets.pushed"}
    assert (left["tickets"].found, left["tickets"].wanted) == ("6", "12")
    assert "early-warning repartition" in left["tickets"].remedy
    assert "kafka.input_partitions to 6" in left["tickets.raw"].remedy
    assert check_topics(kafka_settings) == []
    assert stranger in admin.list_topics()


def test_one_missing_topic_is_made_again(kafka_settings: Settings, admin: KafkaAdminClient) -> None:
    """A topic that somebody deleted is made again, the others are left as they are."""
    apply_topics(kafka_settings)
    gone = topics(kafka_settings)[Name.ALERTS].name
    admin.delete_topics([gone])
    wait_for(lambda: gone not in admin.list_topics(), "the topic is gone")
    assert [each.topic for each in check_topics(kafka_settings)] == [gone]
    assert [topic.name for topic in apply_topics(kafka_settings).made] == [gone]


def test_later_generations_of_the_log(kafka_settings: Settings, admin: KafkaAdminClient) -> None:
    """What repartition made is held to the settings of the log too, and its number of partitions is its own."""
    apply_topics(kafka_settings)
    later = f"{kafka_settings.kafka.prefix}tickets.g2"
    admin.create_topics({later: {"num_partitions": 3, "replication_factor": 1}}, wait_for_metadata=True)
    settings = _changed(kafka_settings, "kafka", partitions=3)
    assert {each.topic for each in check_topics(settings)} == {later}
    assert {each.topic for each in apply_topics(settings).changed} == {later}
    assert check_topics(settings) == check_topics(kafka_settings) == []
    assert len(admin.describe_topics([later])[0]["partitions"]) == 3


def test_an_older_generation_of_the_log_may_be_deleted(kafka_settings: Settings, admin: KafkaAdminClient) -> None:
    """Nothing differs, and apply does not make it anew: an empty one would pass for the log's beginning."""
    apply_topics(kafka_settings)
    log = topics(kafka_settings)[Name.TICKETS]
    make_topic(kafka_settings, replace(log, name=f"{log.name}.g2", partitions=3))
    assert check_topics(kafka_settings) == []
    admin.delete_topics([log.name])
    wait_for(lambda: log.name not in admin.list_topics(), "the topic is gone")
    assert check_topics(kafka_settings) == []
    assert apply_topics(kafka_settings).made == []


def test_three_copies(kafka3_settings: Settings) -> None:
    """On three brokers every topic has three copies of which two must have a record; fewer wanted is a difference."""
    apply_topics(kafka3_settings)
    assert check_topics(kafka3_settings) == []
    admin = KafkaAdminClient(**kafka_python_options(kafka3_settings))
    try:
        described = admin.describe_topics([topic.name for topic in topics(kafka3_settings).values()])
    finally:
        admin.close()
    assert {len(each["replica_nodes"]) for topic in described for each in topic["partitions"]} == {3}
    fewer = check_topics(_changed(kafka3_settings, "kafka", replication=2))
    assert {(each.what, each.found, each.wanted) for each in fewer} == {("replication", "3", "2")}
    assert all("kafka-reassign-partitions" in each.remedy for each in fewer)


def test_more_copies_than_brokers_are_refused(kafka_settings: Settings) -> None:
    """What the brokers refuse is an error that names the topic and their reason."""
    with pytest.raises(TopicsError, match="replication") as caught:
        apply_topics(_changed(kafka_settings, "kafka", replication=7))
    assert "主题" in caught.value.zh


def test_impossible_copies_are_refused(kafka_settings: Settings) -> None:
    """More copies that must have a record than there are would stop every write, so it is refused before."""
    with pytest.raises(InvalidInputError, match=r"setting kafka\.min_insync"):
        apply_topics(_changed(kafka_settings, "kafka", min_insync=2))


def test_compare_sees_a_topic_of_one_partition_with_more() -> None:
    """A topic whose order needs one partition is never told to be repartitioned."""
    settings = Settings()
    clock = topics(settings)[Name.CLOCK]
    found = Found(partitions=2, replication=1, configuration=clock.configuration(1))
    (difference,) = compare(Name.CLOCK, clock, found, settings)
    assert difference == Difference(topic="clock", what="partitions", found="2", wanted="1", remedy=difference.remedy)
    assert "must be 1" in difference.remedy


def test_commands(kafka_settings: Settings) -> None:
    """The commands say in both languages what differs and was done; check ends with 3 until nothing differs."""
    before = _run(kafka_settings, "check")
    assert before.exit_code == 3
    assert "主题 topic | 项目 what | 现为 is | 应为 wanted" in before.stdout
    assert "topics apply" in before.stdout
    rows = json.loads(_run(kafka_settings, "check", "--json").stdout)
    assert {(row["what"], row["wanted"]) for row in rows} == {("topic", "there")}
    made = _run(kafka_settings, "apply")
    assert (made.exit_code, made.stdout.count("已建立 made")) == (0, len(Name))
    for words in (("check",), ("apply",)):
        done = _run(kafka_settings, *words)
        assert (done.exit_code, done.stdout) == (0, "主题齐备 all topics are as they should be\n")
    assert json.loads(_run(kafka_settings, "check", "--json").stdout) == []


def test_apply_says_what_it_leaves(kafka_settings: Settings) -> None:
    """Apply tells what it changed, and ends with 3 where something is left to a person."""
    _run(kafka_settings, "apply")
    other = _changed(_changed(kafka_settings, "kafka", partitions=8), "retention", rejected_days=5)
    done = _run(other, "apply")
    assert done.exit_code == 3
    assert f"已改正 changed  {other.kafka.prefix}tickets.rejected retention.ms" in done.stdout
    assert "early-warning repartition" in done.stdout


def test_nobody_listens(kafka_settings: Settings) -> None:
    """Without a broker the commands end within seconds, in both languages, naming the setting and the address."""
    (port,) = free_ports(1)
    away = _changed(kafka_settings, "kafka", bootstrap=f"127.0.0.1:{port}")
    begun = time.monotonic()
    for words in ("check", "apply"):
        done = _run(away, words)
        assert done.exit_code == 3
        assert f"Error: setting kafka.bootstrap: Kafka at 127.0.0.1:{port}" in done.stderr
        assert "错误: 设置 kafka.bootstrap" in done.stderr
    assert time.monotonic() - begun < 5


def test_a_broker_that_hangs(tmp_path: Path) -> None:
    """A broker that takes connections and never answers is an error within seconds, too."""
    file = tmp_path / "settings.yaml"
    with Kafka() as kafka:
        file.write_text(f"kafka:\n  bootstrap: {kafka.bootstrap}\n")
        kafka.brokers[0].pause()
        # A process of its own: the client leaves its connection behind.
        command = [*PROGRAM, "topics", "check", "--settings", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 3
    assert "Error: setting kafka.bootstrap" in done.stderr
