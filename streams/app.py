"""The Faust app of a worker: what Faust is told, and why.

Faust wakes the worker up with records and shares partitions out; it keeps no state of ours, holds no acknowledgement,
makes no topic and serves no page (see the package's docstring for what of it loses records).
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import faust

from streams.connection import HEARTBEAT_SECONDS, SESSION_SECONDS, faust_options, instance

if TYPE_CHECKING:
    from warning.settings import Settings

BUFFERED = 1024
"""Records that wait in memory for an agent. Each may hold thousands of tickets; but a partition that finds the buffer
full is not read on before Faust has waited, up to a second, for the others, whoever empties it meanwhile: with 16, what
came in bursts was up to two seconds late."""
REQUEST_SECONDS = 20.0
LARGEST_FETCH = 32 << 20


def build_app(settings: Settings, worker: str, *, consumes: bool) -> faust.App:
    """Return the app of a worker.

    worker : its group's name without the prefix; ``consumes`` False: it has services only and joins no group
    """
    app = faust.App(
        f"{settings.kafka.prefix}{worker}",
        **faust_options(settings),
        autodiscover=False,
        broker_heartbeat_interval=HEARTBEAT_SECONDS,
        broker_request_timeout=REQUEST_SECONDS,
        broker_session_timeout=SESSION_SECONDS,
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=instance(settings, worker),
        consumer_max_fetch_size=LARGEST_FETCH,
        datadir=str(Path(tempfile.gettempdir()) / "early-warning-faust"),  # Faust makes it; nothing of ours is in it
        key_serializer="raw",
        store="memory://",
        stream_buffer_maxsize=BUFFERED,
        stream_wait_empty=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        value_serializer="raw",
        web_enabled=False,
    )
    app.producer_only = not consumes
    return app
