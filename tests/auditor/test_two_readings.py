"""The auditor reads once more what the engine reads: where both can answer they agree."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from models.customer.consent import MARKETING, Answer, Register, Statement, answer, state
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


@given(statements, st.sampled_from(CHANNELS), st.integers(1, 12))
def test_consent(said: list[tuple[bool, int, list[str], int, bool]], channel: str, now: int) -> None:
    register: Register = {}
    consents = Consents()
    for granted, at, channels, expires, confirmed in said:
        time, until = at * HOUR, expires * HOUR * granted
        state(register, MARKETING, channels, Statement(granted, time, until, confirmed=confirmed and granted))
        if granted:
            consents.granted(tuple(channels), Yes(time, until, confirmed))
        else:
            consents.refused(tuple(channels), time)
    answered = answer(register, MARKETING, channel, now * HOUR)
    assert consents.closed(channel) == (answered == Answer.REFUSED)
    if answered == Answer.GRANTED:
        assert consents.open(channel, now * HOUR)
