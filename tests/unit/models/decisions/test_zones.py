"""Zones are those of the package, and their rules are."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from models.decisions.zones import zone_of


def test_a_zone_has_the_rules_of_the_package() -> None:
    berlin = zone_of("Europe/Berlin")
    assert berlin is not None
    assert str(datetime(2026, 3, 29, 1, tzinfo=UTC).astimezone(berlin).utcoffset()) == "2:00:00"
    assert zone_of("Europe/Berlin") is berlin


@pytest.mark.parametrize(
    "name",
    ["Europe/Bonn", "Europe", "", "zone.tab", "zones", "__init__.py", "../zones", "Europe/../Asia/Tokyo", "/etc"],
)
def test_what_is_no_zone_is_none(name: str) -> None:
    assert zone_of(name) is None
