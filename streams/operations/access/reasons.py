"""What an estimate was made from, in the customer's language: the model's reasons (`models.churn.drivers`)."""

from __future__ import annotations

import re
from typing import Final

from streams.operations.access.phrases import RESTRICTIONS
from streams.operations.why.phrases import GERMAN, Phrases

_PARTS: Final[tuple[tuple[str, str], ...]] = (
    (r"silent (\d+) days?, (.*)", r"still seit \1 Tagen, \2"),
    (r"usually buys every (\d+) days?", r"kaufen sonst alle \1 Tage"),
    (r"usually comes every (\d+) days?", r"kommen sonst alle \1 Tage"),
    (r"usually renews every (\d+) days?", r"verlängern sonst alle \1 Tage"),
    (r"(bought|came|renewed) once so far", r"bisher einmal da"),
    (r"(bought|came|renewed) on (\d+) days? so far", r"bisher an \2 Tagen da"),
    (r"looks at us less than before", "sehen sich weniger bei uns um als früher"),
    (r"(buys|comes|renews) less often than before", "seltener da als früher"),
    (r"(buys|comes|renews) more often than before", "öfter da als früher"),
    (r"spends less than usual", "geben weniger aus als sonst"),
    (r"spends more than usual", "geben mehr aus als sonst"),
    (r"(\d+) open service cases?, the oldest for (\d+) days?", r"offene Anliegen: \1, das älteste seit \2 Tagen"),
    (r"sounds unhappy", "klingen unzufrieden"),
    (r"sounds content", "klingen zufrieden"),
    (r"complained lately", "haben sich kürzlich beschwert"),
    (r"a payment failed lately", "eine Zahlung schlug kürzlich fehl"),
    (r"unsubscribed from messages lately", "haben sich kürzlich von Nachrichten abgemeldet"),
    (r"returned goods lately", "haben kürzlich Ware zurückgegeben"),
    (r"received many campaigns lately", "haben kürzlich viele Nachrichten bekommen"),
    (r"no action is worth its cost", "nichts davon wäre seinen Preis wert"),
    (r"no action is expected to bring more than it costs", "nichts davon brächte wohl mehr, als es kostet"),
    (
        r"leaving alone fell, though an action is expected to bring more: so it is seen what comes then",
        "das Los fiel darauf, Sie in Ruhe zu lassen, um zu sehen, was dann geschieht",
    ),
    (
        r"what may help is not proven yet, and goes to whom it is expected to help more",
        "was helfen könnte, ist noch nicht erwiesen und geht an die, denen es wohl mehr hilft",
    ),
    (
        r"no action is open to this customer before the first ones have shown what comes of them",
        "nichts davon steht Ihnen offen, bevor sich gezeigt hat, was daraus wird",
    ),
)
"""Each reason whole, and in German; a number or a further reason stands in it."""


_SAID: Final = re.compile(r"(\w+) (granted|refused) (?:on (.*)|in general)")
_EVIDENCE: Final = (
    ("source ", "Quelle "),
    ("wording ", "Wortlaut "),
    ("evidence ", "Nachweis "),
    ("kept as ", "geführt als "),
)


def consent_told(reason: str, say: Phrases) -> str:
    """What a decision `consent` says: the answer, and the texts that it rests on as they were given."""
    answer, *texts = reason.split("; ")
    said = _SAID.fullmatch(answer)
    if said is not None:
        purpose, verb, channels = said.groups()
        on = ", ".join(say.channel(one) for one in channels.split(", ")) if channels else ""
        answer = say(f"consent_{verb}", to=say(purpose), on=say("by", channel=on) if on else "")
    if say.language == GERMAN:
        texts = [next((de + one[len(en) :] for en, de in _EVIDENCE if one.startswith(en)), one) for one in texts]
    return "; ".join((answer, *texts))


def restriction_told(reason: str, language: str) -> str:
    """What a decision `restricted` says: why, and who said so."""
    at = 1 if language == GERMAN else 0
    why, by, who = reason.partition(", by ")
    told = RESTRICTIONS[why][at] if why in RESTRICTIONS else why
    return told + (f", {('by', 'von')[at]} {who}" if by else "")


def contested_told(reason: str, language: str) -> str:
    """What a decision `decision_contested` says is contested."""
    if language != GERMAN:
        return reason
    words = reason.replace("all decisions", "alle Entscheidungen")
    return words.replace("decision ", "Entscheidung ").replace("trigger ", "Nachricht ")


def reasons_told(reason: str, language: str) -> list[str]:
    """The reasons in a decision's text. One that has no words in the language is told as it is."""
    parts = [part for part in reason.split("; ") if part]
    return [_german(part) for part in parts] if language == GERMAN else parts


def _german(part: str) -> str:
    for english, german in _PARTS:
        found = re.fullmatch(english, part)
        if found is not None:
            told = found.expand(german)
            further = found[2] if found.re.groups == 2 else ""
            return told if not further or further.isdigit() else told.replace(further, _german(further))
    return part
