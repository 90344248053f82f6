"""The AsyncAPI 3.0 document of the topics, made from their table and the schemas of their records.

https://www.asyncapi.com/docs/reference/specification/v3.0.0, with its Kafka bindings.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from streams import schema
from streams.connection import servers
from streams.records import CLOCK_HEADER, POSITION_HEADER, SOURCE_HEADER
from streams.topics import OUTSIDE, Name, Topic, topics

if TYPE_CHECKING:
    from warning.settings import KafkaGroup, Settings

VERSION = "3.0.0"
BINDING = "0.5.0"
TITLE = "Early warning: events 早期预警:事件"
ABOUT = """Platforms push tickets into `tickets.raw`; alerts come out of `alerts`; the service's workers use the others.

平台把工单推送到 `tickets.raw`,预警从 `alerts` 读取,其余主题为服务自用。

Delivery is at least once; records of one key keep their order. 至少投递一次;同一键的记录保持先后。"""

Plain = dict[str, Any]

_MECHANISMS = {"PLAIN": "plain", "SCRAM-SHA-256": "scramSha256", "SCRAM-SHA-512": "scramSha512"}
_DIGITS = {"type": "string", "pattern": "^[0-9]+$"}
_HEADERS: dict[Name, Plain] = {
    Name.TICKETS: {
        CLOCK_HEADER: {**_DIGITS, "description": "Of ticks and controls: their offset in clock. 在 clock 中的位置"}
    },
    Name.CLOCK: {
        POSITION_HEADER: {**_DIGITS, "description": "Of controls from reviews: theirs there. 在 reviews 中的编号"}
    },
    Name.REVIEWS: {POSITION_HEADER: {**_DIGITS, "description": "Its number in the database. 在数据库中的编号"}},
}
_FROM_PLATFORMS: Plain = {
    SOURCE_HEADER: {"type": "string", "description": "The registered source; missing: cluster.source. 来源"},
    "schema": {"const": "ticket"},
    "version": {"const": "1"},
}
_BINARY = {f"ce_{name}": {"type": "string"} for name in ("specversion", "id", "source", "type", "subject", "time")}


def asyncapi_document(settings: Settings) -> Plain:
    """Return the document for these settings."""
    table = topics(settings)
    return {
        "asyncapi": VERSION,
        "info": {"title": TITLE, "version": _program_version(), "description": ABOUT},
        "defaultContentType": schema.JSON,
        "servers": _servers(settings),
        "channels": {name.value: _channel(name, topic, settings) for name, topic in table.items()},
        "operations": dict(_operations(table)),
        "components": {"schemas": _schemas(), "securitySchemes": _security(settings.kafka)},
    }


def _program_version() -> str:
    try:
        return version("early-warning")
    except PackageNotFoundError:
        return "0+unknown"


def _servers(settings: Settings) -> Plain:
    kafka = settings.kafka
    common: Plain = {"protocol": "kafka-secure" if kafka.security.endswith("SSL") else "kafka"}
    schemes = _security(kafka)
    if schemes:
        common["security"] = [{"$ref": f"#/components/securitySchemes/{name}"} for name in schemes]
    return {f"broker{at}": {"host": host, **common} for at, host in enumerate(servers(settings), start=1)}


def _security(kafka: KafkaGroup) -> Plain:
    if kafka.security.startswith("SASL"):
        return {"sasl": {"type": _MECHANISMS[kafka.mechanism], "description": "User and password. 用户名与密码"}}
    if kafka.cert_file:
        return {"certificate": {"type": "X509", "description": "The client's certificate. 客户端证书"}}
    return {}


def _channel(name: Name, topic: Topic, settings: Settings) -> Plain:
    told = topic.configuration(settings.kafka.min_insync)
    configuration: Plain = {
        "cleanup.policy": [told["cleanup.policy"]],
        "retention.ms": int(told["retention.ms"]),
        "max.message.bytes": int(told["max.message.bytes"]),
    }
    binding = {
        "topic": topic.name,
        "partitions": topic.partitions,
        "replicas": settings.kafka.replication,
        "topicConfiguration": configuration,
        "bindingVersion": BINDING,
    }
    return {
        "address": topic.name,
        "title": topic.name,
        "description": topic.meaning,
        "messages": dict(_messages(name, topic)),
        "bindings": {"kafka": binding},
    }


def _messages(name: Name, topic: Topic) -> Iterator[tuple[str, Plain]]:
    if name is Name.RAW:
        yield from _from_platforms(topic)
    elif topic.schema:
        format_ = schema.FORMATS[topic.schema]
        yield (
            topic.schema,
            _message(topic, format_.title, _ref(topic.schema), format_.content_type, _HEADERS.get(name, {})),
        )
    else:
        yield "original", _message(topic, "As it was sent 原文", {}, "application/octet-stream", {})


def _from_platforms(topic: Topic) -> Iterator[tuple[str, Plain]]:
    """What ``tickets.raw`` takes: plain JSON, and CloudEvents in their three modes."""
    ticket, event = _ref("ticket"), _ref("cloudevent")
    several, events = ({"type": "array", "items": each, "minItems": 1} for each in (ticket, event))
    kinds = [
        ("ticket", "A ticket 一件工单", ticket, schema.JSON, {}),
        ("tickets", "Several tickets 多件工单", several, schema.JSON, {}),
        ("lines", "Tickets, one a line 每行一件工单", ticket, "application/x-ndjson", {}),
        ("cloudevent", "A structured CloudEvent 结构化 CloudEvent", event, schema.CLOUD_EVENT, {}),
        ("cloudevents", "A batch of CloudEvents 批量 CloudEvent", events, "application/cloudevents-batch+json", {}),
        ("binary", "A binary CloudEvent 二进制模式 CloudEvent", ticket, schema.JSON, _BINARY),
    ]
    for name, title, payload, content_type, headers in kinds:
        yield name, _message(topic, title, payload, content_type, _FROM_PLATFORMS | headers)


def _message(topic: Topic, title: str, payload: Plain, content_type: str, headers: Plain) -> Plain:
    message: Plain = {
        "title": title,
        "contentType": content_type,
        "payload": payload,
        "bindings": {"kafka": {"key": {"type": "string", "description": topic.key}, "bindingVersion": BINDING}},
    }
    if headers:
        message["headers"] = {"type": "object", "properties": headers}
    return message


def _operations(table: dict[Name, Topic]) -> Iterator[tuple[str, Plain]]:
    """Give what each worker does with each topic; who is outside the service has no operation of its own."""
    for name, topic in table.items():
        for action, workers in (("send", topic.owner), ("receive", topic.readers)):
            for worker in workers.split(", "):
                if worker not in OUTSIDE:
                    channel = {"$ref": f"#/channels/{name}"}
                    summary = f"{worker}: {action} {'写入' if action == 'send' else '读取'}"
                    yield f"{worker}.{action}.{name}", {"action": action, "channel": channel, "summary": summary}


def _ref(name: str) -> Plain:
    return {"$ref": f"#/components/schemas/{name}"}


def _schemas() -> Plain:
    """Return the newest version of every schema as AsyncAPI wants them: JSON Schema draft 7, all beside each other."""
    made: Plain = {}
    for name in schema.FORMATS:
        whole = schema.committed(name)
        inner = whole.pop("$defs", {})
        whole.pop("$schema", None)
        if "$ref" in whole:
            # A reference has nothing beside it in draft 7: the words go into it.
            title, target = whole.pop("title"), whole.pop("$ref").rpartition("/")[2]
            whole = inner.pop(target) | {"title": title}
        made[name] = _as_draft_7(whole, name)
        made |= {f"{name}.{part}": _as_draft_7(each, name) for part, each in inner.items()}
    return made


def _as_draft_7(value: Any, name: str) -> Any:
    """Rename what draft 2020-12 calls otherwise, and let references find their definitions."""
    if isinstance(value, list):
        return [_as_draft_7(each, name) for each in value]
    if not isinstance(value, dict):
        return value
    made = {key: _as_draft_7(each, name) for key, each in value.items()}
    if isinstance(made.get("$ref"), str):
        return _ref(f"{name}.{made['$ref'].rpartition('/')[2]}")
    if isinstance(made.get("prefixItems"), list):
        made["additionalItems"] = made.pop("items", True)
        made["items"] = made.pop("prefixItems")
    if isinstance(made.get("discriminator"), dict) and "propertyName" in made["discriminator"]:
        made["discriminator"] = made["discriminator"]["propertyName"]
    return made
