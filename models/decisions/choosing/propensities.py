"""Chances as integers: multiples of 2^-32 that sum to one exactly, none below its floor.

They are what is drawn from and what is written down, so that a weight of one over a chance is of the true chance.
"""

from __future__ import annotations

from collections.abc import Sequence

from models.decisions.draw import ONE


def least_chances(count: int, floor: float, hold_out: float) -> tuple[int, int]:
    """Of leaving alone, and of each of `count` arms. Where they sum to more than one, those of the arms share what
    leaving alone lets them."""
    alone = min(int(max(floor, hold_out) * ONE), ONE)
    return alone, min(int(floor * ONE), (ONE - alone) // count) if count else 0


def with_floors(shares: Sequence[float], floor: float, hold_out: float) -> list[int]:
    """p <- (1 - sum of floors) p + floor, leaving alone first; what rounding leaves goes to the greatest, of equals to
    the earliest.

    shares: at least zero, they sum to one but for rounding.

    >>> with_floors([0.0, 0.5, 0.5], floor=0.25, hold_out=0.0)
    [1073741824, 1610612736, 1610612736]
    """
    alone, least = least_chances(len(shares) - 1, floor, hold_out)
    room = ONE - alone - least * (len(shares) - 1)
    # A share is at most one, so its part is at most the room: no sum of parts passes it by more than rounding.
    found = [int(share * room) for share in shares]
    greatest = max(range(len(found)), key=found.__getitem__)
    found[greatest] += room - sum(found)
    found = [part + least for part in found]
    found[0] += alone - least
    return found
