"""Moments in a table: whole microseconds of the epoch, which both databases sort and neither reinterprets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, Dialect
from sqlalchemy.types import TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MILLISECOND = timedelta(milliseconds=1)
_FIRST = (datetime(1, 1, 3, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST = (datetime(9999, 12, 29, tzinfo=UTC) - _EPOCH) // _MICROSECOND
"""What lies beyond is read as these, which every zone can show: one odd number must not make a table unreadable."""


class Moment(TypeDecorator[datetime]):
    """An aware datetime to the microsecond; it comes back in UTC."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else moment(value)


def microseconds(value: datetime) -> int:
    """Return the microseconds of the epoch; a datetime without a zone is a mistake of the caller (TypeError)."""
    return (value - _EPOCH) // _MICROSECOND


def milliseconds(value: datetime) -> int:
    """Return the whole milliseconds of the epoch that have passed by then."""
    return (value - _EPOCH) // _MILLISECOND


def moment(value: int) -> datetime:
    """Return the moment of a number of microseconds, in UTC, or the nearest there is."""
    return _EPOCH + min(max(value, _FIRST), _LAST) * _MICROSECOND


def moment_of_ms(value: int) -> datetime:
    """Return the moment of a number of milliseconds, in UTC, or the nearest there is."""
    return moment(1000 * value)
