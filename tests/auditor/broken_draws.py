"""The same of the learned choice: streams in which one of its rules is broken once."""

from __future__ import annotations

from hashlib import blake2b
from itertools import count
from typing import Any

from msgspec.structs import replace

from models.outputs import Candidate, Drawn, Ended, output_id
from tests.auditor.broken import breaks
from tests.support.audited import POLICY, Log

LEARNED = POLICY.replace('window = "28d"', 'window = "28d"\nlearned = true\nunproven_each = 0.9') + "[value]\n"
ONE, ARM = 2**32, "0a0b0c0d"


def begun(log: Log) -> None:
    """The learned choice comes into force."""
    log.chooses(LEARNED, number=2)


def draws(log: Log, chance: int = ONE // 2, state: str = "unproven", **told: Any) -> str:
    """Something useful falls; the id of the decision. told: fields of it that differ."""
    ids = (output_id("draw", log.time, nonce) for nonce in count())
    name = next(one for one in ids if point(one) >= ONE - chance)
    useful = Candidate("useful", "email", (), 1.0, chance, 2.0, ARM, state)
    candidates = (Candidate("leave_alone", chance=ONE - chance), useful)
    drawn = Drawn("best", 12.5, (1.0, 0.5))
    decision = {"id": name, "trigger": name, "candidates": candidates, "drawn": drawn, **told}
    log.send("useful", "risk", level="slipping", id=name, propensity=chance / ONE, decision=decision)
    return name


def point(decision: str) -> int:
    return int.from_bytes(blake2b(b"choice\0" + bytes.fromhex(decision)).digest()[:4])


def ends(log: Log, decision: str, **told: Any) -> None:
    """Its window is over, and so is the allowed lateness: its outcome is said."""
    log.touch("offer_delivered", trigger_id=decision, channel="email")
    log.after("28d")
    log.after("1h")
    log.clock()
    log.says("outcome", ended=Ended(**{"decision": decision, "opened": log.time, "arm": ARM, **told}))


def a_whole_window(log: Log) -> None:
    """Breaks nothing."""
    begun(log)
    for _ in range(2):
        ends(log, draws(log))
        log.after("1d")


@breaks("learned")
def a_draw_by_figures_where_it_was_to_be_learned(log: Log) -> None:
    begun(log)
    log.send("useful", "risk", level="slipping")


@breaks("learned")
def a_learned_draw_where_the_figures_decide(log: Log) -> None:
    ends(log, draws(log))


@breaks("learned")
def a_draw_that_does_not_say_what_was_at_stake(log: Log) -> None:
    begun(log)
    ends(log, draws(log, drawn=Drawn("best", 0.0, (1.0,))))


@breaks("learned")
def an_action_that_stands_nowhere(log: Log) -> None:
    begun(log)
    ends(log, draws(log, state=""))


@breaks("learned")
def a_price_of_budgets_that_nobody_set(log: Log) -> None:
    begun(log)
    name = draws(log)
    one = log.decisions[-1]
    alone, useful = one.candidates
    log.decisions[-1] = replace(one, candidates=(alone, replace(useful, price=0.25)))
    ends(log, name)


@breaks("chances")
def what_is_not_open_has_a_chance(log: Log) -> None:
    begun(log)
    ends(log, draws(log, state="not_launched"))


@breaks("chances")
def more_than_may_be_tried(log: Log) -> None:
    begun(log)
    ends(log, draws(log, chance=ONE - ONE // 20))


@breaks("chances")
def a_hold_out_that_is_not_kept(log: Log) -> None:
    begun(log)
    ends(log, draws(log, chance=ONE - ONE // 100, state="proven"))


@breaks("draw")
def what_falls_by_another_draw(log: Log) -> None:
    begun(log)
    name = draws(log)
    one = log.decisions[-1]
    alone, useful = one.candidates
    less = min(ONE - point(name) - 1, ONE // 3)
    log.triggers[-1] = replace(log.triggers[-1], propensity=less / ONE)
    log.decisions[-1] = replace(one, candidates=(replace(alone, chance=ONE - less), replace(useful, chance=less)))
    ends(log, name)


@breaks("outcome")
def an_outcome_before_its_time(log: Log) -> None:
    begun(log)
    name = draws(log)
    log.after("20d")
    log.clock()
    log.says("outcome", ended=Ended(name, log.time, ARM))


@breaks("outcome")
def two_outcomes_of_a_draw(log: Log) -> None:
    begun(log)
    name = draws(log)
    ends(log, name)
    ends(log, name)


@breaks("outcome")
def an_outcome_of_another_action(log: Log) -> None:
    begun(log)
    ends(log, draws(log), arm="ffffffff")


@breaks("outcome")
def a_draw_before_the_outcome_of_the_last(log: Log) -> None:
    begun(log)
    log.touch("offer_delivered", trigger_id=draws(log), channel="email")
    log.after("29d")
    log.clock()
    ends(log, draws(log))


@breaks("no_outcome")
def a_window_that_never_ends(log: Log) -> None:
    begun(log)
    log.touch("offer_delivered", trigger_id=draws(log), channel="email")
    log.after("29d")
