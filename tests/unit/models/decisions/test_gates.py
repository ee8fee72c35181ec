"""The table of gates: what each stops, for which purposes, and until when."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest

from models.customer.consent import MARKETING, Statement, pack_register
from models.customer.contract import Contract, pack_contract
from models.customer.layout import ERASED
from models.customer.restrictions import ACTION_PURPOSES, Restriction, pack_restrictions
from models.customer.tail import Tail
from models.decisions.ask import Ask, Common, Held
from models.decisions.gate_table import TABLE
from models.decisions.gates import (
    CODES,
    SENTENCES,
    judge,
)
from models.decisions.person import Person
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.purse import Purse
from models.decisions.running import Running
from models.decisions.standing import Outstanding, Stage, Standing, channel_number, number_of
from models.settings import DAY, HOUR, WEEK
from models.timeline.stop_types import Stop

NOW = 1_791_000_000_000  # a Saturday in October 2026, 05:20 in Berlin
GRANTED = pack_register({(MARKETING, channel): Statement(True, NOW - DAY) for channel in ("email", "push")})
REFUSED = pack_register({(MARKETING, ""): Statement(False, NOW - DAY)})
ALL = ("legal", "contract", "care", "marketing")
HEAD = """
format = 1
zone = "Europe/Berlin"
{contact}
[risk]
exit = 0.4
levels = [{{ name = "slipping", at = 0.5 }}, {{ name = "leaving", at = 0.8 }}]
[channel.email]
[channel.push]
presence = true
[channel.call]
[moment.risk]
sort = "risk"
[moment.asked]
sort = "touchpoint"
touchpoints = ["complaint"]
within = "2d"
[moment.sold]
sort = "touchpoint"
touchpoints = ["visit"]
"""
ACTION = """
[action.{name}]
purpose = "{purpose}"
kind = "{kind}"
moments = {moments}
channels = ["email", "push"]
content = "text"
{keys}
"""
KINDS = {"legal": "service", "contract": "service", "care": "care", "marketing": "offer"}


def policy(keys: str = "", sold: str = "", contact: str = "", top: str = "") -> PolicyInForce:
    """An action for each purpose. keys: of all of them; sold: of the marketing one alone."""
    text = HEAD.format(contact=contact)
    for purpose in ALL:
        mine = sold if purpose == "marketing" else ""
        moments = '["risk", "asked", "sold"]' if purpose == "marketing" else '["asked"]'
        text += ACTION.format(name=purpose, purpose=purpose, kind=KINDS[purpose], moments=moments, keys=keys + mine)
    return PolicyInForce.of(1, text + top)


PLAIN = policy()


def tail(**known: Any) -> Tail:
    return Tail(**{"consents": GRANTED, "country": "DE", "language": "de", **known})


def out(purpose: str, time: int, stage: Stage = Stage.DELIVERED, until: int = 0, expires: int = 0) -> Outstanding:
    number = ACTION_PURPOSES.index(purpose)
    return Outstanding(1, time, expires or time, until, channel_number("email"), number_of("x"), 3, number, stage)


class World(NamedTuple):
    policy: PolicyInForce = PLAIN
    tail: Tail = tail()
    standing: Standing = Standing()
    flags: int = 0
    now: int = NOW
    moment: str = "asked"
    level: str = ""
    last_purchase: int = 0
    shared: Common | None = None
    stops: tuple[Stop, ...] = ()
    value: float | None = None
    risk: float | None = None

    def ask(self) -> Ask:
        known = (self.last_purchase, 3, 100.0, self.risk, NOW - WEEK)
        person = Person(b"c", self.tail, self.flags, *known, value=self.value)
        return Ask(self.policy, person, self.standing, self.now, self.moment, NOW, self.level, self.shared, self.stops)

    def held(self) -> Mapping[str, tuple[Held, ...]]:
        """By purpose."""
        return {purpose: judge(self.ask(), purpose).held for purpose in ALL}


def restricted(*purposes: str) -> Tail:
    return tail(restrictions=pack_restrictions({"dispute": Restriction(frozenset(purposes), NOW, 0)}))


ASKED_OF_ALL = """
[[basis]]
purpose = "contract"
needs = "consent"
[[basis]]
purpose = "care"
needs = "consent"
"""
WORTH = """
[value]
margin = 0.3
spend_at_most = 0.5
"""
NEVER = """
[contact]
hours = [
  { channels = ["email", "push"], spans = [{ start = "09:00", end = "10:00" }] },
  { countries = ["DE"], spans = [{ start = "11:00", end = "12:00" }] },
]
"""
CAPPED = """
[contact]
caps = [{ most = 1, within = "7d" }, { most = 2, within = "7d", purpose = "care" }]
"""
AD_FREE = '[ad_free]\nplans = ["plus"]\nprogrammes = ["quiet"]'
PLUS = pack_contract(Contract(plan="plus"))
CANCELS = pack_contract(Contract(cancelling=NOW - HOUR))
FREEZE = """
[[freeze]]
from = 2026-10-03T00:00:00
until = 2026-10-04T00:00:00
spread = "0s"
{}
{}
"""
FEW = '[budget.few]\ncounts = "contacts"\nmost = 3\nper = "day"\n'
HOLDING = '[plan.dunning]\nmoments = ["asked"]\nholds = true\nsteps = [{ action = "contract" }]'
EVERYTHING = policy(
    sold="""
mode = "off"
rollout = 0.5
from = 2026-01-01T00:00:00Z
levels = ["leaving"]
classes = ["business"]
when = { field = "spent", op = ">", value = 5 }
topic = "coffee"
languages = ["de"]
promotion = true
once_per = "7d"
budgets = ["few"]
liability = 1
""",
    contact=f'{CAPPED}cool_down = "20h"\n',
    top="".join((FEW, HOLDING, "\n", AD_FREE, FREEZE.format("", ""), WORTH)),
)
COOL = '[contact]\ncool_down = "20h"\n'
EACH = Standing(outstanding=[out(purpose, NOW - DAY) for purpose in ALL])
OFFERED = Standing(outstanding=[out("marketing", NOW, until=NOW + WEEK)])
NOWHERE = Standing(unreachable={channel_number(channel): NOW - DAY for channel in ("email", "push", "call")})
UNFORESEEN = NOW + 92 * DAY

CASES = {
    "stopped": (World(stops=(Stop(1),)), ALL, NOW + HOUR),
    "stopped by purpose": (World(stops=(Stop(1, purposes=("care", "legal")),)), ("legal", "care"), NOW + HOUR),
    "stopped by one of two": (
        World(stops=(Stop(1, kinds=("none",)), Stop(2, actions=("care",)))),
        ("care",),
        NOW + HOUR,
    ),
    "stopped where nobody knows the country": (
        World(tail=tail(country=""), stops=(Stop(1, countries=("FR",)),)),
        ALL,
        NOW + HOUR,
    ),
    "stopped in another country": (World(stops=(Stop(1, countries=("FR",)),)), (), 0),
    "stopped, at risk": (World(moment="risk", level="leaving", stops=(Stop(1),)), ALL, UNFORESEEN),
    "erased": (World(flags=ERASED), ALL, 0),
    "restricted": (World(tail=restricted("contract", "care", "marketing")), ALL[1:], 0),
    "restricted in all": (World(tail=restricted(*ALL)), ALL, 0),
    "expired": (World(now=NOW + 2 * DAY), ALL, 0),
    "off": (World(policy('mode = "off"')), ALL, 0),
    "shadow": (World(policy('mode = "shadow"')), ALL, 0),
    "shadow of a level": (World(policy(sold='mode = "shadow"'), moment="risk", level="slipping"), ALL[3:], UNFORESEEN),
    "rollout": (World(policy("rollout = 0.0")), ALL, 0),
    "dates, before": (World(policy("from = 2026-10-05T00:00:00Z")), ALL, 1_791_158_400_000),
    "dates, after": (World(policy("until = 2026-10-01T00:00:00Z")), ALL, 0),
    "wrong_level": (World(policy(sold='levels = ["leaving"]'), moment="risk", level="slipping"), ALL[3:], 0),
    "wrong_class": (World(policy('classes = ["business"]')), ALL, 0),
    "condition": (World(policy('when = { field = "spent", op = ">", value = 100 }')), ALL, 0),
    "for_a_person": (World(policy("human = true")), ALL, 0),
    "for_a_person of an account": (World(tail=tail(customer_class="reseller")), ALL[3:], 0),
    "unreachable": (World(standing=NOWHERE), ALL, 0),
    "refused_channel": (World(tail=tail(consents=REFUSED)), ALL[3:], 0),
    "refused_channel where asked": (World(policy(top=ASKED_OF_ALL), tail(consents=REFUSED)), ALL[1:], 0),
    "no_basis": (World(tail=tail(consents=b"")), ALL[3:], 0),
    "no_basis where asked": (World(policy(top=ASKED_OF_ALL), tail(consents=b"")), ALL[1:], 0),
    "ad_free by plan": (World(policy(top=AD_FREE), tail(contract=PLUS)), ALL[3:], 0),
    "ad_free by programme": (World(policy(top=AD_FREE), tail(programme="quiet")), ALL[3:], 0),
    "frozen, deferred": (World(policy(top=FREEZE.format("", ""))), ALL[3:], 1_791_064_800_000),
    "frozen, dropped": (World(policy(top=FREEZE.format('then = "drop"', ""))), ALL[3:], 0),
    "frozen for all": (World(policy(top=FREEZE.format(f"purposes = {json.dumps(ALL)}", ""))), ALL, 1_791_064_800_000),
    "frozen by kind": (
        World(policy(top=FREEZE.format(f'purposes = {json.dumps(ALL)}\nkinds = ["care"]', 'countries = ["DE"]'))),
        ("care",),
        1_791_064_800_000,
    ),
    "in_conversation": (World(standing=Standing(talks_until=NOW + HOUR)), ALL[3:], NOW + HOUR),
    "in_conversation where online": (
        World(policy(top='[conversation]\nchannels = ["desk"]'), tail(presence="desk", presence_at=NOW - HOUR // 2)),
        ALL[3:],
        NOW + HOUR // 2,
    ),
    "silent": (World(tail=tail(silent_until=NOW + HOUR)), ALL[3:], NOW + HOUR),
    "silent for good": (World(tail=tail(max_per_week=0, silent_until=NOW + HOUR)), ALL[3:], 0),
    "unwanted_topic": (World(policy('topic = "tea"'), tail(topics=("cups",))), ALL[3:], 0),
    "no_content": (World(policy('languages = ["en", "nl"]')), ALL[3:], 0),
    "open_case": (World(tail=tail(cases={"1": NOW})), ALL[3:], UNFORESEEN),
    "open_case beyond those with a name": (World(tail=tail(more_cases=1)), ALL[3:], UNFORESEEN),
    "cancelling": (World(tail=tail(contract=CANCELS)), ALL[3:], NOW - HOUR + 14 * DAY),
    "bad_experience": (World(standing=Standing(harmed_until=NOW + HOUR)), ALL[3:], NOW + HOUR),
    "held": (
        World(
            policy(top=HOLDING), standing=Standing(running=[Running(number_of("dunning"), NOW - HOUR, 2, NOW + DAY)])
        ),
        ALL[3:],
        UNFORESEEN,
    ),
    "held by no plan that does not hold": (
        World(
            policy(top=HOLDING.replace("holds = true", "")),
            standing=Standing(running=[Running(number_of("dunning"), NOW - HOUR, 2, NOW + DAY)]),
        ),
        (),
        0,
    ),
    "promotion_open": (
        World(
            policy(sold="promotion = true"), standing=Standing(outstanding=[out("marketing", NOW, until=NOW + WEEK)])
        ),
        ALL[3:],
        NOW + WEEK,
    ),
    "promotion_used": (World(policy(sold="promotion = true"), standing=Standing(promoted=True)), ALL[3:], UNFORESEEN),
    "cool_down": (
        World(policy(contact=COOL), standing=Standing(outstanding=[out("marketing", NOW - HOUR)])),
        ALL[3:],
        NOW + 19 * HOUR,
    ),
    "cap of marketing": (World(policy(contact=CAPPED), standing=EACH), ALL[3:], NOW + 6 * DAY),
    "cap of care": (
        World(policy(contact=CAPPED), standing=Standing(outstanding=[out("care", NOW - n * DAY) for n in (2, 1)])),
        ("care",),
        NOW + 5 * DAY,
    ),
    "cap of the customer's own": (World(tail=tail(max_per_week=1), standing=EACH), ALL[3:], NOW + 6 * DAY),
    "cap of the record": (
        World(standing=Standing(outstanding=[out("marketing", NOW, Stage.OUT, 0, NOW + DAY + n) for n in range(8)])),
        ALL[3:],
        NOW + DAY,
    ),
    "once_per": (
        World(policy('once_per = "7d"'), standing=Standing(once={number_of(name): NOW - DAY for name in ALL})),
        ALL,
        NOW + 6 * DAY,
    ),
    "after_outcomes": (World(standing=Standing(rests_until=NOW + HOUR)), ALL[3:], NOW + HOUR),
    "unprofitable": (World(policy(sold="liability = 9.01", top=WORTH), value=60.0), ALL[3:], UNFORESEEN),
    "unprofitable, since another would cost less": (
        World(policy(sold="liability = 4.51", top=WORTH + "acquisition_cost = 4.5"), value=60.0),
        ALL[3:],
        UNFORESEEN,
    ),
    "budget": (World(policy(sold='budgets = ["few"]', top=FEW), shared=Common(Purse())), ALL[3:], UNFORESEEN),
    "alarm": (World(shared=Common(Purse(), alarmed=True)), ALL[3:], UNFORESEEN),
    "hours_never": (World(policy(contact=NEVER)), ALL[1:], 0),
}


@pytest.mark.parametrize("name", CASES)
def test_a_gate_holds_the_purposes_that_it_is_for_and_no_others(name: str) -> None:
    world, purposes, until = CASES[name]
    code = name.split()[0].rstrip(",")
    expected = {purpose: (Held(code, until),) if purpose in purposes else () for purpose in ALL}
    assert world.held() == expected


@pytest.mark.parametrize(("value", "risk"), [(None, 0.9), (60.0, None), (30.0, 0.5)])
def test_what_costs_as_much_as_the_customer_is_worth_if_kept_is_not_held(
    value: float | None, risk: float | None
) -> None:
    held = World(policy(sold="cost = 9", top=WORTH), value=value, risk=risk).held()
    assert held == dict.fromkeys(ALL, ())


def test_where_nothing_stands_against_it_no_gate_holds() -> None:
    assert World().held() == dict.fromkeys(ALL, ())


def test_every_code_has_a_case_and_two_sentences() -> None:
    assert {name.split()[0].rstrip(",") for name in CASES} == set(CODES) == set(SENTENCES)
    assert all(team.endswith(".") and customer.endswith(".") for team, customer in SENTENCES.values())


def test_legal_is_stopped_by_nothing_but_what_stops_all() -> None:
    for row in TABLE:
        assert "legal" not in row.stops or row.stops == set(ALL)


def test_all_gates_that_hold_are_told_in_their_order() -> None:
    world = World(
        policy('classes = ["business"]\nonce_per = "7d"', contact=COOL),
        tail(consents=REFUSED, max_per_week=0, cases={"1": NOW}),
        Standing(
            rests_until=NOW + HOUR,
            harmed_until=NOW + HOUR,
            once={number_of("marketing"): NOW},
            outstanding=[out("marketing", NOW)],
        ),
        ERASED,
        NOW + 2 * DAY,
    )
    codes = [held.code for held in judge(world.ask(), "marketing").held]
    assert codes == sorted(codes, key=CODES.index)
    assert codes == ["erased", "expired", "wrong_class", "refused_channel", "silent", "open_case", "once_per"]
