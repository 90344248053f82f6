"""The README's first event through the cluster, to the letter: from Kafka to the page, over real servers."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import pytest
from playwright.sync_api import expect

from tests.cluster.plugin import store_at
from tests.house import readme as check
from tests.integration.browsers import Watched, chromium
from tests.kafka.broker import free_ports
from tests.kafka.harness import Brokers
from tests.kafka.plugin import delete_topics
from tests.postgres import Postgres
from warning.settings import Settings

PATIENCE = 180.0


@pytest.fixture(name="settings")
def _settings(kafka: Brokers, prefix: str) -> Iterator[Settings]:
    settings = Settings.model_validate({"kafka": {"bootstrap": kafka.bootstrap, "prefix": prefix}})
    yield settings
    delete_topics(settings)


def test_the_first_event_is_seen_on_the_page(
    root: Path, tmp_path: Path, settings: Settings, postgres: Postgres, postgres_name: str
) -> None:
    """The section's commands, but for addresses, send an event to Kafka whose source the page shows as fresh."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed: apt-get install curl")
    store = store_at(postgres, postgres_name)
    (port,) = free_ports(1)
    text = check.section((root / "README.md").read_text("utf-8"), "Running a cluster")
    script = next(block for block in check.FENCE.findall(text) if "cluster send" in block)
    for said, here in (
        ("postgresql://early_warning@127.0.0.1/early_warning", store["url"]),
        ("database-password", store["password_file"]),
        ("127.0.0.1:9092", settings.kafka.bootstrap),
        ("127.0.0.1:8311", f"127.0.0.1:{port}"),
    ):
        assert said in script
        script = script.replace(said, here)
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "EARLY_WARNING_SERVICE__PORT": str(port),
        "EARLY_WARNING_KAFKA__PREFIX": settings.kafka.prefix,
    }
    with _running(script, tmp_path, environment) as out:
        link = re.findall(r"/sign-in/once\?token=\S+", out.read_text("utf-8"))[-1]
        with chromium() as browser:
            window = Watched(browser.new_page(), f"http://127.0.0.1:{port}")
            page = window.use_link(link)
            deadline = monotonic() + PATIENCE
            fresh = page.get_by_text(re.compile("1 data source is fresh|1 个数据来源"))
            while not fresh.count():
                assert monotonic() < deadline, page.content()
                sleep(1)
                page.reload()
            fresh.first.click()
            expect(page.get_by_text("desk").first).to_be_visible()
            assert window.complaints == []


@contextmanager
def _running(script: str, folder: Path, environment: dict[str, str]) -> Iterator[Path]:
    """Run the commands to their end; what they started in the background goes on until left."""
    out = folder / "out"
    with (
        out.open("wb") as file,
        subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=folder,
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            assert process.wait(PATIENCE) == 0, out.read_text("utf-8")
            yield out
        finally:
            os.killpg(process.pid, signal.SIGTERM)
