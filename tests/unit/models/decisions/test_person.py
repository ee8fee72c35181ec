"""A customer as decisions see them."""

from __future__ import annotations

from models.customer.consent import MARKETING, Statement, pack_register
from models.customer.contract import PAUSED, Contract, pack_contract
from models.customer.interests import pack_interests
from models.customer.layout import ERASED
from models.customer.restrictions import Restriction, pack_restrictions
from models.customer.tail import Tail
from models.decisions.membership_rules import level_rules
from models.decisions.person import FIELDS, ONLINE_FOR, Person, value_of
from models.decisions.policy.reading import read_policy
from models.loyalty.account import Account, Earned
from models.loyalty.loop import Facts, Loop, LoopRules, pack_loop
from models.loyalty.membership import Membership
from models.loyalty.membership_stored import pack_membership
from models.loyalty.stored import pack_account
from models.settings import DAY
from tests.unit.models.engine.test_membership import POINTS, SPENT

NOW = 1_700_000_000_000


LEVELS = level_rules(read_policy(SPENT))


def values(person: Person) -> dict[str, object]:
    return {field: value_of(person, field, NOW) for field in FIELDS}


def test_of_an_unknown_customer_conditions_know_nearly_nothing() -> None:
    known = {field: value for field, value in values(Person(b"c", Tail())).items() if value is not None}
    assert known == {
        "customer_class": "consumer",
        "purchase_days": 0,
        "spent": 0.0,
        "open_cases": 0,
        "topics": (),
        "interests": (),
        "rewards": (),
        "points": 0,
        "points_pending": 0,
        "points_expiring": 0,
        "missing": ("channels", "topics", "rewards", "language", "country", "time_zone", "frequency"),
    }


def test_conditions_know_what_the_record_does() -> None:
    tail = Tail(
        customer_class="business",
        country="DE",
        language="de",
        programme="gold",
        role="buyer",
        time_zone="Europe/Berlin",
        topics=("tea",),
        rewards=("cup",),
        cases={"1": NOW},
        more_cases=2,
        contract=pack_contract(Contract(state=PAUSED, plan="box")),
        interests=pack_interests(NOW, {"tea": 1.0, "cups": 2.0}),
        points=pack_account(
            Account({NOW + 9 * DAY: 80, NOW + 2 * DAY: 20}, [Earned(1, NOW + DAY, NOW + DAY, NOW + 9 * DAY, 5, 0)])
        ),
        membership=pack_membership(Membership("spent", {NOW + 4 * DAY: 3_050}, "silver")),
    )
    times = (NOW - 3 * DAY, 4, 20.5, 0.75, NOW - 36 * DAY, 0, 31.2)
    assert values(Person(b"c", tail, 0, *times, "top", levels=LEVELS)) == {
        "customer_class": "business",
        "country": "DE",
        "language": "de",
        "programme": "gold",
        "plan": "box",
        "contract_state": "paused",
        "purchase_days": 4,
        "spent": 20.5,
        "days_since_purchase": 3.0,
        "days_known": 36.0,
        "risk": 0.75,
        "open_cases": 3,
        "topics": ("tea",),
        "interests": ("cups", "tea"),
        "rewards": ("cup",),
        "role": "buyer",
        "time_zone": "Europe/Berlin",
        "value": 31.2,
        "tier": "top",
        "points": 100,
        "points_pending": 5,
        "points_expiring": 20,
        "days_to_points_expiry": 2.0,
        "membership_level": "silver",
        "to_next_level": 20.0,
        "days_to_level_end": 14.0,
        "paid_membership": None,
        "stage": None,
        "loyalty_index": None,
        "spoke_well": None,
        "missing": ("channels", "frequency"),
    }


def test_conditions_know_the_loyalty_loop_of_whoever_has_one() -> None:
    rules = LoopRules(90 * DAY, 2.0, {}, 2, 2, DAY, 0, DAY)
    loop = Loop(index=200_000, at=NOW - 90 * DAY, praise=[1, 0, 2, 0, 0])
    facts = Facts(3, NOW - DAY, False, True, 100 * DAY)
    found = values(Person(b"c", Tail(loyalty=pack_loop(loop)), loyal=(rules, facts)))
    assert (found["stage"], found["loyalty_index"], found["spoke_well"]) == ("slipping", 10.0, 3)


def test_a_level_is_earned_or_paid_for_the_higher_one() -> None:
    levels = level_rules(read_policy(POINTS))
    running = {"plan": "plus", "renews_at": NOW + DAY}

    def of(contract: Contract, now: int = NOW, level: str = "silver") -> tuple[object, object]:
        state = Membership("points", {NOW + 4 * DAY: 30}, level)
        tail = Tail(contract=pack_contract(contract), membership=pack_membership(state))
        person = Person(b"c", tail, levels=levels)
        return value_of(person, "membership_level", now), value_of(person, "paid_membership", now)

    assert of(Contract("active", **running)) == ("gold", "plus")
    assert of(Contract("active", **running), level="platinum") == ("platinum", "plus")
    assert of(Contract("ends", **running)) == ("gold", "plus")
    assert of(Contract("ends", **running), NOW + DAY) == ("silver", None)
    assert of(Contract("paused", **running)) == of(Contract("ended", **running)) == ("silver", None)
    assert of(Contract("active", plan="other")) == ("silver", None)


def test_packed_parts_are_opened_once() -> None:
    said = {(MARKETING, "email"): Statement(True, NOW)}
    person = Person(b"c", Tail(consents=pack_register(said)))
    assert person.register == said
    assert person.register is person.register
    assert person.contract is None


def test_a_restriction_is_for_its_purposes_until_its_end() -> None:
    restricted = pack_restrictions({"dispute": Restriction(frozenset({"marketing"}), NOW, NOW + DAY)})
    person = Person(b"c", Tail(restrictions=restricted))
    assert person.restricted("marketing", NOW) == "dispute"
    assert person.restricted("care", NOW) == ""
    assert person.restricted("marketing", NOW + DAY) == ""
    assert Person(b"c", Tail()).restricted("marketing", NOW) == ""


def test_presence_does_not_last() -> None:
    person = Person(b"c", Tail(presence="push", presence_at=NOW))
    assert person.online(NOW) == "push"
    assert person.online(NOW + ONLINE_FOR) == ""


def test_who_asked_to_be_forgotten_is_erased() -> None:
    assert Person(b"c", Tail(), ERASED).erased
    assert not Person(b"c", Tail()).erased
