"""Valid events become what the engine reads."""

from __future__ import annotations

import base64
import json
import math
import random
from typing import Any

import numpy as np
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from models.outputs import FORWARDED, LoopbackBody, encode, loopback
from models.touchpoints import EVENTS, RESERVED, Kind, Rejected, Touch, read
from models.touchpoints.columns import read_columns
from models.touchpoints.limits import EARLIEST_MS, MAX_AHEAD_MS, MAX_CUSTOMER, MAX_EVENT_BYTES, MAX_NESTING, MAX_PATH
from tests.support.touchpoint_examples import ABSENT, KEY, LINES, NOW, changed, outcomes, rejected, touch

HOUR = 3_600_000
NONE = math.nan


def test_there_is_an_example_of_every_type() -> None:
    assert list(LINES) == list(EVENTS)


@pytest.mark.parametrize("name", sorted(set(LINES) - {"touchpoint_forwarded"}))
def test_every_example_is_read(name: str) -> None:
    event = json.loads(LINES[name])
    seen = touch(LINES[name])
    assert seen.kind == Kind[name.upper()]
    assert seen.id == event["id"]
    assert seen.customer == event.get("subject", "")
    assert not seen.skewed
    assert all(math.isfinite(number) for number in (seen.a, seen.b))
    for field, value in event["data"].items():
        assert hasattr(seen.data, field), f"{field} = {value} is no field of the schema"


def test_what_was_forwarded_is_read_as_what_its_own_customer_did() -> None:
    seen = touch(LINES["touchpoint_forwarded"])
    assert (Kind(seen.kind).type, seen.customer, seen.id, seen.a) == ("visit", "c-004711", "visit-77", 42.0)


@pytest.mark.parametrize(
    ("inner", "reason"),
    [
        (b"no event", "data.event: "),
        (LINES["clock"], "data.event is of type clock; only what a customer does is forwarded"),
        (LINES["identity_moved"], "data.event is of type identity_moved; only what a customer does is forwarded"),
        (LINES["visit"].replace(b'"seconds"', b'"channel":7,"seconds"'), "data.event: "),
    ],
)
def test_what_can_not_be_forwarded_is_refused(inner: bytes, reason: str) -> None:
    outer = json.loads(LINES["touchpoint_forwarded"])
    outer["data"]["event"] = base64.b64encode(inner).decode()
    outcome = read(json.dumps(outer).encode(), None, 1_714_770_000_123)
    assert isinstance(outcome, Rejected)
    assert outcome.reason.startswith(reason)
    assert (outcome.customer, outcome.type) == ("c-004711", "touchpoint_forwarded")


@pytest.mark.parametrize(
    ("name", "path", "value", "field"),
    [
        ("identity_merged", "data.into", "vip\n", "data.into"),
        ("identity_merged", "data.into", "a\x00b", "data.into"),
        ("identity_moved", "data.path", ["a", "b\x1f"], "data.path"),
        ("touchpoint_forwarded", "data.path", ["\n"], "data.path"),
        ("touchpoint_forwarded", "subject", "vip\n", "subject"),
        ("shared_moment", "data.by", "vip\n", "data.by"),
    ],
)
def test_whoever_is_named_keeps_the_rule_of_the_subject(name: str, path: str, value: Any, field: str) -> None:
    (outcome,) = outcomes([(changed(name, path, value), KEY, NOW)])
    assert isinstance(outcome, Rejected)
    assert outcome.reason.startswith(f"{field} holds the control character U+00")


def test_an_event_of_any_size_can_be_forwarded() -> None:
    event = json.loads(LINES["visit"])
    event["data"]["more"] = "x" * (MAX_EVENT_BYTES - len(json.dumps(event)) - 20)
    inner = json.dumps(event).encode()
    data = LoopbackBody(2**31, ("x" * MAX_CUSTOMER,) * MAX_PATH, 2**53, 2**40, event=base64.b64encode(inner).decode())
    outer = encode(loopback(FORWARDED, "f" * 32, "y" * MAX_CUSTOMER, 1_714_770_000_123, data))
    assert len(outer) > MAX_EVENT_BYTES
    seen = read(outer, None, 1_714_770_000_123)
    assert isinstance(seen, Touch)
    assert repr(read_columns([outer], [None], np.array([1_714_770_000_123])).touch(0)) == repr(seen)
    assert isinstance(read(b" " + outer, None, 1_714_770_000_123), Rejected)


@pytest.mark.parametrize(
    ("name", "data", "numbers"),
    [
        ("purchase", {"amount": 12.5}, (12.5, 1, NONE)),
        ("purchase", {"amount": 0, "quantity": 0}, (0, 0, NONE)),
        ("return", {"amount": 5, "quantity": 2}, (5, 2, NONE)),
        ("cart_abandoned", {"amount": 99}, (99, 0, NONE)),
        ("subscription_started", {"amount": 18}, (18, 0, NONE)),
        ("subscription_renewed", {}, (0, 0, NONE)),
        ("payment_failed", {"amount": 7}, (7, 0, NONE)),
        ("visit", {"seconds": 30}, (30, 0, NONE)),
        ("search", {"query": "x"}, (0, 0, NONE)),
        ("presence", {"state": "online", "channel": "app"}, (1, 0, NONE)),
        ("presence", {"state": "offline", "channel": "app"}, (0, 0, NONE)),
        ("chat", {"participants": ["a", "b"], "sentiment": -1}, (2, 0, -1)),
        ("chat", {"participants": ["a"]}, (1, 0, NONE)),
        ("call", {"direction": "inbound", "seconds": 9, "sentiment": 0}, (9, 1, 0)),
        ("call", {"direction": "outbound"}, (0, 0, NONE)),
        ("email_received", {"sentiment": 0.5}, (0, 0, 0.5)),
        ("reply_sent", {"channel": "sms", "sentiment": 1}, (0, 0, 1)),
        ("mention", {"sentiment": -0.5}, (0, 0, -0.5)),
        ("review", {"rating": 1}, (1, 0, -1)),
        ("review", {"rating": 5}, (5, 0, 1)),
        ("review", {"rating": 5, "sentiment": 0}, (5, 0, 0)),
        ("recommendation", {"likelihood": 0}, (0, 1, NONE)),
        ("recommendation", {}, (0, 0, NONE)),
        ("community_help", {"role": "given"}, (1, 0, NONE)),
        ("community_help", {"role": "received"}, (0, 0, NONE)),
        ("case_opened", {"case_id": "1"}, (1, 0, NONE)),
        ("case_opened", {"case_id": "1", "severity": "low"}, (0, 0, NONE)),
        ("case_updated", {"case_id": "1"}, (0, 0, NONE)),
        ("case_updated", {"case_id": "1", "severity": "low"}, (0, 1, NONE)),
        ("case_resolved", {"case_id": "1"}, (0, 0, NONE)),
        ("complaint", {"severity": "critical"}, (3, 0, NONE)),
        ("csat", {"score": 2}, (2, 0, -0.5)),
        ("nps", {"score": 0}, (0, 0, -1)),
        ("nps", {"score": 10}, (10, 0, 1)),
        ("consent_changed", {"marketing": True}, (1, 0, NONE)),
        ("consent_changed", {"marketing": False}, (0, 0, NONE)),
        ("reward_redeemed", {"reward": "r", "points": 40}, (40, 0, NONE)),
        ("coupon_redeemed", {"coupon_id": "c"}, (0, 0, NONE)),
        ("offer_accepted", {"trigger_id": "t"}, (0, 0, NONE)),
    ],
)
def test_the_numbers_of_a_kind_are_those_of_the_table(
    name: str, data: dict[str, Any], numbers: tuple[float, float, float]
) -> None:
    seen = touch(changed(name, "data", data))
    assert (seen.a, seen.b) == numbers[:2]
    assert seen.sentiment == pytest.approx(numbers[2], abs=0, nan_ok=True)


# What is optional in CloudEvents or in our data


@pytest.mark.parametrize("name", LINES)
def test_additional_fields_change_nothing(name: str) -> None:
    event = json.loads(LINES[name])
    event |= {
        "datacontenttype": "application/json",
        "dataschema": "https://x.example",
        "traceparent": "00-1",
        "x": [{}],
    }
    event["data"] |= {"unheard_of": {"deep": [1, None]}}
    assert repr(touch(json.dumps(event).encode())) == repr(touch(LINES[name]))


@pytest.mark.parametrize("name", LINES)
def test_null_means_the_same_as_leaving_an_optional_field_out(name: str) -> None:
    for field in json.loads(LINES[name])["data"]:
        left_out = read(changed(name, f"data.{field}", ABSENT), KEY, NOW)
        if isinstance(left_out, Touch) and getattr(left_out.data, field) is None:
            assert repr(touch(changed(name, f"data.{field}", None))) == repr(left_out)


@pytest.mark.parametrize("name", ["visit", "erase_requested", "mention", "clock", "programme_joined"])
def test_data_may_be_left_out_where_nothing_in_it_is_required(name: str) -> None:
    assert repr(touch(changed(name, "data", ABSENT))) == repr(touch(changed(name, "data", {})))


def test_the_order_of_fields_and_white_space_do_not_matter() -> None:
    event = json.loads(LINES["review"])
    turned = json.dumps(dict(reversed(event.items())), indent=3).encode()
    assert repr(touch(turned)) == repr(touch(LINES["review"]))


def test_a_clock_record_is_about_nobody_even_when_it_has_a_subject() -> None:
    assert touch(LINES["clock"]).customer == ""
    assert touch(changed("clock", "subject", "c-1")).customer == ""


def test_an_expired_unsent_record_carries_its_trigger_and_customer() -> None:
    seen = touch(LINES["expired_unsent"])
    assert seen.kind in RESERVED
    assert (seen.customer, seen.id) == ("c-004711", "8f14e45fceea167a")


# Identity


def test_the_identity_is_source_and_id() -> None:
    event = json.loads(LINES["purchase"])
    expected = xxhash.xxh3_64_intdigest(f"{event['source']}\0{event['id']}".encode())
    assert touch(LINES["purchase"]).id_hash == expected


def test_one_id_from_two_sources_is_two_events() -> None:
    hashes = {touch(changed("purchase", "source", source)).id_hash for source in ("shop-a", "shop-b")}
    assert len(hashes) == 2


def test_a_text_moved_from_source_to_id_is_another_event() -> None:
    first = json.loads(LINES["visit"]) | {"source": "ab", "id": "c"}
    second = first | {"source": "a", "id": "bc"}
    assert touch(json.dumps(first).encode()).id_hash != touch(json.dumps(second).encode()).id_hash


@pytest.mark.parametrize("path", ["type", "time", "subject", "data"])
def test_the_identity_does_not_depend_on_anything_else(path: str) -> None:
    other = {"type": "complaint", "time": "2024-01-01T00:00:00Z", "subject": "c-2", "data": {"seconds": 1}}[path]
    assert touch(changed("visit", path, other)).id_hash == touch(LINES["visit"]).id_hash


# Time


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("2024-05-01T12:00:00Z", 1_714_564_800_000),
        ("2024-05-01T12:00:00.123Z", 1_714_564_800_123),
        ("2024-05-01T12:00:00.123999Z", 1_714_564_800_123),
        ("2024-05-01T14:00:00+02:00", 1_714_564_800_000),
        ("2024-05-01T06:30:00-05:30", 1_714_564_800_000),
        ("1990-01-01T00:00:00Z", EARLIEST_MS),
        ("1989-12-31T23:00:00-01:00", EARLIEST_MS),
    ],
)
def test_time_is_read_in_whole_milliseconds_with_any_offset(text: str, milliseconds: int) -> None:
    assert touch(changed("visit", "time", text)).time == milliseconds


AT = touch(LINES["visit"]).time


@pytest.mark.parametrize("ahead", [1, 1000, MAX_AHEAD_MS])
def test_an_event_a_little_ahead_of_its_record_is_clamped_and_marked(ahead: int) -> None:
    seen = touch(LINES["visit"], AT - ahead)
    assert (seen.time, seen.skewed) == (AT - ahead, True)


@pytest.mark.parametrize("late", [0, 1, HOUR, 30 * 365 * 24 * HOUR])
def test_an_event_at_or_before_its_record_keeps_its_time(late: int) -> None:
    seen = touch(LINES["visit"], AT + late)
    assert (seen.time, seen.skewed) == (AT, False)


@pytest.mark.parametrize("timestamp", [AT - MAX_AHEAD_MS - 1, 0, -1, -(10**18)])
def test_an_event_further_ahead_has_an_impossible_time(timestamp: int) -> None:
    fault = rejected(LINES["visit"], timestamp)
    assert fault.code == "impossible_time"
    assert fault.reason.startswith("time is 2024-05-01T19:00:00.123000+00:00, ")
    assert "check the producer's clock" in fault.reason
    assert (fault.customer, fault.type, fault.event_id) == ("c-004711", "visit", "visit-0008")


@pytest.mark.parametrize("text", ["1989-12-31T23:59:59.999Z", "1970-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59"])
def test_an_event_before_1990_has_an_impossible_time(text: str) -> None:
    fault = rejected(changed("visit", "time", text))
    assert fault.code == "impossible_time"
    assert "before 1990" in fault.reason


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59.999999-23:59", "2031-01-01T00:00:00Z"])
def test_the_far_future_is_an_impossible_time(text: str) -> None:
    assert rejected(changed("visit", "time", text)).code == "impossible_time"


@settings(deadline=None)
@given(st.integers(EARLIEST_MS, 4_102_444_800_000))
def test_the_time_read_never_lies_after_the_records(timestamp: int) -> None:
    (outcome,) = outcomes([(LINES["visit"], KEY, timestamp)])
    if isinstance(outcome, Touch):
        assert outcome.time == min(AT, timestamp)
        assert outcome.skewed == (timestamp < AT)
    else:
        assert timestamp < AT - MAX_AHEAD_MS


# Size


def test_an_event_of_exactly_the_limit_is_read_and_one_byte_more_is_not() -> None:
    padded = LINES["visit"] + b" " * (MAX_EVENT_BYTES - len(LINES["visit"]))
    assert touch(padded).id == "visit-0008"
    assert rejected(padded + b" ").code == "oversize"


@pytest.mark.parametrize("wrap", [(b"[", b"]"), (b'{"a":', b"}")])
def test_nesting_is_limited_by_us_and_not_by_the_stack(wrap: tuple[bytes, bytes]) -> None:
    def nested(levels: int) -> bytes:
        inner = wrap[0] * levels + b"0" + wrap[1] * levels
        return LINES["visit"].replace(b'"data"', b'"extra":' + inner + b',"data"')

    assert touch(nested(MAX_NESTING - 1)).id == "visit-0008"
    fault = rejected(nested(MAX_NESTING))
    assert (fault.code, fault.customer) == ("not_json", "c-004711")
    assert "nested deeper than" in fault.reason
    assert rejected(nested(4000)) == fault


def test_brackets_within_texts_are_not_nesting() -> None:
    text = r"\"[{\\" * 1500
    value = LINES["review"].replace(b"Fresh", text.encode())
    assert touch(value).a == 4


# Any bytes


@given(st.one_of(st.none(), st.binary(max_size=300)), st.one_of(st.none(), st.binary()), st.integers())
def test_arbitrary_bytes_never_raise(value: bytes | None, key: bytes | None, timestamp: int) -> None:
    outcome = read(value, key, timestamp)
    assert isinstance(outcome, Rejected)
    assert repr(read(value, key, timestamp)) == repr(outcome)


documents = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_an_example_with_any_field_set_to_anything_never_raises(draw: st.DataObject) -> None:
    name = draw.draw(st.sampled_from(list(LINES)))
    event = json.loads(LINES[name])
    paths = [*event, *(f"data.{field}" for field in event["data"])]
    value = changed(name, draw.draw(st.sampled_from(paths)), draw.draw(documents))
    (outcome,) = outcomes([(value, KEY, NOW)])
    if isinstance(outcome, Rejected):
        outcome.reason.encode()
        assert len(outcome.reason) < 1000
    assert repr(read(value, KEY, NOW)) == repr(outcome)


@pytest.mark.parametrize("seed", range(4))
def test_broken_bytes_in_examples_never_raise(seed: int) -> None:
    chance = random.Random(seed)
    pieces = [
        b'"type":"visit",',
        b'"data":{"score":99},',
        rb'"\ud800"',
        b"1e999",
        b"NaN",
        b"[",
        b"{",
        b"}",
        b'"',
        b"\\",
    ]
    pieces += [b"\xff", b"\x00", b"null", b"9" * 500, b'"participants":[1,2,3],', rb'"t\u0079pe":"nps",', b"[1,2]"]
    for _ in range(3000):
        value = bytearray(chance.choice(list(LINES.values())))
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(value))
            value[at : at + chance.choice((0, 0, 1, 8))] = chance.choice(pieces)
        outcome = read(bytes(value), KEY, NOW)
        assert isinstance(outcome, Touch | Rejected)
        if isinstance(outcome, Rejected):
            outcome.reason.encode()
