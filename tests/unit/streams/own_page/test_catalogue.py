"""Message catalogues: each language says all that the page says, and a house's own words fit or are refused."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest

from streams.own_page import catalogue
from streams.own_page.catalogue import FIRST, SHIPPED, CatalogueUnfit, accepted, catalogues, chosen
from streams.own_page.wishes import PURPOSES, SILENT_DAYS

ROOM = Path(catalogue.__file__).parent
SHIP = catalogues()
MADE = re.compile(r'say\(\s*"([a-z_0-9]+)"')


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def asked() -> set[str]:
    """The keys that templates and code ask for by name, and those that they put together."""
    code = {
        path.name: path.read_text("utf-8") for folder in ("", "templates") for path in (ROOM / folder).glob("*.[hp]*")
    }
    named = {key for text in code.values() for key in MADE.findall(text)}
    wishes, rest = code["wishes.py"], "".join(text for name, text in code.items() if name != "wishes.py")
    refused = set(re.findall(r'NotPossible\("(\w+)"', "".join(code.values()))) | set(re.findall(r'fault="(\w+)"', rest))
    told = set(re.findall(r'Refused\("(\w+)"|told\(request, "(\w+)"', rest))
    done = {
        "off_all",
        "off_channel",
        "on_channel",
        "often_none",
        "often_free",
        "often_most",
        "quiet_none",
        "quiet_hours",
    }
    done |= set(re.findall(r'(?:Wish\("\w+", (?:\{.*?\}(?:\[\S+\])?|data), |message=)"(\w+)"', wishes + rest))
    done |= {f"{way}_{purpose}" for way in ("on", "off") for purpose in PURPOSES} - {"erased"}
    named |= {f"done_{one}" for one in done - {"erased"}}
    named |= {f"fault_{one}" for one in refused} | {one for pair in told for one in pair if one}
    named |= {f"{one}_words" for pair in told for one in pair if one}
    named |= {f"silent_{days}" for days in (0, *SILENT_DAYS)}
    named |= {f"contract_{state}" for state in ("active", "paused", "ends", "ended")}
    named |= {f"channel_{state}" for state in ("on", "off", "unsaid")}
    named |= {f"purpose_{one}{end}" for one in PURPOSES for end in ("", "_words")}
    named |= {f"your_{one}" for one in ("language", "country", "zone")}
    return named | {"erasure_now", "erasure_waits", "language_name"}


@pytest.mark.parametrize("language", SHIP)
def test_each_language_says_all_that_is_asked_for_and_nothing_else(language: str) -> None:
    texts = SHIP[language].texts
    assert set(texts) == set(SHIP[FIRST].texts)
    assert {key for key in texts if "." not in key} == asked()
    for key, text in texts.items():
        assert fields(text) == fields(SHIP[FIRST].texts[key]), key
        assert text.strip(), key
    assert len(texts["months"].split(",")) == 12


def test_a_house_says_it_otherwise_and_adds_a_language(tmp_path: Path) -> None:
    (tmp_path / "de.toml").write_text('brand = "Laden"\n[topic]\nshoes = "Laufschuhe"\n', encoding="utf-8")
    (tmp_path / "nl.toml").write_text(
        (SHIPPED / "en.toml").read_text("utf-8").replace("Your page", "Uw pagina"), "utf-8"
    )
    found = catalogues(tmp_path)
    assert found["de"]("brand") == "Laden"
    assert found["de"]("switch_off") == "Ausschalten"
    assert (found["de"].named("topic", "shoes"), found["en"].named("topic", "running_shoes")) == (
        "Laufschuhe",
        "running shoes",
    )
    assert found["nl"]("title") == "Uw pagina"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("fr", 'title = "Votre page"', "lacks language_name"),
        ("de", 'brnad = "x"', "brnad is no message"),
        ("de", 'moment = "{day}"', "give day, time"),
        ("de", "brand = 3", "give text in quotes"),
        ("de", 'brand = "{"', "double a brace"),
        ("de", "brand", "no TOML"),
    ],
)
def test_a_catalogue_that_does_not_fit_is_refused(name: str, text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
    with pytest.raises(CatalogueUnfit, match=said):
        catalogues(tmp_path)


def test_the_language_is_the_first_that_is_known() -> None:
    assert chosen(["fr", "de-AT", "en"], SHIP).language == "de"
    assert chosen(["", "fr"], SHIP, "de").language == "de"
    assert accepted("fr;q=0.9, de;q=1, *;q=x, en;q=0.1") == ["de", "fr", "en"]
