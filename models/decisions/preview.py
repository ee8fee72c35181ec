"""An action, decided as for one customer and sent to a test customer. Of the one nothing changes."""

from __future__ import annotations

from typing import Final

from msgspec import structs

from models.decisions.ask import Ask, Held
from models.decisions.gate_table import STOPPED
from models.decisions.gates import judge
from models.decisions.given import Given, Said, id_at
from models.decisions.sending import as_sent
from models.decisions.waits import HOURS, NEVER_OPEN, NO_ACTION, is_in_control, opening_of, told_candidates

PREVIEWED: Final = "previewed"
"""What is said of it: `Decision.what`."""


def preview(given: Given) -> list[Said]:
    """What an action comes to as for this customer. What ends by itself (an hour, a cap, a rest) is passed where that
    is asked; what does not is not. Reads `given.standing` and changes nothing."""
    touch = given.touch
    if touch is None:
        return []
    data = touch.data
    reason = f"to {data.to}" + (f", asked by {data.by}" if data.by else "")
    control = is_in_control(given)
    said = Said(PREVIEWED, id_at(given, PREVIEWED), reason, action=data.action, control=control, test=True)
    ask = _asked(given, data.action)
    if ask is None:
        return [structs.replace(said, gate=NO_ACTION)]
    judged = judge(ask, data.action)
    said = structs.replace(said, moment=ask.moment, level=ask.level, channel=judged.channel)
    hour, held = opening_of(ask, judged), list(judged.held)
    if hour is None or hour.at > given.now:
        held.append(Held(NEVER_OPEN) if hour is None else Held(HOURS, hour.at))
    stands = [one for one in held if one.code == STOPPED or not (data.at_once and one.until)]
    said = structs.replace(said, candidates=told_candidates(given, [judged], None if held else {data.action: 0}))
    if stands:
        until = max(one.until for one in stands) if all(one.until for one in stands) else 0
        return [structs.replace(said, gate=stands[0].code, until=until)]
    return [structs.replace(said, trigger=said.id, sending=as_sent(given, said, hour), to=data.to)]


def _asked(given: Given, action: str) -> Ask | None:
    """As if the first moment of the action asked, at its highest level. None: the policy has no such action."""
    ask = Ask(given.policy, given.person, given.standing, given.now, "", given.now, "", given.shared, given.stops)
    if action not in ask.rules.actions:
        return None
    ask.moment = next((name for name, one in ask.rules.moments.items() if action in one.actions), "")
    if not ask.moment:
        return None
    if ask.rules.moments[ask.moment].risk:
        levels = [level.name for level in given.levels]
        may = ask.rules.actions[action].levels
        ask.level = next((name for name in reversed(levels) if not may or name in may), levels[-1])
    return ask
