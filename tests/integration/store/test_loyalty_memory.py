"""What a customer takes in Redis with value, points, loyalty loop and levels; `pytest -s` prints the parts."""

from __future__ import annotations

from benchmarks.loyalty_bytes import MOST, lived, measured


def test_a_customer_with_points_and_value_takes_no_more_than_the_aim() -> None:
    found = measured(lived(150, 70))
    print(f"\n{found.rows()}")
    assert found.customers == 150
    assert min(found.parts[part] for part in ("standing", "points", "loyalty", "membership")) > 5
    assert 500 < found.mean + found.due <= MOST
