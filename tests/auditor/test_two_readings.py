"""The auditor reads once more what the engine reads: where both can answer they agree."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from models.customer.consent import CONVERSATION, MARKETING, Answer, Register, Statement, answer, state
from models.settings import HOUR
from streams.operations.audit.consent import Consents, Yes

CHANNELS = ("email", "push", "call")
statements = st.lists(
    st.tuples(
        st.booleans(),
        st.integers(1, 9),
        st.lists(st.sampled_from(CHANNELS), max_size=2, unique=True),
        st.sampled_from((0, 5, 100)),
        st.booleans(),
    ),
    max_size=8,
)


def both_of(purpose: str, said: list[tuple[bool, int, list[str], int, bool]]) -> tuple[Register, Consents]:
    """What the engine and the auditor know after the same words."""
    register: Register = {}
    consents = Consents()
    for granted, at, channels, expires, confirmed in said:
        time, until = at * HOUR, expires * HOUR * granted
        state(register, purpose, channels, Statement(granted, time, until, confirmed=confirmed and granted))
        if granted:
            consents.granted(tuple(channels), Yes(time, until, confirmed))
        else:
            consents.refused(tuple(channels), time)
    return register, consents


@given(statements, st.sampled_from(CHANNELS), st.integers(1, 12))
def test_consent(said: list[tuple[bool, int, list[str], int, bool]], channel: str, now: int) -> None:
    register, consents = both_of(MARKETING, said)
    answered = answer(register, MARKETING, channel, now * HOUR)
    assert consents.closed(channel) == (answered == Answer.REFUSED)
    if answered == Answer.GRANTED:
        assert consents.open(channel, now * HOUR)


@given(statements, st.sampled_from(CHANNELS), st.integers(1, 12))
@example([(False, 1, [], 0, False), (True, 2, [], 0, False)], "push", 3)
@example([(False, 1, [], 0, False), (True, 2, [], 5, False), (True, 1, ["email"], 0, False)], "email", 5)
def test_consent_to_use_conversations(
    said: list[tuple[bool, int, list[str], int, bool]], channel: str, now: int
) -> None:
    register, consents = both_of(CONVERSATION, said)
    answered = answer(register, CONVERSATION, channel, now * HOUR)
    if answered == Answer.GRANTED:
        assert consents.agreed(channel, now * HOUR)
    general = max((at for granted, at, channels, *_ in said if not granted and not channels), default=0)
    if general and all(at <= general for granted, at, *_ in said if granted):
        assert not consents.agreed(channel, now * HOUR)
