"""Where something of a customer lies, until when, and what an erasure does there: the one text for docs and commands.

An erasure acts on the state at once. Topics are logs, in which nothing is changed: there the stated limit counts
(`[retention]` of the policy, the topic's `retention.ms`), of whoever was erased as of anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from models.settings import DAY

ENGLISH, GERMAN = 0, 1
TOPICS: Final = ("touchpoints", "triggers", "decisions", "examples", "deadletters")
"""Roles of topics that name customers."""
Both = tuple[str, str]
"""English and German."""
FOREVER: Final = float("inf")


class Place(NamedTuple):
    """A place. where, what: of a customer lies there. erasure: what becomes of it then. until: by which it is gone
    anyway; of a topic (`role`) its period stands there."""

    where: Both
    what: Both
    erasure: Both
    until: Both = ("", "")
    role: str = ""


class Told(NamedTuple):
    """A place in one language, with its limit."""

    where: str
    what: str
    erasure: str
    until: str


_STAYS: Final = ("stays until then", "bleibt bis dahin")
PLACES: Final = (
    Place(
        ("Redis, the record", "Redis, der Datensatz"),
        ("everything that is known", "alles, was bekannt ist"),
        (
            "cleared at once, but for the erasure itself and what was refused",
            "sofort gelöscht, bis auf die Löschung selbst und was abgelehnt wurde",
        ),
        ("{record}", "{record}"),
    ),
    Place(
        ("Redis, the outbox", "Redis, der Ausgang"),
        ("the last outputs, as below", "die letzten Ausgaben, wie unten"),
        _STAYS,
        ("published and trimmed, within seconds", "veröffentlicht und entfernt, nach Sekunden"),
    ),
    Place(
        ("Redis' files and backups", "Dateien und Sicherungen von Redis"),
        ("the above, as of then", "das Obige, zum damaligen Stand"),
        (
            "stays until then; restored, its shards read the touchpoints since again, the erasure among them",
            "bleibt bis dahin; nach einer Wiederherstellung werden alle Ereignisse seither erneut gelesen, "
            "auch die Löschung",
        ),
        ("they are deleted", "sie gelöscht werden"),
    ),
    Place(
        ("touchpoints", "touchpoints"),
        ("every event, with its content", "jedes Ereignis mit seinem Inhalt"),
        _STAYS,
        role="touchpoints",
    ),
    Place(
        ("triggers", "triggers"),
        ("id, action, channel, why; withdrawals", "Kennung, Maßnahme, Weg, Grund; Rücknahmen"),
        ("what was not sent yet is taken back, but for legal notices; the rest stays until then",
         "was noch nicht verschickt ist, wird zurückgenommen, bis auf Rechtliches; das Übrige bleibt bis dahin"),
        role="triggers",
    ),
    Place(
        ("decisions", "decisions"),
        (
            "id, what was decided and why, risk, what a consent rests on",
            "Kennung, was warum entschieden wurde, Risiko, worauf eine Einwilligung beruht",
        ),
        _STAYS,
        role="decisions",
    ),
    Place(
        ("examples", "examples"),
        (
            "id, 28 numbers of behaviour (recency, counts, amounts; no content), what came of it",
            "Kennung, 28 Zahlen zum Verhalten (Abstände, Anzahlen, Beträge; kein Inhalt), was daraus wurde",
        ),
        _STAYS,
        role="examples",
    ),
    Place(
        ("deadletters", "deadletters"),
        (
            "whole records that were refused, their key and customer",
            "ganze Sätze, die nicht lesbar waren, mit Schlüssel und Kunde",
        ),
        _STAYS,
        role="deadletters",
    ),
    Place(
        ("rekey-deadletters", "rekey-deadletters"),
        (
            "records of another system that could not be mapped, key and all, where one is read by `retention rekey`",
            "Sätze eines anderen Systems, die nicht übertragen werden konnten, mit Schlüssel, falls eines mit "
            "`retention rekey` gelesen wird",
        ),
        _STAYS,
        (
            "the `retention.ms` of that topic, else the broker's default (7 days)",
            "zum `retention.ms` dieses Topics, sonst dem üblichen des Brokers (7 Tage)",
        ),
    ),
    Place(
        ("learner's state, model versions", "Zustand des Lernens, Modellversionen"),
        (
            "no id; weights and sums over everybody, beside the numbers of 6,000 customers under a 64-bit hash of "
            "their ids",
            "keine Kennung; Gewichte und Summen über alle, dazu die Zahlen von 6.000 Kunden unter einem 64-Bit-Hash "
            "ihrer Kennung",
        ),
        _STAYS,
        ("replaced as it learns", "beim Lernen ersetzt"),
    ),
    Place(
        ("control, where `retention control` writes it", "control, wo `retention control` es schreibt"),
        (
            "id, since when and by which policy, of whoever is of the control group",
            "Kennung, seit wann und nach welcher Richtlinie, wenn man zur Kontrollgruppe gehört",
        ),
        (
            "an empty row takes its place, once `retention control` has read the erasure; "
            "the old one is gone a day later",
            "eine leere Zeile tritt an ihre Stelle, sobald `retention control` die Löschung gelesen hat; "
            "die alte ist einen Tag später fort",
        ),
        ("they are of it no more, or leave the store", "man nicht mehr dazugehört oder den Bestand verlässt"),
    ),
    Place(
        ("index for exports (`index_dir`)", "Verzeichnis für Auskünfte (`index_dir`)"),
        (
            "a 32-bit hash of the id, and where its records stand in the topics",
            "ein 32-Bit-Hash der Kennung und wo ihre Einträge stehen",
        ),
        _STAYS,
        (
            "the next export after its part of the topic is gone",
            "zur nächsten Auskunft, nachdem der Teil, für den es gilt, gelöscht ist",
        ),
    ),
    Place(
        ("logs, metrics, `/health`", "Protokolle, Messwerte, `/health`"),
        (
            "no id, except where a stored record can't be read: its error names it",
            "keine Kennung, außer ein Datensatz ist nicht lesbar: Der Fehler nennt sie",
        ),
        _STAYS,
        ("these are deleted", "diese gelöscht werden"),
    ),
)  # fmt: skip


def told_places(limits: Mapping[str, str], record: str, language: int = ENGLISH) -> list[Told]:
    """Every place.

    Args:
        limits: by role of a topic, in the language (`limit_of`).
        record: when a record leaves the store.
        language: `ENGLISH` or `GERMAN`.
    """
    return [
        Told(
            place.where[language],
            place.what[language],
            place.erasure[language],
            limits[place.role] if place.role else place.until[language].format(record=record),
        )
        for place in PLACES
    ]


def limit_of(kept: float | None, language: int = ENGLISH) -> str:
    """How long a topic keeps a record. kept: ms, `FOREVER`; None: the broker does not say."""
    if kept is None:
        return ("as long as the broker keeps it", "solange der Broker es behält")[language]
    if kept == FOREVER:
        return ("for ever", "für immer")[language]
    days = f"{kept / DAY:,.4g}"
    return (f"{days} days after it was written", f"{days} Tage, nachdem es geschrieben wurde")[language]


def record_limit(forget_after: int | None, horizon: int, language: int = ENGLISH) -> str:
    """When a record leaves the store. forget_after: ms, 0: never; None: not known."""
    if not forget_after:
        return ("for ever (`forget_after_days` is 0)", "für immer (`forget_after_days` ist 0)")[language]
    days = f"{(2 * horizon + forget_after) / DAY:,.4g}"
    return (
        f"{days} days after the last touchpoint, or the erasure; what was refused is kept for good",
        f"{days} Tage nach dem letzten Ereignis oder der Löschung; was abgelehnt wurde, bleibt dauerhaft",
    )[language]
