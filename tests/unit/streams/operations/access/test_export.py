"""An export has all that is held, in the customer's language, and for each decision what would have changed it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.churn.drivers import _LATELY, _text
from models.churn.usual import THEMES
from models.customer.record import Record
from models.customer.restrictions import REASONS
from models.decisions.choosing.choose import Reason
from models.decisions.counterfactuals import would_have_changed
from models.decisions.drawing import left_alone
from models.decisions.shared_moments import SHARED_MOMENTS
from models.decisions.waits import LEAVE_ALONE
from models.decisions.words import told
from models.features.basis import COLUMNS
from models.outputs import Decision, Position
from models.settings import DAY
from streams.operations.access.erasure import erasure_lines, erasure_preview
from streams.operations.access.export import Held, export, lines
from streams.operations.access.phrases import RESTRICTIONS
from streams.operations.access.places import PLACES, TOPICS, limit_of, record_limit, told_places
from streams.operations.access.reasons import reasons_told
from streams.operations.why.for_customer import Words
from streams.operations.why.outputs import Outputs
from streams.operations.why.past import past
from streams.operations.why.phrases import LANGUAGES
from tests.unit.streams.operations.test_person import WORDS, known
from tests.unit.streams.operations.why.test_story import CODE, END, Story, stories


def held(story: Story, language: str) -> Held:
    at = LANGUAGES.index(language)
    places = told_places(dict.fromkeys(TOPICS, limit_of(400 * DAY, at)), record_limit(90 * DAY, 91 * DAY, at), at)
    words = Words(story.record, story.policy, story.time, language)
    events = [{"partition": 0, "offset": 7, "time": story.time, "value": {"type": "purchase", "data": {"amount": 3}}}]
    return Held(story.customer, story.record, story.outputs, places, words, events, [], [])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_decision_is_in_it_once_with_each_gate_in_a_sentence_and_what_would_have_changed_it(
    language: str,
) -> None:
    gates = set()
    for story in stories():
        made = export(held(story, language))
        json.dumps(made)
        entries = past(story.outputs, END)
        assert [one["id"] for one in made["decisions"]] == [one["id"] for one in entries]
        for entry, decision in zip(entries, made["decisions"], strict=True):
            candidates = [one for one in entry["candidates"] if one["action"] != LEAVE_ALONE]
            for candidate, looked in zip(candidates, decision["looked_at"], strict=True):
                codes = [gate["gate"] for gate in candidate["gates"]]
                gates.update(codes)
                assert looked["against"] == [told(code, True, language) for code in codes]
                assert looked["would_have_changed"] == [would_have_changed(code, language) for code in codes]
                assert all(looked["against"] + looked["would_have_changed"])
            if entry["what"] in ("decided", "waits"):
                assert decision["would_have_changed"]
        assert [one["id"] for one in made["sent"]] == [one["trigger"]["id"] for one in entries if one["trigger"]]
        assert sum(len(one["became"]) for one in made["decisions"]) == sum(len(one["became"]) for one in entries)
    assert len(gates) > 5


@pytest.mark.parametrize("language", LANGUAGES)
def test_as_text_it_has_all_sections_every_field_and_no_code(language: str) -> None:
    for story in stories():
        made = held(story, language)
        whole = export(made)
        text = list(lines(whole, made.words))
        assert [line[0] for line in text if line[:1].isdigit() and line[1:3] == ". "] == list("12345678")
        joined = "\n".join(text)
        for one in whole["record"]:
            assert one["is"] in joined
        part = joined.split("\n3. ")[1].split("\n4. ")[0]
        assert not CODE.search(part), CODE.search(part)
        assert json.dumps({"amount": 3}) in joined


def test_a_consent_is_told_with_the_whole_text_of_what_it_rests_on_or_that_this_is_gone() -> None:
    record = known(WORDS)
    reason = "marketing granted on email; evidence log/7; kept as "
    register = export(_bare(record))["consents"]
    [granted] = [one for one in register if one["kept_as"]]
    assert granted["evidence"] is False
    entry = Decision("1" * 32, "consent", 1, Position(0, 1, False), "c", reason=reason + granted["kept_as"])
    [told_of] = [one for one in export(_bare(record, entry))["consents"] if one["kept_as"]]
    assert (told_of["said"], told_of["evidence"]) == ("you agreed to advertising by email; evidence log/7", True)
    assert next(one for one in register if not one["kept_as"])["said"].startswith("You refused advertising by sms on ")


def _bare(record: Record | None, *decisions: Decision) -> Held:
    return Held("c", record, Outputs([*decisions], {}), [], Words(record, None, 1), [], [], [])


def test_of_who_was_erased_it_says_what_is_left() -> None:
    record = Record(b"c")
    record.flags, record.band = 2, 5
    erased = Decision("1" * 32, "erased", 1, Position(0, 1, False), "c", reason="the customer asked to be forgotten")
    made = _bare(record, erased)
    text = "\n".join(lines(export(made), made.words))
    assert "you asked to be forgotten: yes" in text
    assert "You asked to be forgotten." in text
    nobody = _bare(None)
    assert "There is no record of you" in "\n".join(lines(export(nobody), nobody.words))


@given(
    st.lists(st.floats(0, 400, width=32), min_size=len(COLUMNS), max_size=len(COLUMNS)),
    st.sampled_from((*THEMES, "habit", "silence")),
    st.sampled_from(("purchase", "engagement", "contract")),
)
def test_every_reason_of_the_model_has_german_words(basis: list[float], theme: str, alive: Any) -> None:
    english = _text(theme, np.array(basis, dtype=np.float32).tolist(), alive)
    [german] = reasons_told(english, "de")
    assert german != english
    assert not any(word in german.split() for word in ("days", "usually", "buys", "bought", "than", "so"))
    assert reasons_told(f"{english}; no action is worth its cost", "en") == [english, "no action is worth its cost"]


@pytest.mark.parametrize("why", [why for why in Reason if why not in (Reason.BEST, Reason.EXPLORED)])
def test_why_the_learned_choice_left_somebody_alone_has_german_words(why: Reason) -> None:
    english = left_alone(why)
    assert reasons_told(english, "en") == [english]
    [german] = reasons_told(english, "de")
    assert german != english


@pytest.mark.parametrize(
    ("what", "reason", "english", "german"),
    [
        (
            "consent",
            "marketing granted on email, push; source page; wording w; evidence e; kept as 0f",
            "you agreed to advertising by email, push; source page; wording w; evidence e; kept as 0f",
            "Sie haben eingewilligt: Werbung per E-Mail, push; Quelle page; Wortlaut w; Nachweis e; geführt als 0f",
        ),
        (
            "consent",
            "profiling refused in general; source page; kept as 0f",
            "you refused estimates of what you may do; source page; kept as 0f",
            "Sie haben abgelehnt: Schätzungen, was Sie tun könnten; Quelle page; geführt als 0f",
        ),
        ("restricted", "fraud, by ada", "a suspicion of fraud, by ada", "ein Betrugsverdacht, von ada"),
        ("restricted", "minor", "a minor", "minderjährig"),
        ("decision_contested", "all decisions", "all decisions", "alle Entscheidungen"),
        ("decision_contested", "decision d trigger t", "decision d trigger t", "Entscheidung d Nachricht t"),
    ],
)
def test_what_only_the_topic_keeps_is_told_in_the_language(what: str, reason: str, english: str, german: str) -> None:
    entry = Decision("1" * 32, what, 1, Position(0, 1, False), "c", reason=reason)
    for language, told_of in (("en", english), ("de", german)):
        made = export(Held("c", None, Outputs([entry], {}), [], Words(None, None, 1, language), [], [], []))
        assert [one["used"] for one in made["decisions"]] == [[told_of]]


@pytest.mark.parametrize("what", ["may_contact", "previewed", "outcome", "resent", *SHARED_MOMENTS])
def test_what_is_said_beside_moments_has_words_in_both_languages(what: str) -> None:
    entry = Decision("1" * 32, what, 1, Position(0, 1, False), "c")
    told_of = []
    for language in LANGUAGES:
        made = export(Held("c", None, Outputs([entry], {}), [], Words(None, None, 1, language), [], [], []))
        told_of += [one["what"] for one in made["decisions"]]
    assert len({*told_of, what.replace("_", " ")}) == 3


def test_every_reason_of_a_restriction_has_words() -> None:
    assert set(RESTRICTIONS) == set(REASONS)


def test_the_reasons_of_what_was_lately_have_german_words() -> None:
    assert all(reasons_told(text, "de") != [text] for text in _LATELY.values())


def test_an_erasure_is_told_before_it_is_asked_for() -> None:
    seen = 0
    for story in stories():
        preview = erasure_preview(
            story.customer, story.record, story.policy, told_places(dict.fromkeys(TOPICS, "x"), "y")
        )
        out = [one for one in story.now["out"] if one["stage"] == "no word of it yet" and one["purpose"] != "legal"]
        assert {one["trigger"] for one in preview["taken_back"]} == {one["trigger"] for one in out}
        seen += len(out)
        text = "\n".join(erasure_lines(preview))
        assert all(place.where[0] in text for place in PLACES)
    assert seen
    refused = erasure_preview("c", known(WORDS), None, [])
    assert refused["outlasts"] == ["marketing refused in general"]
    assert "there is no record" in next(erasure_lines(erasure_preview("nobody", None, None, [])))


def test_how_long_is_told_by_what_is_in_force() -> None:
    assert [limit_of(kept) for kept in (None, float("inf"), 400 * DAY)] == [
        "as long as the broker keeps it",
        "for ever",
        "400 days after it was written",
    ]
    assert record_limit(90 * DAY, 91 * DAY).startswith("272 days after the last touchpoint")
    assert record_limit(0, 91 * DAY).startswith("for ever")
    assert {place.role for place in PLACES if place.role} == set(TOPICS)
