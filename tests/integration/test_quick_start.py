"""The README's quick start, to the letter: from an empty folder to the first ticket on the page."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.house import readme as check

PORT = "8311"


def test_the_quick_start_works(root: Path, tmp_path: Path) -> None:
    """The section's commands push a ticket, look it up, and give a link to a page that shows its source as fresh."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed: apt-get install curl")
    text = (root / "README.md").read_text("utf-8")
    script = check.FENCE.findall(check.section(text, "Push the first ticket"))[0]
    port = str(_free_port())
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "EARLY_WARNING_SERVICE__PORT": port,
    }
    shell = ["bash", "-euo", "pipefail", "-c", script.replace(PORT, port)]
    with (
        (tmp_path / "out").open("wb") as out,
        subprocess.Popen(shell, cwd=tmp_path, env=environment, stdout=out, start_new_session=True) as process,
    ):
        try:
            assert process.wait(90) == 0
            _check(f"http://127.0.0.1:{port}", (tmp_path / "out").read_text("utf-8"))
        finally:
            os.killpg(process.pid, signal.SIGTERM)


def _check(address: str, out: str) -> None:
    assert '"accepted":1,"rejected":0' in out
    assert '"ticket_id":"A-1"' in out
    assert "密码" in out
    link = re.findall(r"/sign-in/once\?token=\S+", out)[-1]
    with httpx.Client(base_url=address, follow_redirects=True) as client:
        asked = client.get(link)
        token = parse_qs(urlsplit(link).query)["token"][0]
        assert f'value="{token}"' in asked.text
        page = client.post("/sign-in/once", data={"token": token})
        assert page.status_code == 200
        assert "desk" in page.text
        status = client.get("/api/v1/tickets/A-1", params={"source": "desk"}).json()
        assert status["outcome"] == "accepted"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port
