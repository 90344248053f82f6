"""Making the topics, and finding where they differ from the table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from threading import Event
from typing import TYPE_CHECKING, Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError, for_code

from streams.connection import CONNECT_SECONDS, kafka_away, kafka_python_options, need_a_broker
from streams.topics import Name, Topic, topics
from warning.domain.errors import EarlyWarningError
from warning.runtime.clock import steady_seconds
from warning.service.errors import BadInputError

if TYPE_CHECKING:
    from warning.settings import Settings

REQUEST_SECONDS = 6.0
"""Long enough to make all topics; a broker that hangs is told of after it. What was cut short is done the next time."""
_EXISTS = 36
"""Kafka's number of what is said where somebody else made the topic meanwhile."""
_DONE = "OK"
_BETWEEN_LOOKS = 0.05


class What(StrEnum):
    """What of a topic differs; other differences are named by Kafka's setting."""

    TOPIC = "topic"
    PARTITIONS = "partitions"
    REPLICATION = "replication"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is not as the table wants it.

    remedy : in both languages, what a person must do; empty where :func:`apply_topics` does it
    """

    topic: str
    what: str
    found: str
    wanted: str
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A topic as it is."""

    partitions: int
    replication: int
    configuration: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Identity:
    """Kafka's own id of a topic, which another of the same name does not have, and its number of partitions."""

    id: str
    partitions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What was done: topics made, settings changed; and what is left to people."""

    made: list[Topic]
    changed: list[Difference]
    left: list[Difference]


class TopicsError(EarlyWarningError):
    """The brokers refused something."""

    def __init__(self, topic: str, reason: str) -> None:
        super().__init__(f"topic {topic}: Kafka refused it ({reason}). Check kafka.replication and the user's rights.")
        self.zh = f"主题 {topic}: Kafka 拒绝 ({reason})。请检查 kafka.replication 与用户权限。"


def check_topics(settings: Settings) -> list[Difference]:
    """Return everything that differs; raises BadInputError where no broker answers."""
    with _admin(settings) as admin:
        return _compare_all(admin, settings)


def apply_topics(settings: Settings) -> Applied:
    """Make the topics that are missing and set what differs; deletes nothing and changes no number of partitions.

    Raises BadInputError where no broker answers, TopicsError where they refuse.
    """
    table = topics(settings)
    with _admin(settings) as admin:
        differences = _compare_all(admin, settings)
        missing = {each.topic for each in differences if each.what == What.TOPIC}
        made = [topic for topic in table.values() if topic.name in missing]
        changed = [each for each in differences if not each.remedy and each.what != What.TOPIC]
        _make(admin, made, settings)
        _change(admin, changed)
        if made or changed:
            _wait_until_told(admin, settings)
    return Applied(made=made, changed=changed, left=[each for each in differences if each.remedy])


def make_topic(settings: Settings, topic: Topic) -> None:
    """Make one topic, unless it is there; raises what :func:`apply_topics` raises."""
    with _admin(settings) as admin:
        _make(admin, [topic], settings)


def identities(settings: Settings, names: Iterable[str]) -> dict[str, Identity]:
    """Return what tells each topic that is there from others that had or will have its name.

    Raises BadInputError where no broker answers.
    """
    with _admin(settings) as admin:
        found = admin.describe_topics(list(names))
    return {
        each["name"]: Identity(str(each["topic_id"]), len(each["partitions"])) for each in found if each["partitions"]
    }


def live_members(settings: Settings, groups: Iterable[str]) -> dict[str, int]:
    """Return how many processes each consumer group has that has some; names without the prefix."""
    names = {settings.kafka.prefix + group: group for group in groups}
    with _admin(settings) as admin:
        known = {group["group_id"] for group in admin.list_groups()}
        found = admin.describe_groups([name for name in names if name in known])
    return {names[name]: len(group["members"]) for name, group in found.items() if group["members"]}


def compare(name: Name, topic: Topic, found: Found | None, settings: Settings) -> list[Difference]:
    """Return how one topic differs from what the table wants."""
    if found is None:
        return [Difference(topic=topic.name, what=What.TOPIC, found="missing", wanted="there")]
    counts = [
        (What.PARTITIONS, found.partitions, topic.partitions, _more_partitions(name, topic, found)),
        (What.REPLICATION, found.replication, settings.kafka.replication, _REPLICAS),
    ]
    differences = [
        Difference(topic=topic.name, what=what, found=str(is_), wanted=str(wanted), remedy=remedy)
        for what, is_, wanted, remedy in counts
        if is_ != wanted
    ]
    for key, wanted in topic.configuration(settings.kafka.min_insync).items():
        is_ = found.configuration.get(key, "")
        if is_ != wanted:
            differences.append(Difference(topic=topic.name, what=key, found=is_, wanted=wanted))
    return differences


_REPLICAS = "kafka-reassign-partitions.sh (Kafka). 用 Kafka 自带工具重新分配副本"


def _more_partitions(name: Name, topic: Topic, found: Found) -> str:
    if name is Name.TICKETS:
        return (
            f"early-warning repartition, or set kafka.partitions to {found.partitions}. "
            f"用 repartition 命令,或把设置改为 {found.partitions}"
        )
    if name in (Name.RAW, Name.PUSHED):
        return (
            f"set kafka.input_partitions to {found.partitions}; kafka-topics.sh --alter adds some. "
            f"把设置改为 {found.partitions};增加分区用 Kafka 自带工具"
        )
    return f"must be {topic.partitions}: give another kafka.prefix, or make it anew. 另设前缀,或重建该主题"


def _compare_all(admin: KafkaAdminClient, settings: Settings) -> list[Difference]:
    found = _find(admin, settings)
    return [
        difference
        for name, topic in _wanted(found, settings)
        for difference in compare(name, topic, found.get(topic.name), settings)
    ]


def _wanted(found: Mapping[str, Found], settings: Settings) -> Iterator[tuple[Name, Topic]]:
    """Give the table, and all generations of the log as they are: each has its own number of partitions.

    The first one, once there are later ones, may be deleted: made anew and empty it would pass for the log's beginning.
    """
    table = topics(settings)
    log = table[Name.TICKETS]
    later = sorted(found.keys() - {topic.name for topic in table.values()})
    for name, topic in table.items():
        if name is not Name.TICKETS or not later:
            yield name, topic
    for each in [log.name, *later] if later else []:
        if each in found:
            yield Name.TICKETS, replace(log, name=each, partitions=found[each].partitions)


def _find(admin: KafkaAdminClient, settings: Settings) -> dict[str, Found]:
    """Return the topics of the table that are there, and all generations of the log."""
    table = {topic.name for topic in topics(settings).values()}
    later = re.compile(re.escape(settings.kafka.prefix + Name.TICKETS) + r"\.g[0-9]+")
    names = [name for name in admin.list_topics() if name in table or later.fullmatch(name)]
    if not names:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    configurations: dict[str, dict[str, Any]] = admin.describe_configs(resources, config_filter="all")["topic"]
    found = {}
    for topic in admin.describe_topics(names):
        partitions = topic["partitions"]
        if not partitions:
            # One broker lists a topic that the next one asked does not know yet.
            continue
        values = configurations.get(topic["name"], {})
        found[topic["name"]] = Found(
            partitions=len(partitions),
            replication=min(len(partition["replica_nodes"]) for partition in partitions),
            configuration={key: str(value["value"]) for key, value in values.items()},
        )
    return found


def _make(admin: KafkaAdminClient, missing: list[Topic], settings: Settings) -> None:
    if not missing:
        return
    wanted = {
        topic.name: {
            "num_partitions": topic.partitions,
            "replication_factor": settings.kafka.replication,
            "configs": topic.configuration(settings.kafka.min_insync),
        }
        for topic in missing
    }
    for answer in admin.create_topics(wanted, raise_errors=False)["topics"]:
        if answer["error_code"] not in (0, _EXISTS):
            raise TopicsError(answer["name"], answer["error_message"] or for_code(answer["error_code"]).__name__)
    admin.wait_for_topics(list(wanted))


def _change(admin: KafkaAdminClient, differences: list[Difference]) -> None:
    changes: dict[str, dict[str, str]] = {}
    for difference in differences:
        changes.setdefault(difference.topic, {})[difference.what] = difference.wanted
    if not changes:
        return
    resources = [ConfigResource(ConfigResourceType.TOPIC, name, to) for name, to in changes.items()]
    for name, answer in admin.alter_configs(resources)["topic"].items():
        if answer != _DONE:
            raise TopicsError(name, answer)


def _wait_until_told(admin: KafkaAdminClient, settings: Settings) -> None:
    """Wait until brokers say of themselves what the controller has agreed to."""
    deadline = steady_seconds() + REQUEST_SECONDS
    looks = Event()
    while open_ := [each for each in _compare_all(admin, settings) if not each.remedy]:
        if steady_seconds() > deadline:
            raise TopicsError(open_[0].topic, f"{open_[0].what} has not taken effect")
        looks.wait(_BETWEEN_LOOKS)


@contextmanager
def _admin(settings: Settings) -> Iterator[KafkaAdminClient]:
    _need_copies(settings)
    options = kafka_python_options(settings)
    need_a_broker(settings)
    try:
        admin = KafkaAdminClient(
            **options,
            bootstrap_timeout_ms=int(1000 * CONNECT_SECONDS),
            request_timeout_ms=int(1000 * REQUEST_SECONDS),
        )
    except KafkaError as error:
        raise kafka_away(settings, error) from error
    try:
        yield admin
    except KafkaError as error:
        raise kafka_away(settings, error) from error
    finally:
        admin.close()


def _need_copies(settings: Settings) -> None:
    kafka = settings.kafka
    if kafka.min_insync > kafka.replication:
        raise BadInputError(
            "setting kafka.min_insync",
            f"is {kafka.min_insync}, more than kafka.replication ({kafka.replication}): nothing could be written",
            "Lower it (three copies: 2).",
            f"设置 kafka.min_insync: {kafka.min_insync} 大于副本数 {kafka.replication},将无法写入;三副本时应为 2。",
        )
