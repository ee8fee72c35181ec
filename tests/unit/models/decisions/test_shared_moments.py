"""Two customers share a moment only where both have agreed to it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from models.customer.consent import CONVERSATION, EVERY, Statement, pack_register
from models.customer.layout import ERASED
from models.customer.restrictions import Restriction, pack_restrictions
from models.customer.tail import Tail
from models.decisions.person import Person
from models.decisions.shared_moments import against_sharing, may_share
from models.settings import DAY

NOW = 1_790_000_000_000


def who(name: str, said: Statement | None, channel: str = EVERY, flags: int = 0, restrictions: bytes = b"") -> Person:
    register = {} if said is None else {(CONVERSATION, channel): said}
    return Person(name.encode(), Tail(consents=pack_register(register), restrictions=restrictions), flags)


YES, NO = Statement(True, NOW - DAY), Statement(False, NOW - DAY)
WORDS = some.sampled_from([None, YES, NO, Statement(True, NOW - DAY, expires=NOW - 1000)])


@given(WORDS, WORDS)
def test_both_must_have_agreed_and_it_is_the_same_either_way(one: Statement | None, other: Statement | None) -> None:
    anna, ben = who("anna", one), who("ben", other)
    assert may_share(anna, ben, "chat", NOW) == may_share(ben, anna, "chat", NOW) == (one == other == YES)


def test_what_stands_against_it_is_told() -> None:
    disputes = pack_restrictions({"dispute": Restriction(frozenset({"marketing"}), NOW)})
    assert against_sharing(who("anna", YES), "chat", NOW) == ""
    assert against_sharing(who("anna", None), "chat", NOW) == "not_agreed"
    assert against_sharing(who("anna", YES, flags=ERASED), "chat", NOW) == "erased"
    assert against_sharing(who("anna", YES, restrictions=disputes), "chat", NOW) == "restricted"


def test_a_word_for_one_channel_is_none_for_another() -> None:
    assert against_sharing(who("anna", YES, "chat"), "chat", NOW) == ""
    assert against_sharing(who("anna", YES, "chat"), "app", NOW) == "not_agreed"


def test_nobody_shares_a_moment_with_themselves() -> None:
    assert not may_share(who("anna", YES), who("anna", YES), "chat", NOW)
