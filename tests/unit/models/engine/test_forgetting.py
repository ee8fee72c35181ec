"""Who leaves the store, when, what stays of them, and how they begin again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from models.customer.bands import Band
from models.customer.consent import Answer, Statement, answer, unpack_register
from models.customer.layout import DUE, ERASED, NO_CONSENT, PURCHASE_DAYS, UNLEARNED, UNSCORED
from models.customer.record import Record, unpack
from models.engine import effects
from models.outputs import CHURNED
from models.settings import DAY
from models.timeline.order import NEVER, Stage, timer_position
from tests.support.bench import Kept, run_alone
from tests.support.logs import log_of, ticking, told
from tests.unit.models.engine.test_engine_records import SCORER, SETTINGS, bought, day, record_of
from tests.unit.models.engine.test_life_of_a_moment import POLICY, Story
from tests.unit.models.engine.test_life_of_a_moment import SETTINGS as STORY

FORGETTING = replace(SETTINGS, forget_after=30 * DAY)
"""Two horizons are 56 days; ticks are at every seventh day from the log's first on."""
LEAVES = 91
"""The first tick after 86 days: when the last touchpoint was on day 0.5."""
sizes = pytest.mark.parametrize("batch", [1, 500])


def run(*entries: tuple[int, bytes | None, bytes | None], batch: int = 500) -> Kept:
    return run_alone(log_of(sorted(entries, key=lambda entry: entry[0])), FORGETTING, SCORER, batch)


def erased(number: float, customer: str = "c") -> tuple[int, bytes, bytes]:
    return told("erase_requested", customer, day(number))


def consent(number: float, marketing: bool, *channels: str, **more: object) -> tuple[int, bytes, bytes]:
    return told("consent_changed", "c", day(number), {"marketing": marketing, "channels": channels}, **more)


@sizes
def test_a_lapsed_customer_leaves_at_the_tick_after_two_horizons_and_the_time_set(batch: int) -> None:
    before = run(bought("c", 0.5), ticking(day(LEAVES) - 1), batch=batch)
    assert record_of(before, "c").band == Band.LAPSED
    assert before.dues == {b"c": timer_position(day(LEAVES), Stage.LEAVING)}
    after = run(bought("c", 0.5), ticking(day(LEAVES)), batch=batch)
    assert (after.records, after.dues, sum(after.state.bands)) == ({}, {}, 0)
    [said] = after.decisions("forgotten")
    assert (said["customer"], said["time"], said["at"]["due"]) == ("c", day(LEAVES), True)
    assert said["reason"] == "silent for two horizons and 30 days"


def test_where_nobody_is_forgotten_nobody_leaves() -> None:
    kept = run_alone(log_of([bought("c", 0.5), ticking(day(900))]), SETTINGS, SCORER)
    assert (list(kept.records), kept.dues) == ([b"c"], {})


@sizes
def test_any_touchpoint_puts_it_off(batch: int) -> None:
    kept = run(bought("c", 0.5), told("visit", "c", day(80)), ticking(day(166)), batch=batch)
    assert record_of(kept, "c").times[DUE] == timer_position(day(168), Stage.LEAVING)
    assert run(bought("c", 0.5), told("visit", "c", day(80)), ticking(day(168)), batch=batch).records == {}


@sizes
def test_a_visitor_who_never_bought_leaves_without_a_word(batch: int) -> None:
    kept = run(told("visit", "c", day(0.5)), ticking(day(LEAVES)), batch=batch)
    assert kept.records == kept.dues == {}
    assert not kept.decisions("forgotten")


def test_what_becomes_known_long_after_it_happened_leaves_at_the_next_tick() -> None:
    told_late = bought("c", 0.5, at=day(200))
    assert list(run(told_late, ticking(day(203) - 1)).records) == [b"c"]
    assert run(told_late, ticking(day(210))).records == {}


@sizes
def test_an_open_case_stays_until_it_is_resolved(batch: int) -> None:
    case = {"case_id": "T-1"}
    entries = [bought("c", 0.5), told("case_opened", "c", day(1), case)]
    kept = run(*entries, ticking(day(400)), batch=batch)
    assert record_of(kept, "c").tail.cases
    resolved = told("case_resolved", "c", day(401), case)
    assert run(*entries, resolved, ticking(day(500)), batch=batch).records == {}


OBJECTIONS = {
    "consent withdrawn": consent(1, False),
    "unsubscribed": told("message_unsubscribed", "c", day(1), {"channel": "email"}),
}


@sizes
@pytest.mark.parametrize("objection", OBJECTIONS)
def test_an_objection_stays_and_holds_when_they_come_back(objection: str, batch: int) -> None:
    entries = [bought("c", 0.5), OBJECTIONS[objection]]
    gone = run(*entries, ticking(day(400)), batch=batch)
    record, stored = record_of(gone, "c"), gone.records[b"c"]
    assert len(stored) < 48
    assert (record.times[DUE], record.numbers[PURCHASE_DAYS]) == (NEVER, 0)
    assert gone.dues == {}
    back = run(*entries, bought("c", 401), ticking(day(460)), batch=batch)
    assert back.decisions("episode_opened")[-1]["action"] == "leave_alone"
    assert record_of(back, "c").numbers[PURCHASE_DAYS] == 1
    willing = run(*entries, consent(400.5, True, "email"), bought("c", 401), ticking(day(460)), batch=batch)
    assert willing.decisions("episode_opened")[-1]["action"] == "win_back"


@sizes
def test_who_comes_back_begins_as_a_new_customer_and_no_trigger_id_is_used_twice(batch: int) -> None:
    # The same event opens both episodes: the ids differ by when they opened.
    first_life = [bought("c", 0.5), told("visit", "c", day(30), id="opener")]
    second_life = [bought("c", 300.5), told("visit", "c", day(330), id="opener")]
    kept = run(*first_life, *second_life, ticking(day(340)), batch=batch)
    alone = run(*second_life, ticking(day(340)), batch=batch)
    assert kept.records == alone.records
    ids = kept.ids("triggers")
    assert len(set(ids)) == len(ids) == 2


@sizes
def test_a_repeat_from_a_former_life_is_neither_scored_nor_triggered_nor_learned(batch: int) -> None:
    once = bought("c", 0.5)
    kept = run(once, ticking(day(LEAVES)), (day(LEAVES) + 1, *once[1:]), ticking(day(LEAVES + 14)), batch=batch)
    before = run(once, ticking(day(LEAVES)), batch=batch)
    totals, former = kept.state.totals, before.state.totals
    assert (totals.scored, totals.episodes, totals.triggers) == (former.scored, former.episodes, former.triggers)
    labels = [[e for e in k.said("examples") if e.get("kind") == CHURNED] for k in (kept, before)]
    assert labels[0] == labels[1]
    assert kept.records == {}


@sizes
def test_of_an_erased_customer_a_tombstone_is_left_for_as_long_as_of_a_silent_one(batch: int) -> None:
    entries = [bought("c", 0.5), told("preferences_updated", "c", day(1), {"channels": ["app"]}), erased(2.5)]
    kept = run(*entries, ticking(day(20)), batch=batch)
    blank = Record(b"c")
    record = record_of(kept, "c")
    assert (record.flags, record.band, record.tail) == (ERASED, Band.ERASED, blank.tail)
    assert (record.numbers, record.ids) == (blank.numbers, blank.ids)
    assert len(kept.records[b"c"]) == 24
    assert kept.dues[b"c"] <= record.times[DUE] == timer_position(day(LEAVES), Stage.LEAVING)
    gone = run(*entries, ticking(day(LEAVES)), batch=batch)
    assert gone.records == gone.dues == {}
    assert not gone.decisions("forgotten")


@sizes
def test_what_was_before_an_erasure_changes_nothing_however_often_it_comes(batch: int) -> None:
    before = [bought("c", 0.5), consent(1, True), erased(2.5)]
    once = run(*before, ticking(day(90)), batch=batch)
    repeats = [(day(3 + n), key, value) for n, (_, key, value) in enumerate(before * 3)]
    later = [bought("c", 40), told("visit", "c", day(41))]
    kept = run(*before, *repeats, *later, ticking(day(90)), batch=batch)
    assert (kept.records, kept.state.totals.scored) == (once.records, once.state.totals.scored)
    assert len(kept.decisions("erased")) == 1


@sizes
def test_only_a_consent_newer_than_the_erasure_reopens(batch: int) -> None:
    before = [bought("c", 0.5), erased(2.5)]
    reopened = run(*before, consent(4, True), bought("c", 5), ticking(day(6)), batch=batch)
    assert record_of(reopened, "c").flags == 0
    assert record_of(reopened, "c").numbers[PURCHASE_DAYS] == 1
    assert [said["time"] for said in reopened.decisions("reopened")] == [day(4)]
    for other in (consent(2, True, at=day(4)), consent(4, True, at=day(5))):
        shut = run(*before, other, bought("c", 5), ticking(day(6)), batch=batch)
        assert record_of(shut, "c").flags == ERASED
        assert not shut.decisions("reopened")


@sizes
@pytest.mark.parametrize(
    "refusal",
    [
        consent(4, False),
        told("message_unsubscribed", "c", day(4), {"channel": "email"}),
        told("spam_reported", "c", day(4), {"channel": "email"}),
        told("restricted", "c", day(4), {"reason": "do_not_contact"}),
    ],
)
def test_what_is_refused_after_the_erasure_still_stands_when_they_come_back(batch: int, refusal: Any) -> None:
    before = [bought("c", 0.5), erased(2.5), refusal]
    kept = run(*before, bought("c", 300), ticking(day(600)), batch=batch)
    assert record_of(kept, "c").flags == ERASED | NO_CONSENT
    assert len(kept.records[b"c"]) < 48
    assert kept.dues == {}
    assert not [one for one in kept.said("decisions") if one["time"] > day(2.5) and one.get("customer")]
    back = run(*before, consent(300, True, "sms"), bought("c", 301), ticking(day(302)), batch=batch)
    register = unpack_register(record_of(back, "c").tail.consents)
    assert [answer(register, "marketing", channel, day(302)) for channel in ("sms", "email", "app")] == [
        Answer.GRANTED,
        Answer.REFUSED,
        Answer.REFUSED,
    ]
    nothing = run(*before[:2], told("restricted", "c", day(4), {"reason": "dispute"}), ticking(day(6)), batch=batch)
    assert record_of(nothing, "c").flags == ERASED


@sizes
def test_an_objection_to_profiling_after_the_erasure_stands_too(batch: int) -> None:
    no = told("consent_changed", "c", day(4), {"marketing": False, "purpose": "profiling"})
    back = run(bought("c", 0.5), erased(2.5), no, consent(9, True), bought("c", 10), ticking(day(40)), batch=batch)
    assert record_of(back, "c").flags == UNLEARNED | UNSCORED


@sizes
def test_who_had_objected_before_they_were_erased_stays_so_for_good(batch: int) -> None:
    before = [bought("c", 0.5), consent(1, False), erased(2.5)]
    kept = run(*before, bought("c", 300), bought("c", 600), ticking(day(900)), batch=batch)
    record = record_of(kept, "c")
    assert record.flags == ERASED | NO_CONSENT
    assert unpack_register(record.tail.consents) == {("marketing", ""): Statement(False, day(1))}
    assert len(kept.records[b"c"]) < 48
    assert kept.dues == {}
    closed = run(*before, consent(300, True), bought("c", 301), ticking(day(310)), batch=batch)
    assert record_of(closed, "c").flags == NO_CONSENT
    back = run(*before, consent(300, True, "sms"), bought("c", 301), ticking(day(360)), batch=batch)
    assert record_of(back, "c").flags == 0
    assert back.decisions("episode_opened")[-1]["action"] == "win_back"


@sizes
def test_what_was_refused_on_one_channel_is_refused_on_all_once_erased(batch: int) -> None:
    before = [bought("c", 0.5), OBJECTIONS["unsubscribed"], erased(2.5)]
    for stay in (ticking(day(200)), ticking(day(3))):
        back = run(*before, stay, consent(300, True, "sms"), ticking(day(301)), batch=batch)
        register = unpack_register(record_of(back, "c").tail.consents)
        assert [answer(register, "marketing", channel, day(301)) for channel in ("sms", "email", "app")] == [
            Answer.GRANTED,
            Answer.REFUSED,
            Answer.REFUSED,
        ]


@sizes
@pytest.mark.parametrize(("reason", "flags"), [("deceased", ERASED), ("do_not_contact", ERASED | NO_CONSENT)])
def test_of_a_restriction_nothing_is_kept_of_who_was_erased_but_that_they_want_no_contact(
    reason: str, flags: int, batch: int
) -> None:
    restricted = told("restricted", "c", day(1), {"reason": reason})
    record = record_of(run(bought("c", 0.5), restricted, erased(2.5), ticking(day(3)), batch=batch), "c")
    assert (record.flags, record.tail.restrictions) == (flags, b"")


@sizes
def test_who_is_restricted_and_leaves_the_store_is_restricted_when_they_come_back(batch: int) -> None:
    restricted = told("restricted", "c", day(1), {"reason": "dispute"})
    gone = run(bought("c", 0.5), restricted, ticking(day(400)), batch=batch)
    assert record_of(gone, "c").numbers[PURCHASE_DAYS] == 0
    assert len(gone.records[b"c"]) < 80
    back = run(bought("c", 0.5), restricted, bought("c", 401), ticking(day(460)), batch=batch)
    assert back.decisions("episode_opened")[-1]["reason"] == "restricted: dispute"


def test_who_is_erased_before_they_were_known_leaves_a_tombstone_too() -> None:
    kept = run(erased(0.5), bought("c", 2), ticking(day(60)))
    assert record_of(kept, "c").flags == ERASED
    assert kept.said("triggers") == []
    assert run(erased(0.5), ticking(day(LEAVES))).records == {}


@sizes
def test_who_can_not_leave_for_an_error_is_dead_lettered_and_leaves_at_the_next_tick(
    batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def speechless(*_: object, **__: object) -> None:
        raise LookupError("no words")

    well = run(bought("c", 0.5), ticking(day(LEAVES) - 1), batch=batch)
    handler = effects.HANDLERS[effects.Effect.FORGOTTEN]
    monkeypatch.setitem(effects.HANDLERS, effects.Effect.FORGOTTEN, speechless)
    failed = run(bought("c", 0.5), ticking(day(LEAVES)), batch=batch)
    assert [letter["due"] for letter in failed.said("deadletters")] == [day(LEAVES)]
    record, before = record_of(failed, "c"), record_of(well, "c")
    assert record.times[DUE] == timer_position(day(LEAVES + 7), Stage.LEAVING)
    assert (record.band, record.numbers) == (before.band, before.numbers)
    monkeypatch.setitem(effects.HANDLERS, effects.Effect.FORGOTTEN, handler)
    assert unpack(b"c", failed.records[b"c"]).times[DUE] in failed.dues.values()


@sizes
@pytest.mark.parametrize(("window", "told"), [(0, (1, 0, 2)), (30 * DAY, (0, 1, 1))])
def test_what_may_be_of_a_former_life_is_said_to_be_unsure_or_dropped_where_there_is_a_window(
    window: int, told: tuple[int, int, int], batch: int
) -> None:
    once = bought("c", 0.5)
    log = log_of([once, ticking(day(LEAVES)), bought("c", 200), (day(201), *once[1:])])
    kept = run_alone(log, replace(FORGETTING, duplicate_window=window), SCORER, batch)
    assert (kept.shard.unsure, kept.shard.beyond, record_of(kept, "c").numbers[PURCHASE_DAYS]) == told


def test_what_is_younger_than_who_has_left_can_not_be_is_not_unsure() -> None:
    log = log_of([bought("c", 200), bought("c", 115, at=day(201))])
    assert run_alone(log, FORGETTING, SCORER).shard.unsure == 0
    assert run_alone(log_of([bought("c", 200), bought("c", 114, at=day(201))]), FORGETTING, SCORER).shard.unsure == 1


@sizes
def test_the_consent_that_reopens_asks_as_any_other(batch: int) -> None:
    asks = POLICY.replace('["complaint"]', '["complaint", "consent_changed"]').replace('once_per = "3d"\n', "")
    story = Story(asks + "[loyalty]\n", settings=replace(STORY, forget_after=DAY), days=9).then(1, "erase_requested")
    world = story.then(3, "consent_changed", marketing=True, channels=["email"]).run(batch=batch)
    assert [day for day, *_ in world.decided] == [0, 3]
    assert [one["loyalty"]["stage"] for one in world.kept.decisions("loyalty")] == ["prospect", "new", "prospect"]
