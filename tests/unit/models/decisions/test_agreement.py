"""It is used that somebody talks with another only where they have agreed to it."""

from __future__ import annotations

from models.customer.consent import CONVERSATION, EVERY, Statement, pack_register
from models.customer.layout import ERASED
from models.customer.restrictions import Restriction, pack_restrictions
from models.customer.tail import Tail
from models.decisions.agreement import against_sharing
from models.decisions.person import Person
from models.settings import DAY

NOW = 1_790_000_000_000


def who(name: str, said: Statement | None, channel: str = EVERY, flags: int = 0, restrictions: bytes = b"") -> Person:
    register = {} if said is None else {(CONVERSATION, channel): said}
    return Person(name.encode(), Tail(consents=pack_register(register), restrictions=restrictions), flags)


YES, NO = Statement(True, NOW - DAY), Statement(False, NOW - DAY)


def test_what_stands_against_it_is_told() -> None:
    disputes = pack_restrictions({"dispute": Restriction(frozenset({"marketing"}), NOW)})
    assert against_sharing(who("anna", YES), "chat", NOW) == ""
    for said in (None, NO, Statement(True, NOW - DAY, expires=NOW - 1000)):
        assert against_sharing(who("anna", said), "chat", NOW) == "not_agreed"
    assert against_sharing(who("anna", YES, flags=ERASED), "chat", NOW) == "erased"
    assert against_sharing(who("anna", YES, restrictions=disputes), "chat", NOW) == "restricted"


def test_a_word_for_one_channel_is_none_for_another() -> None:
    assert against_sharing(who("anna", YES, "chat"), "chat", NOW) == ""
    assert against_sharing(who("anna", YES, "chat"), "app", NOW) == "not_agreed"
