"""The protocol by which two are offered the same, explored with the decisions as they are: every order in which records
are sent, sent again after a crash and read, in which time passes at either shard, and in which either customer
disagrees, is erased, becomes another's, hears of others or has the message, of every few of these."""

from __future__ import annotations

from itertools import combinations
from typing import Any, NamedTuple

import pytest

from models.customer.consent import CONVERSATION, EVERY, Statement, pack_register
from models.customer.consent import MARKETING as TO_MARKET
from models.customer.layout import ERASED
from models.customer.tail import Tail
from models.decisions.given import Asks, Given, Said, Touched
from models.decisions.moments import decide, take_all_back
from models.decisions.person import Person
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.shared_moments import answer_to, drop, erased
from models.decisions.sharing import Sharing, Tells, Where, pack_sharing, unpack_sharing
from models.decisions.standing import Stage, Standing
from models.decisions.standing_stored import pack_standing, unpack_standing
from models.settings import DAY, HOUR, MINUTE
from models.timeline.received import received
from models.touchpoints.kinds import Kind
from models.touchpoints.types.campaign import CampaignReceivedData, OfferData
from models.touchpoints.types.conversation import ChatData
from models.touchpoints.types.preferences import ConsentChangedData
from models.touchpoints.types.shared_moments import SharedMomentData
from tests.support.families import slow_but
from tests.support.two_ids import NOON
from tests.support.two_who_talk import SHARED

NAMES = (b"anna", b"bert")
POLICY = PolicyInForce.of(1, SHARED)
TIMES = (NOON, NOON + 6 * MINUTE, NOON + HOUR, NOON + 7 * HOUR)
"""Before the proposal's end, behind it, behind what is reserved, behind what is out."""
HAPPENS = ("disagrees", "erased", "merged", "others", "delivered", "not_sent")
MOST_AGAIN = 1


class Side(NamedTuple):
    """A customer: how we stand with them, what they have become, how far their shard's time is, what was done."""

    stored: bytes = b""
    agrees: bool = True
    erased: bool = False
    time: int = 0
    did: frozenset[str] = frozenset()
    trigger: str = ""


class State(NamedTuple):
    """sides: both. outbox, log: by the one to whom it goes, what may be sent again, and what is not read; each item its
    count and the word. counts, had: how many were made, and read. again: of those sent anew. to_come: what may happen
    yet, by side."""

    sides: tuple[Side, Side]
    outbox: tuple[tuple[tuple[int, Tells], ...], ...] = ((), ())
    log: tuple[tuple[tuple[int, Tells], ...], ...] = ((), ())
    counts: tuple[int, int] = (0, 0)
    had: tuple[int, int] = (0, 0)
    again: int = MOST_AGAIN
    to_come: tuple[tuple[int, str], ...] = ()


def person(of: int, side: Side) -> Person:
    yes = Statement(True, NOON - DAY)
    said = {(TO_MARKET, "email"): yes, (CONVERSATION, EVERY): Statement(side.agrees, NOON - DAY)}
    tail = Tail() if side.erased else Tail(consents=pack_register(said))
    return Person(NAMES[of], tail, ERASED if side.erased else 0)


def at(of: int, side: Side, now: int, touch: Touched | None) -> tuple[Side, list[Tells]]:
    """A step of the real decisions."""
    standing = unpack_standing(side.stored)
    why = int(Asks.TIMER if touch is None else Asks.TOUCHPOINT)
    return told(side, standing, decide(Given(POLICY, person(of, side), standing, now, DAY, 0, None, why, touch)))


def told(side: Side, standing: Standing, said: list[Said]) -> tuple[Side, list[Tells]]:
    did, trigger = set(side.did), side.trigger
    for one in said:
        if one.sending is not None:
            assert not trigger, "a second trigger"
            trigger = one.trigger
        elif one.what == "delivered" and any(fact.startswith("withdrawn") for fact in did):
            pass  # what is taken back, and of which nothing is said, counts as delivered at its expiry
        elif one.what and (one.group or one.trigger == trigger):
            did.add(f"{one.what} {one.gate or one.reason}".strip())
    kept = side._replace(stored=pack_standing(standing), did=frozenset(did), trigger=trigger)
    return kept, [one.tells for one in said if one.tells is not None]


def touched(kind: Kind, now: int, data: Any, moments: tuple[str, ...] = ()) -> Touched:
    return Touched(int(kind), f"{kind.type}-{now}", now, data, moments, 7)


def happens(of: int, side: Side, what: str) -> tuple[Side, list[Tells]] | None:
    """What a customer does, or has done to them; None: there is no sense in it yet."""
    now = TIMES[side.time]
    if side.erased:
        return None
    if what == "disagrees":
        data = ConsentChangedData(purpose="conversation", marketing=False)
        return at(of, side._replace(agrees=False), now, touched(Kind.CONSENT_CHANGED, now, data))
    if what == "erased":
        standing = unpack_standing(side.stored)
        said = [*take_all_back(standing, POLICY, "erased"), *erased(standing)]
        found, tells = told(side._replace(erased=True), Standing(), said)
        return found, tells
    if what == "merged":
        standing = unpack_standing(side.stored)
        drop(standing)
        return side._replace(stored=pack_standing(standing), did=side.did | {"merged"}), []
    if what == "others":
        return at(of, side, now, touched(Kind.CAMPAIGN_RECEIVED, now, CampaignReceivedData(campaign_id="x")))
    if not side.trigger:
        return None
    if what == "delivered":
        data = OfferData(trigger_id=side.trigger)
        return at(of, side, now, touched(Kind.OFFER_DELIVERED, now, data))
    return at(of, side, now, touched(Kind.OFFER_WITHDRAWN, now, OfferData(trigger_id=side.trigger)))


def passes(of: int, side: Side) -> tuple[Side, list[Tells]]:
    """Time passes at a shard: what is due on the way is looked at."""
    until, tells = TIMES[side.time + 1], list[Tells]()
    while (due := unpack_standing(side.stored).next_timer()) and due <= until:
        side, more = at(of, side, due, None)
        tells += more
    return side._replace(time=side.time + 1), tells


def reads(of: int, side: Side, count: int, said: Tells) -> tuple[Side, list[Tells]]:
    """A record of the other shard is read."""
    data = SharedMomentData(
        sender=1 - of, line=1, count=count, path=(NAMES[1 - of].decode(),), by=NAMES[1 - of].decode(), step=said.step,
        group=said.group, moment=said.moment or None, action=said.action or None, channel=said.channel or None,
        asked=said.asked, expires=said.expires,
    )  # fmt: skip
    side = side._replace(did=side.did | {f"heard {said.step}"})
    if side.erased:
        found = answer_to(data)
        return side, [] if found is None else [found]
    now = TIMES[side.time]
    side, tells = at(of, side, now, Touched(int(Kind.SHARED_MOMENT), f"{said.step}-{count}", now, data, (), 0))
    out = unpack_standing(side.stored).outstanding
    assert said.step != "failed" or not any(f"{one.id:032x}" == side.trigger and one.stage == Stage.OUT for one in out)
    return side, tells


def after(state: State, of: int, side: Side, tells: list[Tells]) -> State:
    """A shard has committed."""
    sides, outbox, counts = list(state.sides), list(state.outbox), list(state.counts)
    sides[of] = side
    for one in tells:
        assert one.to.encode() == NAMES[1 - of]
        counts[of] += 1
        outbox[1 - of] = (*outbox[1 - of], (counts[of], one))
    return state._replace(sides=(sides[0], sides[1]), outbox=tuple(outbox), counts=(counts[0], counts[1]))


def with_log(state: State, to: int, log: tuple[tuple[int, Tells], ...]) -> State:
    return state._replace(log=(log, state.log[1]) if to == 0 else (state.log[0], log))


def following(state: State) -> list[State]:
    """All that may happen next."""
    found = []
    for of in (0, 1):
        side = state.sides[of]
        if side.time + 1 < len(TIMES):
            found.append(after(state, of, *passes(of, side)))
        if state.log[of]:
            (count, said), rest = state.log[of][0], state.log[of][1:]
            one = with_log(state, of, rest)
            head = SharedMomentData(
                sender=1 - of, line=1, count=count, path=("x",), by="x", step="failed", group="0" * 32
            )
            came = received({1 - of: {1: state.had[of]}}, [(0, head)], 2, lambda moved: None)
            if not came.again:
                one = one._replace(had=(count, one.had[1]) if of == 0 else (one.had[0], count))
                one = after(one, of, *reads(of, side, count, said))
            found.append(one)
        if state.outbox[of]:
            item = state.outbox[of][0]
            sent = with_log(state, of, (*state.log[of], item))
            outbox = list(state.outbox)
            outbox[of] = outbox[of][1:]
            found.append(sent._replace(outbox=tuple(outbox)))
            if state.again:  # it dies between sending and trimming
                found.append(sent._replace(again=state.again - 1))
    for item in state.to_come:
        of, what = item
        left = tuple(one for one in state.to_come if one != item)
        if (came := happens(of, state.sides[of], what)) is not None:
            found.append(after(state._replace(to_come=left), of, *came))
    return found


def explored(to_come: tuple[tuple[int, str], ...], again: int = MOST_AGAIN) -> list[State]:
    """Go through all states; the ends."""
    start = State((Side(), Side()), to_come=to_come, again=again)
    chat = ChatData(participants=("anna", "bert"), channel="app", topic="espresso")
    start = after(start, 0, *at(0, start.sides[0], NOON, touched(Kind.CHAT, NOON, chat, ("talk",))))
    seen, todo, ends = {start}, [start], list[State]()
    while todo:
        state = todo.pop()
        nexts = following(state)
        if not nexts:
            ends.append(state)
        for one in nexts:
            if one not in seen:
                seen.add(one)
                todo.append(one)
    return ends


GONE = {"withdrawn", "given_back"}


def keeps(side: Side) -> bool:
    """Whether the offer is the customer's in the end."""
    return bool(side.trigger) and not any(one.split()[0] in GONE for one in side.did)


def check(end: State) -> None:
    """Both have it, or neither; or it had arrived at the one before it was known that the other does not get it."""
    for side in end.sides:
        standing = unpack_standing(side.stored)
        assert not standing.shared, end
        assert not [one for one in standing.outstanding if one.stage in (Stage.HELD, Stage.OUT)], end
        begun = side.did & {"shared_proposed", "shared_reserved"}
        over = side.trigger or side.erased or side.did & {"merged"}
        assert not begun or over or any(one.startswith("shared_ended") for one in side.did), end
    if keeps(end.sides[0]) != keeps(end.sides[1]):
        kept, lost = sorted(end.sides, key=keeps, reverse=True)
        assert "delivered" in kept.did, end
        assert "heard failed" in kept.did or "delivered" in lost.did, end


ONE_EACH = [((of, what),) for of in (0, 1) for what in HAPPENS]
TWO = list(combinations([one for (one,) in ONE_EACH], 2))


def test_nothing_happens_but_time_and_crashes() -> None:
    ends = explored(())
    for end in ends:
        check(end)
    assert {(keeps(end.sides[0]), keeps(end.sides[1])) for end in ends} == {(True, True), (False, False), (True, False)}


@pytest.mark.parametrize("to_come", slow_but(ONE_EACH, ONE_EACH[::3]), ids=str)
def test_one_thing_happens_at_any_time(to_come: tuple[tuple[int, str], ...]) -> None:
    for end in explored(to_come):
        check(end)


@pytest.mark.parametrize("to_come", slow_but(TWO, TWO[::8]), ids=str)
def test_two_things_happen_at_any_time(to_come: tuple[tuple[int, str], ...]) -> None:
    for end in explored(to_come, again=0):
        check(end)


def test_what_is_stored_is_read_as_it_was() -> None:
    one = Sharing(int(Where.SENT), 2**127 + 5, "bért", 77, 2**32 - 1, "app", NOON, NOON + 1000, 3)
    other = one._replace(other="x" * 128, channel="é" * 32, until=0, trigger=2**128 - 1)
    assert unpack_sharing(pack_sharing([one, other])) == [one, other]
    standing = Standing(shared=[one])
    assert unpack_standing(pack_standing(standing)).shared == [one]
    assert unpack_standing(pack_standing(Standing())).shared == []
