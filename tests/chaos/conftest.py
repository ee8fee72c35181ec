"""Worlds for these tests."""

from tests.support.world_fixtures import make_world

__all__ = ["make_world"]
