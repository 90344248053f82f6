"""The AsyncAPI document: valid, complete, and true of what is in the topics."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from streams.asyncapi import asyncapi_document
from streams.topics import Name, topics
from tests.streams.specification import asyncapi_schema
from tests.streams.test_schemas import records
from warning.cli import main
from warning.settings import Settings


@pytest.fixture(name="document")
def _document() -> dict[str, Any]:
    return asyncapi_document(Settings())


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)


def _found(document: dict[str, Any], reference: str) -> Any:
    value: Any = document
    for part in reference.removeprefix("#/").split("/"):
        value = value[part]
    return value


@pytest.mark.parametrize(
    "kafka",
    [
        {},
        {"bootstrap": "a:9092,b:9092", "security": "SASL_SSL", "mechanism": "SCRAM-SHA-512", "replication": 3},
        {"security": "SASL_PLAINTEXT", "mechanism": "PLAIN"},
        {"security": "SSL", "cert_file": "client.pem"},
    ],
)
def test_valid(kafka: dict[str, object]) -> None:
    """The document satisfies the schema that AsyncAPI's authors publish, Kafka's bindings included."""
    document = asyncapi_document(Settings.model_validate({"kafka": kafka}))
    specification = asyncapi_schema()
    validator = jsonschema.Draft7Validator(specification)
    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)] == []
    bindings: dict[str, Any] = {"$ref": "#/definitions/bindings-kafka-0.5.0-channel"}
    channels = jsonschema.Draft7Validator(specification | {"allOf": [bindings]} | _ANYTHING)
    for channel in document["channels"].values():
        channels.validate(channel["bindings"]["kafka"])


_ANYTHING: dict[str, Any] = {"required": [], "additionalProperties": True, "patternProperties": {}, "properties": {}}


def test_the_schema_of_asyncapi_refuses(document: dict[str, Any]) -> None:
    """The published schema refuses an operation that says nothing of its channel: the test above can fail."""
    next(iter(document["operations"].values())).pop("channel")
    assert not jsonschema.Draft7Validator(asyncapi_schema()).is_valid(document)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    """Every reference is within the document and leads to something; every schema that is there is referred to."""
    references = set(_references(document))
    assert all(reference.startswith("#/") for reference in references)
    for reference in references:
        assert _found(document, reference) is not None
    used = {reference.rpartition("/")[2] for reference in references if "/schemas/" in reference}
    assert used == set(document["components"]["schemas"])


def test_every_topic_is_a_channel() -> None:
    """Every topic is there with its prefix, partitions, copies and Kafka's settings as it is made."""
    settings = Settings.model_validate({"kafka": {"prefix": "city-", "replication": 3, "min_insync": 2}})
    channels = asyncapi_document(settings)["channels"]
    assert set(channels) == set(Name)
    for name, topic in topics(settings).items():
        binding = channels[name]["bindings"]["kafka"]
        assert channels[name]["address"] == binding["topic"] == f"city-{name}"
        assert (binding["partitions"], binding["replicas"]) == (topic.partitions, 3)
        told = topic.configuration(2)
        for key, value in binding["topicConfiguration"].items():
            assert told[key] == (value[0] if isinstance(value, list) else str(value))
        assert all(
            message["bindings"]["kafka"]["key"]["description"] for message in channels[name]["messages"].values()
        )


def test_operations_are_the_workers(document: dict[str, Any]) -> None:
    """Each worker sends and receives what the table says; nobody outside the service has an operation."""
    operations = document["operations"]
    assert {name.split(".")[0] for name in operations} == {"api", "intake", "detect", "alerts"}
    assert operations["intake.receive.tickets.raw"]["action"] == "receive"
    assert operations["alerts.send.alerts"]["channel"] == {"$ref": "#/channels/alerts"}
    assert "platforms.send.tickets.raw" not in operations


def test_raw_takes_all_it_takes(document: dict[str, Any]) -> None:
    """What platforms may send is all there: objects, arrays, lines, CloudEvents structured, batched and binary."""
    messages = document["channels"]["tickets.raw"]["messages"]
    assert {message["contentType"] for message in messages.values()} == {
        "application/json",
        "application/x-ndjson",
        "application/cloudevents+json",
        "application/cloudevents-batch+json",
    }
    assert {"source", "schema", "version"} <= set(messages["ticket"]["headers"]["properties"])
    assert "ce_specversion" in messages["binary"]["headers"]["properties"]


def test_records_satisfy_the_document(document: dict[str, Any]) -> None:
    """What the code writes satisfies the document's schemas, which are draft 7; nothing else does."""
    for name, record in records():
        validator = jsonschema.Draft7Validator({"components": document["components"], "allOf": [_ref(name)]})
        validator.validate(record)
        assert not validator.is_valid([])
        assert not validator.is_valid({})


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def test_in_both_languages(document: dict[str, Any]) -> None:
    """Title, channels, messages and operations say what they are in English and Chinese."""
    texts = [document["info"]["title"]]
    for channel in document["channels"].values():
        texts += [channel["description"], *(message["title"] for message in channel["messages"].values())]
    texts += [operation["summary"] for operation in document["operations"].values()]
    for text in texts:
        assert any("一" <= letter <= "鿿" for letter in text), text
        assert any("a" <= letter <= "z" for letter in text), text


def test_no_secret_is_told(tmp_path: Path) -> None:
    """Of passwords and their files nothing is in the document."""
    (tmp_path / "password").write_text("hush")
    kafka = {"security": "SASL_SSL", "username": "worker", "password_file": str(tmp_path / "password")}
    text = json.dumps(asyncapi_document(Settings.model_validate({"kafka": kafka})))
    assert "hush" not in text
    assert str(tmp_path) not in text


def test_command(tmp_path: Path) -> None:
    """The command prints the document of its settings."""
    file = tmp_path / "settings.yaml"
    file.write_text("kafka:\n  prefix: city-\n")
    done = CliRunner().invoke(main, ["topics", "asyncapi", "--settings", str(file)])
    assert json.loads(done.stdout) == asyncapi_document(Settings.model_validate({"kafka": {"prefix": "city-"}}))
