"""Whether what two customers are to be offered together makes sense."""

from __future__ import annotations

from typing import Final

from models.decisions.policy.asking_types import Moment
from models.decisions.policy.faults import Faults, twice
from models.decisions.policy.parts import ms_of
from models.decisions.policy.steps import steps_of
from models.decisions.policy.structure import Problem
from models.decisions.policy.types import Action, Policy
from models.decisions.policy.wording import shown
from models.settings import HOUR, SECOND
from models.touchpoints.kinds import Kind

CHAT: Final = Kind.CHAT.type
SHORTEST, LONGEST = 10 * SECOND, HOUR


def faults_of_sharing(policy: Policy) -> Faults:
    """What is wrong with moments of `shared_on` and their actions."""
    for name, moment in policy.moment.items():
        if not moment.shared_on or moment.sort != "touchpoint":
            continue
        key = f"moment.{name}"
        yield from _of_moment(key, moment)
        talk = policy.conversation
        if talk is not None and CHAT in talk.touchpoints:
            takes = f"leave {CHAT} out: no marketing goes out after one, so {key} never comes to anything"
            yield Problem("conversation.touchpoints", shown(talk.touchpoints), takes)
        for plan, steps in policy.plan.items():
            if name in steps.moments:
                takes = f"leave {name} out: what two are offered together has no steps"
                yield Problem(f"plan.{plan}.moments", shown(steps.moments), takes)
        own = {other: action for other, action in policy.action.items() if name in action.moments}
        for other, action in own.items():
            yield from _of_action(f"action.{other}", action, moment)
            yield from _of_presence(policy, action, moment)
        for step in steps_of(policy):
            if step.action in own:
                takes = f"leave it out of action.{step.action}: as the step {step.name} it is one customer's"
                yield Problem(f"action.{step.action}.moments", shown((name,)), takes)


def _of_presence(policy: Policy, action: Action, moment: Moment) -> Faults:
    """Two who talk are online, so that what goes there lives shortly."""
    for channel in dict.fromkeys(action.channels or policy.channel):
        lives = policy.channel[channel].presence_expires if channel in policy.channel else None
        if lives is not None and ms_of(lives) <= ms_of(moment.within):
            takes = f"give more than the moment's within, {moment.within}: what is shared goes out from then on"
            yield Problem(f"channel.{channel}.presence_expires", shown(lives), takes)


def _of_moment(key: str, moment: Moment) -> Faults:
    yield from twice(f"{key}.shared_on", moment.shared_on)
    if moment.touchpoints != (CHAT,):
        takes = f'give touchpoints = ["{CHAT}"]: only a {CHAT} says who talks with whom'
        yield Problem(f"{key}.touchpoints", shown(moment.touchpoints), takes)
    if moment.nth > 1:
        yield Problem(f"{key}.nth", shown(moment.nth), "leave it out: what is shared is asked by one conversation")
    if not SHORTEST <= ms_of(moment.within) <= LONGEST:
        takes = 'give from 10s to 1h, such as "2m": so long the two are asked, and their offer waits'
        yield Problem(f"{key}.within", shown(moment.within), takes)


def _of_action(key: str, action: Action, moment: Moment) -> Faults:
    if action.purpose != "marketing":
        yield Problem(
            f"{key}.purpose", shown(action.purpose), "give marketing: what is due to one waits for nobody else"
        )
    if action.topic is None:
        yield Problem(f"{key}.topic", "", "give the topic of the conversations at which it is offered")
    if len(action.moments) > 1:
        yield Problem(f"{key}.moments", shown(action.moments), "give this moment alone: at others it is one customer's")
    if ms_of(action.expires) <= ms_of(moment.within):
        takes = f"give more than the moment's within, {moment.within}: it goes out from then on"
        yield Problem(f"{key}.expires", shown(action.expires), takes)
    for name in ("reward", "personal_price", "significant", "human"):
        if getattr(action, name):
            yield Problem(f"{key}.{name}", "true", "leave it out: both are offered the same, by a trigger")
