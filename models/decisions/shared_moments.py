"""Two customers who talk with each other are offered the same, at the same time: both, or neither.

Whoever of them has the smaller id proposes, with the offer reserved; the other one's shard reserves or refuses; upon
that the first confirms, and both triggers go out, or cancels. Each shard decides by its own record and policy, each
word is a record to the other's partition, in order and once (`models.timeline.received`), so that each change of a
state below is at a place of one log:

===========  ========================  ==================================================================
where        hears, or comes to        then
===========  ========================  ==================================================================
–            a chat on the topic       propose: *proposed*
–            `proposed`                `reserved`: *reserved*; or `refused`
*proposed*   `reserved`                `confirmed` with the trigger: *sent*; or `cancelled`
*proposed*   `refused`                 over
*proposed*   its end                   `cancelled`: over
–            `reserved`                `cancelled`
*reserved*   `confirmed`               the trigger: *sent*; or `failed`
*reserved*   `cancelled`, or its end   over
–            `confirmed`               `failed`
*sent*       `failed`                  the trigger is taken back: over
*sent*       it is taken back here     `failed`: over
*sent*       it arrived, or expired    over
===========  ========================  ==================================================================

Whoever has nothing of the group answers all the same (`answer`): so an erasure, a merge or a policy that has gone needs
no word of its own while nothing is out.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import structs

from models.decisions.agreement import against_sharing
from models.decisions.contact import hold, release, reserve, withdraw
from models.decisions.gates import Judged
from models.decisions.given import Given, Said, Touched, id_at
from models.decisions.rules import rules_of
from models.decisions.sending import became, send
from models.decisions.sharing import Sharing, Tells, Where, group_of, held_number
from models.decisions.sharing_gates import (
    CONTROL,
    ONE_CUSTOMER,
    OTHER_SIDE,
    SHARES,
    TAKEN_BACK,
    TOO_LATE,
    WENT_OUT,
    Checked,
    checked_for,
    was_of_late,
)
from models.decisions.standing import Stage, Standing, number_of
from models.decisions.waits import (
    LEAVE_ALONE,
    NO_MOMENT,
    is_in_control,
    note_once,
    score_of,
    told_candidates,
    whole_second,
)
from models.settings import HOUR, SECOND
from models.touchpoints.reading import LAST_CONTROL

PROPOSED, RESERVED, REFUSED = "shared_proposed", "shared_reserved", "shared_refused"
ENDED: Final = "shared_ended"
"""What is said of it: `Decision.what`."""
SHARED_MOMENTS: Final = (PROPOSED, RESERVED, REFUSED, ENDED)
LONGEST: Final = HOUR + SECOND
"""So long a proposal can be answered at most, ms."""
PATIENCE: Final = 9
"""So many times as long as a proposal can be answered what is reserved is held after that: its end is on its way."""
_ANSWERS: Final = {"proposed": "refused", "reserved": "cancelled", "confirmed": "failed"}


def answer_to(data: Any) -> Tells | None:
    """What whoever has nothing of the group answers; None: nothing. data: of the record that has arrived."""
    step = _ANSWERS.get(data.step)
    return None if step is None else Tells(data.by, step, data.group)


def propose(given: Given, touch: Touched, name: str) -> list[Said]:
    """Somebody talks with another on a channel of the moment: propose its best action on their topic."""
    data, person, now = touch.data, given.person, given.now
    rules, standing = rules_of(given.policy).moments[name], given.standing
    customer = person.customer
    named = touch.told_at or customer.decode()
    talk = {*data.participants, named}
    if len(talk) != 2 or data.channel not in rules.shared_on or touch.time + rules.within <= now:
        return []
    other = max(talk, key=str.encode)
    if other == named or standing.shared or person.is_test(now):
        return []
    if min(other) <= chr(LAST_CONTROL):
        return []  # nobody's id: a record to it could not be read
    if against_sharing(person, data.channel, now) or was_of_late(given, name):
        return []
    actions = [one for one in rules.actions if given.policy.policy.action[one].topic == data.topic]
    if data.topic is None or not actions:
        return []
    starts = whole_second(now + rules.within)
    checked = [checked_for(given, name, action, starts) for action in actions]
    free = [one for one in checked if not one.gate]
    judged = [one.judged for one in checked]
    said = Said("decided", id_at(given, name), moment=name, candidates=told_candidates(given, judged))
    if not free:
        return [structs.replace(said, action=LEAVE_ALONE, gate=checked[0].gate)]
    of = max(
        free, key=lambda one: (given.policy.policy.action[one.judged.action].priority, score_of(given, one.judged))
    )
    best = of.judged
    said = structs.replace(said, action=best.action, channel=best.channel)
    if is_in_control(given):
        return [structs.replace(said, control=True)]
    group = group_of(customer, other.encode(), best.action, touch.number)
    made = _hold(given, Sharing(
        Where.PROPOSED, int(group, 16), other, number_of(name), number_of(best.action), data.channel, starts, starts,
        held_number(int(group, 16), customer),
    ), best, starts)  # fmt: skip
    tells = Tells(other, "proposed", group, name, best.action, data.channel, now, starts)
    return [*made, structs.replace(said, what=PROPOSED, until=starts, group=group, tells=tells)]


def hears(given: Given, touch: Touched) -> list[Said]:
    """Another shard says something of a shared moment."""
    said: list[Said] = _HEARD[touch.data.step](given, touch.data)
    return said


def rings(given: Given) -> list[Said]:
    """Nobody is waited for any longer."""
    said = list[Said]()
    for one in [one for one in given.standing.shared if one.until and one.until <= given.now]:
        _release(given, one)
        proposed = one.where == Where.PROPOSED
        said.append(_over(given, one, TOO_LATE, "cancelled" if proposed else ""))
    return said


def follow(given: Given) -> list[Said]:
    """Where the trigger of one of the two does not go out, or they agree no longer, that of the other should not go
    out. Asked at the end of a step."""
    said, standing = list[Said](), given.standing
    for one in [one for one in standing.shared if one.where == Where.SENT]:
        stage = _stage(standing, one)
        if stage == Stage.OUT:
            gate = against_sharing(given.person, one.channel, given.now)
            if gate and withdraw(standing, one.trigger, rules_of(given.policy).final):
                standing.shared.remove(one)
                said.append(_withdrawn(given, one, gate, "failed"))
            continue
        standing.shared.remove(one)
        if stage in (Stage.WITHDRAWN, Stage.GIVEN_BACK):
            said.append(_over(given, one, TAKEN_BACK, "failed"))
    return said


def erased(standing: Standing) -> list[Said]:
    """The customer asked to be forgotten: whose trigger is out with theirs is told. What was proposed or reserved is
    answered as by somebody who knows nothing of it."""
    out = [one for one in standing.shared if one.where == Where.SENT]
    return [Said("", tells=Tells(one.other, "failed", f"{one.group:032x}")) for one in out]


def drop(standing: Standing, until: int | None = None) -> None:
    """Nothing is proposed or reserved any more, and who asks later is answered so: the id is another customer's, or
    (until: log time, ms) what was due by then could not be done. What it had taken of budgets stays taken."""
    for one in list(standing.shared):
        if one.where != Where.SENT and (until is None or one.until <= until):
            release(standing, one.trigger)
            standing.shared.remove(one)


# -- what is heard


def _proposed(given: Given, data: Any) -> list[Said]:
    gate, checked = _against_proposal(given, data)
    said = Said(
        REFUSED,
        id_at(given, data.moment or ""),
        moment=data.moment or "",
        action=data.action or "",
        gate=gate,
        group=data.group,
        tells=Tells(data.by, "refused", data.group),
    )
    if checked is None:
        return [said]
    group, length, customer = int(data.group, 16), data.expires - data.asked, given.person.customer
    until = whole_second(max(given.now, data.expires) + PATIENCE * length)
    shared = Sharing(
        Where.RESERVED, group, data.by, number_of(data.moment), number_of(data.action), data.channel, until,
        whole_second(data.expires), held_number(group, customer),
    )  # fmt: skip
    made = _hold(given, shared, checked.judged, until)
    tells = Tells(data.by, "reserved", data.group)
    return [*made, structs.replace(said, what=RESERVED, channel=checked.judged.channel, until=until, tells=tells)]


def _against_proposal(given: Given, data: Any) -> tuple[str, Checked | None]:
    """Why what another customer's shard proposes is refused; else how it would be done."""
    rules, now = rules_of(given.policy).moments.get(data.moment or ""), given.now
    length = data.expires - data.asked
    if given.history or now >= data.expires or not 0 < length <= LONGEST or data.expires > now + length + SECOND:
        return TOO_LATE, None
    if data.by == given.person.customer.decode():
        return ONE_CUSTOMER, None
    if rules is None or data.channel not in rules.shared_on or data.action not in rules.actions:
        return NO_MOMENT, None
    if given.standing.shared:
        return SHARES, None
    checked = checked_for(given, data.moment, data.action, data.expires, data.channel)
    if not checked.gate and is_in_control(given):
        return CONTROL, None
    return checked.gate, None if checked.gate else checked


def _reserved(given: Given, data: Any) -> list[Said]:
    one = _found(given, data, Where.PROPOSED)
    return [_nothing_of_it(data)] if one is None else _sent(given, one, "confirmed", "cancelled")


def _confirmed(given: Given, data: Any) -> list[Said]:
    one = _found(given, data, Where.RESERVED)
    return [_nothing_of_it(data)] if one is None else _sent(given, one, "", "failed")


def _ends(where: Where) -> Any:
    def heard(given: Given, data: Any) -> list[Said]:
        one = _found(given, data, where)
        if one is None:
            return []
        _release(given, one)
        return [_over(given, one, OTHER_SIDE)]

    return heard


def _failed(given: Given, data: Any) -> list[Said]:
    """The other one's trigger does not go out, or was taken back: so is this one, if it still can be."""
    said, standing = list[Said](), given.standing
    for one in [one for one in standing.shared if f"{one.group:032x}" == data.group and one.where == Where.SENT]:
        standing.shared.remove(one)
        if withdraw(standing, one.trigger, rules_of(given.policy).final):
            said.append(_withdrawn(given, one, OTHER_SIDE))
        elif _stage(standing, one) not in (Stage.WITHDRAWN, Stage.GIVEN_BACK):
            said.append(_over(given, one, WENT_OUT))
    return said


_HEARD: Final = {
    "proposed": _proposed,
    "reserved": _reserved,
    "refused": _ends(Where.PROPOSED),
    "confirmed": _confirmed,
    "cancelled": _ends(Where.RESERVED),
    "failed": _failed,
}


def _found(given: Given, data: Any, where: Where) -> Sharing | None:
    same = (one for one in given.standing.shared if one.where == where and f"{one.group:032x}" == data.group)
    return next(same, None)


def _nothing_of_it(data: Any) -> Said:
    return Said("", tells=answer_to(data))


def _sent(given: Given, one: Sharing, then: str, otherwise: str) -> list[Said]:
    """All gates are judged anew, without what was reserved; then the trigger goes out, or the moment is over."""
    _release(given, one)
    name, action = given.policy.named.get(one.moment, ""), given.policy.named.get(one.action, "")
    rules = rules_of(given.policy).moments.get(name)
    if rules is None or one.channel not in rules.shared_on or action not in rules.actions:
        return [_over(given, one, NO_MOMENT, otherwise)]
    checked = checked_for(given, name, action, one.starts, one.channel)
    gate = checked.gate or (CONTROL if is_in_control(given) else "")
    if gate:
        return [_over(given, one, gate, otherwise)]
    made, group = list[Said](), f"{one.group:032x}"
    said = Said("decided", id_at(given, name), moment=name, action=action, channel=checked.judged.channel, group=group)
    said = structs.replace(said, candidates=told_candidates(given, [checked.judged], {action: 0}))
    note_once(given, name)
    said = send(given, said, checked.hour, 0.0, made)
    if said.sending is not None:
        said = structs.replace(said, sending=structs.replace(said.sending, not_before=one.starts))
    trigger = int(said.trigger, 16)
    given.standing.shared.append(one._replace(where=int(Where.SENT), until=0, trigger=trigger))
    return [*made, structs.replace(said, tells=_word(one, then))]


# -- parts


def _hold(given: Given, shared: Sharing, judged: Judged, until: int) -> list[Said]:
    """Reserve what its trigger will take, so that nothing else does meanwhile."""
    rules, standing, now = rules_of(given.policy), given.standing, given.now
    action = rules.actions[judged.action]
    spent = given.shared.purse.reserve(rules, action, now) if given.shared is not None else ()
    valid, open_episode = until + action.valid if action.promotion else 0, standing.reached > 0.0
    of = (judged.action, judged.channel, shared.trigger, now, until, valid, open_episode, spent)
    settled = reserve(standing, given.policy, *of)
    hold(standing)
    standing.shared.append(shared)
    return [became(given, one) for one in settled]


def _release(given: Given, one: Sharing) -> None:
    spent = release(given.standing, one.trigger)
    if spent and given.shared is not None:
        given.shared.purse.give_back(spent)
    given.standing.shared.remove(one)


def _over(given: Given, one: Sharing, gate: str, step: str = "") -> Said:
    """Nothing comes of it, or no more. step: what the other one's shard is told; empty: it knows."""
    name, action = given.policy.named.get(one.moment, ""), given.policy.named.get(one.action, "")
    trigger = f"{one.trigger:032x}" if one.where == Where.SENT else ""
    said = Said(ENDED, id_at(given, name), moment=name, action=action, gate=gate, trigger=trigger)
    return structs.replace(said, group=f"{one.group:032x}", tells=_word(one, step))


def _withdrawn(given: Given, one: Sharing, reason: str, step: str = "") -> Said:
    """The trigger is taken back; the same."""
    action, trigger = given.policy.named.get(one.action, ""), f"{one.trigger:032x}"
    said = Said("withdrawn", reason=reason, action=action, trigger=trigger, withdraws=True)
    return structs.replace(said, group=f"{one.group:032x}", tells=_word(one, step))


def _word(one: Sharing, step: str) -> Tells | None:
    return Tells(one.other, step, f"{one.group:032x}") if step else None


def _stage(standing: Standing, one: Sharing) -> int | None:
    return next((out.stage for out in standing.outstanding if out.id == one.trigger), None)
