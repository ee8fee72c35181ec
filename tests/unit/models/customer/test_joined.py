"""Two records become one: every part says how, and consent only becomes stricter."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from models.customer.bands import Band
from models.customer.consent import (
    EVERY,
    MARKETING,
    MAX_STATEMENTS,
    PURPOSES,
    Answer,
    Register,
    Statement,
    answer,
    pack_register,
    state,
    unpack_register,
)
from models.customer.joined import (
    ADDED,
    DECAYING,
    IN_SECONDS,
    OF_DAYS,
    OF_FEEDBACK,
    OF_THE_LAST_DAY,
    OWN,
    join_numbers,
)
from models.customer.joined_tail import OF_PERSON, join_person, stricter
from models.customer.layout import (
    GAP_LOG_SUM,
    GAP_MAX,
    LAST_PURCHASE,
    NUMBERS,
    PURCHASE_DAYS,
    RATING_EWMA,
    RATINGS,
    SECONDS,
    SPENT,
    TICK,
    VISITS,
)
from models.customer.layout import TOUCH_DECAYS as FIRST_TOUCH_DECAY
from models.customer.record import Record
from models.customer.restrictions import Restriction, pack_restrictions, unpack_restrictions
from models.customer.tail import NOT_STATED, Tail
from models.decisions.joined import STANDING, TOGETHER
from models.decisions.standing import Standing
from models.settings import DAY

BY_POLICY = {"standing", "points", "loyalty", "membership"}
"""Parts of the tail that `models.engine.moving` joins by `models.decisions.joined` and `models.loyalty.joined`."""


def test_every_part_of_the_record_says_how_two_become_one() -> None:
    """A new part of the tail, of the standing or of the numbers has to."""
    assert set(OF_PERSON) == set(Tail.__struct_fields__) - BY_POLICY
    assert set(STANDING) == {name for name in Standing.__struct_fields__ if name not in TOGETHER}
    joined = [*(at for at, _ in DECAYING), *ADDED, *OF_DAYS, *OF_THE_LAST_DAY, *(at for at, _ in OF_FEEDBACK), *OWN]
    assert sorted([*joined, GAP_MAX]) == list(range(NUMBERS))
    assert sorted(IN_SECONDS) == list(range(SECONDS))


channels = some.sampled_from(("", "email", "sms", "app"))
statements = some.builds(
    lambda granted, time, expires: Statement(granted, time, expires),
    some.booleans(),
    some.integers(1, 50),
    some.sampled_from((0, 20_000, 90_000)),
)
words = some.lists(some.tuples(some.sampled_from(PURPOSES), channels, statements), max_size=12)


def register_of(said: list[tuple[str, str, Statement]]) -> Register:
    register: Register = {}
    for purpose, channel, one in said:
        state(register, purpose, (channel,) if channel else (), one if one.granted else Statement(False, one.time))
    return register


@given(words, words)
def test_what_either_refused_is_refused_and_nothing_is_granted_that_neither_granted(one: list, other: list) -> None:
    mine, theirs = register_of(one), register_of(other)
    joined = stricter(mine, theirs)
    assert unpack_register(pack_register(joined)) == joined
    assert stricter(theirs, mine) == joined
    for purpose in PURPOSES:
        for channel in ("", "email", "sms", "app", "letter"):
            answers = {answer(register, purpose, channel, 60_000) for register in (mine, theirs)}
            found = answer(joined, purpose, channel, 60_000)
            if Answer.REFUSED in answers:
                assert found == Answer.REFUSED, (purpose, channel, mine, theirs, joined)
            if found == Answer.GRANTED:
                assert Answer.GRANTED in answers


def test_a_register_never_grows_beyond_its_bound_and_loses_grants_first() -> None:
    mine = {(MARKETING, f"a{n}"): Statement(n % 2 == 0, n + 1) for n in range(MAX_STATEMENTS)}
    theirs = {(MARKETING, f"b{n}"): Statement(n % 3 == 0, n + 1) for n in range(MAX_STATEMENTS)}
    joined = stricter(mine, theirs)
    assert len(joined) <= MAX_STATEMENTS
    for key, said in {**mine, **theirs}.items():
        if not said.granted:
            assert answer(joined, *key, 99) == Answer.REFUSED
    assert answer(joined, MARKETING, EVERY, 99) == Answer.REFUSED or len(joined) == MAX_STATEMENTS


def test_what_was_counted_is_added_and_the_gap_between_two_lives_is_known_then() -> None:
    own, other = Record(b"a"), Record(b"b")
    for record, day, spent in ((own, 40, 30.0), (other, 30, 12.0)):
        record.times[LAST_PURCHASE] = day * DAY
        record.numbers[PURCHASE_DAYS], record.numbers[SPENT] = 2.0, spent
        record.numbers[GAP_LOG_SUM], record.numbers[GAP_MAX] = 1.0, 3.0
    other.times[TICK], other.band = 5.0, Band.SAFE
    other.numbers[FIRST_TOUCH_DECAY + VISITS] = 2.0
    other.feedback, other.numbers[RATING_EWMA] = 3 * RATINGS, 4.0
    join_numbers(own, other, 77)
    assert (own.numbers[PURCHASE_DAYS], own.numbers[SPENT], own.numbers[GAP_MAX]) == (4.0, 42.0, 10.0)
    assert abs(own.numbers[GAP_LOG_SUM] - (2.0 + 2.302585)) < 1e-5
    assert (own.times[LAST_PURCHASE], own.times[TICK], own.band) == (40 * DAY, 77, Band.SAFE)
    assert own.numbers[FIRST_TOUCH_DECAY + VISITS] == 2.0
    assert (own.ratings, own.numbers[RATING_EWMA]) == (3, 4.0)


def test_a_day_on_which_both_bought_is_one() -> None:
    own, other = Record(b"a"), Record(b"b")
    for record in (own, other):
        record.times[LAST_PURCHASE], record.numbers[PURCHASE_DAYS] = 40 * DAY, 1.0
    join_numbers(own, other, 0)
    assert (own.numbers[PURCHASE_DAYS], own.numbers[GAP_LOG_SUM]) == (1.0, 0.0)


def test_of_the_person_the_stricter_counts_and_else_their_own_word() -> None:
    until = Restriction(frozenset({"marketing"}), 5, 9_000)
    own = Tail(language="de", max_per_week=3, cases={"x": 5}, restrictions=pack_restrictions({"dispute": until}))
    longer = until._replace(purposes=frozenset({"care"}), until=0)
    other = Tail(
        language="fr", country="FR", max_per_week=NOT_STATED, cases={"x": 3, "y": 9}, silent_until=77,
        restrictions=pack_restrictions({"dispute": longer}),
    )  # fmt: skip
    join_person(own, other)
    assert (own.language, own.country, own.max_per_week, own.silent_until) == ("de", "FR", 3, 77)
    assert own.cases == {"x": 3, "y": 9}
    assert unpack_restrictions(own.restrictions)["dispute"] == Restriction(frozenset({"marketing", "care"}), 5, 0)
