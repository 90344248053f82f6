"""``pg_dump`` and ``pg_restore``: found, run without a shell, the password out of sight."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import URL

from warning.service.errors import BadInputError
from warning.store.sql.postgres_causes import first_line

_FOLDERS = Path("/usr/lib/postgresql")
"""Where Debian keeps the versions; the newest reads and dumps all older ones."""


class Done(NamedTuple):
    """What a program printed, and why it failed; empty when it did not."""

    output: str
    problem: str


def run(program: str, *arguments: str, url: URL | None = None) -> Done:
    """Run a program of PostgreSQL to its end, on the database of a URL (if any).

    Raises BadInputError where it is not installed.
    """
    command = [_find(program), *arguments]
    environment = {"LC_ALL": "C.UTF-8", "PGCONNECT_TIMEOUT": "5", "PGAPPNAME": program}
    if url is not None:
        command += ["--no-password", f"--dbname={_without_password(url)}"]
        environment["PGPASSWORD"] = url.password or ""
    done = subprocess.run(  # noqa: S603  no shell, and no word of it is from outside but file names
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode == 0:
        return Done(done.stdout.decode(errors="replace"), "")
    said = first_line(done.stderr.decode(errors="replace"))
    return Done("", said.removeprefix(f"{program}: error: ") or f"{program} ended with {done.returncode}")


def _without_password(url: URL) -> str:
    return url._replace(drivername="postgresql", password=None).render_as_string()


def _find(program: str) -> str:
    versions = sorted(_FOLDERS.glob(f"*/bin/{program}"), key=_version)
    found = str(versions[-1]) if versions else shutil.which(program)
    if found is None:
        raise BadInputError(
            program,
            "is not installed",
            "Install PostgreSQL's client programs (Debian: postgresql-client), as new as the server.",
            f"{program}: 未安装。请安装 PostgreSQL 客户端程序 (Debian: postgresql-client),版本不低于服务器。",
        )
    return found


def _version(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", path.parts[-3])]
