"""Consent by purpose and channel: what no order of statements may open, and what a register keeps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.customer.consent import (
    BASES,
    MARKETING,
    MAX_STATEMENTS,
    PURPOSES,
    Answer,
    Register,
    Statement,
    all_refused,
    answer,
    pack_register,
    refusals,
    refused,
    state,
    unpack_register,
)
from models.customer.profile import take_in
from models.customer.record import Record
from models.decisions import choose
from models.settings import SECOND
from models.touchpoints import Touch, read
from tests.support.logs import START, touchpoint

CHANNELS = ("email", "sms", "app")
NOW = START + 1_000 * SECOND

statements = st.builds(
    Statement,
    granted=st.booleans(),
    time=st.integers(0, 2**48 - 1),
    expires=st.integers(0, 2**32 - 1).map(lambda second: second * SECOND),
    basis=st.sampled_from(BASES),
    confirmed=st.booleans(),
    reference=st.integers(0, 2**64 - 1),
)
keys = st.tuples(st.sampled_from(PURPOSES), st.text(max_size=32))

words = st.lists(
    st.tuples(
        st.sampled_from(("grant", "refuse", "unsubscribe", "prefer", "spam")),
        st.lists(st.sampled_from(CHANNELS), max_size=2, unique=True),
        st.integers(0, 9),  # second of the word: several may have one time
    ),
    max_size=12,
)


@pytest.mark.slow
@given(st.dictionaries(keys, statements, max_size=MAX_STATEMENTS))
def test_a_register_comes_back_as_it_was_stored(register: Register) -> None:
    stored = pack_register(register)
    assert unpack_register(stored) == register
    assert pack_register(unpack_register(stored)) == stored


def test_a_refusal_takes_as_much_room_as_its_name_and_eight_bytes() -> None:
    assert len(pack_register({(MARKETING, "email"): Statement(False, NOW)})) == 8 + len("email")
    whole = Statement(True, NOW, NOW + SECOND, "consent", True, 7)
    assert len(pack_register({(MARKETING, "email"): whole})) == 8 + len("email") + 4 + 8


@given(words)
def test_no_order_of_words_opens_a_refused_channel_without_a_newer_grant_that_names_it(
    told: list[tuple[str, list[str], int]],
) -> None:
    """What was said is looked at as a whole, without a register: a channel that was refused, by name or with all, is
    closed, unless a grant that names it is newer than every refusal of it."""
    record = Record(b"c")
    refusals_at: dict[str, list[int]] = {channel: [] for channel in CHANNELS}
    grants_at: dict[str, list[int]] = {channel: [] for channel in CHANNELS}
    for word, channels, second in told:
        for kind, data, of in _touchpoints(word, channels):
            time = START + second * SECOND
            touch = read(touchpoint(kind, "c", time, data), None, time)
            assert isinstance(touch, Touch)
            take_in(record, touch.kind, touch.time, touch.data, False, NOW)
            for channel in of:
                if word == "grant":
                    grants_at[channel].append(time)
                elif word != "prefer":
                    refusals_at[channel].append(time)
    register = unpack_register(record.tail.consents)
    for channel in CHANNELS:
        said = answer(register, MARKETING, channel, NOW)
        last_grant = max(grants_at[channel], default=-1)
        if refusals_at[channel]:
            assert (said == Answer.GRANTED) == (last_grant > max(refusals_at[channel]))
            assert said in (Answer.GRANTED, Answer.REFUSED)
        elif last_grant >= 0:
            assert said == Answer.GRANTED
    choice = choose(record, NOW)
    if choice.channel:
        assert answer(register, MARKETING, choice.channel, NOW) in (Answer.GRANTED, Answer.NEVER_ASKED)


def _touchpoints(word: str, channels: list[str]) -> list[tuple[str, dict[str, object], tuple[str, ...]]]:
    """Touchpoints of a word, and the channels that each is about. A grant without a channel is about none by name."""
    if word == "grant":
        return [("consent_changed", {"marketing": True, "channels": channels}, tuple(channels))]
    if word == "refuse":
        return [("consent_changed", {"marketing": False, "channels": channels}, tuple(channels) or CHANNELS)]
    if word == "prefer":
        return [("preferences_updated", {"channels": channels}, ())]
    kind = "message_unsubscribed" if word == "unsubscribe" else "spam_reported"
    return [(kind, {"channel": channel}, (channel,)) for channel in channels]


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from(("", *CHANNELS)), st.integers(0, 9)), max_size=8), st.randoms()
)
def test_the_order_in_which_words_come_in_changes_no_answer(told: list[tuple[bool, str, int]], random: object) -> None:
    def answers(order: list[tuple[bool, str, int]]) -> list[Answer]:
        register: Register = {}
        for granted, channel, time in order:
            state(register, MARKETING, (channel,) if channel else (), Statement(granted, time))
        return [answer(register, MARKETING, channel, NOW) for channel in CHANNELS]

    shuffled = sorted(told, key=lambda word: (word[2] * 7 % 10, word[1], word[0]))
    assert answers(told) == answers(shuffled)


def test_a_full_register_keeps_no_grant_and_refuses_all() -> None:
    register: Register = {}
    for i in range(MAX_STATEMENTS):
        state(register, MARKETING, (f"c-{i}",), Statement(True, i))
    state(register, MARKETING, ("more",), Statement(True, 99))
    assert len(register) == MAX_STATEMENTS
    assert answer(register, MARKETING, "more", NOW) == Answer.OTHERS_ONLY
    state(register, MARKETING, ("more",), Statement(False, 100))
    assert register == {(MARKETING, ""): Statement(False, 100)}


def test_what_outlasts_all_else_is_what_was_refused() -> None:
    register: Register = {
        (MARKETING, "email"): Statement(False, 5),
        (MARKETING, "app"): Statement(False, 7),
        (MARKETING, "sms"): Statement(True, 6, reference=3),
        ("profiling", ""): Statement(False, 4, reference=3),
    }
    assert refusals(register) == {
        (MARKETING, "email"): Statement(False, 7),
        (MARKETING, "app"): Statement(False, 7),
        ("profiling", ""): Statement(False, 4),
    }
    forgotten = {(MARKETING, ""): Statement(False, 7), ("profiling", ""): Statement(False, 4)}
    assert all_refused(register) == all_refused(forgotten) == forgotten
    assert refused(forgotten, MARKETING)
    assert not all_refused({(MARKETING, "sms"): Statement(True, 6)})
