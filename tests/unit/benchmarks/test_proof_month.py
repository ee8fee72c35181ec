"""The proof in the whole system: how the shop's own book is read."""

from __future__ import annotations

from typing import Any

from benchmarks.proof_month import Arm, truth
from benchmarks.proof_shop import CONTROL, LEARNED, WINDOW_DAYS
from models.decisions.policy.reading import read_policy
from models.settings import DAY, HOUR

WINDOW = WINDOW_DAYS * DAY


def drawn(customer: str, time: int, **told: Any) -> dict[str, Any]:
    return {"what": "decided", "customer": customer, "time": time, "drawn": {}, **told}


def test_a_customer_is_kept_who_bought_in_the_window_of_their_first_draw() -> None:
    bought = {"a": [5, 6], "b": [5], "c": [5, 5 + WINDOW], "d": [5, 6 + WINDOW], "e": [5, 7], "f": [4, 6]}
    decisions = [
        *(drawn("a", 900, control=True), drawn("a", 5), drawn("b", 5), drawn("c", 5), drawn("d", 5, control=True)),
        drawn("e", 5 + WINDOW),  # not over yet
        {"what": "decided", "customer": "f", "time": 5},  # held by a gate: nothing was drawn
        {"what": "delivered", "customer": "f", "time": 5},
    ]
    assert truth(bought, decisions, 5 + WINDOW + HOUR) == {"treated": Arm(3, 2), "control": Arm(1, 0)}
    assert truth(bought, decisions, 4 + WINDOW + HOUR) == {"treated": Arm(0, 0), "control": Arm(0, 0)}


def test_the_shop_has_a_policy_that_learns_and_holds_out() -> None:
    policy = read_policy(LEARNED)
    assert (policy.choice.learned, policy.choice.window, policy.choice.unproven) == (True, f"{WINDOW_DAYS}d", 0.8)
    assert policy.control.share == CONTROL
    assert policy.action["useful"].expires == "3d"
    assert policy.value is not None
