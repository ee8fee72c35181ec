"""Servers of the compose file, and the image."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import started
from tests.integration.deploy.image import Image, build
from tests.integration.deploy.stack import Stack, kafka, redis


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Kafka and Redis with the compose file's settings, empty."""
    directory = tmp_path_factory.mktemp("stack")
    broker, docker, host = started("the compose file's Kafka", lambda: kafka(directory / "kafka"))
    store, url, port = started("the compose file's Redis", lambda: redis(directory / "redis"))
    broker.start()
    try:
        store.start()
        yield Stack(docker, host, url, port)
    finally:
        store.stop()
        broker.stop()


@contextmanager
def reachable() -> Iterator[Path]:
    """A folder that the image's user can reach; pytest's own are closed to everybody but their owner."""
    folder = Path(tempfile.mkdtemp(prefix="retention-image-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    """The image, built by hand."""
    with reachable() as folder:
        yield started("the image", lambda: build(folder))


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder of the test's own that the image's user can reach."""
    with reachable() as folder:
        yield folder
