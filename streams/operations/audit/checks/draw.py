"""Control group and draw: who gets nothing, and whether what was drawn could be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Final

from xxhash import xxh3_64_intdigest

from models.outputs import Decision
from streams.operations.audit.breaches import Finding
from streams.operations.audit.checks.case import Case
from streams.operations.audit.dialogue import Rest
from streams.operations.audit.ledger import taken_by
from streams.operations.audit.person import Person
from streams.operations.audit.policies import Policy, Table, span
from streams.operations.audit.records import SECOND

ONE: Final = 2**32
LEAVE_ALONE: Final = "leave_alone"
CLOSE: Final = 1e-9
CLOSED: Final = frozenset({"not_launched", "full"})
LEAST_FLOOR: Final = 0.2
"""The share of a floor that a learned choice keeps in any case: how much more depends on what its version knew, which
no topic says."""
STATES: Final = frozenset({"proven", "unproven", "stopped", *CLOSED})
"""How an action may stand in a draw of the learned choice, and as what it has no chance."""


def check(case: Case) -> Iterator[Finding]:
    """What a trigger owes to control group and draw."""
    trigger, decision = case.trigger, case.decision
    if decision is None:
        return
    kept_from = case.marketing or (case.purpose == "care" and not case.policy.control["care"])
    if decision.control and kept_from:
        yield Finding("control", "the control group gets no marketing", f"{trigger.action} for {case.purpose}")
    if (
        kept_from
        and not decision.control
        and in_control(case.policy, _unit(case), case.person, decision.tier, decision.time)
    ):
        salt = case.policy.control["salt"]
        yield Finding("control", f"the control group of salt {salt!r} gets no marketing", trigger.action)
    rollout = float(case.action.get("rollout", 1.0))
    if rollout < 1.0 and not of_share(rollout, trigger.action, _unit(case)):
        yield Finding("unknown_action", f"rollout {rollout}", f"{_unit(case)} is not in it")
    chance = next((one.chance for one in decision.candidates if one.action == trigger.action), 0) / ONE
    if abs(trigger.propensity - chance) > CLOSE:
        yield Finding("propensity", f"drawn with chance {chance}", f"propensity {trigger.propensity}")
    if case.moment.get("sort") == "risk" and not chance:
        yield Finding("drawn_at_zero", "a risk moment draws", f"{trigger.action} had no chance")


def _unit(case: Case) -> str:
    """Who is drawn: the account, of a customer who has one."""
    return case.person.account or case.trigger.customer


def of_share(share: float, salt: str, unit: str) -> bool:
    """Whether a unit is in a share of all: 64 bits of xxh3 of the salt, a zero byte and its id, below the share."""
    return xxh3_64_intdigest(f"{salt}\0{unit}".encode()) < share * 2.0**64 or share >= 1.0


def exempt_by_standing(policy: Policy, person: Person, tier: str, now: int) -> bool:
    """Whether a customer is exempt from control by plan, programme or tier. now: log time, ms."""
    control, plan = policy.control, person.contract.plan if person.contract.runs(now) else ""
    return (
        (bool(plan) and plan in control["exempt_plans"])
        or (bool(person.programme) and person.programme in control["exempt_programmes"])
        or (bool(tier) and tier in control["exempt_tiers"])
    )


def is_exempt(policy: Policy, person: Person, tier: str, now: int) -> bool:
    """The same, or by class."""
    by_class = (person.customer_class or "consumer") in policy.control["exempt"]
    return by_class or exempt_by_standing(policy, person, tier, now)


def in_control(policy: Policy, unit: str, person: Person, tier: str, now: int) -> bool:
    """Whether a unit is of the control group. tier: of value, as the decision says."""
    share = of_share(float(policy.control["share"]), str(policy.control["salt"]), unit)
    return share and not is_exempt(policy, person, tier, now)


def drawn(decision: Decision) -> bool:
    """Whether a decision was drawn, or would have been."""
    return any(one.chance for one in decision.candidates)


def of_decision(policy: Policy, decision: Decision, last: Rest | None) -> Iterator[Finding]:
    """What is asked of a drawn decision. last: the customer's last draw, and its window."""
    candidates = {one.action: one for one in decision.candidates}
    total = sum(one.chance for one in decision.candidates)
    if total != ONE:
        yield Finding("chances", f"{ONE} in all", f"{total}")
    floor = float(policy.choice["floor"]) * (1.0 if decision.drawn is None else LEAST_FLOOR)
    yield from _learned(policy, decision)
    for one in decision.candidates:
        if one.chance and one.gates:
            yield Finding("chances", f"{one.action} is held by {list(one.gates)}", f"its chance is {one.chance}")
        least = max(floor, float(policy.choice["hold_out"])) if one.action == LEAVE_ALONE else floor
        if one.state in CLOSED:
            if one.chance:
                yield Finding("chances", f"{one.action} is not open to this customer", f"its chance is {one.chance}")
        elif not one.gates and one.chance + len(candidates) < least * ONE:
            yield Finding("chances", f"{one.action} at least {least}", f"{one.chance / ONE}")
    if LEAVE_ALONE not in candidates:
        yield Finding("chances", f"{LEAVE_ALONE} is always a candidate", f"{sorted(candidates)}")
    if decision.drawn is None:
        yield from _scores(policy, decision)
    chosen = candidates.get(decision.action or LEAVE_ALONE)
    if chosen is None or not chosen.chance:
        yield Finding("drawn_at_zero", "what is drawn has a chance", f"{decision.action} was drawn")
    elif total == ONE and (fell := _fell(decision)) != chosen.action:
        yield Finding("draw", f"{fell} falls by the decision's id", f"{chosen.action} was drawn")
    if last and decision.time + SECOND < min(last.until, last.time + span(policy.choice["window"])):
        yield Finding(
            "window", f"one draw in {policy.choice['window']}", f"another {decision.time - last.time} ms before"
        )


def _learned(policy: Policy, decision: Decision) -> Iterator[Finding]:
    """Whether the choice was made by what the policy wants, and says what it knew."""
    wanted = bool(policy.choice["learned"])
    if (decision.drawn is not None) != wanted:
        yield Finding("learned", f"choice.learned is {wanted}", f"drawn by {decision.drawn or 'the figures'}")
        return
    if decision.drawn is None:
        return
    if decision.drawn.features[:1] != (1.0,) or decision.drawn.worth <= 0.0:
        worth, features = decision.drawn.worth, len(decision.drawn.features)
        yield Finding("learned", "what is at stake, and what was known", f"worth {worth}, {features} features")
    inside = [one for one in decision.candidates if not one.gates and one.action != LEAVE_ALONE]
    for one in inside:
        if abs(one.price - (price := _price(policy, decision.drawn.prices, one.action))) > CLOSE * max(price, 1.0):
            yield Finding("learned", f"what {one.action} takes of budgets costs {price}", f"{one.price}")
        if one.state not in STATES or not one.arm or one.sd <= 0.0:
            yield Finding("learned", f"how {one.action} stood", f"arm {one.arm!r}, {one.state!r}, sd {one.sd}")
    tried = [one.chance for one in inside if one.state == "unproven"]
    most = float(policy.choice["unproven_each"]) + len(tried) * float(policy.choice["floor"])
    if sum(tried) > most * ONE + len(tried) + 1:
        yield Finding("chances", f"{most} at most of what is not proven", f"{sum(tried) / ONE}")


def _price(policy: Policy, prices: Mapping[str, float], action: str) -> float:
    """What an action takes of budgets at the prices that a draw says, its second step as often as it is reached."""
    one = policy.actions.get(action, {})
    then = one.get("then")
    shares = [(one, 1.0)] + ([(policy.actions[then["action"]], float(then["reached"]))] if then else [])
    return sum(
        share * units * prices.get(name, 0.0)
        for step, share in shares
        for name, units in taken_by(policy, step).items()
    )


def _fell(decision: Decision) -> str:
    """What falls by the first 32 bits of blake2b of the decision's id, over the chances in the candidates' order. The
    learned choice has its own draw: `choice` and a zero byte stand before the id."""
    try:
        name = bytes.fromhex(decision.id)
    except ValueError:
        return "nothing"
    point = int.from_bytes(blake2b(b"choice\0" + name if decision.drawn else name).digest()[:4])
    for one in decision.candidates:
        if point < one.chance:
            return one.action
        point -= one.chance
    return "nothing"


def _worth(policy: Policy, action: Table, channel: str) -> float:
    """Effect less discount and cost, of an action and of its channel."""
    costs = (action.get("discount", 0), action.get("cost", 0), policy.channels.get(channel, {}).get("cost", 0))
    return float(action.get("effect", 0) - sum(costs))


def _scores(policy: Policy, decision: Decision) -> Iterator[Finding]:
    """By the policy's figures; leaving alone is worth nothing."""
    worth = {LEAVE_ALONE: 0.0}
    chances = {one.action: one.chance for one in decision.candidates}
    for one in decision.candidates:
        action = policy.actions.get(one.action)
        if one.gates or action is None:
            continue
        worth[one.action] = _worth(policy, action, one.channel)
        if (then := action.get("then")) is not None:
            second = policy.actions[then["action"]]
            by = (second.get("channels") or [one.channel])[0]
            worth[one.action] += then.get("reached", 0) * _worth(policy, second, by)
        if abs(worth[one.action] - one.score) > CLOSE:
            yield Finding("score", f"{one.action} is worth {worth[one.action]}", f"{one.score}")
    best = max(worth, key=lambda name: (round(worth[name], 6), name == LEAVE_ALONE))
    mostly = max(chances, key=lambda name: chances[name])
    held_out = mostly == LEAVE_ALONE and float(policy.choice["hold_out"]) >= 0.5
    if not held_out and chances.get(best, 0) < chances[mostly] and worth.get(mostly, 0.0) + CLOSE < worth[best]:
        yield Finding("score", f"{best} is best", f"{mostly} has the greatest chance")
