"""What is held about a customer, in sentences: what they told or did, and nothing that was inferred from it.

What is inferred (risk, value, sentiment, stage and index of loyalty) is in the export, which says from what; here it
would be a surprise without its reasons.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from models.customer.consent import EVERY, MARKETING, Answer, answer, unpack_register
from models.customer.contract import unpack_contract
from models.customer.interests import unpack_interests
from models.customer.layout import RETURNED, SPENT
from models.customer.restrictions import ON_REQUEST, unpack_restrictions
from models.customer.tail import NOT_STATED
from models.decisions.policy.parts import KINDS
from models.decisions.policy.types import Policy
from models.decisions.rewards import code_of, next_reward, within_reach
from models.decisions.standing import OTHERS, Outstanding
from models.decisions.standing_stored import unpack_standing
from models.decisions.words import kind_told
from models.decisions.zones import zone_of
from models.loyalty.loop import unpack_loop
from models.loyalty.membership_stored import unpack_membership
from models.loyalty.stored import unpack_account
from models.outputs.membership_entry import HUNDREDTHS
from models.settings import SECOND
from streams.operations.customer.membership import is_above_paid, membership_view
from streams.operations.customer.portrait import profile_view
from streams.operations.why.phrases import language_of
from streams.own_page.catalogue import Catalogue
from streams.own_page.reading import Known


class Times:
    """Times as the customer reads them, by the clocks of a zone; UTC where it is none."""

    def __init__(self, say: Catalogue, time_zone: str) -> None:
        self._say, self.zone = say, zone_of(time_zone) or UTC
        self._months = say("months").split(",")

    def day(self, ms: float) -> str:
        return self._day(self._at(ms))

    def moment(self, ms: float) -> str:
        at = self._at(ms)
        return self._say("moment", day=self._day(at), time=f"{at:%H:%M}")

    def zone_told(self) -> str:
        return str(self.zone)

    def _at(self, ms: float) -> datetime:
        return datetime.fromtimestamp(ms / 1000, UTC).astimezone(self.zone)

    def _day(self, at: datetime) -> str:
        return self._say("day", day=at.day, month=self._months[at.month - 1].strip(), year=at.year)


class Switch(NamedTuple):
    """Something that can be on or off. state: `on`, `off` or `unsaid`. words: what was said of it, and when."""

    name: str
    label: str
    state: str
    words: str


def facts(known: Known, say: Catalogue, times: Times) -> Iterator[str]:
    """Sentences. Of who is not known there are none."""
    record, tail = known.record, known.tail
    if record is None:
        return
    profile = profile_view("", 0, record, None)
    did = profile["behaviour"]
    if did["first_touch"]:
        yield say("known_since", day=_day(times, did["first_touch"]))
    days = did["purchase_days"]
    if days == 1:
        yield say("bought_once", day=_day(times, did["last_purchase"]))
    elif days > 1:
        every = max(1, round(did["days_between_purchases"] or 1))
        last, first = _day(times, did["last_purchase"]), _day(times, did["first_purchase"])
        yield say("bought_often", days=days, first=first, every=every, last=last)
    if record.numbers[SPENT]:
        returned = say("returned", money=f"{record.numbers[RETURNED]:.2f}") if record.numbers[RETURNED] else ""
        yield say("spent", money=f"{record.numbers[SPENT]:.2f}", returned=returned)
    if did["rating"] is not None:
        yield say("rated", rating=f"{did['rating']:.1f}")
    if (loop := unpack_loop(tail.loyalty)).praised:
        yield say("praised", many=loop.praised, day=times.day(loop.spoke))
    if tail.cases:
        opened = times.day(min(tail.cases.values()))
        yield say("open_cases", many=len(tail.cases) + tail.more_cases, day=opened)
    if tail.programme:
        yield say("programme", name=say.named("programme", tail.programme))
    if tail.contract:
        yield from _contract(tail.contract, say, times)
    if looked := unpack_interests(tail.interests)[1]:
        best = sorted(looked, key=lambda one: (-looked[one], one))
        yield say("looked_at", what=", ".join(say.named("topic", one) for one in best))
    about = (("language", tail.language), ("country", tail.country), ("zone", tail.time_zone))
    yield from (say(f"your_{name}", what=what) for name, what in about if what)
    if tail.account:
        yield say("your_account", name=tail.account, role=tail.role or "–")
    if tail.rewards:
        yield say("your_rewards", what=", ".join(say.named("reward", one) for one in tail.rewards))


def _contract(stored: bytes, say: Catalogue, times: Times) -> Iterator[str]:
    contract = unpack_contract(stored)
    renews = say("renews", day=times.day(contract.renews_at)) if contract.renews_at else ""
    yield say("contract", plan=contract.plan or "–", state=say(f"contract_{contract.state}"), renews=renews)


def points(known: Known, say: Catalogue, times: Times) -> tuple[str, list[str]] | None:
    """How many points they can spend, and what becomes of them, in sentences; None: there is no account."""
    if not known.tail.points:
        return None
    account = unpack_account(known.tail.points)
    told = []
    if account.pending:
        told.append(say("points_pending", points=_whole(account.pending, say)))
    if (expiry := account.next_expiry) > known.time:
        told.append(say("points_expire", points=_whole(account.lots[expiry], say), day=times.day(expiry)))
    if account.owed:
        told.append(say("points_owed", points=_whole(account.owed, say)))
    if known.policy is not None and known.policy.policy.reward:
        told += _rewards(known.policy.policy, account.balance, known.tail.rewards, say)
    return _whole(account.balance, say), told


def _rewards(policy: Policy, balance: int, liked: Sequence[str], say: Catalogue) -> Iterator[str]:
    """What they can have for their points, what they like first, and what comes next."""

    def called(name: str) -> str:
        return say.named("reward", code_of(name, policy.reward[name]))

    if found := within_reach(policy, balance, liked):
        yield say("rewards_in_reach", what=", ".join(map(called, found)))
    if (name := next_reward(policy, balance)) is not None:
        missing = _whole(policy.reward[name].points - balance, say)
        yield say("reward_next", what=called(name), points=missing)


def membership(known: Known, say: Catalogue, times: Times) -> tuple[str, list[str]] | None:
    """Their level of the loyalty programme, and what comes next, in sentences; None: there is neither a level nor
    anything that counts."""
    view = None if known.record is None else membership_view(known.record, known.policy, known.time)
    if view is None or known.record is None:
        return None
    state, told = unpack_membership(known.tail.membership), []
    if view["paid"]:
        told.append(say("level_paid", name=say.named("paid", view["paid"])))
    if state.until > known.time and is_above_paid(known.record, known.policy, known.time):
        told.append(say("level_lost", day=times.day(state.until)))
    if view.get("to_next") and view["level"] == view["earned"]:  # else what is paid for is as much at least
        told.append(say("level_next", level=say.named("level", view["next_level"])))
        told.append(_left(view["to_next"], state.counts, say))
    level = view["level"]
    return (say.named("level", level) if level else say("level_none")), told


def _left(amount: float, counts: str, say: Catalogue) -> str:
    """How much is missing for the next level."""
    if counts == HUNDREDTHS:
        return say("level_by_money", money=f"{amount:.2f}")
    whole = _whole(round(amount), say)
    return say("level_by_points", points=whole) if counts == "points" else say("level_by_purchases", many=whole)


def _whole(number: int, say: Catalogue) -> str:
    return f"{number:,}".replace(",", say("thousands"))


def channels(known: Known, say: Catalogue, times: Times) -> list[Switch]:
    """How we may reach them with advertising."""
    register = unpack_register(known.tail.consents)
    found = []
    for name in known.options.channels:
        said = register.get((MARKETING, name)) or register.get((MARKETING, EVERY))
        answered = answer(register, MARKETING, name, known.time)
        state = (
            "on" if answered is Answer.GRANTED else "off" if answered in (Answer.REFUSED, Answer.EXPIRED) else "unsaid"
        )
        words = say(f"channel_{state}", day=times.day(said.time)) if said is not None else say("channel_unsaid", day="")
        found.append(Switch(name, say.named("channel", name), state, words))
    return found


def purposes(known: Known, say: Catalogue) -> list[Switch]:
    """What we may do beside writing to them."""
    register = unpack_register(known.tail.consents)
    found = []
    for name in known.options.purposes:
        said = register.get((name, EVERY))
        state = "unsaid" if said is None else "on" if said.granted else "off"
        found.append(Switch(name, say(f"purpose_{name}"), state, say(f"purpose_{name}_words")))
    return found


def all_off(known: Known) -> bool:
    """Whether they want no advertising at all."""
    general = unpack_register(known.tail.consents).get((MARKETING, EVERY))
    return general is not None and not general.granted


def sent(known: Known, say: Catalogue, times: Times) -> list[tuple[str, str]]:
    """What was sent of late, the newest first: the trigger's id, and what it was."""
    standing = unpack_standing(known.tail.standing)
    ours = [one for one in standing.outstanding if one.kind != OTHERS]
    return [(f"{one.id:032x}", _sent(one, known, say, times)) for one in sorted(ours, key=lambda one: -one.time)]


def _sent(one: Outstanding, known: Known, say: Catalogue, times: Times) -> str:
    named = {} if known.policy is None else known.policy.channel_named
    kind = KINDS[one.kind]
    what = say.texts.get(f"kind.{kind}") or kind_told(kind, language_of(say.language))
    channel = say.named("channel", named[one.channel]) if one.channel in named else "–"
    return say("sent", what=what, channel=channel, day=times.day(one.time))


def restricted_since(known: Known) -> int:
    """Since when nothing is used, as they asked, ms; 0: it is."""
    said = unpack_restrictions(known.tail.restrictions).get(ON_REQUEST)
    return 0 if said is None or said.over(known.time) else said.time


def most_a_week(known: Known) -> int | None:
    """None: they have not said."""
    return None if known.tail.max_per_week == NOT_STATED else known.tail.max_per_week


def _day(times: Times, stated: str) -> str:
    return times.day(datetime.fromisoformat(stated).timestamp() * SECOND)
