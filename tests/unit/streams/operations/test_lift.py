"""`retention lift`: what it reads of the topics, and what it says."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner, Result
from msgspec import structs

from models.customer.tail import Tail
from models.decisions.draw import ONE, in_control
from models.decisions.person import Person
from models.decisions.policy.in_force import PolicyInForce
from models.outputs import LOYALTY, Candidate, Decision, Position, Trigger, encode
from models.outputs.loyalty_entry import LoyaltyEntry
from models.settings import DAY
from models.touchpoints import event
from streams.cli.main import main
from streams.operations.audit.files import written
from streams.operations.audit.records import Arrival, Line
from streams.operations.lift import Terms, read_all, report_of
from tests.support.cli_docs import undocumented

POLICY = PolicyInForce.of(
    1,
    """
format = 1
[risk]
exit = 0.4
levels = [{ name = "at_risk", at = 0.5 }]
[moment.risk]
sort = "risk"
[moment.cart]
sort = "touchpoint"
touchpoints = ["cart_abandoned"]
[moment.sad]
sort = "touchpoint"
touchpoints = ["complaint"]
[action.offer]
kind = "offer"
moments = ["risk", "cart"]
content = "x"
discount = 2.0
[action.sorry]
purpose = "care"
kind = "care"
moments = ["sad"]
content = "x"
[channel.email]
[control]
share = 0.2
salt = "a"
exempt = ["partner"]
[choice]
window = "10d"
[contact]
discounts = 1000
caps = [{ most = 2, within = "1d" }]
""",
)
BEGIN = 1_790_000_000_000


class World:
    """One partition, made by hand. Times are days after the beginning."""

    def __init__(self) -> None:
        self.touchpoints: list[tuple[int, bytes | None, bytes]] = []
        self.triggers: list[Trigger] = []
        self.decisions: list[Decision] = []
        data = {"number": 1, "format": 1, "sha256": POLICY.sha256, "text": POLICY.text}
        chosen = event("policy_chosen", id="p", source="/t", subject=None, time_ms=BEGIN, data=data)
        self.touchpoints.append((BEGIN, None, chosen))

    def touch(self, day: float, customer: str, kind: str, **data: object) -> None:
        time = BEGIN + int(day * DAY)
        name = f"{kind}-{customer}-{len(self.touchpoints)}"
        value = event(kind, id=name, source="/t", subject=customer, time_ms=time, data=data)
        self.touchpoints.append((time, customer.encode(), value))

    def stands(self, day: float, customer: str, stage: str, former: str) -> None:
        time, name = BEGIN + int(day * DAY), f"{len(self.decisions):032x}"
        entry = LoyaltyEntry(stage, former)
        self.decisions.append(Decision(name, LOYALTY, time, Position(0, 0, due=True), customer, loyalty=entry))

    def decide(
        self,
        day: float,
        customer: str,
        action: str,
        control: bool = False,
        alone: float = 0.0,
        cost: float = 0.0,
        exempt: bool = False,
    ) -> str:
        time, name = BEGIN + int(day * DAY), f"{len(self.decisions):032x}"
        at, sent = Position(0, 0, due=True), action != "leave_alone" and not control
        chances = {"leave_alone": alone, "offer": 1.0 - alone} if alone else {}
        candidates = tuple(Candidate(one, chance=int(chance * ONE)) for one, chance in chances.items())
        trigger = name if sent else ""
        self.decisions.append(
            Decision(
                name,
                "decided",
                time,
                at,
                customer,
                0.6,
                action=action,
                trigger=trigger,
                level="at_risk" if alone else "",
                moment="risk" if alone else "cart",
                candidates=candidates,
                control=control,
                policy=POLICY.name,
                exempt=exempt,
            )
        )
        if sent:
            self.triggers.append(
                Trigger(name, customer, action, "email", 0.0, [], 0, 0, time, time + DAY, 0, at, cost=cost)
            )
        return name

    def end(self, day: float) -> Line:
        self.touch(day, "nobody", "purchase", amount=1.0)
        arrivals = [
            Arrival(offset, time, key, value)
            for offset, (time, key, value) in enumerate(sorted(self.touchpoints, key=lambda one: one[0]))
        ]
        return Line(0, arrivals, [encode(one) for one in self.triggers], [encode(one) for one in self.decisions])


def test_a_unit_is_counted_from_its_first_marketing_decision_on_whatever_is_sent() -> None:
    world = World()
    world.decide(1, "anna", "sorry")  # care, which reaches control too
    world.decide(2, "anna", "offer", control=True)
    world.decide(3, "anna", "offer", control=True, alone=0.1)
    world.touch(1.5, "anna", "purchase", amount=7.0)
    world.touch(4, "anna", "purchase", amount=50.0)
    world.touch(5, "anna", "return", amount=20.0)
    world.touch(13, "anna", "purchase", amount=5.0)
    world.touch(3, "anna", "complaint")
    found = read_all([world.end(40)], Terms())
    [(salt, unit)] = found.units
    assert (salt, unit.control, unit.time) == ("a", True, BEGIN + 2 * DAY)
    assert unit.before[:3] == (True, 7.0, (False, False, False))
    first, second, year = unit.ages
    assert first is not None
    assert second is not None
    assert first[:3] == (True, 30.0, (True, False, False))
    assert second[:3] == (True, 35.0, (True, False, False))
    assert year is None
    assert found.draws == []


def test_what_a_trigger_cost_is_taken_off_and_what_was_given_back_cost_nothing() -> None:
    world = World()
    sent = world.decide(1, "anna", "offer", alone=0.25, cost=0.5)
    back = world.decide(1, "ben", "offer", alone=0.25, cost=0.5)
    for customer in ("anna", "ben"):
        world.touch(4, customer, "purchase", amount=10.0)
    world.touch(4, "anna", "coupon_redeemed", coupon_id=sent)
    gone = Decision("b", "given_back", BEGIN + 2 * DAY, Position(0, 0, due=True), "ben", trigger=back)
    world.decisions.append(gone)
    found = read_all([world.end(40)], Terms(margin=0.5))
    assert [(draw.money, draw.chances) for draw in found.draws] == [
        (3.5, {"": 0.25, "offer": 0.75}),
        (5.0, {"": 0.25, "offer": 0.75}),
    ]


def test_what_came_twice_counts_once_and_a_window_that_is_open_is_said_to_be() -> None:
    world = World()
    world.decide(1, "anna", "offer", alone=0.1)
    world.decide(35, "anna", "offer", alone=0.1)
    world.touch(2, "anna", "purchase", amount=10.0)
    world.touchpoints.append(world.touchpoints[-1])
    found = read_all([world.end(40)], Terms())
    assert [draw.money for draw in found.draws] == [10.0]
    assert found.open_draws == 1


def test_exempt_classes_and_policies_that_are_gone_are_in_no_table() -> None:
    world = World()
    world.touch(0.5, "paul", "profile_updated", customer_class="partner")
    world.decide(1, "paul", "offer")
    world.decide(1, "anna", "offer")
    line = world.end(40)
    found = read_all([line], Terms())
    assert (len(found.units), found.exempt) == (1, 1)
    without = Line(0, list(line.touchpoints)[1:], line.triggers, line.decisions)
    assert read_all([without], Terms()).without_policy == 2


def test_who_is_exempt_by_plan_programme_or_tier_at_first_is_in_no_table_and_later_stays_where_they_are() -> None:
    world = World()
    for day, name, exempt in ((1, "paul", True), (1, "anna", False), (3, "paul", False), (3, "anna", True)):
        world.decide(day, name, "offer", exempt=exempt)
    found = read_all([world.end(40)], Terms())
    assert (len(found.units), found.exempt) == (1, 1)


def test_customers_of_several_ids_are_in_no_table_and_counted() -> None:
    world = World()
    for name in ("anna", "bert", "carl"):
        world.decide(1, name, "offer", alone=0.5)
    for what, name in (("merged", "anna"), ("taken_over", "bert"), ("merged", "nobody else")):
        time = BEGIN + 2 * DAY
        world.decisions.append(Decision(f"{what} {name}", what, time, Position(0, 0, due=False), name))
    found = read_all([world.end(40)], Terms())
    assert (len(found.units), len(found.draws), found.merged) == (1, 1, 2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """3,000 customers, a fifth of them control: offers bring a third of them back who would have left."""
    world, random = World(), Random(11)
    for n in range(3_000):
        name, day = f"c{n}", 1 + 20 * n / 3_000
        control = in_control(POLICY.policy.control, Person(name.encode(), Tail()), 0)
        alone = random.random() < 0.25
        world.decide(day, name, "leave_alone" if alone else "offer", control=control, alone=0.25, cost=0.1)
        if random.random() < (0.25 if control or alone else 0.5):
            world.touch(day + 5, name, "purchase", amount=20.0)
        if not control and random.random() < 0.05:
            world.touch(day + 1, name, "message_unsubscribed", channel="email")
    folder = tmp_path_factory.mktemp("said")
    for line in written(folder, [world.end(60)]):
        assert all(list(part) for part in (line.touchpoints, line.triggers, line.decisions))
    return folder


def run(*args: str) -> Result:
    return CliRunner().invoke(main, ["lift", *args])


def test_it_says_what_was_saved(folder: Path) -> None:
    result = run("--files", str(folder))
    assert result.exit_code == 0, result.output
    text = result.stdout
    assert "Programme, salt a: 3,000 customers since their first marketing decision" in text
    kept = next(line for line in text.splitlines() if "bought in the last 10 days" in line)
    assert "above zero" in kept
    assert "after 364 days: nobody is that old yet" in text
    assert "refused marketing: " in text
    assert "treated alike lift" in text
    offer = next(line for line in text.splitlines() if line.startswith("  offer, of those it was given to"))
    assert "above zero" in offer


def test_json_has_all_of_it_and_the_docs_name_every_field(folder: Path) -> None:
    told = json.loads(run("--files", str(folder), "--json").stdout)
    [programme] = told["programme"]
    first = programme["ages"][0]
    assert first["kept"]["interval"]["low"] > 0
    assert abs(first["kept"]["lift"] - 0.19) < 0.06
    assert programme["shown"] is True
    assert programme["ages"][2]["kept"]["interval"] is None
    assert told["draws"]["actions"]["offer"]["money"]["lift"] > 2
    assert undocumented("lift", told, frozenset({"actions", "levels", "harms"})) == []


def test_margin_changes_money_alone(folder: Path) -> None:
    whole, half = (json.loads(run("--files", str(folder), "--json", "--margin", one).stdout) for one in ("1", "0.5"))
    ages = [told["programme"][0]["ages"][0] for told in (whole, half)]
    assert ages[0]["kept"] == ages[1]["kept"]
    assert ages[1]["treated"]["money"] < ages[0]["treated"]["money"]


def test_where_nothing_was_decided_it_says_so(tmp_path: Path) -> None:
    world = World()
    world.decide(1, "anna", "sorry")
    world.decide(1, "anna", "sorry")
    for line in written(tmp_path, [world.end(3)]):
        assert all(list(part) for part in (line.touchpoints, line.triggers, line.decisions))
    text = run("--files", str(tmp_path)).stdout
    assert "no programme to compare" in text
    assert "none whose window is over yet" in text


def test_the_report_of_nothing_is_one() -> None:
    told = report_of(read_all([], Terms()), Terms()).data()
    assert told["programme"] == []


def test_draws_by_the_stage_before_the_customer_began_to_slip(tmp_path: Path) -> None:
    world = World()
    for n in range(40):
        for day, stage, former in ((0.1, "active", "new"), (0.5, "slipping", "active"), (0.6, "slipping", "slipping")):
            if n % 4:  # of the others nothing was ever said
                world.stands(day, f"c{n}", stage, former)
        world.decide(1, f"c{n}", "leave_alone" if n % 2 else "offer", alone=0.5)
        if n % 4 == 3:  # what is said after a draw changes nothing of it
            world.stands(2, f"c{n}", "won_back", "slipping")
    for line in written(tmp_path, [world.end(40)]):
        assert all(list(part) for part in (line.touchpoints, line.triggers, line.decisions))
    told = run("--files", str(tmp_path), "--by", "stage").stdout
    assert "  at stage active: given 10 times" in told
    assert "  at stage not known: given 10 times" in told
    stages = json.loads(run("--files", str(tmp_path), "--by", "stage", "--json").stdout)["draws"]["stages"]
    assert {name: one["draws"] for name, one in stages.items()} == {"active": 30, "": 10}


def test_draws_by_tier_and_pictures(tmp_path: Path) -> None:
    world, random = World(), Random(9)
    for n in range(900):
        alone = random.random() < 0.5
        world.decide(1 + n / 300, f"c{n}", "leave_alone" if alone else "offer", alone=0.5, cost=0.5)
        world.decisions[-1] = structs.replace(world.decisions[-1], tier="top" if n % 3 else "rest")
        if random.random() < (0.3 if alone else 0.6):
            world.touch(6, f"c{n}", "purchase", amount=30.0)
    for line in written(tmp_path, [world.end(40)]):
        assert all(list(part) for part in (line.touchpoints, line.triggers, line.decisions))
    found = run("--files", str(tmp_path), "--by", "tier", "--plots", str(tmp_path / "plots"))
    assert "  of tier top: given " in found.stdout
    assert "  of tier rest: given " in found.stdout
    assert "at level" not in found.stdout
    assert f"wrote {tmp_path / 'plots' / 'draws.png'}" in found.stdout
    assert (tmp_path / "plots" / "draws.png").stat().st_size > 5_000
    told = json.loads(run("--files", str(tmp_path), "--by", "class", "--json").stdout)
    assert set(told["draws"]["classes"]) == {"consumer"}
    assert told["draws"]["actions"]["offer"]["kept"]["lift"] > 0.1
