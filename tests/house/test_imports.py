"""Who may import whom: every contract holds, and every contract notices when it is broken."""

import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

PACKAGES = ("models", "warning", "streams")


@dataclass(frozen=True)
class Offence:
    """A module that breaks one contract, and what the report must say about it."""

    contract: str
    module: str
    source: str
    named: tuple[str, ...]


def _imports(*modules: str) -> str:
    return "".join(f"import {module}\n" for module in modules)


IMPURE = ("asyncio", "io", "logging", "os", "pathlib", "socket", "sqlite3", "subprocess", "time", "urllib.request")
STRANGE = ("warning", "streams", "pydantic", "kafka", "aiokafka", "faust", "fastapi", "requests", "httpx", "polars")
# One of each height. The domain is not here: its own contract says more.
LAYERS = ("cli", "bootstrap", "runtime", "api", "service", "engine", "policy")
SIBLINGS = ("web", "store", "notify", "intake")

OFFENCES = [
    Offence("models-pure", "models.offending", _imports(*IMPURE), tuple(name.split(".")[0] for name in IMPURE)),
    Offence("models-libraries", "models.offending", _imports(*STRANGE), STRANGE),
    Offence("warning-without-streams", "warning.offending", _imports("streams"), ("streams",)),
    Offence("domain-standard-library", "warning.domain.offending", _imports("models", "numpy"), ("models", "numpy")),
    *(
        Offence(
            "settings-at-the-top", f"warning.{layer}.offending", _imports("warning.settings"), ("warning.settings",)
        )
        for layer in ("service", "engine", "policy", "intake")
    ),
    *(
        Offence(
            "warning-layers", f"warning.{lower}.offending", _imports(f"warning.{upper}.above"), (f"warning.{upper}",)
        )
        for upper, lower in pairwise(LAYERS)
    ),
    Offence("warning-layers", "warning.policy.offending", _imports("warning.intake.above"), ("warning.intake",)),
    Offence("warning-layers", "warning.api.offending", _imports("warning.store.above"), ("warning.store",)),
]


@pytest.fixture(name="copy")
def _copy(root: Path, tmp_path: Path) -> Path:
    """Give a copy of the packages in which each layer is at least a package with one module."""
    for package in PACKAGES:
        shutil.copytree(root / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "tests" / "house").mkdir(parents=True)
    shutil.copy(root / "tests" / "house" / "contracts.py", tmp_path / "tests" / "house")
    shutil.copy(root / "pyproject.toml", tmp_path)
    for layer in ("settings", *LAYERS, *SIBLINGS):
        _make_package(tmp_path / "warning" / layer)
        _add_module(tmp_path, f"warning.{layer}.above")
    return tmp_path


def _make_package(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    module = folder.with_suffix(".py")
    if module.exists():
        module.rename(folder / "__init__.py")
    (folder / "__init__.py").touch()


def _add_module(copy: Path, module: str, source: str = "") -> None:
    copy.joinpath(*module.split(".")).with_suffix(".py").write_text(source, encoding="utf-8")


def _lint(copy: Path) -> tuple[dict[str, bool], str]:
    """Run import-linter on the copy: per contract whether it is kept, and the report."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    environment = os.environ | {"PYTHONPATH": str(copy), "COLUMNS": "500", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    contracts = tomllib.loads((copy / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    kept = {
        contract["id"]: f"{contract['name']} KEPT" in done.stdout
        for contract in contracts
        if f"{contract['name']} KEPT" in done.stdout or f"{contract['name']} BROKEN" in done.stdout
    }
    assert kept.keys() == {contract["id"] for contract in contracts}, done.stdout + done.stderr
    return kept, done.stdout


def test_contracts_hold(copy: Path) -> None:
    """The packages as they are keep every contract."""
    kept, report = _lint(copy)
    assert all(kept.values()), report


@pytest.mark.parametrize("offence", OFFENCES, ids=lambda o: f"{o.contract}:{o.module}")
def test_contract_notices(copy: Path, offence: Offence) -> None:
    """One offending module breaks exactly its contract, and the report names what it must not import."""
    _add_module(copy, offence.module, offence.source)
    kept, report = _lint(copy)
    assert [contract for contract, is_kept in kept.items() if not is_kept] == [offence.contract], report
    blame = report.split("Broken contracts", 1)[1]
    assert [name for name in offence.named if name not in blame] == []


def test_command_line_may_start_streams(copy: Path) -> None:
    """The command line imports streams and breaks nothing."""
    _add_module(copy, "warning.cli.serving", _imports("streams"))
    kept, report = _lint(copy)
    assert all(kept.values()), report


def test_every_contract_is_broken_on_purpose(root: Path) -> None:
    """No contract is without an offence here."""
    contracts = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    assert {contract["id"] for contract in contracts} == {offence.contract for offence in OFFENCES}
