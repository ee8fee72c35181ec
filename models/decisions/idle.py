"""Whether a look at a customer would come to nothing: nothing is due, and time alone changes nothing yet."""

from __future__ import annotations

from models.customer.layout import UNLEARNED
from models.decisions.contact import NEVER, due_at
from models.decisions.dates import comes_to_nothing
from models.decisions.person import Person
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.response import HEARD
from models.decisions.rules import rules_of
from models.decisions.standing import LONGEST_WINDOW, Standing
from models.decisions.standing_stored import ends_in


def idle_until(policy: PolicyInForce, stored: bytes, contract: bool) -> int:
    """Until when `is_idle` is true, ms, of what is stored of how we stand with somebody, without a whole look; 0: it
    takes one. contract: they have had one; while it runs no level may wait."""
    if rules_of(policy).dated:
        return 0
    if not stored:
        return NEVER
    found = ends_in(stored)
    if found is None or (contract and found.level):
        return 0
    ends = [end for end in found.times if end]
    ends += map(due_at, found.outstanding)
    if found.counts is not None:
        ends.append(found.counts.ends + LONGEST_WINDOW)
    return min(ends, default=NEVER)


def is_idle(policy: PolicyInForce, person: Person, standing: Standing, kind: int, now: int) -> bool:
    """Whether `models.decisions.moments.decide` would say and change nothing.

    kind: of a touchpoint that asks nothing, reports nothing and wakes nothing (`models.engine.asking`). now: ms.
    """
    if standing.running or standing.unsent or standing.shared or _is_over(standing, now):
        return False
    if standing.window is not None and kind in HEARD:
        return False
    if person.flags & UNLEARNED and (standing.window is not None or standing.treated is not None):
        return False
    if any(0 < one.wakes <= now for one in standing.waiting) or any(due_at(one) <= now for one in standing.outstanding):
        return False
    if standing.told and not standing.told.keys() <= {one.moment for one in standing.waiting}:
        return False
    return comes_to_nothing(policy, person, standing, now)


def _is_over(standing: Standing, now: int) -> bool:
    """Whether something has come to its end, of what has one end."""
    ends = (standing.window_ends, standing.rests_until, standing.harmed_until, standing.talks_until)
    treated = 0 if standing.treated is None else standing.treated.until
    if any(0 < end <= now for end in (*ends, treated)):
        return True
    if standing.window is not None and now >= max(standing.window.ends, standing.window_ends):
        return True
    return any(now >= one.ends + LONGEST_WINDOW for one in standing.counts)
