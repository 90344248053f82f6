"""The image: its Dockerfile read with care, and its commands run on this machine."""

import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.deploy.dockerfile import copied, instructions, problems, stages
from tests.house.test_assets import VENDORED

DOCKERFILE = "deploy/Dockerfile"
GOOD = """FROM python:3.11.13-slim
LABEL a=b
USER 10001:10001
HEALTHCHECK CMD ["a"]
ENTRYPOINT ["a"]
"""


@pytest.fixture(name="text")
def _text(root: Path) -> str:
    return (root / DOCKERFILE).read_text("utf-8")


def test_nothing_to_object_to(text: str) -> None:
    """Images are pinned, nothing is downloaded by address, and it runs as a numbered user who is not root."""
    assert problems(text) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("python:3.11.13-slim", "python", "not pinned: python"),
        ("python:3.11.13-slim", "python:3.11-slim", "not pinned: python:3.11-slim"),
        ("python:3.11.13-slim", "host.example/python:3.11.13", "not pinned: host.example/python:3.11.13"),
        ("LABEL a=b", "LABEL a=b\nADD \\\n  x y", "ADD: x y"),
        ("LABEL a=b", "LABEL a=http://b", "address: a=http://b"),
        ("USER 10001:10001", "USER root", "runs as root"),
        ("USER 10001:10001\n", "", "runs as root"),
        ("HEALTHCHECK CMD", "# HEALTHCHECK CMD", "no HEALTHCHECK"),
        ('ENTRYPOINT ["a"]', "ENTRYPOINT a", "not as a list: a"),
    ],
)
def test_problems_are_seen(old: str, new: str, problem: str) -> None:
    """Each thing that is objected to is found in a file that has it, and a good file has none."""
    assert problems(GOOD) == []
    assert problem in problems(GOOD.replace(old, new))


def test_what_is_copied_exists_and_is_sent(root: Path, text: str) -> None:
    """Every file that the image is built from is in git and let through by .dockerignore, which lets nothing else."""
    sources = copied(text)
    listed = subprocess.run(["git", "ls-files", *sources], cwd=root, capture_output=True, text=True, check=True)
    assert {path for path in sources if not listed.stdout.count(path)} == set()
    lines = (root / ".dockerignore").read_text("utf-8").splitlines()
    let_through = {line.removeprefix("!") for line in lines if line.startswith("!")}
    named = {f"deploy/{path}" if path in {"build-wheel.sh", "health.py"} else path for path in sources}
    assert "*" in lines
    assert let_through == named


def test_only_the_wheel_reaches_the_image(text: str) -> None:
    """The last stage takes from the build only the environment that the wheel was installed into."""
    last = stages(text)[-1]
    copies = [each.rest for each in last if each.word == "COPY"]
    place = "/opt/early-warning/environment"
    assert copies == [f"--from=build {place} {place}", "deploy/health.py /opt/early-warning/health.py"]
    assert [each.rest for each in last if each.word == "ENTRYPOINT"] == ['["early-warning"]']


def _run_lines(text: str) -> list[str]:
    """Return the commands by which the build stage makes the environment."""
    return [each.rest for each in instructions(text) if each.word == "RUN"][:2]


@pytest.fixture(name="environment", scope="module")
def _environment(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the build stage's own commands in a copy of what it would be sent, with folders of our own for its."""
    place = tmp_path_factory.mktemp("image")
    source, text = place / "source", (root / DOCKERFILE).read_text("utf-8")
    files = subprocess.run(["git", "ls-files", *copied(text)], cwd=root, capture_output=True, text=True, check=True)
    for name in filter(None, files.stdout.splitlines()):
        if (root / name).exists():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, source / name)
    for line in _run_lines(text):
        ours = line.replace("/wheel", f"{place}/wheel").replace("/opt/early-warning", f"{place}/opt")
        ours = re.sub(r"\bpython (?=-m)", f"{_base_python()} ", ours)
        done = subprocess.run(
            ["bash", "-c", ours], cwd=source, capture_output=True, text=True, check=False, timeout=600
        )
        assert done.returncode == 0, f"{ours}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
    return place / "opt" / "environment"


def _base_python() -> str:
    """Return the interpreter that this one's environment was made of, which has pip as the image's has."""
    return str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}")


def test_the_program_runs(environment: Path) -> None:
    """What is installed is the program of this version, with every command of the cluster and no pip."""
    program = environment / "bin" / "early-warning"
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("early-warning, version ")
    for command in ("topics", "cluster"):
        subprocess.run([program, command, "--help"], capture_output=True, check=True)
    imports = "import streams.app, streams.process, warning.bootstrap.serving, psycopg, aiokafka, kafka, cramjam"
    subprocess.run([environment / "bin" / "python", "-c", imports], check=True, cwd=environment)
    assert not list(environment.glob("lib/*/site-packages/pip"))


def test_all_data_is_there(root: Path, environment: Path) -> None:
    """Every data file of the packages, the page's scripts among them, is in the environment, compiled and pinned."""
    (packages,) = environment.glob("lib/*/site-packages")
    names = ["git", "ls-files", "models", "streams", "warning"]
    listed = subprocess.run(names, cwd=root, capture_output=True, text=True, check=True).stdout.splitlines()
    assert [name for name in listed if (root / name).exists() and not (packages / name).exists()] == []
    assert {path.name for path in (packages / "warning/web/static/vendor").iterdir()} == set(VENDORED)
    assert list((packages / "warning/cli/__pycache__").glob("*.pyc"))
    pins = (root / "constraints.txt").read_text("utf-8")
    installed = {
        path.name.removesuffix(".dist-info").lower().replace("_", "-") for path in packages.glob("*.dist-info")
    }
    exact = {line.replace("==", "-", 1) for line in pins.splitlines()}
    assert {name for name in installed if not name.startswith("early-warning-")} - exact == set()


class _Answers(BaseHTTPRequestHandler):
    live, ready = 200, 200

    def do_GET(self) -> None:
        self.send_response(self.live if self.path == "/health/live" else self.ready)
        self.end_headers()

    def log_message(self, format: str, *_: object) -> None:  # noqa: A002  the library's name
        pass


@pytest.fixture(name="answering")
def _answering() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("live", "ready", "code", "ended"), [(200, 200, 0, False), (200, 503, 1, False), (503, 503, 1, True)]
)
def test_the_health_check_judges(
    root: Path, answering: str, monkeypatch: pytest.MonkeyPatch, live: int, ready: int, code: int, ended: bool
) -> None:
    """Ready is healthy, not ready is not, and a process that says it makes no progress is told to end."""
    monkeypatch.setattr(_Answers, "live", live)
    monkeypatch.setattr(_Answers, "ready", ready)
    with subprocess.Popen(["sleep", "60"]) as other:
        program = f"import sys; sys.path.insert(0, {str(root / 'deploy')!r}); import health; "
        run = f"{program}sys.exit(health.main({answering!r}, {other.pid}))"
        done = subprocess.run([sys.executable, "-B", "-c", run], check=False, timeout=30)
        assert done.returncode == code
        if not ended:
            assert other.poll() is None
            other.terminate()
        assert other.wait(10) == -signal.SIGTERM


def test_nobody_there_is_not_healthy(root: Path) -> None:
    """A process that does not listen is not healthy, and is not ended for it: it may be starting."""
    done = subprocess.run([sys.executable, root / "deploy/health.py", "http://127.0.0.1:9"], check=False, timeout=30)
    assert done.returncode == 1
