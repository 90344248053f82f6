"""What the page needs from npm: pinned, licensed, installed by make, and never committed."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

FOLDER = "warning/web/static/vendor"
VENDORED = ("htmx.min.js", "htmx.LICENSE", "uPlot.iife.min.js", "uPlot.min.css", "uPlot.LICENSE")


def _json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def _committed(root: Path) -> list[str]:
    command = ["git", "ls-files", "-z"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.split("\0")


def test_installed(root: Path) -> None:
    """`make install` leaves every script and style beside its licence, and nothing else."""
    assert sorted(path.name for path in (root / FOLDER).iterdir()) == sorted(VENDORED)


def test_pinned(root: Path) -> None:
    """Every npm package has one exact version, and the lock file its digest."""
    wanted = _json(root / "package.json")["dependencies"]
    assert [version for version in wanted.values() if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []
    locked = {name: entry for name, entry in _json(root / "package-lock.json")["packages"].items() if name}
    assert {name.removeprefix("node_modules/"): entry["version"] for name, entry in locked.items()} == wanted
    assert all(entry["integrity"].startswith("sha512-") for entry in locked.values())


def test_no_address(root: Path) -> None:
    """Neither npm file names a server: packages come from whatever registry the machine is set to."""
    for name in ("package.json", "package-lock.json", ".npmrc"):
        assert "://" not in (root / name).read_text("utf-8")
    assert "omit-lockfile-registry-resolved=true" in (root / ".npmrc").read_text("utf-8")


def test_nothing_of_others_is_committed(root: Path) -> None:
    """No file of an npm package is in git."""
    assert [name for name in _committed(root) if name.startswith((FOLDER, "node_modules/"))] == []


def _make(root: Path, folder: Path, npm: str) -> subprocess.CompletedProcess[str]:
    """Run make's rule for the assets with another npm, into another folder."""
    (folder / "bin").mkdir(exist_ok=True)
    program = folder / "bin" / "npm"
    program.write_text(f"#!/bin/sh\n{npm}\n", encoding="utf-8")
    program.chmod(0o755)
    (folder / "stamp").touch()
    asset = f"{folder}/vendor/uPlot.iife.min.js"
    places = [f"BIN={folder}/bin", f"STAMP={folder}/stamp", f"VENDOR={folder}/vendor", f"ASSETS={asset}"]
    return subprocess.run(["make", *places, asset], cwd=root, capture_output=True, text=True, check=False)


def test_no_registry_is_said_in_both_languages(root: Path, tmp_path: Path) -> None:
    """When npm cannot reach its registry, make says what failed and what to do, and leaves nothing half done."""
    done = _make(root, tmp_path, "exit 1")
    assert done.returncode != 0
    assert "is the npm registry reachable" in done.stderr
    assert "请检查能否访问 npm 源" in done.stderr
    assert not (tmp_path / "vendor").exists()


def test_installed_once(root: Path, tmp_path: Path) -> None:
    """As long as the lock file stays as it is, npm is not run again: no network is needed."""
    assert _make(root, tmp_path, "exit 0").returncode == 0
    assert sorted(path.name for path in (tmp_path / "vendor").iterdir()) == sorted(VENDORED)
    assert _make(root, tmp_path, "exit 1").returncode == 0
