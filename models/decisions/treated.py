"""What was drawn about a customer of late, by which their labels of churn are weighed.

An example says what becomes of somebody for whom nothing more is done. One whose window meets time in which something
was done says nothing of it and is left out. Those that are kept stand for these, too: each weighs 1 / w with

    w = s + (1 - s) * (p_1 * p_2 * ...)

where s is the share of the control group and p the chance of being left alone in each draw that its window meets
(inverse probability of censoring weights: Robins and Rotnitzky 1992, "Recovery of information and adjustment for
dependent censoring using surrogate markers"). To leave the treated out without that would take away who is silent.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from models.customer.moments import second_of
from models.decisions.window import Mark, Window
from models.features.basis import RECENCY_COLUMN
from models.settings import DAY, SECOND

MOST: Final = 20.0
"""So often a label counts at most: with a hold-out of .05 and a control group of as many, one draw makes it 10."""
ONE: Final = 2**32
"""A chance of one, as `models.decisions.draw` has it."""
_HEAD = struct.Struct("<dI")
_DRAW = struct.Struct("<IIIIB")


class OneDraw(NamedTuple):
    """A draw by the learned choice: from and until when it counts, log time in ms, whole seconds.

    last: the customer's last sign of staying before it, 0: none. alone: the chance of being left alone, a multiple of
    2^-32. given: something was to be done (intention to treat: whether or not it was sent).
    """

    opened: int
    ends: int
    last: int
    alone: int
    given: bool


class Treated(NamedTuple):
    """share: of the control group, for this customer. draws: those that an example may still meet. until: when none
    may any more, so that they are forgotten, ms, whole seconds; 0: at the next label."""

    share: float
    draws: tuple[OneDraw, ...]
    until: int = 0


class Weighed(NamedTuple):
    """What an example says of its window: whether something was done in it; and the chance that nothing was, None:
    nothing was to be."""

    treated: bool = False
    untreated: float | None = None


AS_IT_IS: Final = Weighed()


def after_draw(
    former: Treated | None, window: Window, alone: int, last: int, control: float, longest: int
) -> Treated | None:
    """A draw has opened a window: what there is then. alone: the chance of being left alone. last: the customer's last
    sign of staying, ms. control: the share of the control group, for this customer. longest: from an example to its
    label, ms."""
    if alone >= ONE:
        return former
    done = window.place > 0 and not window.marks & Mark.CONTROL
    draws = () if former is None else former.draws
    draws = (*draws, OneDraw(window.opened, window.ends, second_of(last) * SECOND, alone, done))
    return Treated(control, draws, max(one.ends for one in draws) + second_of(longest + SECOND - 1) * SECOND)


def weighed(treated: Treated | None, observed_at: int, length: int, basis: Sequence[int]) -> Weighed:
    """What is to be said of an example.

    Args:
        treated: what was drawn of late.
        observed_at: when the example was, ms. length: of its window, ms.
        basis: as it was then, the bits of float16.
    """
    if treated is None:
        return AS_IT_IS
    silent = float(np.array(basis[RECENCY_COLUMN], dtype="<u2").view("<f2")) * DAY
    met = [one for one in treated.draws if _meets(one, observed_at, length, silent)]
    if not met:
        return AS_IT_IS
    if any(one.given for one in met):
        return Weighed(treated=True)
    chance = 1.0
    for one in met:
        chance *= one.alone / ONE
    return Weighed(untreated=treated.share + (1.0 - treated.share) * chance)


def _meets(one: OneDraw, observed_at: int, length: int, silent: float) -> bool:
    """Whether a window meets what followed a draw: up to the first sign of staying after it, and in it."""
    if one.opened > observed_at:
        return one.opened <= observed_at + length and one.last <= observed_at
    return observed_at < one.ends and observed_at - silent < _next_sign(one)


def _next_sign(one: OneDraw) -> float:
    """What the day of a sign after a draw is not before, ms: signs are known by the day (UTC) only, and by a silence at
    float16, which may miss half a day after 512 days. One on the draw's day is after it, but where one was before."""
    drawn, last = one.opened // DAY, one.last // DAY
    return (max(drawn - 1, last) + 0.5) * DAY


def later(treated: Treated | None, now: int, longest: int) -> Treated | None:
    """Without the draws that no example meets that is begun or to come. longest: from an example to its label, ms."""
    if treated is None:
        return None
    draws = tuple(one for one in treated.draws if one.ends > now - longest)
    if draws == treated.draws:
        return treated
    return treated._replace(draws=draws) if draws else None


def pack_treated(one: Treated) -> bytes:
    """As stored: 12 bytes, and 17 for each draw."""
    draws = (
        _DRAW.pack(second_of(of.opened), second_of(of.ends), second_of(of.last), of.alone, of.given) for of in one.draws
    )
    return _HEAD.pack(one.share, second_of(one.until)) + b"".join(draws)


def unpack_treated(stored: bytes) -> Treated:
    """Inverse of `pack_treated`."""
    share, until = _HEAD.unpack_from(stored)
    rows: Any = _DRAW.iter_unpack(stored[_HEAD.size :])
    draws = tuple(
        OneDraw(opened * SECOND, ends * SECOND, last * SECOND, alone, bool(done))
        for opened, ends, last, alone, done in rows
    )
    return Treated(share, draws, until * SECOND)
