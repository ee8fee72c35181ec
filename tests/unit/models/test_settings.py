"""Settings that decide, as they are stored: what an older or a newer release has stored is read, or refused by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import pytest

from models.settings import DECIDING_NOTHING, LATER, EngineSettings, UnknownSettings

FIRST = {
    "alive",
    "challengers",
    "horizon",
    "tick",
    "anchor",
    "phase",
    "lateness",
    "boundary",
    "version_delay",
    "enter",
    "exit",
    "trigger_life",
}
"""What every shard that ever was holds. Never add to it: what is new belongs in `LATER`."""


@dataclass(frozen=True, slots=True)
class Newer(EngineSettings):
    """The settings of a release to come."""

    control_share: float = 0.0


Running = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> Running:
    """A stretch of time in which the release to come is the one that runs."""

    @contextmanager
    def running() -> Iterator[None]:
        with monkeypatch.context() as patch:
            patch.setitem(LATER, "control_share", 0.0)
            yield

    return running


def test_every_setting_that_came_later_says_what_means_as_before() -> None:
    assert set(EngineSettings.__slots__) - DECIDING_NOTHING - FIRST == set(LATER)


def test_what_is_stored_is_read_back() -> None:
    for settings in (EngineSettings(), EngineSettings(enter=0.7, duplicate_window=5, alive="contract")):
        assert EngineSettings.stored(settings.deciding()) == settings


def test_a_release_with_a_new_setting_reads_what_the_one_before_stored_and_stores_the_same(newer: Running) -> None:
    stored = EngineSettings().deciding()
    with newer():
        assert Newer.stored(stored) == Newer()
        assert Newer().deciding() == stored


def test_the_release_before_reads_what_leaves_the_new_setting_as_before(newer: Running) -> None:
    with newer():
        stored = Newer(enter=0.7).deciding()
    assert EngineSettings.stored(stored) == EngineSettings(enter=0.7)


def test_the_release_before_refuses_the_new_setting_by_name(newer: Running) -> None:
    with newer():
        stored = Newer(control_share=0.1).deciding()
        assert Newer.stored(stored) == Newer(control_share=0.1)
    with pytest.raises(UnknownSettings, match=r"^control_share = 0\.1$"):
        EngineSettings.stored(stored)


@pytest.mark.parametrize("name", sorted(FIRST))
def test_what_every_release_stores_is_not_made_up_where_it_is_lacking(name: str) -> None:
    stored = EngineSettings().deciding()
    del stored[name]
    with pytest.raises(ValueError, match=rf"^{name} is not stored$"):
        EngineSettings.stored(stored)
