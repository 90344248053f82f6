"""From the settings to what each Kafka client wants to be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from warning.settings import Settings


def aiokafka_options(settings: Settings) -> dict[str, Any]:
    """Return the arguments that every aiokafka client is made with."""
    return {"bootstrap_servers": settings.kafka.bootstrap}


def kafka_python_options(settings: Settings) -> dict[str, Any]:
    """Return the arguments that every kafka-python client is made with."""
    return {"bootstrap_servers": settings.kafka.bootstrap}


def faust_options(settings: Settings) -> dict[str, Any]:
    """Return the arguments that a Faust app is made with to reach the brokers."""
    return {"broker": ";".join(f"kafka://{broker}" for broker in settings.kafka.bootstrap.split(","))}
