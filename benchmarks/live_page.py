"""How long the list of alerts takes among many: as the page that a person opens, and as the API gives it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.live_server import running
from benchmarks.process import Figures
from benchmarks.store import made_up_alerts
from warning.bootstrap.folder import open_database
from warning.store.sql.alert_rows import store_alerts

PATHS = {"page": "/", "api": "/api/v1/alerts"}


def pages(alerts: int, requests: int) -> Figures:
    """Store alerts, sign in, and ask for the first page of each path again and again over one connection."""
    with TemporaryDirectory(prefix="early-warning-bench-") as folder:
        database = open_database(Path(folder))
        with database.write() as connection:
            store_alerts(connection, made_up_alerts(alerts), datetime.now(UTC))
        database.close()
        with running("service", data=folder) as server:
            server.ready()
            client = server.sign_in()
            figures: Figures = {}
            for name, path in PATHS.items():
                took = []
                for _ in range(requests):
                    began = time.monotonic()
                    body = client.get(path)
                    took.append(1e3 * (time.monotonic() - began))
                figures |= {f"{name}_p50": float(np.median(took)), f"{name}_p99": float(np.quantile(took, 0.99))}
                figures |= {f"{name}_worst": max(took), f"{name}_kb": len(body) / 1e3}
    return figures
