"""The service's own log: lines that a machine reads."""

from __future__ import annotations

import json
import logging

from warning.bootstrap.logs import JsonLines


def _line(**fields: object) -> dict[str, object]:
    record = logging.makeLogRecord({"name": "warning.api", "levelname": "INFO", "msg": "request", **fields})
    line: dict[str, object] = json.loads(JsonLines().format(record))
    return line


def test_a_line_is_a_static_message_with_fields() -> None:
    """Each record is one JSON object with time and zone, level, logger, message, and the fields given with it."""
    line = _line(status=202, route="/api/v1/tickets")
    assert str(line.pop("at")).endswith("+00:00")
    assert line == {
        "level": "info",
        "logger": "warning.api",
        "message": "request",
        "status": 202,
        "route": "/api/v1/tickets",
    }


def test_a_trace_stays_on_the_line() -> None:
    """An exception's trace is a field of its record, not lines of its own."""
    try:
        raise ValueError("broken")
    except ValueError as error:
        record = logging.makeLogRecord({"msg": "it failed", "exc_info": (type(error), error, error.__traceback__)})
    text = JsonLines().format(record)
    assert "\n" not in text
    assert "ValueError: broken" in json.loads(text)["trace"]
