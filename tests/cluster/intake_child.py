"""The intake worker as it is, with a clock that a test moves: days of a city pass in a minute."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from streams.intake.worker import build_worker
from warning.bootstrap.folder import store_of
from warning.bootstrap.logs import log_to_standard_error
from warning.settings import load_settings

CLOCK = "TEST_CLOCK"
"""Names the file that holds the time, milliseconds of the epoch."""


def main() -> int:
    settings = load_settings(None)
    log_to_standard_error()
    file = Path(os.environ[CLOCK])
    return build_worker(settings, store_of(settings), clock=lambda: int(file.read_text())).run()


if __name__ == "__main__":
    sys.exit(main())
