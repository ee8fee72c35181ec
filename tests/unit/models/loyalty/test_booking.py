"""An account of points is the sum of its entries, whatever is booked in whatever order, and no point is two things."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.loyalty.account import (
    MAX_EARNED,
    MAX_LOTS,
    MAX_PARTS,
    MAX_SPENT,
    MOST_POINTS,
    NEVER_EXPIRES,
    Account,
    Drawn,
    Earned,
)
from models.loyalty.booking import adjust, advance, cancel, close, earn, spend, take_back
from models.loyalty.stored import pack_account, put_off, timer_of, unpack_account
from models.outputs.ledger_entry import LedgerEntry
from models.settings import DAY, SECOND

NOW = 1_700_000_000_000
ORDER = 7


def bought(points: int, cents: int, pending: int = 0, order: int = ORDER, lasts: int = 90) -> Earned:
    active_at = NOW + pending * DAY
    return Earned(order, active_at, max(NOW + 30 * DAY, active_at), NOW + lasts * DAY, points, cents)


def changes(said: list[LedgerEntry]) -> list[str]:
    return [one.change for one in said]


def test_pending_points_can_not_be_spent_until_their_time() -> None:
    account = Account()
    earn(account, NOW, bought(100, 10_000, pending=14))
    assert (account.balance, account.pending) == (0, 100)
    [refused] = spend(account, NOW, 50, 1, NOW + DAY)
    assert (refused.change, refused.why, refused.asked) == ("refused", "not_covered", 50)
    assert changes(advance(account, NOW + 14 * DAY - SECOND)) == []
    assert changes(advance(account, NOW + 14 * DAY)) == ["activated"]
    assert (account.balance, account.pending) == (100, 0)


def test_a_spend_draws_from_the_oldest_expiry_and_names_its_lots() -> None:
    account = Account({NOW + 2 * DAY: 30, NOW + 9 * DAY: 100})
    [said] = spend(account, NOW, 50, 1, NOW + DAY)
    assert said.lots == ((NOW + 2 * DAY, -30), (NOW + 9 * DAY, -20))
    assert account.lots == {NOW + 9 * DAY: 80}


def test_a_cancelled_reward_goes_back_to_its_lots_and_what_has_expired_there_expires() -> None:
    account = Account({NOW + 2 * DAY: 30, NOW + 9 * DAY: 100})
    spend(account, NOW, 50, 1, NOW + 30 * DAY)
    advance(account, NOW + 3 * DAY)
    [back] = cancel(account, NOW + 3 * DAY, 1)
    assert back.lots == ((NOW + 2 * DAY, 30), (NOW + 9 * DAY, 20))
    assert changes(advance(account, NOW + 3 * DAY)) == ["expired"]
    assert account.lots == {NOW + 9 * DAY: 100}
    assert cancel(account, NOW + 3 * DAY, 1)[0].why == "unknown_reward"


def test_what_has_expired_does_not_come_alive_in_a_lot_that_it_is_merged_with() -> None:
    full = {NOW + (1 + 30 * n) * DAY: 10 for n in range(MAX_LOTS)}
    account = Account(dict(full), drawn=[Drawn(7, NOW + DAY, ((NOW - 5 * DAY, 50),))])
    cancel(account, NOW, 7)
    assert changes(advance(account, NOW)) == ["expired"]
    assert account.lots == full


def test_what_is_merged_can_be_undone_in_the_lot_that_it_has_become() -> None:
    account = Account({NOW + (2 + 30 * n) * DAY: 10 for n in range(MAX_LOTS)})
    earn(account, NOW, bought(100, 10_000, lasts=1))
    assert changes(advance(account, NOW)) == ["merged"]
    assert changes(advance(account, NOW + 3 * DAY)) == ["expired"]
    [said] = take_back(account, ORDER, 10_000, True)
    assert (said.asked, account.owed) == (0, 0)


def test_a_reward_can_be_cancelled_so_long() -> None:
    account = Account({NOW + 90 * DAY: 100})
    spend(account, NOW, 50, 1, NOW + 30 * DAY)
    advance(account, NOW + 30 * DAY)
    assert cancel(account, NOW + 3 * DAY, 1)[0].change == "refused"


def test_a_return_takes_the_refunded_share_rounded_down_and_all_with_the_last_of_it() -> None:
    account = Account()
    earn(account, NOW, bought(10, 999))
    taken = [take_back(account, ORDER, 333, True)[0].asked for _ in range(3)]
    assert taken == [3, 3, 4]
    assert account.balance == 0
    assert take_back(account, ORDER, 333, True)[0].why == "unknown_order"


def test_a_return_takes_pending_points_before_they_are_active() -> None:
    account = Account({NOW + 90 * DAY: 40})
    earn(account, NOW, bought(100, 10_000, pending=14))
    [said] = take_back(account, ORDER, 5_000, True)
    assert said.held == ((NOW + 14 * DAY, NOW + 90 * DAY, -50),)
    assert (account.balance, account.pending) == (40, 50)


def test_points_that_are_spent_are_owed_or_forgiven() -> None:
    for may_owe, balance in ((True, -70), (False, 0)):
        account = Account()
        earn(account, NOW, bought(100, 10_000))
        spend(account, NOW, 70, 1, NOW + DAY)
        [said] = take_back(account, ORDER, 10_000, may_owe)
        assert (said.asked, said.balance, said.owed) == (100, balance, -min(balance, 0))


def test_what_is_owed_is_made_up_first() -> None:
    account = Account(owed=70)
    [said] = earn(account, NOW, bought(100, 10_000))
    assert (said.lots, said.owed, said.balance) == (((NOW + 90 * DAY, 30),), -70, 30)


def test_a_return_without_an_order_is_that_of_the_newest_purchase_that_it_fits() -> None:
    account = Account()
    earn(account, NOW, bought(100, 10_000, order=1))
    earn(account, NOW, bought(10, 1_000, order=2))
    assert take_back(account, 0, 5_000, True)[0].asked == 50
    assert take_back(account, 0, 1_000, True)[0].asked == 10
    assert take_back(account, 0, 99_999, True)[0].asked == 50


def test_by_two_rules_both_are_taken_back() -> None:
    account = Account()
    earn(account, NOW, bought(100, 10_000))
    earn(account, NOW, bought(50, 10_000))
    assert take_back(account, 0, 5_000, True)[0].asked == 75


def test_what_expires_is_booked_in_the_order_of_time() -> None:
    account = Account({NOW + DAY: 5, NOW + 20 * DAY: 7}, owed=0)
    earn(account, NOW, bought(100, 0, pending=10, lasts=15))
    said = advance(account, NOW + 30 * DAY)
    assert changes(said) == ["expired", "activated", "expired", "expired"]
    assert [one.balance for one in said] == [7, 107, 7, 0]


def test_a_person_gives_and_takes() -> None:
    account = Account()
    assert changes(adjust(account, NOW, 50, NOW + DAY)) == ["adjusted"]
    assert adjust(account, NOW, -60, 0)[0].why == "not_covered"
    assert adjust(account, NOW, -20, 0)[0].balance == 30
    assert adjust(account, NOW, MOST_POINTS, NOW + DAY)[0].why == "account_full"
    assert earn(account, NOW, bought(MOST_POINTS, 0))[0].why == "account_full"
    assert changes(close(account)) == ["closed"]
    assert close(account) == []


def test_points_that_never_expire_keep_the_record() -> None:
    account = Account({NEVER_EXPIRES: 5})
    assert (account.next_expiry, account.next_timer(SECOND)) == (0, NEVER_EXPIRES)
    assert Account(owed=1).next_timer() == NEVER_EXPIRES
    assert Account().next_timer() == 0
    assert pack_account(Account()) == b""


def test_what_raised_is_put_off() -> None:
    account = Account({NOW: 5})
    stored = put_off(pack_account(account), NOW + DAY)
    assert (timer_of(stored), unpack_account(stored)) == (NOW + DAY, account)


days = st.integers(0, 40)
orders = st.integers(1, 4)
operations = st.lists(
    st.tuples(
        st.sampled_from(["earn", "earn", "earn", "spend", "spend", "cancel", "return", "adjust", "time"]),
        st.integers(0, 300),
        orders,
        days,
        days,
    ),
    max_size=60,
)
few = st.lists(
    st.tuples(
        st.sampled_from(["earn", "spend", "cancel", "return", "time"]),
        st.sampled_from([100, 200]),
        st.integers(1, 2),
        st.sampled_from([0, 5, 10]),
        st.sampled_from([1, 8, 30]),
    ),
    max_size=8,
)
"""So that one undoes the other."""


def step(account: Account, now: int, one: Any, may_owe: bool) -> list[LedgerEntry]:
    """Each touchpoint has a number of its own; an order may have several. Expiries are early, and some are over."""
    what, amount, order, first, second = one
    if what == "earn":
        active_at = now + first * DAY
        expires, touch = active_at + (second - 3) * DAY, now // SECOND % 2**32
        earned = Earned(order, active_at, max(active_at, now + 20 * DAY), expires, amount, amount * 10, touch)
        return earn(account, now, earned) if amount else []
    if what == "spend":
        return spend(account, now, amount, order, now + first * DAY)
    if what == "cancel":
        return cancel(account, now, order)
    if what == "return":
        return take_back(account, order if second else 0, amount * 7, may_owe)
    return adjust(account, now, amount - 150, now + first * DAY) if what == "adjust" else []


@settings(max_examples=800, deadline=None)
@given(st.one_of(operations, few), st.booleans())
@example([("earn", 100, 1, 0, 30), ("spend", 100, 1, 9, 1), ("return", 200, 1, 5, 1), ("cancel", 9, 1, 0, 1)], False)
def test_whatever_is_booked_the_account_is_the_sum_of_its_entries(told: Any, may_owe: bool) -> None:
    account, lots, held, owed, now = Account(), Counter[int](), Counter[tuple[int, int]](), 0, NOW
    given_out = gone = spent = undone = 0
    for one in told:
        now += one[3] * DAY if one[0] == "time" else SECOND
        said = [*advance(account, now), *step(account, now, one, may_owe)]
        said += advance(account, now)
        for entry in said:
            for expires, points in entry.lots:
                lots[expires] += points
            for active_at, expires, points in entry.held:
                held[active_at, expires] += points
            owed += entry.owed
            net = sum(p for _, p in entry.lots) + sum(p for *_, p in entry.held) - entry.owed
            assert (net > 0) <= (entry.change in ("earned", "given_back", "adjusted"))
            assert (net == 0) >= (entry.change in ("activated", "merged", "refused"))
            given_out, gone = given_out + max(net, 0), gone + max(-net, 0)
            assert (entry.balance, entry.pending) == (lots.total() - owed, held.total())
            assert min(lots.values(), default=0) >= 0 <= min(held.values(), default=0)
            assert not (owed and sum(points for expires, points in lots.items() if expires > now))
            if entry.change in ("spent", "given_back") or (entry.change == "adjusted" and net < 0):
                spent -= net
            elif entry.change == "taken_back":
                undone += entry.asked + net if not may_owe else 0  # is forgiven
            assert account.owed + undone <= spent, "only what is spent is owed, or forgiven and given back no more"
            assert entry.balance >= 0 or may_owe
        assert account.at_most <= MOST_POINTS
        assert {expires: points for expires, points in lots.items() if points} == account.lots
        assert owed == account.owed
        assert given_out == gone + account.balance + account.pending
        assert (len(account.lots) <= MAX_LOTS, len(account.earned) <= MAX_EARNED) == (True, True)
        assert len(account.drawn) <= MAX_SPENT
        assert sum(len(drawn.parts) for drawn in account.drawn) <= MAX_PARTS
        assert not account.next_timer() or account.next_timer() > now
        assert unpack_account(pack_account(account, 5 * SECOND)) == account


def test_the_largest_account_has_a_size_that_is_known() -> None:
    account = Account(
        {NOW + n * DAY: 2**31 - 1 for n in range(MAX_LOTS)},
        [Earned(2**64 - 1, NOW, NOW, NOW, 9, 2**63 - 1)] * MAX_EARNED,
        [Drawn(2**64 - 1, NOW, ((NOW, 9),) * (MAX_PARTS // MAX_SPENT))] * MAX_SPENT,
    )
    assert len(pack_account(account)) == 11 + 8 * 16 + 36 * 32 + 13 * 8 + 8 * 32 == 1_651
    one = Account({NOW: 9}, [Earned(1, NOW, NOW, NOW, 9, 900)])
    assert len(pack_account(one)) == 55
