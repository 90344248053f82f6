# ruff: noqa: INP001  a program that is copied into the image, no module of a package
"""Asks one of our processes how it does: the health check of its container.

Exit code 0: ready. One that answers that it is not alive (records wait and none is applied) is told to end; Docker then
starts it again, and it goes on from its snapshot and the log.
"""

import os
import signal
import sys
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

_SECONDS = 4
_UNAVAILABLE = 503
_FIRST_PROCESS = 1
_OPENER = build_opener(ProxyHandler({}))


def status(address: str) -> int:
    """Return the status of an answer; 0: none came."""
    try:
        with _OPENER.open(address, timeout=_SECONDS) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code
    except OSError:
        return 0


def main(address: str, process: int = _FIRST_PROCESS) -> int:
    """Judge the process that listens on an address."""
    if status(f"{address}/health/live") == _UNAVAILABLE:
        os.kill(process, signal.SIGTERM)
    return 0 if status(f"{address}/health/ready") == 200 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
