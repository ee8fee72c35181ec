"""The tail of the triggers topic, which must outlive whatever is in it and around it."""

from __future__ import annotations

import os

import msgspec
import pytest

from models.outputs import Position, Trigger, Withdrawal, encode
from streams.config import Config
from streams.monitoring.top import plain
from streams.monitoring.top import triggers as following
from streams.monitoring.top.triggers import TriggerTail, row


def test_text_that_is_no_utf8_is_shown_as_no_trigger_of_this_release() -> None:
    shown = row(b'{"id":"\xff\xfe"}')
    assert shown.customer == "?"
    assert shown.action == "not a trigger of this release"


def test_of_what_a_policy_decided_is_shown_what_asked_and_of_a_withdrawal_why() -> None:
    at, when = Position(0, 1, False), "1970-01-01 00:00:01"
    trigger = Trigger(
        "t1", "anna", "win_back", "email", 0.0, [], 0, 0, 1000, 5000, 9, at, "risk", "leaving", "marketing"
    )
    told = plain.trigger(row(encode(msgspec.structs.replace(trigger, policy="7-a"))))
    assert told == f"{when}  anna  win_back by email  'marketing, asked by risk leaving'  until 1970-01-01 00:00:05"
    told = plain.trigger(row(encode(Withdrawal("w1", "anna", "t1", "consent_changed", 1000, at))))
    assert told == f"{when}  anna  withdrawal  'consent_changed; t1'"


def test_an_error_that_nobody_foresaw_is_shown_and_the_topic_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = 0

    def no_files(*_: object) -> None:
        nonlocal tries
        tries += 1
        raise OSError(24, os.strerror(24))

    monkeypatch.setattr(following, "TopicReader", no_files)
    monkeypatch.setattr(following, "RETRY_S", 0.01)
    with TriggerTail(Config()) as tail:
        assert tail.begun(10.0)
        assert tail.trouble == "OSError: [Errno 24] Too many open files"
        while tries < 3:
            assert tail._thread.is_alive()
