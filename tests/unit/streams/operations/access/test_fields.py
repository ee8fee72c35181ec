"""Every field that is stored of a customer is named in an export, in both languages: a new one can't be forgotten."""

from __future__ import annotations

from dataclasses import fields as fields_of
from typing import Any

import pytest

from models.customer import layout
from models.customer.bands import Band
from models.customer.consent import MARKETING, Statement, pack_register
from models.customer.contract import Contract, pack_contract
from models.customer.interests import pack_interests
from models.customer.layout import NUMBERS, SECONDS, SLAB, TIMES
from models.customer.record import Record
from models.customer.restrictions import REASONS, Restriction, pack_restrictions
from models.customer.tail import Tail
from models.decisions.running import Running
from models.decisions.sharing import Sharing, Where
from models.decisions.standing import Dated, DayCount, Outstanding, Spent, Stage, Standing, Waiting, gate_number
from models.decisions.standing_stored import pack_standing
from models.decisions.treated import OneDraw, Treated
from models.decisions.unsent import Unsent
from models.decisions.window import Window
from models.loyalty.account import NEVER_EXPIRES, Account, Drawn, Earned
from models.loyalty.experiences import Mood
from models.loyalty.loop import STAGES as LOOP_STAGES
from models.loyalty.loop import Loop, pack_loop
from models.loyalty.membership import Membership
from models.loyalty.membership_stored import pack_membership
from models.loyalty.stored import pack_account
from models.timeline.order import Stage as Timer
from models.timeline.order import timer_position
from streams.operations.access import fields, loyalty_fields, phrases, standing_fields
from streams.operations.access.record import BANDS, SHARED, STAGES, RecordTold
from streams.operations.why.for_customer import Words
from streams.operations.why.phrases import LANGUAGES
from tests.unit.streams.operations.why.test_story import stories

TIME = 1_000_000_000_000
BITS = [name for name, value in vars(layout).items() if isinstance(value, int) and name in (
    "NO_CONSENT", "ERASED", "REARMED", "STAYED", "BACK", "LEFT", "UNLEARNED", "UNSCORED"
)]  # fmt: skip
TOLD_APART = {"times", "seconds", "numbers", "flags"}
PARTS: list[tuple[Any, dict[str, fields.Field]]] = [
    (Statement, fields.STATEMENT),
    (Restriction, fields.RESTRICTION),
    (Contract, fields.CONTRACT),
    (Waiting, standing_fields.WAITING),
    (Outstanding, standing_fields.OUTSTANDING),
    (DayCount, standing_fields.DAY_COUNT),
    (Dated, standing_fields.DATED),
    (Running, standing_fields.RUNNING),
    (Sharing, standing_fields.SHARING),
    (Unsent, standing_fields.UNSENT),
    (Earned, loyalty_fields.EARNED),
    (Drawn, loyalty_fields.DRAWN),
    (Window, standing_fields.WINDOW),
    (Treated, standing_fields.TREATED),
]


def test_every_number_of_the_slab_is_named() -> None:
    assert SLAB.names is not None
    assert set(SLAB.names) == TOLD_APART | set(fields.HEAD)
    assert (len(fields.TIMES), len(fields.SECONDS), len(fields.NUMBERS)) == (TIMES, SECONDS, NUMBERS)
    assert len(fields.FLAGS) == 8 == len(BITS)


def test_every_field_of_the_tail_and_of_how_we_stand_is_named() -> None:
    assert set(fields.TAIL) == set(Tail.__struct_fields__)
    assert set(loyalty_fields.ACCOUNT) == {one.name for one in fields_of(Account)}
    assert set(loyalty_fields.LOOP) == set(Loop.__struct_fields__)
    assert set(standing_fields.STANDING) == set(Standing.__struct_fields__) - {"read"}


@pytest.mark.parametrize(("kind", "named"), PARTS, ids=lambda value: getattr(value, "__name__", ""))
def test_every_field_of_what_lies_packed_is_named(kind: Any, named: dict[str, fields.Field]) -> None:
    assert set(named) == set(kind._fields)


def test_every_band_and_stage_has_words() -> None:
    assert set(BANDS) == set(Band)
    assert set(STAGES) == set(Stage)
    assert set(SHARED) == set(Where)
    assert set(phrases.STAGES) == set(LOOP_STAGES)
    assert set(phrases.VOICES) == {*Mood}


def whole() -> Record:
    """A record in which every field says something."""
    record = Record(b"anna")
    record.ring, record.band, record.flags, record.feedback, record.open_cases = 3, Band.AT_RISK, 255, 0x11, 2
    for number in range(TIMES):
        record.times[number] = TIME + number
    record.times[layout.DUE] = timer_position(TIME, Timer.SCORES)
    for number in range(SECONDS):
        record.seconds[number] = 1_000_000_000 + number
    for number in range(NUMBERS):
        record.numbers[number] = 0.5 + number
    record.remember(1)
    record.pending_ticks[0] = 7
    record.pending_bases[0][0] = 9
    numbered = Standing(
        0.5, TIME, TIME, TIME, True,
        [Waiting(1, TIME, TIME, 0.5)],
        [Outstanding(1, TIME, TIME, TIME, 1, 1, 0, 3, Stage.OUT, (Spent(1, TIME, 1, True),))],
        [DayCount(19_000, 1, 0, 3, 2)],
        {1: TIME}, {1: TIME}, TIME, 1, running=[Running(1, TIME, 1, TIME)],
        unsent=[Unsent(1, 1, 1, 1, 1, TIME, TIME, 0.5, TIME)], carried=True, shadowed=0.5, live=1,
        dates=(Dated(1, TIME, TIME),), silence_kept=True, told={1: gate_number("budget")},
        window=Window(1, TIME, TIME, 1, 1.0, 1.0, 1, ((1, 1),), 1, 1, b"xx", 7),
        treated=Treated(0.05, (OneDraw(TIME, TIME, TIME, 1, True),), TIME),
        inherited=True,
        shared=[Sharing(Where.SENT, 1, "bert", 1, 1, "app", TIME, TIME, 1)],
    )  # fmt: skip
    record.tail = Tail(
        channels=("email",), topics=("tea",), max_per_week=0, quiet=("22:00", "07:00"), time_zone="Europe/Berlin",
        rewards=("mug",), customer_class="consumer", programme="gold", cases={"T-1": TIME}, presence="app",
        opener="e-1", trigger=bytes(15) + b"x", step=1, silent_until=TIME, language="de", country="DE", account="a",
        role="buyer", presence_at=TIME, interests=pack_interests(TIME, {"tea": 1.0}), more_cases=1,
        contract=pack_contract(Contract(plan="coffee")), standing=pack_standing(numbered),
        consents=pack_register({(MARKETING, "email"): Statement(True, TIME, reference=7)}),
        points=pack_account(
            Account(
                {TIME: 5, NEVER_EXPIRES: 6}, [Earned(1, TIME, TIME, TIME, 3, 4, 5)], [Drawn(1, TIME, ((TIME, 2),))], 7
            )
        ),
        loyalty=pack_loop(Loop(5, TIME, TIME, TIME, TIME, 7, True, [1, 0, 0, 0, 2], 1, 2)),
        membership=pack_membership(Membership("spent", {TIME: 5}, "gold", TIME)),
        restrictions=pack_restrictions({reason: Restriction(frozenset({"marketing"}), TIME) for reason in REASONS}),
        merged="bert",
    )  # fmt: skip
    return record


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_known_of_every_field_is_shown(language: str) -> None:
    told = list(RecordTold(whole(), Words(whole(), None, TIME, language)).items())
    assert [one.name for one in told if not one.shown] == []
    assert len({one.name for one in told}) == len(told)
    known = {one.name: one.shown for one in told}
    assert known["tail.max_per_week"] == "0"
    assert known["tail.cases"] == {"T-1": "2001-09-09 03:46"}


def test_a_blank_record_names_the_same_fields_and_shows_nothing_of_the_customer() -> None:
    told = list(RecordTold(Record(b"anna"), Words(None, None, 0)).items())
    assert [one.name for one in told] == [one.name for one in RecordTold(whole(), Words(None, None, 0)).items()]
    assert {one.name for one in told if one.shown} == {"version", "check", "band"}


@pytest.mark.slow
def test_the_two_languages_name_the_same_fields_otherwise() -> None:
    for story in stories():
        english, german = (
            list(RecordTold(story.record, Words(story.record, story.policy, story.time, language)).items())
            for language in LANGUAGES
        )
        assert [one.name for one in english] == [one.name for one in german]
        assert all(
            one.label != other.label for one, other in zip(english, german, strict=True) if one.label != "version"
        )
