"""The Compose Specification's JSON schema, from the npm package of a linter that ships it; fetched once into build/."""

import base64
import fcntl
import hashlib
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

PACKAGE, VERSION = "dclint", "3.1.0"
MEMBER = "package/schemas/compose.schema.json"
# As package-lock.json would have it: whoever serves the package, this is what was looked at.
INTEGRITY = "afTGdzRFUXK4yCpIiEW/LOR+9TOMEDhNldDp56VCWzn7JDmD451PcUi640GGlMHgbHKJ10rDBm4PtpcBbjqlXw=="
FETCH_SECONDS = 120


def compose_schema(root: Path) -> dict[str, Any]:
    """Return the schema."""
    build = root / "build"
    build.mkdir(exist_ok=True)
    archive = build / f"{PACKAGE}-{VERSION}.tgz"
    with (build / f"{PACKAGE}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not archive.is_file():
            _fetch(build)
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    assert digest == INTEGRITY, f"{archive} is not what was pinned; delete it"
    with tarfile.open(archive) as files:
        member = files.extractfile(MEMBER)
        assert member is not None
        schema = dict(json.load(member))
    # The address of the dialect is written with https, by which validators do not know it.
    return schema | {"$schema": "http://json-schema.org/draft-07/schema#"}


def _fetch(build: Path) -> None:
    npm = Path(sys.executable).with_name("npm")
    command = [str(npm), "pack", "--silent", "--pack-destination", str(build), f"{PACKAGE}@{VERSION}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=FETCH_SECONDS, cwd=build)
    if done.returncode:
        pytest.fail(f"npm could not fetch {PACKAGE}: {done.stderr[-2000:]}", pytrace=False)
