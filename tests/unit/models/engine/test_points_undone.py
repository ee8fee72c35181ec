"""What undoes what in the ledger of points: no point is given, taken or owed twice, and the auditor reads it alike."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.loyalty.account import MAX_EARNED, MOST_POINTS
from models.settings import DAY
from streams.operations.audit import audit
from streams.operations.audit.records import Arrival, Line
from tests.support.logs import told
from tests.unit.models.engine.test_life_of_a_moment import BOUGHT, SETTINGS, Story, Told, ms
from tests.unit.models.engine.test_points import FORGIVEN, KEPT, account_of, booked, ledger

AT_ONCE = KEPT.replace('pending = "7d"\n', "")
TO_NEW_YEAR = AT_ONCE.replace('expires = "60d"', 'expires = "0d"\nexpires_at = "year"').replace('"14d"', '"30d"')
BRIEF = AT_ONCE.replace('expires = "60d"', 'expires = "3d"').replace('"10d"', '"30d"').replace('"14d"', '"30d"')
CANCELLED = ("reward_cancelled", {"reward": "cup", "redemption_id": "x"})
REDEEMED = ("reward_redeemed", {"reward": "cup", "points": 90, "redemption_id": "x"})


def ran(story: Story) -> Told:
    """Run, without a dead letter, and as the auditor reads it."""
    world = story.run()
    assert world.kept.said("deadletters") == []
    lines = [Arrival(one.offset, one.timestamp, one.key, one.value) for one in story.log()]
    said = [[one.value for one in world.kept.outputs if one.role == role] for role in ("triggers", "decisions")]
    assert audit([Line(0, lines, *said)], story.settings.lateness).breaches == []
    return world


def ends(story: Story) -> list[tuple[str, int]]:
    """What was booked after the purchase, and the balance after each."""
    return [(change, balance) for _, change, balance, _ in booked(ran(story))[1:]]


def test_points_that_have_expired_are_not_owed_by_a_return() -> None:
    story = replace(Story(TO_NEW_YEAR, days=40), bought=ms("2000-12-20T12:00:00"))
    assert ends(story.then(16, "return", amount=9)) == [("expired", 0), ("taken_back", 0)]
    spent = story.then(1, "reward_redeemed", reward="cup", points=60).then(16, "return", amount=9)
    assert ends(spent) == [("spent", 30), ("expired", 0), ("taken_back", -60)]


def test_points_of_a_cancelled_reward_that_expire_are_not_owed_by_a_return() -> None:
    story = Story(BRIEF, days=20).then(1, REDEEMED[0], **REDEEMED[1]).then(8, CANCELLED[0], **CANCELLED[1])
    told_of = ends(story.then(9, "return", amount=9))
    assert told_of == [("spent", 0), ("given_back", 90), ("expired", 0), ("taken_back", 0)]


def test_a_refund_is_of_an_order_once_however_many_purchases_it_has() -> None:
    story = Story(AT_ONCE, days=20).then(1, "purchase", amount=60, order_id="o")
    story = story.then(1.1, "purchase", amount=40, order_id="o")
    assert ends(story.then(2, "return", amount=50, order_id="o"))[-1] == ("taken_back", 90 + 1_000 - 500)
    both = story.then(2, "return", amount=50, order_id="o").then(3, "return", amount=50, order_id="o")
    assert ends(both)[-1] == ("taken_back", 90)
    assert ends(story.then(2, "return", amount=100))[-1] == ("taken_back", 90)


def test_touchpoints_of_two_sources_with_one_id_are_two_orders() -> None:
    story = Story(AT_ONCE, days=20)
    for source, amount in (("urn:pos", 60), ("urn:web", 40)):
        value = told("purchase", "c", BOUGHT + DAY, {"amount": amount}, id="1")
        other = value[2].replace(b"urn:example:shop", source.encode())
        assert other != value[2]
        story = replace(story, entries=[*story.entries, (value[0], value[1], other)])
    assert ends(story.then(2, "return", amount=60))[-1] == ("taken_back", 90 + 1_000 - 600)


def test_what_was_forgiven_does_not_come_back_with_a_cancelled_reward() -> None:
    story = Story(FORGIVEN, days=30).then(1, REDEEMED[0], **REDEEMED[1]).then(2, "return", amount=6)
    told_of = ends(story.then(3, CANCELLED[0], **CANCELLED[1]))
    assert told_of == [("spent", 0), ("taken_back", 0), ("given_back", 30)]


def test_an_account_never_comes_to_more_than_it_has_room_for() -> None:
    story = Story(KEPT, days=60)
    for n in range(3):
        for at in (0.0, 0.1):
            story = story.then(8 + n + at, "points_adjusted", points=1_000_000_000)
        story = story.then(8.2 + n, "reward_redeemed", reward="r", points=1_000_000_000, redemption_id=f"{n}")
    for n in range(3):
        story = story.then(12 + n, "reward_cancelled", reward="r", redemption_id=f"{n}")
    world = ran(story)
    assert "account_full" in [one["ledger"].get("why") for one in ledger(world)]
    assert max(balance for _, _, balance, _ in booked(world)) <= MOST_POINTS


def test_returns_of_whatever_was_spent_owe_no_more_than_an_account_has_room_for() -> None:
    rich = AT_ONCE.replace("points = 10", "points = 1000000").replace('cancels_within = "10d"', 'cancels_within = "0d"')
    story = Story(rich, days=30)
    for n in range(4):
        story = story.then(1 + n, "purchase", amount=1_000, order_id=f"{n}")
        story = story.then(1.5 + n, "reward_redeemed", reward="r", points=1e9)
    for n in range(4):
        story = story.then(8 + n, "return", amount=1_000, order_id=f"{n}")
    assert min(balance for _, _, balance, _ in booked(ran(story))) >= -MOST_POINTS


def test_expired_points_make_up_for_nothing() -> None:
    story = Story(BRIEF, days=20).then(1, REDEEMED[0], **REDEEMED[1]).then(2, "return", amount=9)
    back = ends(story.then(8, CANCELLED[0], **CANCELLED[1]))
    assert back == [("spent", 0), ("taken_back", -90), ("given_back", 0), ("expired", -90)]
    late = story.at(BOUGHT - 80 * DAY, "purchase", arrives=BOUGHT + 5 * DAY, amount=5)
    assert ends(late)[-2:] == [("earned", -40), ("expired", -90)]


def test_a_redemption_is_spent_once_until_it_is_cancelled() -> None:
    story = Story(KEPT, days=30)
    for at in (8, 8.1):
        story = story.then(at, "reward_redeemed", reward="cup", points=30, redemption_id="x")
    story = story.then(9, CANCELLED[0], **CANCELLED[1]).then(
        10, "reward_redeemed", reward="cup", points=30, redemption_id="x"
    )
    world = ran(story.then(11, "reward_redeemed", reward="cup", points=30))
    assert [one["ledger"]["why"] for one in ledger(world) if "why" in one["ledger"]] == ["redeemed_already"]
    assert booked(world)[-1][2] == 30


def test_many_orders_in_a_few_days_stay_pending_and_can_be_taken_back() -> None:
    story = Story(KEPT, days=30)
    for n in range(MAX_EARNED - 1):
        story = story.then(0.1 + n * 0.05, "purchase", amount=10, order_id=f"o{n}")
    last = ledger(ran(story.then(3, "return", amount=10, order_id="o0")))[MAX_EARNED]["ledger"]
    assert (last["change"], last["asked"], last.get("balance", 0)) == ("taken_back", 100, 0)


def test_of_too_many_earnings_the_first_that_is_active_is_forgotten_else_the_first_becomes_active() -> None:
    story = Story(KEPT, days=30)
    for n in range(MAX_EARNED):
        story = story.then(7.1 + n * 0.01, "purchase", amount=10, order_id=f"o{n}")
    early = [one for one in ledger(ran(story)) if one["ledger"].get("why")]
    assert early == []
    more = story.then(8, "purchase", amount=10).then(9, "return", amount=10, order_id="o0")
    told_of = [one["ledger"] for one in ledger(ran(more)) if one["ledger"].get("why")]
    assert [(one["change"], one["why"]) for one in told_of] == [
        ("activated", "to have room for what came since"),
        ("refused", "unknown_order"),
    ]


@pytest.mark.parametrize("amount", [0.615, 4.355, 1.005, 0.285])
def test_money_is_counted_by_its_digits(amount: float) -> None:
    story = Story(KEPT.replace("points = 10\nper = 1.0", "points = 1\nper = 0.01"), days=5)
    earned = ledger(ran(story.then(1, "purchase", amount=amount)))[-1]["ledger"]["held"][0][2]
    assert earned == int(f"{amount:.3f}".replace(".", "")) // 10 + 1


def test_a_return_that_takes_nothing_says_so_even_where_there_is_no_account() -> None:
    story = Story(AT_ONCE, days=30).then(-1, "return", amount=9, order_id="early")
    assert [one["ledger"].get("why") for one in ledger(ran(story))] == ["unknown_order", None]


@pytest.mark.parametrize("forget_after", [0, 400 * DAY])
def test_an_erasure_ends_what_could_be_undone_and_only_a_consent_begins_anew(forget_after: int) -> None:
    settings = replace(SETTINGS, horizon=14 * DAY, forget_after=forget_after)
    story = replace(Story(AT_ONCE, days=40), settings=settings).then(1, REDEEMED[0], **REDEEMED[1])
    story = story.then(2, "erase_requested").then(3, "consent_changed", marketing=True, channels=["email"])
    story = story.then(4, "return", amount=9).then(4.5, CANCELLED[0], **CANCELLED[1])
    story = story.then(5, "purchase", amount=5, order_id="n")
    world = ran(story)
    balance = account_of(world.kept.records[b"c"]).balance
    assert balance == (50 if forget_after else 0)
