"""When a look at a customer comes to nothing: as long as nothing in how we stand with them has come to its time."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from models.customer.restrictions import ACTION_PURPOSES
from models.decisions.contact import KEPT, NEVER
from models.decisions.given import Asks, Given, Touched
from models.decisions.idle import idle_until
from models.decisions.moments import decide
from models.decisions.person import Person
from models.decisions.policy.in_force import PolicyInForce
from models.decisions.running import Running
from models.decisions.standing import LONGEST_WINDOW, Dated, DayCount, Outstanding, Stage, Standing, Waiting
from models.decisions.standing_stored import pack_standing, unpack_standing
from models.decisions.treated import Treated
from models.decisions.unsent import Unsent
from models.decisions.window import Window
from models.settings import DAY, WEEK
from models.touchpoints import Kind
from tests.support.one_customer import NOW, OPEN
from tests.unit.models.engine.test_life_of_a_moment import POLICY

PLAIN = PolicyInForce.of(1, POLICY)
MARKETING = ACTION_PURPOSES.index("marketing")
AFTER = NOW + DAY


HELLO = '[action.hello]\npurpose = "care"\nkind = "care"\nmoments = ["quiet"]\ncontent = "hello"\n'


def out(stage: Stage = Stage.OUT, expires: int = AFTER, until: int = 0, time: int = NOW - DAY) -> Standing:
    return Standing(outstanding=[Outstanding(7, time, expires, until, 3, 4, 1, MARKETING, stage)])


def draw(ends: int) -> Window:
    return Window(7, NOW - WEEK, ends, 1, 0.0, 1.0, 0, ())


def idle(standing: Standing, now: int = NOW) -> bool:
    """Whether it is before `idle_until`; where it is, a decision says and changes nothing."""
    person, packed = Person(b"c", OPEN, 0, NOW - WEEK, 1, 100.0, None, NOW - WEEK), pack_standing(standing)
    found = now < idle_until(PLAIN, packed, contract=False)
    if found:
        looked = unpack_standing(packed)
        assert decide(Given(PLAIN, person, looked, now, WEEK, 0, None, Asks.TOUCHPOINT, TOUCH)) == []
        assert pack_standing(looked) == packed
    return found


TOUCH = Touched(int(Kind.CHAT), "1", NOW, type("Data", (), {})())
TIMES: dict[str, Callable[[int], Standing]] = {
    "a window": lambda at: Standing(window_ends=at),
    "a rest": lambda at: Standing(rests_until=at),
    "harm": lambda at: Standing(harmed_until=at),
    "a conversation": lambda at: Standing(talks_until=at),
    "what waits": lambda at: Standing(waiting=[Waiting(PLAIN.number, NOW - DAY, at)]),
    "a trigger that is out": lambda at: out(expires=at),
    "one that was taken back": lambda at: out(Stage.WITHDRAWN, expires=at),
    "a promotion": lambda at: out(Stage.DELIVERED, until=at),
    "what was given back": lambda at: out(Stage.GIVEN_BACK, expires=at - KEPT),
    "what arrived": lambda at: out(Stage.DELIVERED, time=at - KEPT),
    "a day that counts": lambda at: Standing(counts=[DayCount((at - LONGEST_WINDOW) // DAY - 1, 1, 1, MARKETING, 1)]),
    "what labels are weighed by": lambda at: Standing(treated=Treated(0.1, (), at)),
    "the window of a draw": lambda at: Standing(window=draw(at)),
}


FEW_HAVE = ("a conversation", "what labels are weighed by", "the window of a draw")


@pytest.mark.parametrize("what", [what for what in TIMES if what not in FEW_HAVE])
def test_it_is_idle_until_something_comes_to_its_time(what: str) -> None:
    day = NOW // DAY * DAY
    assert idle_until(PLAIN, pack_standing(TIMES[what](day)), contract=False) == day
    assert idle(TIMES[what](day), now=day - 1_000)


@pytest.mark.parametrize("what", FEW_HAVE)
def test_of_what_few_have_it_takes_a_whole_look(what: str) -> None:
    assert idle_until(PLAIN, pack_standing(TIMES[what](AFTER)), contract=False) == 0


def test_what_stands_between_is_stepped_over() -> None:
    waits = [Waiting(5, NOW - DAY, AFTER, again=True), Waiting(6, NOW - DAY, AFTER + 1_000)]
    again = Outstanding(7, NOW, AFTER + 2_000, 0, 3, 4, 1, MARKETING, moment=5, asked=NOW - DAY)
    counts = [DayCount((AFTER - 1_000 - LONGEST_WINDOW) // DAY - 1 + n, 1, 1, MARKETING, 1) for n in range(3)]
    more = {"told": {6: 3}, "carried": True, "live": 2}
    standing = Standing(waiting=waits, outstanding=[again], once={5: NOW - DAY, 6: NOW}, counts=counts, **more)
    assert idle_until(PLAIN, pack_standing(standing), contract=True) == counts[0].ends + LONGEST_WINDOW
    assert idle_until(PLAIN, pack_standing(replace(standing, counts=[])), contract=True) == AFTER
    assert idle_until(PLAIN, pack_standing(replace(standing, told={9: 3})), contract=True) == 0


def test_while_a_contract_may_run_nothing_is_told_of_a_level_that_waits() -> None:
    packed = pack_standing(Standing(waiting=[Waiting(PLAIN.number, NOW - DAY, AFTER, 0.5)]))
    assert idle_until(PLAIN, packed, contract=False) == AFTER
    assert idle_until(PLAIN, packed, contract=True) == 0


def test_nobody_with_nothing_is_looked_at() -> None:
    assert idle_until(PLAIN, b"", contract=True) == NEVER
    assert idle(Standing())
    assert idle(Standing(reached=0.6, promoted=True, once={5: NOW - DAY}, carried=True, live=1))


@pytest.mark.parametrize(
    "standing",
    [
        Standing(running=[Running(5, NOW - DAY, 1, AFTER)]),
        Standing(unsent=[Unsent(7, 7, 1, 4, 5, NOW - DAY, AFTER, wakes=AFTER)]),
        Standing(told={5: 3}),
        Standing(dates=(Dated(5, NOW - 400 * DAY),)),
    ],
    ids=["a plan", "what was stopped", "what was said of nothing that waits", "a date that is forgotten"],
)
def test_it_is_not_where_more_may_come_of_it(standing: Standing) -> None:
    assert not idle(standing)


def test_where_moments_go_by_dates_it_takes_a_whole_look() -> None:
    policy = PolicyInForce.of(1, POLICY + '[moment.quiet]\nsort = "date"\nsilent_for = "20d"\nwithin = "5d"\n' + HELLO)
    assert idle_until(policy, b"", contract=False) == 0
