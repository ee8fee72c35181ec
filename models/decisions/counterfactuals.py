"""What would have changed a decision: a sentence for the customer to each reason why nothing was sent.

Counterfactual explanations (Wachter, Mittelstadt and Russell, 2018): not how the decision is made, but what would have
made it another one.
"""

from __future__ import annotations

from typing import Final

GERMAN: Final = "de"
COUNTERFACTUALS: Final[dict[str, tuple[str, str]]] = {
    "stopped": ("Another time: we had stopped such messages.", "Eine andere Zeit: Wir hatten den Versand angehalten."),
    "erased": ("You would have had to become a customer again.", "Sie hätten erneut Kunde werden müssen."),
    "restricted": (
        "The mark on your account would have had to be lifted: ask us to look at it.",
        "Die Kennzeichnung Ihres Kontos hätte aufgehoben sein müssen: Bitten Sie uns, sie zu prüfen.",
    ),
    "expired": ("It would have had to be possible earlier.", "Es hätte früher möglich sein müssen."),
    "off": ("We would have had to offer it.", "Wir hätten es anbieten müssen."),
    "shadow": ("We would have had to offer it.", "Wir hätten es anbieten müssen."),
    "rollout": ("We would have had to offer it to everybody.", "Wir hätten es allen anbieten müssen."),
    "dates": ("It would have had to be another time.", "Es hätte eine andere Zeit sein müssen."),
    "wrong_level": (
        "Our estimate of whether you turn away from us would have had to be another one.",
        "Unsere Schätzung, ob Sie sich von uns abwenden, hätte anders sein müssen.",
    ),
    "wrong_class": (
        "You would have had to be listed in another group of customers.",
        "Sie hätten in einer anderen Gruppe von Kunden geführt werden müssen.",
    ),
    "for_a_person": ("Nothing: somebody of us was asked to.", "Nichts: Jemand von uns wurde darum gebeten."),
    "condition": (
        "What is stored of you would have had to meet the conditions: see what it is, and correct what is wrong.",
        "Was wir von Ihnen wissen, hätte die Bedingungen erfüllen müssen: Sehen Sie nach, was gespeichert ist, "
        "und berichtigen Sie, was falsch ist.",
    ),
    "unreachable": ("An address at which you can be reached.", "Eine Anschrift, unter der wir Sie erreichen."),
    "refused_channel": ("Your consent to this channel.", "Ihre Einwilligung in diesen Weg."),
    "no_basis": ("Your consent to this channel.", "Ihre Einwilligung in diesen Weg."),
    "ad_free": ("A contract that is not free of advertising.", "Ein Vertrag, der nicht frei von Werbung ist."),
    "silent": (
        "Another wish of yours about how much advertising you get, and from when on.",
        "Ein anderer Wunsch von Ihnen, wie viel Werbung Sie bekommen und ab wann.",
    ),
    "unwanted_topic": ("Your choice of this topic.", "Ihre Wahl dieses Themas."),
    "no_content": ("Another language of yours.", "Eine andere Sprache von Ihnen."),
    "frozen": ("Another day.", "Ein anderer Tag."),
    "open_case": ("Your request being settled.", "Dass Ihr Anliegen erledigt ist."),
    "in_conversation": ("The end of our conversation.", "Das Ende unseres Gesprächs."),
    "cancelling": (
        "Your contract going on, or the end of your cancellation.",
        "Dass Ihr Vertrag weiterläuft oder Ihre Kündigung abgeschlossen ist.",
    ),
    "bad_experience": ("More time after what went wrong.", "Mehr Zeit nach dem, was schiefging."),
    "held": ("The end of what is under way.", "Das Ende dessen, was gerade läuft."),
    "promotion_open": (
        "Your use of the offer that you have, or its end.",
        "Dass Sie das Angebot nutzen, das Sie haben, oder dass es endet.",
    ),
    "promotion_used": ("A new occasion.", "Ein neuer Anlass."),
    "cool_down": ("More time since our last message.", "Mehr Zeit seit unserer letzten Nachricht."),
    "cap": (
        "Fewer messages from us before, or your wish for more of them.",
        "Weniger Nachrichten von uns zuvor oder Ihr Wunsch nach mehr davon.",
    ),
    "once_per": ("More time since you had it.", "Mehr Zeit, seit Sie es bekommen haben."),
    "after_outcomes": (
        "More time since then, or an address at which messages arrive.",
        "Mehr Zeit seither oder eine Anschrift, unter der Nachrichten ankommen.",
    ),
    "unprofitable": (
        "More purchases before, or an offer that costs less.",
        "Mehr Käufe zuvor oder ein günstigeres Angebot.",
    ),
    "budget": ("A larger sum set aside by us, or another time.", "Ein größerer Betrag von uns oder eine andere Zeit."),
    "alarm": ("The end of the fault.", "Das Ende der Störung."),
    "hours_never": (
        "Fewer hours at which you want no message.",
        "Weniger Stunden, zu denen Sie keine Nachricht wünschen.",
    ),
    "hours": ("Another hour.", "Eine andere Stunde."),
    "in_window": (
        "More time since we thought about it last.",
        "Mehr Zeit, seit wir zuletzt darüber nachgedacht haben.",
    ),
    "outranking": ("Nothing more important at that time.", "Nichts Wichtigeres zu dieser Zeit."),
    "carried_over": ("Your turn.", "Dass Sie an der Reihe sind."),
    "after_other": ("Nothing else at that time.", "Nichts anderes zu dieser Zeit."),
    "crowded": ("Fewer other matters at that time.", "Weniger anderes zu dieser Zeit."),
    "no_moment": ("That we still write on this occasion.", "Dass wir zu diesem Anlass noch schreiben."),
    "no_action": ("That we do something on this occasion.", "Dass wir zu diesem Anlass etwas tun."),
    "drawn": (
        "Chance: of those who stand as you do, some are left in peace, so that we see what our messages do.",
        "Der Zufall: Von denen, die so dastehen wie Sie, lassen wir einige in Ruhe, um zu sehen, was unsere "
        "Nachrichten bewirken.",
    ),
    "control": (
        "Chance: the group whom we send no advertising is drawn, and you are in it.",
        "Der Zufall: Die Gruppe, der wir keine Werbung schicken, ist ausgelost, und Sie gehören dazu.",
    ),
    "risk": (
        "A lower estimate of whether you turn away from us: more, or more recent, dealings with us.",
        "Eine niedrigere Schätzung, ob Sie sich von uns abwenden: mehr oder jüngere Kontakte mit uns.",
    ),
    "occasion": ("That it had not happened.", "Dass es nicht geschehen wäre."),
    "objection": (
        "Your objection to advertising, or to our estimates: you may object at any time.",
        "Ihr Widerspruch gegen Werbung oder gegen unsere Schätzungen: Sie können jederzeit widersprechen.",
    ),
}
"""By the code of a gate or a wait; `drawn` and `control`: nothing was sent by chance; `risk`, `occasion` and
`objection`: something was sent."""


def would_have_changed(code: str, language: str) -> str:
    """What would have changed a decision that this code made; empty: nobody can say."""
    found = COUNTERFACTUALS.get(code)
    return found[language == GERMAN] if found else ""
