"""A policy file is read as a whole, and who wrote a wrong one is told all of it, key by key."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.decisions.policy import reading
from models.decisions.policy.checks import MOST_ARMS
from models.decisions.policy.reading import MOST_BYTES, PolicyOfAnotherRelease, PolicyUnfit, read_policy
from models.decisions.policy.types import Policy
from models.decisions.standing import channel_number, number_of

EXAMPLE = Path(reading.__file__).with_name("example.toml").read_text(encoding="utf-8")

SMALL = """
format = 1
[risk]
exit = 0.4
levels = [{ name = "at_risk", at = 0.5 }, { name = "leaving", at = 0.8 }]
[moment.risk]
sort = "risk"
[moment.sad]
sort = "touchpoint"
touchpoints = ["complaint", "nps"]
when = { field = "score", op = "<=", value = 6 }
[action.write]
kind = "useful"
moments = ["risk"]
content = "write"
[action.sorry]
purpose = "care"
kind = "care"
moments = ["sad"]
content = "sorry"
[channel.email]
[channel.push]
"""


def problems(text: str) -> list[str]:
    with pytest.raises(PolicyUnfit) as raised:
        read_policy(text)
    assert str(raised.value) == "; ".join(problem.words for problem in raised.value.problems)
    return [problem.words for problem in raised.value.problems]


def within(table: str, line: str) -> str:
    """A line more in a table of the small policy."""
    assert f"[{table}]\n" in SMALL
    return SMALL.replace(f"[{table}]\n", f"[{table}]\n{line}\n")


def instead(old: str, new: str) -> str:
    assert old in SMALL
    return SMALL.replace(old, new)


def test_the_example_is_a_policy() -> None:
    assert isinstance(read_policy(EXAMPLE), Policy)
    assert read_policy(EXAMPLE.encode()) == read_policy(EXAMPLE)
    assert read_policy(SMALL).action["sorry"].channels == ()


def test_everything_that_is_wrong_is_said_at_once() -> None:
    text = within("channel.email", "cost = -1\nprice = 3").replace('content = "write"\n', "").replace("0.8", '"high"')
    assert problems(text) == [
        'risk.levels[1].at is "high"; give a number above 0 and below 1',
        "action.write.content is missing; give text of 1 to 100 characters",
        "channel.email.cost is -1; give a number from 0 to 1,000,000,000",
        'channel.email.price is no key that is known here; did you mean "presence"? known are cost, '
        "presence, presence_expires, lead, withdrawable, rest",
    ]
    senseless = within("action.write", 'channels = ["sms"]').replace("exit = 0.4", "exit = 0.6")
    assert problems(senseless) == [
        "risk.exit is 0.6; give less than the lowest level has (at_risk: 0.5)",
        'action.write.channels[0] is "sms"; give one of the policy\'s channels: "email", "push"',
    ]


FORM: list[tuple[str, str]] = [
    ("format = 1\nformat = 2", "the file is not TOML; mend what its reader says: Cannot overwrite a value"),
    ("", "format is missing; give 1"),
    (SMALL.replace("format = 1", "format = true"), "format is true; give 1"),
    (SMALL.replace("format = 1", "format = 0"), "format is 0; give 1"),
    (within("action.write", "effect = nan"), "action.write.effect is NaN; give a number from"),
    (within("action.write", 'effect = "10"'), 'action.write.effect is "10"; give a number from'),
    (within("action.write", "priority = 10"), "action.write.priority is 10; give a whole number from 1 to 9"),
    (within("action.write", 'expires = "3 days"'), 'action.write.expires is "3 days"; give a duration such as "90m"'),
    (within("action.write", 'expires = "522w"'), 'action.write.expires is "522w"; give at most ten years, 3650d'),
    (within("action.write", "parameters = { a = inf }"), "action.write.parameters.a is Infinity; give"),
    (within("action.write", "from = 2026-12-01"), "action.write.from is 2026-12-01; give a time with its offset"),
    (
        within("action.write", 'chanels = ["email"]'),
        'action.write.chanels is no key that is known here; did you mean "ch',
    ),
    (instead("[action.write]", "[action.Write]"), 'action.Write is named "Write"; give a name in lower case'),
    (instead('moments = ["risk"]', 'moments = "risk"'), 'action.write.moments is "risk"; give a list'),
    (instead('sort = "risk"', 'sort = "rsk"'), 'moment.risk.sort is "rsk"; give one of "risk", "touchpoint"'),
    (instead("[channel.email]", "[channel]\nemail = 1"), "channel.email is 1; give a table"),
    (instead("levels = [{", "levels = [1, {"), "risk.levels[0] is 1; give a table with name, at"),
    ("contact = 3\n" + SMALL, "contact is 3; give a table"),
    ("\ufeffformat = 1", "the file is not TOML"),
    ("format = 1 # \x00", "the file is not TOML"),
    ("x = " + "[" * 40 + "]" * 40, "the file is nested deeper than 32 levels; give a flatter one"),
    ("#" + '"' * 40_000, "the file is 80,003 bytes long as JSON, with its quotes; give at most 61,440"),
    ("#" * (MOST_BYTES + 1), "the file is 49,153 bytes long; give at most 49,152"),
]


@pytest.mark.parametrize(("text", "told"), FORM, ids=range(len(FORM)))
def test_a_wrong_form_is_named_by_key_value_and_what_it_takes(text: str, told: str) -> None:
    assert any(words.startswith(told) for words in problems(text)), problems(text)


@settings(max_examples=60, deadline=None)
@given(first=st.integers(0, len(EXAMPLE)), length=st.integers(0, 40), put=st.text(max_size=20))
def test_whatever_is_written_it_is_a_policy_or_said_to_be_none(first: int, length: int, put: str) -> None:
    text = EXAMPLE[:first] + put + EXAMPLE[first + length :]
    with suppress(PolicyUnfit):
        assert read_policy(text).action


def test_bytes_that_are_no_text_are_refused() -> None:
    for value in (b"format = 1\xff", "format = '\ud800'"):
        with pytest.raises(PolicyUnfit, match="not in UTF-8 from byte 1"):
            read_policy(value)


GIFTS = '[budget.gifts]\ncounts = "money"\nmost = 5\n'
LEAVING = (
    SMALL.replace('"complaint", "nps"', '"cancel_started"')
    .replace('when = { field = "score", op = "<=", value = 6 }\n', "")
    .replace('moments = ["risk"]', 'moments = ["risk", "sad"]')
)
PERSONAL = within("action.write", "personal_price = true")
HEAD_OF_GIFTS = SMALL + "[budget.gifts]\n"


def of_tiers(row: str, value: str = "[value]") -> str:
    levels = 'levels = [{ name = "at_risk", at = 0.2 }, { name = "leaving", at = 0.4 }]'
    leave = "" if "exit" in row else "exit = 0.1"
    return f"{SMALL}{value}\n[[risk.for_tiers]]\n{row}\n{levels}\n{leave}\n"


SENSE: list[tuple[str, str]] = [
    # the ladder
    (instead("at = 0.8", "at = 0.5"), "risk.levels[1].at is 0.5; give more than the level before it has (at_"),
    (instead('"leaving"', '"at_risk"'), 'risk.levels[1] is "at_risk"; give it once'),
    (
        within("risk", 'for_classes = [{ classes = ["business"], levels = [{ name = "gone", at = 0.9 }] }]'),
        "risk.for_classes[0].levels is gone; give the levels of risk.levels in their order: at_risk, leaving",
    ),
    (
        within("risk", 'for_classes = [{ classes = [], levels = [{ name = "at_risk", at = 0.3 }], exit = 0.3 }]'),
        "risk.for_classes[0].exit is 0.3; give less than the lowest level has (at_risk: 0.3)",
    ),
    (of_tiers('tiers = ["top"]', value=""), "risk.for_tiers[0] is given; add [value]: without it nobody is in a tier"),
    (of_tiers('tiers = ["tip"]'), 'risk.for_tiers[0].tiers[0] is "tip"; did you mean "top"? give one of the tiers of'),
    (of_tiers("tiers = []"), "risk.for_tiers[0].tiers is empty; name the tiers whose levels these are"),
    (of_tiers('tiers = ["top"]\nexit = 0.2'), "risk.for_tiers[0].exit is 0.2; give less than the lowest level has"),
    (
        of_tiers('tiers = ["top"]').replace('"leaving", at = 0.4', '"gone", at = 0.4'),
        "risk.for_tiers[0].levels is at_risk, gone; give the levels of risk.levels in their order: at_risk, leaving",
    ),
    (
        of_tiers('tiers = ["top", "base"]\nclasses = ["reseller"]')
        + of_tiers('tiers = ["base"]', value="").replace(SMALL, ""),
        "risk.for_tiers[1].tiers is base of reseller; give each tier of a class levels once: another row has it",
    ),
    (
        of_tiers('stages = ["new"]', value="").replace("for_tiers", "for_stages"),
        "risk.for_stages[0] is given; add [loyalty]: without it nobody is at a stage",
    ),
    (
        of_tiers("stages = []", value="[loyalty]").replace("for_tiers", "for_stages"),
        "risk.for_stages[0].stages is empty; name the stages whose levels these are",
    ),
    (
        (of_tiers('stages = ["new", "active"]', value="[loyalty]")
        + of_tiers('stages = ["active"]', value="").replace(SMALL, ""))
        .replace("for_tiers", "for_stages"),
        "risk.for_stages[1].stages is active of consumer; give each stage of a class levels once: another row has it",
    ),
    (
        SMALL + '[control]\nexempt_plans = ["a", "a"]\nexempt_programmes = ["b"]',
        'control.exempt_plans[1] is "a"; give it once',
    ),
    # moments
    (instead('sort = "touchpoint"', 'sort = "risk"'), 'moment.sad.sort is "risk"; there is one risk moment at most'),
    (within("moment.risk", 'levels = ["gone"]'), 'moment.risk.levels[0] is "gone"; give one of the levels'),
    (within("moment.risk", 'touchpoints = ["nps"]'), 'moment.risk.touchpoints is ["nps"]; leave it out'),
    (within("moment.sad", 'levels = ["leaving"]'), 'moment.sad.levels is ["leaving"]; leave it out'),
    (within("moment.sad", 'within = "0d"'), 'moment.sad.within is "0d"; give a duration above zero'),
    (instead('"complaint", "nps"', '"complain", "nps"'), 'moment.sad.touchpoints[0] is "complain"; did you mean "com'),
    (instead('"complaint", "nps"', '"clock"'), 'moment.sad.touchpoints[0] is "clock"; give one of the types of'),
    (instead('touchpoints = ["complaint", "nps"]\n', ""), "moment.sad.touchpoints is missing; give the types"),
    # conditions
    (instead('"score"', '"skore"'), 'moment.sad.when.field is "skore"; did you mean "score"? give one of "topic"'),
    (instead("value = 6", 'value = "6"'), 'moment.sad.when.value is "6"; give a number'),
    (instead("value = 6", "value = true"), "moment.sad.when.value is true; give a number"),
    (instead('op = "<="', 'op = "contains"'), 'moment.sad.when.op is "contains"; give one of "=="'),
    (instead(', value = 6 }', " }"), "moment.sad.when.value is missing; give field, op and value"),
    (instead(', value = 6 }', ", value = 6, any = [] }"), "moment.sad.when is several things at once (a comparison"),
    (within("action.write", "when = {}"), "action.write.when is empty; give either field, op and value, or one of"),
    (within("action.write", "when = { all = [] }"), "action.write.when.all is empty; give at least one condition"),
    (
        within("action.write", 'when = { not = { any = [{ field = "age", op = ">", value = 6 }] } }'),
        'action.write.when.not.any[0].field is "age"; did you mean "stage"? give one of "customer_class"',
    ),
    (
        within("action.write", 'when = { field = "customer_class", op = "in", value = ["consumers"] }'),
        'action.write.when.value[0] is "consumers"; did you mean "consumer"? give one of "consumer", "business"',
    ),
    (
        within("action.write", 'when = { field = "country", op = "in", value = "NL" }'),
        'action.write.when.value is "NL"; give a list of what it may be, each text',
    ),
    (
        within("action.write", 'when = { field = "topics", op = "==", value = "tea" }'),
        'action.write.when.op is "=="; give "contains": topics is a list',
    ),
    (
        'protected = ["country"]\n' + within("action.write", 'when = { field = "country", op = "==", value = "NL" }'),
        'action.write.when.field is "country"; name another one: `protected` forbids to decide by it',
    ),
    # the best hour
    (
        SMALL + "[best_hour]\npopulation = [0, 0, 0, 0, 0, 0, 0, 0]",
        "best_hour.population is nothing but 0; give at least one part of the day more than 0",
    ),
    (SMALL + '[best_hour]\nmoments = ["riskk"]', 'best_hour.moments[0] is "riskk"; did you mean "risk"? give one of'),
    # budgets
    (within("action.write", 'budgets = ["gifts"]'), 'action.write.budgets[0] is "gifts"; give the name of a table ['),
    (
        within("action.write", 'budgets = ["gift"]') + GIFTS,
        'action.write.budgets[0] is "gift"; did you mean "gifts"? give "gifts"',
    ),
    (
        within("action.write", 'budgets = ["gifts", "gifts"]\ndiscount = 1') + GIFTS,
        'action.write.budgets[1] is "gifts"; give it once',
    ),
    (within("action.write", 'budgets = ["gifts"]') + GIFTS, "action.write.liability is 0; give what a trigger can"),
    (
        within("action.write", 'budgets = ["gifts"]\nliability = 9') + GIFTS,
        "action.write.liability is 9; give at most what a whole period of budget gifts has, 5",
    ),
    (
        within("action.write", 'budgets = ["gifts"]\nliability = 100000000') + GIFTS,
        "action.write.liability is 1e+08; give at most 21474836",
    ),
    (within("action.write", "discount = 2\nliability = 1"), "action.write.liability is 1; give at least its discount"),
    (
        within("action.sorry", 'budgets = ["gifts"]\nliability = 1') + GIFTS,
        'action.sorry.budgets is ["gifts"]; leave it out, or give purpose "marketing"',
    ),
    (HEAD_OF_GIFTS + 'counts = "contacts"\nmost = 0', "budget.gifts.most is 0; give at least 1"),
    (HEAD_OF_GIFTS + 'counts = "contacts"\nmost = 2.5', "budget.gifts.most is 2.5; give a whole number of contacts"),
    (
        HEAD_OF_GIFTS + 'counts = "money"\nmost = 2\nper = "day"\ntranche = "2d"',
        'budget.gifts.tranche is "2d"; give a duration above zero, of its period, a day, at most',
    ),
    (HEAD_OF_GIFTS + 'counts = "money"\nmost = 2\ntranche = "0d"', 'budget.gifts.tranche is "0d"; give a duration ab'),
    # actions
    (SMALL.replace("[action.write]", "[action.leave_alone]"), "action.leave_alone is a word of the engine's own"),
    (instead('moments = ["risk"]', "moments = []"), "action.write.moments is empty; name the moments"),
    (instead('moments = ["risk"]', 'moments = ["sat"]'), 'action.write.moments[0] is "sat"; did you mean "sad"? give'),
    (within("action.write", 'channels = ["push", "push"]'), 'action.write.channels[1] is "push"; give it once'),
    (within("action.write", 'withdraw_when = ["purchases"]'), 'action.write.withdraw_when[0] is "purchases"; did you'),
    (within("action.sorry", 'levels = ["leaving"]'), 'action.sorry.levels is ["leaving"]; leave it out'),
    (instead('moments = ["sad"]', 'moments = ["risk"]'), 'action.sorry.purpose is "care"; give "marketing"'),
    (instead('kind = "care"', 'kind = "ask"'), 'action.sorry.kind is "ask"; give care, onboarding or service'),
    (within("action.sorry", "discount = 2"), "action.sorry.discount is 2; leave it out, or give purpose"),
    (within("action.sorry", "promotion = true"), "action.sorry.promotion is true; leave it out, or give purpose"),
    (within("action.write", 'promotion = true\nvalid = "1d"'), 'action.write.valid is "1d"; give at least what'),
    (within("action.write", 'valid = "9d"'), 'action.write.valid is "9d"; leave it out, or give promotion = true'),
    (within("action.write", 'once_per = "0w"'), 'action.write.once_per is "0w"; give a duration above zero'),
    (within("action.write", "from = 2026-12-01T00:00:00"), "action.write.from is 2026-12-01T00:00:00; give it"),
    (
        within("action.write", "from = 2026-12-01T00:00:00Z\nuntil = 2026-12-01T01:00:00+01:00"),
        "action.write.until is 2026-12-01T01:00:00+01:00; give a time after `from` (2026-12-01T00:00:00+00:00)",
    ),
    (SMALL + "[choice]\nhold_out = 0.99\nfloor = 0.1", "choice.hold_out is 0.99; give at most 0.9: each of 1 actions"),
    (SMALL + '[choice]\nwindow = "0d"', 'choice.window is "0d"; give a duration above zero'),
    # what no policy may do
    (
        within("action.write", "discount = 2"),
        "contact.discounts is 12; give more, or `once_per` or a cap to what gives discounts: a customer can have 14 in",
    ),
    (
        instead('kind = "useful"', 'kind = "service"'),
        'action.write.kind is "service"; give another kind, or a moment of touchpoints: a legal notice, a renewal, a',
    ),
    (LEAVING, 'moment.sad.within is "3d"; give at most "1h", `contract.session`: write is marketing, and cancel'),
    (LEAVING, 'moment.sad.once_per is missing; give a duration such as "30d": write is marketing, and'),
    (
        LEAVING + '[plan.stay]\nmoments = ["sad"]\nends_with = ["subscription_cancelled"]\n'
        'steps = [{ action = "sorry" }, { action = "write", after = "3d" }, { action = "write", after = "20d" }]',
        'plan.stay.steps[1].action is "write"; leave it out: it is marketing, and cancel_started begins the plan; the',
    ),
    (within("action.write", "significant = true"), "action.write.human is false; give true: it is `significant`"),
    (PERSONAL, 'action.write.notices is []; give "personal_price" among them'),
    (
        PERSONAL.replace("personal_price = true", 'personal_price = true\nnotices = ["personal_price"]'),
        "notice.personal_price is missing; give a table",
    ),
    (
        PERSONAL.replace("personal_price = true", 'personal_price = true\nnotices = ["personal_price"]')
        + '[notice.personal_price]\nlanguages = ["en"]',
        "action.write.languages is missing; name the languages of the text",
    ),
    (
        PERSONAL.replace(
            "personal_price = true",
            'personal_price = true\nnotices = ["personal_price"]\nlanguages = ["en-GB", "de"]',
        )
        + '[notice.personal_price]\nlanguages = ["en"]',
        'action.write.languages[1] is "de"; write the notice in it too',
    ),
    (
        SMALL + '[plan.more]\nmoments = ["sad"]\nsteps = [{ action = "write" }]',
        'plan.more.ends_with is []; give "subscription_cancelled" among them',
    ),
    (
        SMALL.replace('content = "write"', 'content = "write"\ndiscount = 1\nonce_per = "99d"')
        + '[contact]\ndiscounts = 3',
        "contact.discounts is 3; give more, or `once_per` or a cap to what gives discounts: a customer can have 4 in",
    ),
    (
        within("action.write", "discount = 2") + '[contact]\ncaps = [{ most = 1, within = "92d", countries = ["NL"] }]',
        "contact.discounts is 12; give more, or `once_per` or a cap to what gives discounts: a customer can have 14 in",
    ),
    # limits of contact, basis
    (
        SMALL + '[contact]\ncaps = [{ most = 1, within = "93d", channel = "sms" }]',
        'contact.caps[0].within is "93d"; give at most 92d',
    ),
    (
        SMALL + '[contact]\ncaps = [{ most = 1, within = "9d", channel = "sms" }]',
        'contact.caps[0].channel is "sms"; give one of "email", "push"',
    ),
    (
        SMALL + '[contact]\ncaps = [{ most = 1, within = "9d", kind = "offer", purpose = "care" }]',
        'contact.caps[0].purpose is "care"; give purpose "marketing"',
    ),
    (
        SMALL + '[contact]\nhours = [{ days = [], spans = [{ start = "09:00", end = "09:00" }] }]',
        "contact.hours[0].days is empty; name days",
    ),
    (
        SMALL + '[contact]\nhours = [{ spans = [{ start = "09:00", end = "09:00" }], channels = ["call"] }]',
        'contact.hours[0].channels[0] is "call"; give one of the policy',
    ),
    (SMALL + '[[basis]]\nneeds = "consent"\nlasts = "9d"', 'basis[0].lasts is "9d"; leave it out, or give needs'),
    (
        SMALL + '[contact]\ncaps = [{ most = 2, within = "9d", reserve = 2 }]',
        "contact.caps[0].reserve is 2; give less than `most` (2)",
    ),
    (
        SMALL + '[channel.sms]\npresence_expires = "30m"',
        'channel.sms.presence_expires is "30m"; leave it out, or give presence = true',
    ),
    # peace
    (
        SMALL + '[conversation]\ntouchpoints = ["chatt"]\nlasts = "0s"',
        'conversation.touchpoints[0] is "chatt"; did you mean "chat"? give one of the types',
    ),
    (SMALL + '[conversation]\nlasts = "0s"', 'conversation.lasts is "0s"; give a duration above zero'),
    (
        SMALL + "[[freeze]]\nfrom = 2026-12-24T00:00:00\nuntil = 2026-12-27T00:00:00Z",
        'freeze[0].from is 2026-12-24T00:00:00; give a `zone`, or the time with its offset',
    ),
    (
        SMALL + '[[freeze]]\nfrom = 2026-12-24T00:00:00\nuntil = 2026-12-24T00:00:00\nzone = "UTC"',
        'freeze[0].until is 2026-12-24T00:00:00; give a time after `from`',
    ),
    (
        SMALL + '[[freeze]]\nfrom = 2026-12-24T00:00:00\nuntil = 2026-12-25T00:00:00\nzone = "Mars/Olympus"',
        'freeze[0].zone is "Mars/Olympus"; give the IANA name of a time zone',
    ),
    # names
    (
        SMALL + '[contact]\nhours = [{ most = 4, within = "30d", spans = [{ start = "09:00", end = "18:00" }] }]',
        "contact.hours[0].most is 4; give the row `channels`, each of which it is for; contact.caps is for all",
    ),
    (
        SMALL + '[contact]\nhours = [{ countries = ["FR"], rest = "60d" }]',
        'contact.hours[0].rest is "60d"; give the row `channels`, each of which it is for; contact.rest.declined is',
    ),
    (
        SMALL + '[contact]\nhours = [{ channels = ["email"], most = 4 }]',
        'contact.hours[0].within is missing; give the time in which there may be 4 contacts, such as "30d"',
    ),
    (
        SMALL + '[contact]\nhours = [{ channels = ["email"], within = "30d", rest = "60d" }]',
        'contact.hours[0].within is "30d"; leave it out, or give `most`',
    ),
    (
        SMALL + '[contact]\nhours = [{ channels = ["email"], rest = "60d", days = [1] }]',
        "contact.hours[0].spans is missing; give spans of the day, or holidays, or leave out `days`",
    ),
    (
        SMALL + '[contact]\nhours = [{ channels = ["email"], most = 4, within = "93d" }]',
        'contact.hours[0].within is "93d"; give at most 92d: a customer\'s record counts no further back',
    ),
    (
        SMALL + '[contact]\nhours = [{ channels = ["email"], rest = "0s" }]',
        'contact.hours[0].rest is "0s"; give a duration above zero',
    ),
    (instead("action.sorry", "action.sad"), "action.sad is named as a moment is; give it another name"),
    ('zone = "Europe/Bonn"\n' + SMALL, 'zone is "Europe/Bonn"; give the IANA name of a time zone'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "told"), SENSE, ids=range(len(SENSE)))
def test_what_makes_no_sense_is_named_by_key_value_and_what_it_takes(text: str, told: str) -> None:
    assert any(words.startswith(told) for words in problems(text)), problems(text)


def test_a_level_draws_among_seven_actions_at_most() -> None:
    def drawn(count: int) -> str:
        more = [
            f'[action.a{n}]\nkind = "useful"\nmoments = ["risk"]\nlevels = ["leaving"]\ncontent = "a"\n'
            for n in range(count)
        ]
        return SMALL + "".join(more)

    assert len(read_policy(drawn(MOST_ARMS - 1)).action) == MOST_ARMS + 1
    (told,) = problems(drawn(MOST_ARMS))
    assert told.startswith("action: those of level leaving is 8 (write, a0, a1, a2, a3, a4, a5, a6); give a level 7")


def test_a_record_remembers_sixteen_names_with_once_per() -> None:
    def sparing(count: int) -> str:
        more = [f'[moment.m{n}]\nsort = "touchpoint"\ntouchpoints = ["nps"]\nonce_per = "9d"\n' for n in range(count)]
        return SMALL + "".join(more)

    assert len(read_policy(sparing(16)).moment) == 18
    (told,) = problems(sparing(17))
    assert told.startswith(
        "moment.m16.once_per is that of the 17th; give `once_per` to moments, actions and plans, and"
    )


def test_a_channel_that_rests_by_its_own_table_and_by_rows_of_hours_is_remembered_once() -> None:
    def resting(channels: int) -> str:
        named = [f'"c{n}"' for n in range(channels)]
        rows = f'{{ channels = [{", ".join(named)}], rest = "9d" }}'
        own = "".join(f'[channel.c{n}]\nrest = "9d"\n' for n in range(channels))
        return SMALL + own + f"[contact]\nhours = [{rows}, {rows}]"

    assert len(read_policy(resting(16)).channel) == 18
    (told,) = problems(resting(17))
    assert told.startswith("channel.c16.rest is that of the 17th; give ")


def one_number(numbered: Callable[[str], int], form: str) -> tuple[str, str]:
    """Two names that a record cannot tell apart."""
    seen: dict[int, str] = {}
    for n in range(200_000):
        name = form.format(n)
        if numbered(name) in seen:
            return seen[numbered(name)], name
        seen[numbered(name)] = name
    raise AssertionError("no two names of one number")


def test_two_channels_that_a_record_cannot_tell_apart_are_refused() -> None:
    one, other = one_number(channel_number, "c{}")
    (told,) = problems(SMALL + f"[channel.{one}]\n[channel.{other}]\n")
    assert told == f"channel.{other} is to a customer's record the same as channel.{one}; give it another name"


def test_two_names_that_a_record_cannot_tell_apart_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.decisions.policy.checks.number_of", lambda name: number_of(name[:1]))
    (told,) = problems(SMALL)
    assert told == "action.sorry is to a customer's record the same as moment.sad; give it another name"


@pytest.mark.parametrize(
    "text", [SMALL.replace("format = 1", "format = 2\nnews = true"), 'zone = "Mars/Olympus"\n' + SMALL]
)
def test_what_another_release_may_read_is_told_apart_from_what_nobody_can(text: str) -> None:
    with pytest.raises(PolicyOfAnotherRelease):
        read_policy(text)
    with pytest.raises(PolicyUnfit) as raised:
        read_policy(text.replace('sort = "risk"', 'sort = "rsk"').replace("format = 2", "format = 1"))
    assert not isinstance(raised.value, PolicyOfAnotherRelease)


def test_no_two_faults_hide_each_other() -> None:
    """Whatever two lines are wrong, both are told."""
    wrong = {
        "exit = 0.4": ("exit = 0.6", "risk.exit"),
        '"complaint", "nps"': ('"complain", "nps"', "moment.sad.touchpoints[0]"),
        "value = 6": ('value = "6"', "moment.sad.when.value"),
        'moments = ["sad"]': ('moments = ["gone"]', "action.sorry.moments[0]"),
    }
    for one, other in combinations(wrong, 2):
        text = SMALL.replace(one, wrong[one][0]).replace(other, wrong[other][0])
        with pytest.raises(PolicyUnfit) as raised:
            read_policy(text)
        assert [problem.key for problem in raised.value.problems] == [wrong[one][1], wrong[other][1]]


THREADS = """
import sys, threading
from models.decisions.policy.reading import read_policy
sys.setswitchinterval(1e-6)
text, at_once, read = sys.stdin.read(), threading.Barrier(16), []
def first():
    at_once.wait()
    read.append(read_policy(text).format)
threads = [threading.Thread(target=first) for _ in range(16)]
for one in threads:
    one.start()
for one in threads:
    one.join()
print(read)
"""


@pytest.mark.slow
def test_the_first_policy_of_a_process_may_be_read_by_several_threads_at_once() -> None:
    asked = [sys.executable, "-c", THREADS]
    found = subprocess.run(asked, input=EXAMPLE, capture_output=True, text=True, timeout=120, check=False)
    assert (found.returncode, found.stdout.strip()) == (0, str([1] * 16)), found.stderr
