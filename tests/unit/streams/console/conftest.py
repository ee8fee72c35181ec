"""Whatever a test here asks for, the answer is one that the table of routes has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from streams.console import app
from tests.support.contracts.watched import held_to_routes


@pytest.fixture(autouse=True)
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with held_to_routes(app, monkeypatch):
        yield
