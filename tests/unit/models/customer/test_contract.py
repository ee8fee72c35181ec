"""What is known of a customer's contract, touchpoint by touchpoint."""

from __future__ import annotations

from typing import get_args

import pytest

from models.customer.contract import TERMS, Contract, pack_contract, unpack_contract
from models.customer.profile import take_in
from models.customer.record import Record
from models.settings import DAY, SECOND
from models.touchpoints import Touch, fields, read
from tests.support.logs import START, Data, touchpoint


def after(*told: tuple[str, Data]) -> Contract | None:
    """A day lies between one touchpoint and the next."""
    record = Record(b"c")
    for day, (kind, data) in enumerate(told, 1):
        time = START + day * DAY
        touch = read(touchpoint(kind, "c", time, data), None, time)
        assert isinstance(touch, Touch)
        take_in(record, touch.kind, time, touch.data, False, time)
    return unpack_contract(record.tail.contract) if record.tail.contract else None


STARTED = (
    "subscription_started",
    {
        "plan": "café",
        "amount": 18,
        "term": "month",
        "renews_at": "2000-02-04T00:00:00Z",
        "cancel_by": "2000-01-28T00:00:00+02:00",
        "auto_renews": True,
    },
)


def test_a_contract_is_what_was_told_of_it() -> None:
    assert after(STARTED) == Contract(
        "active",
        "month",
        "by itself",
        renews_at=949_622_400 * SECOND,
        cancel_by=949_010_400 * SECOND,
        price=18.0,
        plan="café",
    )


@pytest.mark.parametrize(
    ("kind", "data", "state"),
    [
        ("subscription_paused", {}, "paused"),
        ("subscription_cancelled", {}, "ends"),
        ("subscription_cancelled", {"renews_at": "2000-01-04T00:00:00Z"}, "ended"),
        ("subscription_changed", {"term": "year", "auto_renews": False}, "active"),
        ("subscription_renewed", {}, "active"),
    ],
)
def test_its_state_follows(kind: str, data: Data, state: str) -> None:
    contract = after(STARTED, (kind, data))
    assert contract is not None
    assert contract.state == state
    assert (contract.plan, contract.price) == ("café", 18.0)
    resumed = after(STARTED, (kind, data), ("subscription_resumed", {}))
    assert resumed is not None
    assert resumed.state == "active"


def test_the_dates_of_a_term_that_is_over_are_not_those_of_the_next() -> None:
    contract = after(STARTED, ("subscription_renewed", {"renews_at": "2000-03-04T00:00:00Z"}))
    assert contract is not None
    assert (contract.renews_at, contract.cancel_by) == (952_128_000 * SECOND, 0)


def test_an_open_payment_and_a_cancellation_begun_have_their_times() -> None:
    contract = after(STARTED, ("payment_failed", {}), ("payment_failed", {}), ("cancel_started", {}))
    assert contract is not None
    assert (contract.unpaid, contract.cancelling) == (START + 2 * DAY, START + 4 * DAY)
    mended = after(STARTED, ("payment_failed", {}), ("cancel_started", {}), ("payment_recovered", {}))
    assert mended is not None
    assert (mended.unpaid, mended.cancelling != 0) == (0, True)
    stays = after(STARTED, ("cancel_started", {}), ("subscription_renewed", {}))
    assert stays is not None
    assert stays.cancelling == 0


def test_without_a_contract_there_is_nothing_to_pay_or_to_cancel() -> None:
    assert after(("payment_failed", {}), ("cancel_started", {}), ("payment_recovered", {})) is None


def test_it_comes_back_as_it_was_stored() -> None:
    for term in TERMS:
        contract = Contract("ends", term, "by the customer", SECOND, 2 * SECOND, 3 * SECOND, 4 * SECOND, 2.5, "é")
        assert unpack_contract(pack_contract(contract)) == contract
    assert ("", *get_args(fields.Term)) == TERMS
