"""Whatever a test here asks for, the answer is one that the table of routes has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from aiohttp import web

from streams.console import app
from tests.support.contracts.watched import watch


@pytest.fixture(autouse=True)
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    shelter, told = app.shelter, list[str]()

    def sheltered(served: web.Application, headers: Mapping[str, str]) -> None:
        shelter(served, headers)
        watch(served, app.ROUTES, told.append)

    monkeypatch.setattr(app, "shelter", sheltered)
    yield
    assert told == []
