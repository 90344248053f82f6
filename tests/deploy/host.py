"""A machine instead of Docker: the one substitution under which the compose file's services run here.

What is substituted, and nothing else:

- addresses: a service's name and port is a port on 127.0.0.1, and what a container listens on (0.0.0.0) is 127.0.0.1;
- ports that every container of a service has for itself are a port of each process' own;
- secrets: ``/run/secrets/NAME`` is the file that deploy/make-secrets.sh made;
- folders that are volumes are folders of the test's;
- the name of a container, by which Kafka knows a worker again, is ``EARLY_WARNING_KAFKA__INSTANCE``;
- Debian's Alertmanager is older than ``url_file``: the address stands in its file (tests/deploy/watchers.py).
"""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.deploy.compose import Service, environment
from tests.kafka.broker import free_ports
from warning.settings import ENVIRONMENT_PREFIX

SECRETS = "/run/secrets"
_PDEATHSIG = 1


class Host:
    """Says what of the containers' world is what here.

    folder : of the test; its folder ``secrets`` has the secrets
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secrets = folder / "secrets"
        self._ports: dict[str, int] = {}

    def port(self, container: str, port: int) -> int:
        """Return the port here that stands for a container's."""
        name = f"{container}:{port}"
        if name not in self._ports:
            (self._ports[name],) = free_ports(1)
        return self._ports[name]

    def is_at(self, container: str, port: int, here: int) -> None:
        """Note that a container's port is one that is already used here."""
        self._ports[f"{container}:{port}"] = here

    def address(self, container: str, port: int) -> str:
        return f"127.0.0.1:{self.port(container, port)}"

    def text(self, text: str, container: str, folders: Mapping[str, Path] | None = None) -> str:
        """Substitute in a text that a container is given."""
        text = re.sub(
            r"\b(?P<host>kafka|postgres|localhost|127\.0\.0\.1|0\.0\.0\.0):(?P<port>\d{4})\b",
            lambda found: self.address(_owner(found["host"], container), int(found["port"])),
            text,
        )
        for inside, here in {SECRETS: self.secrets, **(folders or {})}.items():
            text = re.sub(rf"(?<![\w/]){re.escape(inside)}(?=/|$)", str(here), text, flags=re.MULTILINE)
        return text.replace("0.0.0.0", "127.0.0.1")

    def environment(self, service: Service, container: str) -> dict[str, str]:
        """Return the variables of a container of ours."""
        own = self.folder / container
        own.mkdir(exist_ok=True)
        variables = {
            name: self.text(value, container, {"/var/lib/early-warning": own})
            for name, value in environment(service).items()
        }
        for name in ("SERVICE__PORT", "CLUSTER__PORT"):
            if ENVIRONMENT_PREFIX + name in variables:
                port = int(variables[ENVIRONMENT_PREFIX + name])
                variables[ENVIRONMENT_PREFIX + name] = str(self.port(container, port))
        return variables | {f"{ENVIRONMENT_PREFIX}KAFKA__INSTANCE": container}


def _owner(host: str, container: str) -> str:
    """Return the container that a host name means, said inside a container."""
    return host if host in {"kafka", "postgres"} else container


def start(command: Sequence[str | Path], variables: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Start a process that has the given variables beside this one's and ends with this one."""
    mine = {name: text for name, text in os.environ.items() if not name.startswith(ENVIRONMENT_PREFIX)}
    with log.open("ab") as file:
        return subprocess.Popen(
            command,
            env=mine | dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            cwd=log.parent,
            preexec_fn=_die_with_parent,  # noqa: PLW1509  nothing else is done between fork and exec
        )


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)
