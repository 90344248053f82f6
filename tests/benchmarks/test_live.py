"""The benchmarks of the live service run, at tiny sizes, each in a process of its own with a real server in another."""

from pathlib import Path

from benchmarks.city import make
from benchmarks.live_post import bodies
from benchmarks.live_server import NDJSON
from benchmarks.process import measured


def test_every_pushed_item_is_accepted() -> None:
    """All items of all requests are accepted and counted by the service, and parsed by the bare endpoint."""
    arguments = {"form": NDJSON, "connections": 2, "requests": 4, "items": 25}
    runs = [measured(f"benchmarks.live_post:{job}", arguments, one_core=False) for job in ("service", "bare")]
    assert [run["tickets"] for run in runs] == [100, 100]
    assert runs[0]["until_applied"] >= runs[0]["seconds"]


def test_bodies_hold_new_tickets() -> None:
    """No two items of a run have the same id."""
    items = [line.split(b'"')[3] for body in bodies(NDJSON, 3, 20) for line in body.splitlines()]
    assert len(set(items)) == 60


def test_bursts_are_heard_of(tmp_path: Path) -> None:
    """Alerts of bursts arrive after the tick that makes them possible is due, and within seconds."""
    files = {"csv": str(tmp_path / "city.csv"), "mapping": str(tmp_path / "city.yaml")}
    make(**files, tickets=42_000, days=2, categories=120, even=True)
    arguments = {**files, "days": 2, "bursts": 3, "categories": 120}
    figures = measured("benchmarks.live_latency:alerts", arguments, one_core=False)
    assert figures["alerts"] >= 1
    assert 0 < figures["least"] <= figures["p99"] < 10


def test_starts_in_every_state(tmp_path: Path) -> None:
    """A service starts after a clean stop, after a kill and without a snapshot."""
    files = {"csv": str(tmp_path / "city.csv"), "mapping": str(tmp_path / "city.yaml")}
    make(**files, tickets=400, days=2)
    figures = measured("benchmarks.live_startup:starts", files, one_core=False)
    assert figures["tickets"] == 400
    assert min(figures[name] for name in ("clean", "killed", "flooded", "scratch")) > 0


def test_pages_are_found() -> None:
    """A page and a list of alerts are given to somebody who signed in."""
    figures = measured("benchmarks.live_page:pages", {"alerts": 60, "requests": 3}, one_core=False)
    assert figures["page_kb"] > 10
    assert figures["api_kb"] > 10
