"""Brokers that cannot be reached, said in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aiokafka.errors import KafkaError

from streams.connection import kafka_away

if TYPE_CHECKING:
    from warning.settings import Settings


@contextmanager
def named(settings: Settings) -> Iterator[None]:
    """Raise BadInputError where aiokafka does not reach the brokers."""
    try:
        yield
    except KafkaError as error:
        raise kafka_away(settings, error) from error
