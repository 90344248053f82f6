"""The JSON Schema of AsyncAPI 3.0, as its authors publish it: fetched once by npm into ``build/``."""

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = [Path(__file__).parent / "npm" / name for name in ("package.json", "package-lock.json")]
SCHEMA = "node_modules/@asyncapi/specs/schemas/3.0.0-without-$id.json"


def asyncapi_schema() -> dict[str, Any]:
    """Return the schema; skips the test where npm is missing."""
    npm = Path(sys.executable).with_name("npm")
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    folder = build / f"asyncapi-{hashlib.sha256(FILES[1].read_bytes()).hexdigest()[:12]}"
    with (build / "asyncapi.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / SCHEMA).is_file():
            if not npm.exists():
                pytest.skip("no npm beside Python: the schema of AsyncAPI is fetched with it (make install)")
            folder.mkdir(exist_ok=True)
            for file in FILES:
                shutil.copy(file, folder)
            command = [str(npm), "ci", "--silent", "--prefer-offline"]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
    schema: dict[str, Any] = json.loads((folder / SCHEMA).read_text("utf-8"))
    return schema
