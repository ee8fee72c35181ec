"""Whether what was decided, and what gives way, holds together by itself."""

from __future__ import annotations

from collections.abc import Iterator

from models.outputs import Decision, Trigger
from streams.operations.audit.breaches import Finding
from streams.operations.audit.checks.draw import drawn, exempt_by_standing, is_exempt, of_decision
from streams.operations.audit.dialogue import Dialogue, Rest, Sent
from streams.operations.audit.loyalty_loop import LEVEL_STAGES
from streams.operations.audit.outside import PREVIEWED
from streams.operations.audit.person import Person
from streams.operations.audit.policies import EXEMPT, Policy, span


def of_link(trigger: Trigger, decision: Decision | None) -> Iterator[Finding]:
    """Whether a trigger is what was decided at its place."""
    if decision is None:
        yield Finding("no_decision", f"decision {trigger.decision}", "there is none at its place")
        return
    told = {
        name: (getattr(decision, name), getattr(trigger, name))
        for name in ("customer", "action", "channel", "moment", "level", "policy", "time")
    }
    told["trigger"] = (decision.trigger, trigger.id)
    if decision.what == PREVIEWED:
        del told["customer"]  # decided as for one, and sent to another
    for name, (says, done) in told.items():
        if says != done:
            yield Finding("unlike_decision", f"{name} {says!r} was decided", f"{name} {done!r}")


def of_outranking(policy: Policy | None, sent: Sent, waits: list[Decision]) -> Iterator[Finding]:
    """What is asked of a trigger that gives way: the policy allows it, and an action of more priority waits."""
    done = f"{sent.action} was taken back"
    if policy is None or not policy.contact.get("outranking"):
        yield Finding("outranking", "nothing gives way", done)
        return
    moments = {one.moment for one in waits if one.gate == "outranking"}
    higher = [
        int(action.get("priority", 5))
        for action in policy.actions.values()
        if moments & {*action.get("moments", ())} and action.get("purpose", "marketing") == "marketing"
    ]
    least = int(policy.actions.get(sent.action, {}).get("priority", 5))
    if max(higher, default=0) <= least:
        yield Finding("outranking", f"an action of more priority than {least} waits", done)


def of_levels(decision: Decision, dialogue: Dialogue, policy: Policy, person: Person) -> Iterator[Finding]:
    """What is asked of the levels by which something asks: those of a tier of the policy, and in an episode of one; the
    dialogue takes it in. Of whom nothing is learned any more no tier is kept, hence from then on they go by none."""
    if not decision.level or decision.what == PREVIEWED:
        return
    if decision.what == "waits" and dialogue.waits_as is None:
        dialogue.waits_as = (policy.name, person.customer_class)
    of_tier, tiers = decision.levels_of, policy.tiers if policy.risk.get("for_tiers") else []
    if of_tier and of_tier not in tiers:
        yield Finding("level_tier", f"levels go by the tiers {tiers}", f"by those of {of_tier!r}")
        return
    former, dialogue.asked_as = None if person.joined else dialogue.asked_as, (policy.name, of_tier)
    if former is not None and former[0] == policy.name and of_tier and of_tier != former[1]:
        yield Finding("level_tier", f"the episode is of tier {former[1] or 'none'}", f"by the levels of {of_tier!r}")
    if person.joined:
        return
    yield from _of_stage(decision, policy, person)
    levels = policy.levels(person.customer_class or "consumer", of_tier, decision.levels_of_stage)
    risk = decision.probability
    if decision.what == "episode_opened" and risk is not None:
        passed = [str(one["name"]) for one in levels if float(one["at"]) <= risk]
        if passed[-1:] != [decision.level]:
            yield Finding("wrong_level", f"{passed[-1] if passed else 'none'} at a risk of {risk}", decision.level)


def _of_stage(decision: Decision, policy: Policy, person: Person) -> Iterator[Finding]:
    """What is asked of the stage by whose levels something asks: it was said last before they slipped or lapsed. Of
    whom not all is known, or under another policy than it was said, anything goes."""
    of, loop = decision.levels_of_stage, person.loop
    if of and not policy.risk.get("for_stages"):
        yield Finding("level_stage", "levels go by no stage", f"by those of {of!r}")
    if not policy.risk.get("for_stages") or loop is None or loop.unsure or person.blurred:
        return
    name, stage = loop.levels_of
    known = stage if stage in LEVEL_STAGES else ""
    if name == policy.name and known != of:
        yield Finding("level_stage", f"levels go by those of stage {known or 'none'}", f"by those of {of or 'none'}")


def of_decided(decision: Decision, dialogue: Dialogue, policy: Policy, person: Person) -> Iterator[Finding]:
    """What is asked of a moment's answer; the dialogue takes it in."""
    exempt = exempt_by_standing(policy, person, decision.tier, decision.time)
    if exempt != decision.exempt and not (person.joined or person.blurred):
        yield Finding("control", f"exempt from control: {exempt}", f"decided as if that were {decision.exempt}")
    customer_class = person.customer_class or "consumer"
    if drawn(decision):
        yield from of_decision(policy, decision, dialogue.drawn)
        dialogue.drawn = Rest(decision.time, decision.time + span(policy.choice["window"]))
        levels = policy.levels(customer_class, decision.levels_of, decision.levels_of_stage)
        at = next((float(one["at"]) for one in levels if one["name"] == decision.level), 1.0)
        if dialogue.waits_as in (None, (policy.name, person.customer_class)):
            if dialogue.episode and at <= dialogue.reached:
                yield Finding(
                    "level_once", f"{decision.level} ({at}) asks once an episode", f"{dialogue.reached} has asked"
                )
            dialogue.reached = max(dialogue.reached, at)
        # By account and what they are exempt by, too: whoever changes either may be of another group from then on.
        of = [policy.control[key] for key in ("salt", "share", *EXEMPT)]
        exempt = is_exempt(policy, person, decision.tier, decision.time)
        group = str([*of, person.account or decision.customer, exempt])
        if dialogue.control.setdefault(group, decision.control) != decision.control:
            yield Finding(
                "control", f"who is of the control group of {group} is it for good", f"now {decision.control}"
            )
    if decision.level:
        dialogue.waits_as = None
