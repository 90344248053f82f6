"""Ends the brokers of a test run that ended without doing so: started as a process of its own, standard library only.

``watchdog.py FOLDER``: reads its standard input to the end, which comes when the test run closes it or dies in any way,
then kills what the files ``FOLDER/*.pid`` name, and deletes the folder.
"""

import os
import shutil
import signal
import sys
from pathlib import Path


def main() -> None:
    folder = Path(sys.argv[1])
    sys.stdin.buffer.read()
    for file in folder.glob("*.pid"):
        end(file, folder)
    shutil.rmtree(folder, ignore_errors=True)


def end(file: Path, folder: Path) -> None:
    """Kill the process that a file names, unless its number has gone to another program."""
    number = int(file.read_text() or 0)
    try:
        ours = os.fsencode(folder) in Path(f"/proc/{number}/cmdline").read_bytes()
        if number and ours:
            os.kill(number, signal.SIGKILL)
    except OSError:
        return


if __name__ == "__main__":
    main()
