"""The compose file: valid, pinned, closed, and of one mind with the program."""

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
from jsonschema import Draft7Validator

from tests.deploy import compose
from tests.deploy.schema import compose_schema
from warning.cli import main
from warning.settings import ENVIRONMENT_PREFIX, load_settings, setting_names

FILE = compose.load()
ALL = compose.services(FILE)
OURS = compose.ours(FILE)
PUBLISHED = {"api", "grafana"}
MADE = Path("deploy/make-secrets.sh")


@pytest.fixture(name="validator", scope="module")
def _validator(root: Path) -> Draft7Validator:
    return Draft7Validator(compose_schema(root))


def test_the_specification_is_kept(validator: Draft7Validator) -> None:
    """The file is valid by the Compose Specification's own JSON schema."""
    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(FILE)] == []


def test_kafka_is_published_only_on_demand(root: Path, validator: Draft7Validator) -> None:
    """The file that lets platforms in adds one port to Kafka, the one that asks for a password, and nothing else."""
    more = compose.load((root / "deploy/publish-kafka.yml").read_text("utf-8"))
    assert list(validator.iter_errors(more)) == []
    assert more == {"services": {"kafka": {"ports": ["127.0.0.1:9094:9094"], "networks": ["inside", "published"]}}}
    properties = (root / "deploy/kafka/server.properties").read_text("utf-8")
    assert "EXTERNAL://0.0.0.0:9094," in properties
    assert "EXTERNAL:SASL_SSL," in properties


@pytest.mark.parametrize(
    ("key", "value"),
    [("healtcheck", {}), ("cap_drop", "ALL"), ("deploy", {"resources": {"limits": {"memory": 5}}}), ("restart", 1)],
)
def test_the_schema_sees_mistakes(validator: Draft7Validator, key: str, value: object) -> None:
    """A misspelled key and values of a wrong kind are errors."""
    broken = {**FILE, "services": {**ALL, "api": {**ALL["api"], key: value}}}
    assert list(validator.iter_errors(broken))


def test_what_there_is() -> None:
    """Our five processes and the five programs they stand on and are watched by are services."""
    assert set(OURS) == {"topics", "api", "intake", "detect", "alerts"}
    assert set(ALL) - set(OURS) == {"kafka", "postgres", "prometheus", "alertmanager", "grafana"}


@pytest.mark.parametrize("name", ALL)
def test_images_are_pinned(name: str) -> None:
    """Every image has an exact version and no registry's host; ours is never asked of a registry."""
    assert re.fullmatch(r"[a-z-]+(/[a-z-]+)?:v?\d+(\.\d+)+(-[a-z]+)?", ALL[name]["image"])
    assert (ALL[name].get("pull_policy") == "build") == (name in OURS)


def test_our_image_is_this_version(root: Path) -> None:
    """The image's name and its label have the version of the project."""
    (version,) = re.findall(r'^version = "(.+)"$', (root / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    assert {each["image"] for each in OURS.values()} == {f"early-warning:{version}"}
    assert f'image.version="{version}"' in (root / "deploy/Dockerfile").read_text("utf-8")


@pytest.mark.parametrize("name", ALL)
def test_every_container_is_closed(name: str) -> None:
    """No container runs as root, gains a right, writes where it is not told to, or takes more than its share."""
    service = ALL[name]
    assert re.fullmatch(r"[1-9]\d*:\d+", service["user"])
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert not {"privileged", "cap_add", "pid", "ipc", "network_mode", "devices"} & set(service)
    limits = service["deploy"]["resources"]["limits"]
    assert set(limits) == {"cpus", "memory", "pids"}
    assert service["logging"]["options"] == {"max-size": "20m", "max-file": "5"}


@pytest.mark.parametrize("name", ALL)
def test_every_container_is_watched(name: str) -> None:
    """Every service that stays has a health check and is started again; a job is, until it has done its work."""
    service = ALL[name]
    job = name == "topics"
    assert service["restart"] == ("on-failure:5" if job else "unless-stopped")
    assert bool(service["healthcheck"].get("disable")) == job
    if not job:
        assert service["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", ALL)
def test_nothing_of_the_host_is_written(name: str) -> None:
    """What a container sees of this folder it cannot change, and all it mounts is here or a named volume."""
    for volume in ALL[name].get("volumes", []):
        source, _, rest = volume.partition(":")
        if source.startswith("."):
            assert source.startswith("./deploy/")
            assert (compose.ROOT / source).exists()
            assert rest.endswith(":ro")
        else:
            assert source in FILE["volumes"]


def test_only_the_page_is_published() -> None:
    """Only the API and Grafana have a port on the host, on loopback unless the operator says otherwise."""
    assert {name for name, each in ALL.items() if "ports" in each} == PUBLISHED
    for name in PUBLISHED:
        assert [port.startswith("127.0.0.1:") for port in ALL[name]["ports"]] == [True]
    assert FILE["networks"]["inside"] == {"internal": True}
    elsewhere = {name for name, each in ALL.items() if set(each["networks"]) != {"inside"}}
    assert elsewhere == PUBLISHED | {"alertmanager"}


def _starts_after(name: str) -> dict[str, str]:
    return {other: how["condition"] for other, how in ALL[name].get("depends_on", {}).items()}


def test_workers_wait_for_what_they_need() -> None:
    """The topics are made once Kafka answers; workers start when they are and the database answers."""
    assert _starts_after("topics") == {"kafka": "service_healthy"}
    for name in set(OURS) - {"topics"}:
        assert _starts_after(name) == {"topics": "service_completed_successfully", "postgres": "service_healthy"}


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting(name: str) -> None:
    """Every variable of our containers is a setting, its value one that the setting takes, whatever others say."""
    variables = compose.environment(OURS[name])
    known = {ENVIRONMENT_PREFIX + each.upper().replace(".", "__") for each in setting_names()}
    assert set(variables) <= known
    settings = load_settings(environment=variables)
    assert settings.kafka.security == "SASL_SSL"
    assert settings.store.url.startswith("postgresql://")


@pytest.mark.parametrize("name", OURS)
def test_the_operators_settings_reach_all(name: str) -> None:
    """Each of our containers reads the operator's own settings, if there are any, and sees the city's own files."""
    assert OURS[name]["env_file"] == [{"path": "deploy/settings.env", "required": False}]
    assert "./deploy/city:/etc/early-warning:ro" in OURS[name]["volumes"]


@pytest.mark.parametrize("name", OURS)
def test_every_command_is_ours(name: str) -> None:
    """Every command line of our containers names a command that there is, with options it takes."""
    command: Any = main
    words = list(OURS[name]["command"])
    with click.Context(main) as context:
        while isinstance(command, click.Group):
            command = command.get_command(context, words.pop(0))
            assert command is not None, f"no such command: {OURS[name]['command']}"
        command.make_context(name, words, parent=context)


def test_stopping_leaves_time_to_drain() -> None:
    """A worker has longer to end than the 9 seconds it takes at most; what keeps data has a minute."""
    for name in OURS:
        assert OURS[name]["stop_grace_period"] == "15s"
    assert {ALL[name]["stop_grace_period"] for name in ("kafka", "postgres")} == {"60s"}


def test_no_secret_is_written_here() -> None:
    """No variable or argument holds a password: those that could name a file among the secrets."""
    for name, service in ALL.items():
        for variable, value in compose.environment(service).items():
            if re.search("PASSWORD|SECRET|TOKEN|KEY", variable):
                assert re.fullmatch(r"/run/secrets/[a-z.-]+", value), f"{name}: {variable}"
        assert "password=" not in shlex.join(map(str, service.get("command", [])))


def test_every_secret_is_used_and_made(root: Path, tmp_path: Path) -> None:
    """The script makes exactly the files that the compose file reads, each of which some service gets."""
    subprocess.run([str(root / MADE), "--into", str(tmp_path / "secrets")], check=True, capture_output=True)
    files = {each["file"] for each in FILE["secrets"].values()}
    assert files == {f"deploy/secrets/{path.name}" for path in (tmp_path / "secrets").iterdir()}
    assert {name for each in ALL.values() for name in each.get("secrets", [])} == set(FILE["secrets"])
    for each in ALL.values():
        named = set(re.findall(r"/run/secrets/([a-z.-]+)", str(each)))
        assert named <= set(each.get("secrets", []))


def test_secrets_are_made_once(root: Path, tmp_path: Path) -> None:
    """Passwords are long and differ, the folder is its owner's alone, and a second run changes nothing."""
    folder = tmp_path / "secrets"
    run = [
        str(root / MADE),
        "--into",
        str(folder),
        "--webhook",
        "http://127.0.0.1:1/hook",
        "--kafka-host",
        "kafka.example",
    ]
    subprocess.run(run, check=True, capture_output=True)
    first = {path.name: path.read_text() for path in folder.iterdir()}
    passwords = [text for name, text in first.items() if name.endswith("-password")]
    assert [len(text) for text in passwords] == [48] * 4
    assert len(set(passwords)) == 4
    assert first["alert-webhook"] == "http://127.0.0.1:1/hook"
    assert folder.stat().st_mode & 0o777 == 0o700
    done = subprocess.run(run, check=True, capture_output=True, text=True)
    assert {path.name: path.read_text() for path in folder.iterdir()} == first
    assert "made" not in done.stdout


def test_no_secret_is_committed(root: Path) -> None:
    """Nothing in the folder of secrets is in git but the file that keeps it so."""
    listed = ["git", "ls-files", "deploy/secrets"]
    assert subprocess.run(listed, cwd=root, capture_output=True, text=True, check=True).stdout.split() == [
        "deploy/secrets/.gitignore"
    ]
    ignored = ["git", "check-ignore", "--quiet", "deploy/secrets/kafka-password"]
    assert subprocess.run(ignored, cwd=root, check=False).returncode == 0


def test_a_variable_without_default_is_refused() -> None:
    """A variable that would silently be empty is an error here."""
    assert compose.load("a: ${B:-c}", {}) == {"a": "c"}
    assert compose.load("a: ${B:-c}", {"B": "d"}) == {"a": "d"}
    with pytest.raises(ValueError, match="no default"):
        compose.load("a: ${B}")
