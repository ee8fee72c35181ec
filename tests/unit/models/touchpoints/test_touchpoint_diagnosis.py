"""Every bad record gets a stable code, and a reason that names field, value and remedy."""

from __future__ import annotations

import json
import math
import time
from typing import Any

import pytest

from models.touchpoints import EVENTS, Code, Rejected, read
from models.touchpoints.diagnosis import nesting
from tests.support.touchpoint_examples import ABSENT, KEY, LINES, NOW, changed, rejected, touch

LONG = "x" * 50_000


def test_the_codes_are_a_contract() -> None:
    assert {str(code) for code in Code} >= {
        "empty",
        "oversize",
        "not_json",
        "not_an_object",
        "unknown_type",
        "missing_field",
        "bad_field",
        "impossible_time",
        "wrong_partition",
        "engine_error",
    }


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "empty"),
        (b"", "empty"),
        (b"x" * 70_000, "oversize"),
        (b"[" * 70_000, "oversize"),
        (b"[" * 60_000, "not_json"),
        (b" ", "not_json"),
        (b"purchase", "not_json"),
        (b"{", "not_json"),
        (b'{"type":"purchase"', "not_json"),
        (b"{'type':'purchase'}", "not_json"),
        (b"\xef\xbb\xbf{}", "not_json"),
        (b'{"type":"\xff"}', "not_json"),
        ('{"type":"purchase"}'.encode("utf-16"), "not_json"),
        (LINES["visit"] + b"}", "not_json"),
        (LINES["visit"] + LINES["visit"], "not_json"),
        (LINES["visit"].replace(b"184.5", b"NaN"), "not_json"),
        (LINES["visit"].replace(b"184.5", b"Infinity"), "not_json"),
        (LINES["visit"].replace(b'"app"', rb'"\ud800"'), "not_json"),
        (LINES["visit"].replace(b'"app"', b'"a\x01"'), "not_json"),
        (b"[]", "not_an_object"),
        (b"null", "not_an_object"),
        (b"1", "not_an_object"),
        (b"1e999", "not_an_object"),
        (b'"purchase"', "not_an_object"),
        (b"[" + LINES["visit"] + b"]", "not_an_object"),
        (b"{}", "missing_field"),
    ],
)
def test_what_is_no_event_at_all_has_a_code_of_its_own(value: bytes | None, code: str) -> None:
    fault = rejected(value)
    assert fault.code == code
    assert "; give " in fault.reason


@pytest.mark.parametrize("name", ["purchases", "", "Purchase", "com.example.purchase", "x" * 5000])
def test_an_unknown_type_is_named_with_what_could_be_meant(name: str) -> None:
    fault = rejected(changed("purchase", "type", name))
    assert fault.code == "unknown_type"
    assert fault.reason.startswith(f'type is "{name[:70]}')
    assert ("did you mean" in fault.reason) or "give one of purchase, " in fault.reason
    assert fault.event_id == "purchase-0001"


def test_a_near_miss_of_a_type_is_guessed() -> None:
    assert 'did you mean "purchase"?' in rejected(changed("purchase", "type", "purchased")).reason


# The envelope


@pytest.mark.parametrize("field", ["type", "specversion", "id", "source", "subject", "time", "data"])
def test_a_missing_attribute_is_named(field: str) -> None:
    fault = rejected(changed("purchase", field, ABSENT))
    assert fault.code == "missing_field"
    assert fault.reason.startswith(f"{field} is missing; give ")


ENVELOPE: list[tuple[str, Any, str]] = [
    ("type", 1, "give the touchpoint's type"),
    ("type", None, "give the touchpoint's type"),
    ("type", ["purchase"], "give the touchpoint's type"),
    ("specversion", "0.3", 'give "1.0"'),
    ("specversion", 1.0, 'give "1.0"'),
    ("specversion", None, 'give "1.0"'),
    ("id", "", "give a string of 1 to 200 characters"),
    ("id", "x" * 201, "give a string of 1 to 200 characters"),
    ("id", 7, "give a string of 1 to 200 characters"),
    ("id", None, "give a string of 1 to 200 characters"),
    ("id", "a\0b", "give printable characters only"),
    ("source", "", "give a string of 1 to 500 characters"),
    ("source", "x" * 501, "give a string of 1 to 500 characters"),
    ("source", {}, "give a string of 1 to 500 characters"),
    ("source", "a\nb", "give printable characters only"),
    ("subject", "", "give a string of 1 to 128 characters"),
    ("subject", "x" * 129, "give a string of 1 to 128 characters"),
    ("subject", 4711, "give a string of 1 to 128 characters"),
    ("subject", None, "give a string of 1 to 128 characters"),
    ("subject", "c\t1", "give printable characters only"),
    ("time", "", "give an RFC 3339 time"),
    ("time", "yesterday", "give an RFC 3339 time"),
    ("time", "2024-05-01", "give an RFC 3339 time"),
    ("time", "2024-05-01T12:00:00", "give an RFC 3339 time with its offset"),
    ("time", "2024-13-01T12:00:00Z", "give an RFC 3339 time"),
    ("time", "2024-02-30T12:00:00Z", "give an RFC 3339 time"),
    ("time", "2016-12-31T23:59:60Z", "give an RFC 3339 time"),
    ("time", 1714564800, "give an RFC 3339 time"),
    ("time", None, "give an RFC 3339 time"),
    ("data", None, "give an object with amount"),
    ("data", [], "give an object with amount"),
    ("data", "amount=5", "give an object with amount"),
]


@pytest.mark.parametrize(("field", "value", "remedy"), ENVELOPE)
def test_a_bad_attribute_is_named_with_its_value_and_remedy(field: str, value: Any, remedy: str) -> None:
    fault = rejected(changed("purchase", field, value))
    assert fault.code == "bad_field"
    assert fault.reason.startswith(f"{field} ")
    assert remedy in fault.reason


@pytest.mark.parametrize(("field", "length"), [("id", 200), ("source", 500), ("subject", 128)])
def test_an_attribute_may_be_as_long_as_its_limit_in_characters(field: str, length: int) -> None:
    touch(changed("purchase", field, "ë" * length))


# The data


REQUIRED = [
    ("purchase", "amount"),
    ("return", "amount"),
    ("cart_abandoned", "amount"),
    ("search", "query"),
    ("content_viewed", "content_id"),
    ("message_opened", "channel"),
    ("message_clicked", "channel"),
    ("message_unsubscribed", "channel"),
    ("event_attended", "name"),
    ("presence", "state"),
    ("presence", "channel"),
    ("chat", "participants"),
    ("call", "direction"),
    ("reply_sent", "channel"),
    ("review", "rating"),
    ("community_help", "role"),
    ("case_opened", "case_id"),
    ("case_updated", "case_id"),
    ("case_resolved", "case_id"),
    ("csat", "score"),
    ("nps", "score"),
    ("preferences_updated", "quiet_hours.start"),
    ("preferences_updated", "quiet_hours.end"),
    ("consent_changed", "marketing"),
    ("restricted", "reason"),
    ("reward_redeemed", "reward"),
    ("reward_redeemed", "points"),
    ("reward_cancelled", "reward"),
    ("points_adjusted", "points"),
    ("campaign_received", "campaign_id"),
    ("coupon_redeemed", "coupon_id"),
    ("offer_delivered", "trigger_id"),
    ("offer_opened", "trigger_id"),
    ("offer_sent", "trigger_id"),
    ("offer_withdrawn", "trigger_id"),
    ("offer_failed", "trigger_id"),
    ("offer_failed", "channel"),
    ("offer_failed", "failure"),
    ("spam_reported", "channel"),
    ("offer_accepted", "trigger_id"),
    ("offer_declined", "trigger_id"),
    ("offer_expired", "trigger_id"),
    ("expired_unsent", "trigger_id"),
    ("asked_may", "purpose"),
    ("asked_may", "channel"),
    ("preview_asked", "action"),
    ("preview_asked", "to"),
    ("identity_merged", "into"),
    *(
        (name, field)
        for name in ("identity_moved", "touchpoint_forwarded", "shared_moment")
        for field in ("sender", "line", "count", "path")
    ),
    ("identity_moved", "record"),
    ("touchpoint_forwarded", "event"),
    *(("shared_moment", field) for field in ("step", "by", "group")),
    ("model_chosen", "model"),
    ("stopped", "number"),
    ("resumed", "stops"),
    *(("policy_chosen", name) for name in ("number", "format", "sha256", "text")),
    *(("settings_chosen", name) for name in ("number", "enter", "exit", "trigger_life", "duplicate_window")),
]


@pytest.mark.parametrize(("name", "field"), REQUIRED)
def test_a_required_field_can_not_be_left_out(name: str, field: str) -> None:
    fault = rejected(changed(name, f"data.{field}", ABSENT))
    assert fault.code == "missing_field"
    assert fault.reason.startswith(f"data.{field} is missing; give ")


@pytest.mark.parametrize("name", EVENTS)
def test_every_other_field_can_be_left_out(name: str) -> None:
    required = {field.split(".")[0] for kind, field in REQUIRED if kind == name} - {"quiet_hours"}
    data = json.loads(LINES[name])["data"]
    touch(changed(name, "data", {field: value for field, value in data.items() if field in required}))


WRONG_TYPE: dict[type, list[Any]] = {
    str: [1, True, [], {}],
    bool: [1, "true", "", [], {}],
    int: ["1", True, [], {}, math.inf],
    float: ["1.5", True, [], {}, math.inf],
    list: ["a", 1, True, {}],
    dict: ["a", 1, True, []],
}


def every_field() -> list[tuple[str, str, Any]]:
    return [
        (name, field, value)
        for name, line in LINES.items()
        for field, given in json.loads(line)["data"].items()
        for value in WRONG_TYPE[type(given)]
    ]


@pytest.mark.parametrize(("name", "field", "value"), every_field())
def test_no_field_takes_a_value_of_another_type(name: str, field: str, value: Any) -> None:
    fault = rejected(changed(name, f"data.{field}", value).replace(b"Infinity", b"1e999"))
    assert fault.code == "bad_field"
    assert fault.reason.startswith(f"data.{field} is {json.dumps(value)}; give ")
    assert (fault.type, fault.event_id) == (name, json.loads(LINES[name])["id"])


def every_text() -> list[tuple[str, str]]:
    return [
        (name, field)
        for name, line in LINES.items()
        for field, given in json.loads(line)["data"].items()
        if isinstance(given, str) and field not in ("record", "event")  # bounded by what a record may have in all
    ]


@pytest.mark.parametrize(("name", "field"), every_text())
def test_no_text_is_unbounded_and_a_long_one_is_shown_short(name: str, field: str) -> None:
    fault = rejected(changed(name, f"data.{field}", LONG))
    assert fault.code == "bad_field"
    assert fault.reason.startswith(f'data.{field} is "xxx')
    assert len(fault.reason) < 300


BAD_VALUES: list[tuple[str, str, Any, str]] = [
    *(("purchase", "amount", value, "a number from 0 to 1,000,000,000,000") for value in (-0.01, -1, 1e13, 10**40)),
    *(("purchase", "quantity", value, "a number from 0 to 1,000,000,000") for value in (-1, 1e10, None)),
    *(("purchase", "currency", value, "an ISO 4217") for value in ("", "EURO", "EU", "EUR\n", 978)),
    ("purchase", "order_id", "", "a string of 1 to 200 characters, or leave it out"),
    ("purchase", "channel", "x" * 33, "a string of 1 to 32 characters"),
    ("return", "amount", -1, "a number from 0"),
    ("return", "quantity", -1, "a number from 0"),
    ("cart_abandoned", "amount", None, "a number from 0"),
    ("subscription_started", "amount", -1, "a number from 0"),
    ("subscription_renewed", "plan", "", "a string of 1 to 200"),
    ("subscription_cancelled", "reason", "x" * 501, "a string of at most 500 characters"),
    ("payment_failed", "amount", -1, "a number from 0"),
    *(("visit", "seconds", value, "a number from 0 to 2,678,400") for value in (-1, 2_678_401)),
    *(("search", "query", value, "a string of 1 to 500 characters") for value in ("", "x" * 501, None)),
    ("content_viewed", "content_id", "", "a string of 1 to 200 characters"),
    ("message_opened", "message_id", "x" * 201, "a string of 1 to 200 characters"),
    ("message_clicked", "channel", "", "a string of 1 to 32 characters"),
    ("event_attended", "name", "", "a string of 1 to 200 characters"),
    *(("presence", "state", value, 'one of "offline", "online"') for value in ("away", "", "Online", None)),
    ("chat", "participants", [], "a list of 1 to 64 items"),
    ("chat", "participants", ["a"] * 65, "a list of 1 to 64 items"),
    *(("chat", "sentiment", value, "a number from -1 to 1, or leave it out") for value in (-1.01, 1.01, 50)),
    ("chat", "topic", "x" * 65, "a string of 1 to 64 characters"),
    *(("call", "direction", value, 'one of "inbound", "outbound"') for value in ("in", "", None)),
    ("call", "seconds", -1, "a number from 0"),
    ("email_received", "sentiment", 2, "a number from -1 to 1"),
    ("reply_sent", "sentiment", -2, "a number from -1 to 1"),
    ("mention", "text", "x" * 10_001, "a string of at most 10,000 characters"),
    *(("review", "rating", value, "a whole number from 1 to 5") for value in (0, 6, 9, -1, 4.5, 5.0, None, 10**30)),
    *(("recommendation", "likelihood", value, "a number from 0 to 1") for value in (-0.1, 1.1, 9)),
    ("recommendation", "to", "", "a string of 1 to 128 characters"),
    ("referral", "referred", "x" * 129, "a string of 1 to 128 characters"),
    ("community_help", "role", "both", 'one of "given", "received"'),
    *(
        ("case_opened", "severity", value, 'one of "critical", "high", "low", "normal"')
        for value in ("", "urgent", None)
    ),
    ("case_updated", "severity", "LOW", 'one of "critical", "high", "low", "normal", or leave it out'),
    ("case_resolved", "case_id", "", "a string of 1 to 200 characters"),
    ("complaint", "severity", "worst", 'one of "critical"'),
    *(("csat", "score", value, "a whole number from 1 to 5") for value in (0, 6, 2.5)),
    *(("nps", "score", value, "a whole number from 0 to 10") for value in (-1, 11, 7.5)),
    ("preferences_updated", "channels", ["a"] * 17, "a list of at most 16 items"),
    ("preferences_updated", "topics", ["a"] * 65, "a list of at most 64 items"),
    ("preferences_updated", "rewards", ["a"] * 33, "a list of at most 32 items"),
    *(("preferences_updated", "max_per_week", value, "a whole number from 0 to 100") for value in (-1, 101, 1.5)),
    *(
        ("preferences_updated", "quiet_hours.start", value, 'a time of day as "HH:MM"')
        for value in ("24:00", "7:00", "07:60", "0700", "07:00:00", "07:00\n", "", None, 7)
    ),
    *(("preferences_updated", "time_zone", value, "an IANA") for value in ("", "+02:00", "Europe/", "../etc", "a b")),
    ("profile_updated", "customer_class", "vip", 'one of "business", "consumer", "partner", "reseller"'),
    ("profile_updated", "name", "", "a string of 1 to 200 characters"),
    *(("profile_updated", "language", value, "a BCP 47") for value in ("", "n", "nl_NL", "nl-", "dutchlanguage")),
    *(("profile_updated", "country", value, "an ISO 3166") for value in ("", "nl", "NLD")),
    *(
        ("restricted", "until", value, "an RFC 3339 time with its offset")
        for value in ("", "tomorrow", "2024-05-01", "2024-05-01T12:00:00", "2024-02-30T00:00:00Z")
    ),
    ("restricted", "reason", "tall", 'one of "debt"'),
    ("offer_failed", "failure", "gone", "one of"),
    *(("profile_updated", "birthday", value, "a date such as") for value in ("", "28-02-1987", "1987-02-29", "1987")),
    ("consent_changed", "marketing", None, "true or false"),
    ("consent_changed", "channels", [""], ""),
    ("erase_requested", "reason", "x" * 501, "a string of at most 500 characters"),
    ("programme_joined", "programme", "", "a string of 1 to 200 characters"),
    *(("reward_redeemed", "points", value, "a number from 0") for value in (-1, 1e13)),
    *(("points_adjusted", "points", value, "a whole number") for value in (1.5, 10**10)),
    ("campaign_received", "campaign_id", "", "a string of 1 to 200 characters"),
    ("coupon_redeemed", "amount", -1, "a number from 0"),
    ("offer_delivered", "trigger_id", "", "a string of 1 to 200 characters"),
    ("offer_declined", "channel", "", "a string of 1 to 32 characters"),
    ("expired_unsent", "trigger_id", "x" * 201, "a string of 1 to 200 characters"),
    ("clock", "by", "", "a string of 1 to 200 characters"),
    ("model_chosen", "model", "", "the name of a model, or null to let evidence decide"),
    ("model_chosen", "by", "", "a string of 1 to 200 characters"),
    ("policy_chosen", "number", "1", "a whole number from 0 to"),
    ("policy_chosen", "format", 0, "a whole number from 1 to 1000"),
    ("policy_chosen", "sha256", "F" * 64, "a SHA-256 in 64 hexadecimal digits, lower case"),
    ("policy_chosen", "text", 1, "a string of at most 49,152 characters"),
    *(("settings_chosen", "enter", value, "a number from 0 to 1") for value in (-0.1, 1.1, None)),
    *(("settings_chosen", "trigger_life", value, "a whole number from 0 to") for value in (-1, 1.5, None)),
    ("settings_chosen", "at", -1, "a whole number from 0 to"),
]


@pytest.mark.parametrize(("name", "field", "value", "remedy"), BAD_VALUES)
def test_a_value_out_of_bounds_is_named_with_its_remedy(name: str, field: str, value: Any, remedy: str) -> None:
    fault = rejected(changed(name, f"data.{field}", value))
    assert fault.code == "bad_field"
    assert fault.reason.startswith(f"data.{field}")
    assert f"; give {remedy}" in fault.reason


def test_the_item_of_a_list_is_named_by_its_place() -> None:
    fault = rejected(changed("chat", "data.participants", ["a", "b", 3]))
    assert fault.reason == "data.participants[2] is 3; give a string of 1 to 128 characters"


def test_the_reason_reads_as_a_sentence() -> None:
    fault = rejected(changed("review", "data.rating", 9))
    assert fault.reason == "data.rating is 9; give a whole number from 1 to 5, written without a decimal point"


# What could be read all the same


def test_customer_type_and_id_are_told_as_far_as_they_could_be_read() -> None:
    fault = rejected(changed("review", "data.rating", 9), key=b"other")
    assert (fault.customer, fault.type, fault.event_id) == ("c-004711", "review", "review-0022")


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"nonsense",
        b"x" * 70_000,
        b"[]",
        b"{}",
        changed("visit", "subject", 5),
        changed("visit", "subject", LONG),
        changed("nps", "subject", "\ud800"),
    ],
)
def test_the_key_names_the_customer_where_the_subject_can_not(value: bytes | None) -> None:
    assert rejected(value).customer == KEY.decode()


@pytest.mark.parametrize("key", [None, b"", b"\xff", b"x" * 129, b"x" * 10_000])
def test_a_key_that_is_no_customer_id_names_nobody(key: bytes | None) -> None:
    assert rejected(b"nonsense", key=key).customer is None


@pytest.mark.parametrize("field", ["subject", "type", "id"])
def test_what_is_told_is_bounded_and_can_be_written(field: str) -> None:
    line = changed("visit", field, LONG).replace(b"xxxx", rb"x\ud800", 1)
    fault = rejected(line)
    for text in (fault.customer, fault.type, fault.event_id, fault.reason):
        assert text is not None
        assert len(text.encode()) <= 1100


# What two parsers could see differently


def test_a_field_given_twice_in_a_bad_event_is_said_to_be() -> None:
    line = LINES["chat"].replace(b'"data":{', b'"data":{"participants":[1,2,3],')
    assert rejected(line).reason == "participants is given more than once; give each field once"


def test_a_type_given_twice_is_said_to_be() -> None:
    line = LINES["chat"].replace(b'"id"', b'"type":"nps","id"')
    assert rejected(line).reason == "type is given more than once; give each field once"


def test_digits_without_end_are_a_bad_field_and_no_trouble() -> None:
    line = LINES["cart_abandoned"].replace(b"112.4", b"1" * 60_000)
    assert rejected(line).code == "bad_field"


# Effort is bounded


@pytest.mark.parametrize(
    "value",
    [
        b'"' + b'\\"' * 32_000,
        b'\\"' * 32_000,
        b"{" + b'"' * 65_000,
        b"[" * 65_000,
        b'{"a":' * 13_000,
        b"[]" * 32_000,
        b'{"type":"' + b"x" * 65_000 + b'"}',
        b'{"type":"visit",' + b'"a":1,' * 10_000 + b'"a":1}',
    ],
)
def test_the_largest_nonsense_is_refused_quickly(value: bytes) -> None:
    began = time.process_time()  # whatever else runs on the machine
    assert isinstance(read(value, KEY, NOW), Rejected)
    assert time.process_time() - began < 10.0  # quadratic work takes minutes


@pytest.mark.parametrize(
    ("value", "levels"),
    [(b"", 0), (b"[]", 1), (b'{"a":[{}]}', 3), (b'"[["', 0), (b'"\\"[["[', 1), (b"[][][]", 1), (b"]]]", 0)],
)
def test_nesting_counts_brackets_outside_of_texts(value: bytes, levels: int) -> None:
    assert nesting(value) == levels
