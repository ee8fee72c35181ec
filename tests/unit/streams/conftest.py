"""Waiting is part of the protocols under test; its length is not."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.retry.FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr("streams.retry.LONGEST_PAUSE_S", 0.01)
    monkeypatch.setattr("streams.learner.versions.FIRST_LOOK_S", 0.001)
    monkeypatch.setattr("streams.learner.versions.LONGEST_LOOK_S", 0.01)
    monkeypatch.setattr("streams.outbox.pace.LEISURE_S", 0.002)
    monkeypatch.setattr("streams.outbox.pace.BEHIND_S", 0.002)
    monkeypatch.setattr("streams.shard.owner.IDLE_S", 0.02)
    monkeypatch.setattr("streams.learner.versions.REFUSED_PAUSE_S", 0.01)
