"""The collector of cycles in a worker's process."""

import gc
from collections.abc import Iterator

import pytest

from streams.collector import YOUNG, tune_collector


@pytest.fixture
def _restored() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


@pytest.mark.usefixtures("_restored")
def test_cycles_are_still_found() -> None:
    """Looked for less often, cycles still go."""
    tune_collector()
    assert gc.isenabled()
    assert gc.get_threshold()[0] == YOUNG
    assert gc.get_freeze_count() > 0
    loop: list[object] = []
    loop.append(loop)
    del loop
    assert gc.collect() > 0
