"""The fixture that gives a test its worlds; imported by the conftest of every folder that uses it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.servers import Broker
from tests.support.world import World, world

MakeWorld = Callable[..., World]
"""(broker, redis_url=the shared one, **settings of the worker) -> a world with topics of its own."""


@pytest.fixture
def make_world(redis_url: str, redis_app: str, tmp_path: Path) -> Iterator[MakeWorld]:
    """Worlds that end with the test. What their workers wrote is shown when it fails."""
    with ExitStack() as worlds:
        made: list[World] = []

        def make(broker: Broker, redis: str = redis_url, **settings: Any) -> World:
            directory = tmp_path / f"world-{len(made)}"
            directory.mkdir()
            app = f"{redis_app}-{len(made)}"
            made.append(worlds.enter_context(world(broker.bootstrap_servers, redis, app, directory, **settings)))
            return made[-1]

        yield make
        for one in made:
            print(one.output())
