"""A world for each test, and callers of its application."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from tests.warning.api.worlds import Caller, World, headers_of, make_world
from warning.domain.account import Role

CallerAs = Callable[[Role | str | None], Caller]


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    """An event loop in a thread of its own."""
    with start_blocking_portal() as started:
        yield started


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def caller(world: World, portal: BlockingPortal) -> CallerAs:
    """Call the world's application as a person of a role, as the platform ("key"), or as nobody."""
    app = world.app()
    return lambda who: Caller(app, portal, headers_of(world, who))
