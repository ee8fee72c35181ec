"""Signed links: what is read is what was said, whatever was bent is refused, and nothing shows who it is for."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.settings import DAY, HOUR
from streams.client import KeysUnfit, LinkKeys, own_page_link
from streams.client.links import LEAST_DAYS, Linked, LinkRefused

NOW = 1_796_000_000_000
KEYS = LinkKeys.of(f"b2:{'b' * 32}, a1:{'a' * 32}\n")
ANNA = KEYS.token("anna-4711", NOW + DAY, "email")


@given(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=128),
    st.text(st.characters(codec="utf-8"), max_size=32),
    st.integers(NOW, NOW + 400 * DAY),
)
def test_what_is_read_is_what_was_said(customer: str, channel: str, until: int) -> None:
    token = KEYS.token(customer, until, channel)
    found = KEYS.read(token, until - 1)
    assert (found.customer, found.channel) == (customer, channel)
    assert until <= found.until < until + HOUR
    with pytest.raises(LinkRefused) as refused:
        KEYS.read(token, found.until)
    assert refused.value.expired


@given(st.data())
def test_whatever_is_bent_is_refused(data: st.DataObject) -> None:
    key, _, text = ANNA.partition(".")
    raw = bytearray(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    bent = urlsafe_b64encode(bytes(raw)).decode().rstrip("=")
    for token in (f"{key}.{bent}", f"a1.{text}", f"c3.{text}", ANNA[: data.draw(st.integers(0, len(ANNA) - 2))]):
        with pytest.raises(LinkRefused) as refused:
            KEYS.read(token, NOW)
        assert not refused.value.expired


@given(st.text(max_size=1_300))
def test_what_is_no_link_is_refused(text: str) -> None:
    for token in (text, f"b2.{text}"):
        with pytest.raises(LinkRefused):
            KEYS.read(token, NOW)


def test_the_former_key_is_believed_until_it_is_taken_away() -> None:
    former = LinkKeys.of(f"a1:{'a' * 32}")
    old = former.token("anna", NOW + DAY)
    assert old.startswith("a1.")
    assert KEYS.read(old, NOW) == Linked("anna", "", KEYS.read(old, NOW).until)
    with pytest.raises(LinkRefused):
        LinkKeys.of(f"b2:{'b' * 32}").read(old, NOW)
    with pytest.raises(LinkRefused):  # another secret under the same id
        LinkKeys.of(f"a1:{'x' * 32}").read(old, NOW)


def test_a_link_shows_neither_the_id_nor_its_exact_length() -> None:
    assert "anna" not in ANNA
    assert b"anna" not in urlsafe_b64decode(ANNA[3:] + "==")
    assert len(KEYS.token("ann", NOW, "email")) == len(KEYS.token("anna", NOW, "email"))
    # One customer, channel and hour: one link. Another customer's shares nothing with it but the key's id.
    assert KEYS.token("anna-4711", NOW + DAY, "email") == ANNA
    other = KEYS.token("anna-4712", NOW + DAY, "email")
    assert sum(a == b for a, b in zip(other[3:], ANNA[3:], strict=True)) < 16


def test_a_link_lives_for_sixty_days_at_least() -> None:
    made = own_page_link("https://me.shop.example/", "anna", KEYS, now_ms=NOW)
    assert NOW + 90 * DAY <= made.until < NOW + 90 * DAY + HOUR
    assert KEYS.read(made.page.rpartition("/")[2], NOW) == Linked("anna", "", made.until)
    assert made.page.startswith("https://me.shop.example/o/b2.")
    assert made.headers["List-Unsubscribe"] == f"<{made.page}/one-click>"
    wrong = (
        (LEAST_DAYS - 1, "https://x", "anna"),
        (90, "x", "anna"),
        (90, "https://x", ""),
        (90, "https://x", "é" * 129),
    )
    for days, url, customer in wrong:
        with pytest.raises(ValueError, match="give"):
            own_page_link(url, customer, KEYS, now_ms=NOW, days=days)
    with pytest.raises(ValueError, match="channel 33: give 1 to 128, and at most 32"):
        KEYS.token("anna", NOW, "x" * 33)
    assert KEYS.read(KEYS.token("é" * 128, NOW + DAY, "ü" * 32), NOW).channel == "ü" * 32


def test_without_tls_there_is_no_one_click() -> None:
    assert own_page_link("http://localhost:8766", "anna", KEYS, now_ms=NOW).headers == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no ID:SECRET"),
        ("secret", "no ID:SECRET"),
        (f"a.1:{'a' * 32}", "no ID:SECRET"),
        ("a1:kurz-geheim", "10 characters|11 characters"),
        (f"a1:{'a' * 32} a1:{'b' * 32}", "given twice"),
    ],
)
def test_keys_that_do_not_fit_are_refused_without_being_told(text: str, said: str) -> None:
    with pytest.raises(KeysUnfit, match=said) as refused:
        LinkKeys.of(text)
    assert "geheim" not in str(refused.value)
    assert "a" * 32 not in repr(KEYS)


def test_a_seal_is_of_one_use_and_of_its_parts_as_they_are() -> None:
    seal = KEYS.sealed("form", "anna", "1")
    assert KEYS.is_sealed(seal, "form", "anna", "1")
    assert KEYS.is_sealed(LinkKeys.of(f"a1:{'a' * 32}").sealed("form", "anna", "1"), "form", "anna", "1")
    for what, *parts in (("session", "anna", "1"), ("form", "ann", "a1"), ("form", "anna1"), ("form", "anna", "2")):
        assert not KEYS.is_sealed(seal, what, *parts)
    assert not KEYS.is_sealed("é\ud800", "form", "anna", "1")
