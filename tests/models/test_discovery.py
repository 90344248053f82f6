"""Discovery: adding a detector is adding one file, and nothing else is a detector."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from models.base import CountDetector, discover
from models.surge import Surge

FILES = {
    "louder.py": '''
from models.surge import Surge

class Louder(Surge):
    """A surge detector by another name."""
    name = "louder"

class Quieter(Louder):
    """A detector that refines one that refines another."""
    name = "quieter"
''',
    "half.py": '''
from models.base import CountDetector

class Half(CountDetector):
    """A base that is no detector yet."""
    name = "half"
''',
}
FIND = "import json, models.base as b; print(json.dumps([[d.name, d.__module__] for d in b.discover()]))"


def _found_in(folder: Path) -> list[list[str]]:
    command = [sys.executable, "-c", FIND]
    done = subprocess.run(command, cwd=folder, env={"PYTHONPATH": str(folder)}, capture_output=True, check=True)
    found: list[list[str]] = json.loads(done.stdout)
    return found


def test_a_file_adds_a_detector(tmp_path: Path, root: Path) -> None:
    """A detector in a new file of the package is found, whatever it derives from; an abstract base is not."""
    shutil.copytree(root / "models", tmp_path / "models", ignore=shutil.ignore_patterns("__pycache__"))
    before = _found_in(tmp_path)
    for name, source in FILES.items():
        (tmp_path / "models" / name).write_text(source, "utf-8")
    added = [["louder", "models.louder"], ["quieter", "models.louder"]]
    assert _found_in(tmp_path) == sorted(before + added)
    assert ["surge", "models.surge"] in before


def test_a_detector_elsewhere_is_not_ours() -> None:
    """A detector that is defined outside the package, as in a test, is not found."""

    class Foreign(Surge):
        name = "foreign"

    assert "foreign" in [kind.name for kind in Surge.__subclasses__()]
    assert "foreign" not in [detector.name for detector in discover()]


def test_names_are_the_detectors_own() -> None:
    """Every detector has a name and a kind, and no two have one name: snapshots are kept by it."""
    found = discover()
    assert all(issubclass(detector, CountDetector) and detector.name and detector.kind for detector in found)
    assert len({detector.name for detector in found}) == len(found)
