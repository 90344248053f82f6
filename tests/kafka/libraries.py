"""Kafka's jar files, fetched once by Maven into ``build/``."""

import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
POM = Path(__file__).with_name("pom.xml")
FETCH_SECONDS = 600


def kafka_libraries() -> Path:
    """Return the folder of the jar files of exactly this pom; skips the test where Java or Maven are missing."""
    _need("java", "a Java 17 runtime (Debian: default-jre-headless)")
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    folder = build / f"kafka-{hashlib.sha256(POM.read_bytes()).hexdigest()[:12]}"
    with alone(build / "kafka.lock"):
        if not folder.is_dir():
            _fetch(folder)
    return folder


@contextmanager
def alone(file: Path) -> Iterator[None]:
    """Let one of several test runs that start at once do something first."""
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _need(program: str, what: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"no {program}: the tests start a real Kafka, which needs {what}")


def _fetch(folder: Path) -> None:
    _need("mvn", "Maven once (Debian: maven)")
    part = folder.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    command = ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", f"-DoutputDirectory={part}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=FETCH_SECONDS)
    if done.returncode:
        pytest.fail(f"Maven could not fetch Kafka: {done.stdout[-2000:]}{done.stderr[-2000:]}", pytrace=False)
    part.rename(folder)
