"""What the page says, by language: message catalogues in TOML, those that ship and those of a house beside them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Formatter
from typing import Any, Final

SHIPPED: Final = Path(__file__).parent / "messages"
FIRST: Final = "en"
"""The language that has every message, and is spoken where no other fits."""


class CatalogueUnfit(ValueError):
    """A catalogue that can't be used; the message names the file and the key."""


class Catalogue:
    """language: a tag such as ``de``. texts: by key, with fields in braces."""

    def __init__(self, language: str, texts: Mapping[str, str]) -> None:
        self.language, self.texts = language, texts

    def __call__(self, key: str, **fields: Any) -> str:
        return self.texts[key].format(**fields)

    def named(self, group: str, name: str) -> str:
        """What a channel, topic, reward or kind of message is called; without a word for it, its name."""
        return self.texts.get(f"{group}.{name}", name.replace("_", " "))


def catalogues(own: Path | None = None) -> dict[str, Catalogue]:
    """By language. own: a folder of further ones, `LANGUAGE.toml`: a language that ships may be changed in part, a new
    one must be whole. Raises CatalogueUnfit."""
    found = {file.stem: _read(file) for file in sorted(SHIPPED.glob("*.toml"))}
    every = found[FIRST]
    for file in sorted(own.glob("*.toml")) if own is not None else ():
        texts = _read(file)
        for key, text in texts.items():
            if key in every and _fields(text) != _fields(every[key]):
                needed = ", ".join(sorted(_fields(every[key]))) or "none"
                raise CatalogueUnfit(f"{file}: {key} has other fields in braces than it takes; give {needed}")
            if key not in every and "." not in key:
                raise CatalogueUnfit(f"{file}: {key} is no message; remove it, or correct its spelling")
        found[file.stem] = {**found.get(file.stem, {}), **texts}
        if lacking := [key for key in every if key not in found[file.stem]]:
            raise CatalogueUnfit(f"{file} lacks {', '.join(lacking)}; take them from {SHIPPED / (FIRST + '.toml')}")
    return {language: Catalogue(language, texts) for language, texts in found.items()}


def chosen(asked: Iterable[str], known: Mapping[str, Catalogue], otherwise: str = FIRST) -> Catalogue:
    """The first that is known of language tags, by their first part."""
    for tag in asked:
        if (language := tag.strip().partition("-")[0].lower()) in known:
            return known[language]
    return known[otherwise]


def accepted(header: str) -> list[str]:
    """Language tags of a browser's `Accept-Language`, the best first.

    >>> accepted("en;q=0.5, de-AT, fr;q=0")
    ['de-AT', 'en']
    """
    weighed = []
    for part in header[:500].split(","):
        tag, _, parameters = part.strip().partition(";")
        weight = parameters.strip().removeprefix("q=") or "1"
        try:
            weighed.append((float(weight), tag))
        except ValueError:
            continue
    return [tag for weight, tag in sorted(weighed, key=lambda one: -one[0]) if tag and weight > 0]


def _read(file: Path) -> dict[str, str]:
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CatalogueUnfit(f"{file} is no TOML that can be read: {error}") from error
    flat: dict[str, str] = {}
    for key, value in told.items():
        for name, text in (
            {f"{key}.{part}": one for part, one in value.items()} if isinstance(value, dict) else {key: value}
        ).items():
            if not isinstance(text, str):
                raise CatalogueUnfit(f"{file}: {name} is {text!r}; give text in quotes")
            _fields(text, f"{file}: {name}")
            flat[name] = text
    return flat


def _fields(text: str, where: str = "") -> set[str]:
    try:
        return {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    except ValueError as error:
        raise CatalogueUnfit(f"{where}: {error}; double a brace that is meant as one") from error
