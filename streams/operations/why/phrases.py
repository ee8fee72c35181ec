"""What customers are told, in English and German: plain data, by name.

A field of a phrase stands in braces and is the same in both languages.
"""

from __future__ import annotations

from typing import Any, Final

ENGLISH, GERMAN = "en", "de"
LANGUAGES: Final = (ENGLISH, GERMAN)

PHRASES: Final[dict[str, tuple[str, str]]] = {
    "control": (
        "You are one of a small group, chosen by chance, whom we send no advertising: so we see what our messages do "
        "for others.",
        "Sie gehören zu einer kleinen, ausgelosten Gruppe, der wir keine Werbung schicken: So sehen wir, was unsere "
        "Nachrichten bei anderen bewirken.",
    ),
    "turn_away": (
        "it looked as if you might turn away from us",
        "es sah so aus, als könnten Sie sich von uns abwenden",
    ),
    "or": (" or ", " oder "),
    "planned": ("What is planned", "Was vorgesehen ist"),
    "nothing_planned": ("Nothing at present.", "Zurzeit nichts."),
    "sent": ("What we sent you since {since}, and why", "Was wir Ihnen seit {since} geschickt haben und warum"),
    "nothing": ("Nothing.", "Nichts."),
    "not_sent": ("When we sent you nothing, and why", "Wann wir Ihnen nichts geschickt haben und warum"),
    "can_change": ("What you can change", "Was Sie ändern können"),
    "zone": ("Times are those of {zone}.", "Zeiten gelten für {zone}."),
    "when_something_changes": ("as soon as something changes", "sobald sich etwas ändert"),
    "on": ("on {time}", "am {time}"),
    "about_to": ("We are about to think about it.", "Wir denken gleich darüber nach."),
    "waits": (
        "On one occasion ({occasion}) we wait: {why} We look at it again {until}.",
        "Zu einem Anlass ({occasion}) warten wir: {why} Wir sehen {until} wieder nach.",
    ),
    "for_both": (
        "We are looking whether we can offer the same to you and somebody with whom you talk.",
        "Wir prüfen gerade, ob wir Ihnen und jemandem, mit dem Sie sprechen, dasselbe anbieten können.",
    ),
    "something": ("something", "etwas"),
    "message": ("a message", "eine Nachricht"),
    "by": (" by {channel}", " per {channel}"),
    "have": ("You have {what}{by}, of {time}.{usable}", "Sie haben {what}{by}, vom {time}.{usable}"),
    "can_use": (" You can use it until {time}.", " Sie können es bis {time} nutzen."),
    "rests": ("{why} You get no advertising until {time}.", "{why} Bis {time} bekommen Sie keine Werbung."),
    "was_sent": ("{time}: {what}{by}, because {because}.", "{time}: {what}{by}, denn {because}."),
    "occasion": ("of this occasion: {occasion}", "dies war der Anlass: {occasion}"),
    "could_use": ("You could use it until {time}.", "Sie konnten es bis {time} nutzen."),
    "no_longer": ("It no longer looked so.", "Es sah nicht mehr so aus."),
    "in_peace": ("We chose to leave you in peace.", "Wir haben uns entschieden, Sie in Ruhe zu lassen."),
    "we_waited": ("We waited", "Wir haben gewartet"),
    "we_sent_nothing": ("We sent nothing", "Wir haben nichts geschickt"),
    "quiet": ("{time} ({occasion}): {begins}. {why}", "{time} ({occasion}): {begins}. {why}"),
    "channels": ("On which channels we reach you: {chosen}.", "Auf welchen Wegen wir Sie erreichen: {chosen}."),
    "now": ("now {what}", "zurzeit {what}"),
    "no_channels": ("you have chosen none so far", "Sie haben noch keinen gewählt"),
    "hours": ("At which hours we do not write: {chosen}.", "Zu welchen Stunden wir nicht schreiben: {chosen}."),
    "not_from": ("now not from {start} to {end}", "zurzeit nicht von {start} bis {end}"),
    "no_hours": ("you have named none so far", "Sie haben noch keine genannt"),
    "how_much": ("How much advertising you get: {wished}.", "Wie viel Werbung Sie bekommen: {wished}."),
    "none": ("none", "keine"),
    "no_limit": ("no limit of yours so far", "von Ihnen noch keine Grenze"),
    "a_week": ("at most {most} a week", "höchstens {most} in der Woche"),
    "none_before": (", and none before {time}", ", und keine vor dem {time}"),
    "topics": ("About which topics: {chosen}.", "Zu welchen Themen: {chosen}."),
    "all_topics": ("now all of them", "zurzeit alle"),
    "take_back": (
        "What you agreed to: you may take it back at any time, for one channel or for all.",
        "Wozu Sie eingewilligt haben: Sie können es jederzeit widerrufen, für einen Weg oder für alle.",
    ),
    "agreed": ("You agreed to {to}{on} on {time}.", "Sie haben am {time} eingewilligt: {to}{on}."),
    "refused": ("You refused {to}{on} on {time}.", "Sie haben am {time} abgelehnt: {to}{on}."),
    "consent_granted": ("you agreed to {to}{on}", "Sie haben eingewilligt: {to}{on}"),
    "consent_refused": ("you refused {to}{on}", "Sie haben abgelehnt: {to}{on}"),
    "marketing": ("advertising", "Werbung"),
    "profiling": ("estimates of what you may do", "Schätzungen, was Sie tun könnten"),
    "conversation": ("conversations with others", "Gespräche mit anderen"),
    "not_estimated": (
        "Whether we estimate from what you do if you may turn away from us: we do not.",
        "Ob wir aus dem, was Sie tun, schätzen, ob Sie sich von uns abwenden: Wir tun es nicht.",
    ),
    "estimated": (
        "Whether we estimate from what you do if you may turn away from us: we do; you may object.",
        "Ob wir aus dem, was Sie tun, schätzen, ob Sie sich von uns abwenden: Wir tun es; Sie können widersprechen.",
    ),
}

OCCASIONS: Final[dict[str, str]] = {
    "purchase": "ein Kauf",
    "return": "eine Rückgabe",
    "cart_abandoned": "ein zurückgelassener Warenkorb",
    "subscription_started": "der Beginn eines Vertrags",
    "subscription_renewed": "die Verlängerung eines Vertrags",
    "subscription_cancelled": "die Kündigung eines Vertrags",
    "payment_failed": "eine fehlgeschlagene Zahlung",
    "subscription_paused": "die Pause eines Vertrags",
    "subscription_resumed": "die Fortsetzung eines Vertrags",
    "subscription_changed": "die Änderung eines Vertrags",
    "payment_recovered": "eine nachgeholte Zahlung",
    "cancel_started": "der Beginn einer Kündigung",
    "delivery_delayed": "eine verspätete Lieferung",
    "price_change_announced": "eine angekündigte Preisänderung",
    "visit": "ein Besuch",
    "search": "eine Suche",
    "content_viewed": "eine angesehene Seite",
    "message_opened": "eine geöffnete Nachricht",
    "message_clicked": "ein Klick in einer Nachricht",
    "message_unsubscribed": "eine Abmeldung",
    "event_attended": "eine besuchte Veranstaltung",
    "presence": "Ihre Anwesenheit",
    "chat": "ein Chat",
    "shared": "etwas Geteiltes",
    "call": "ein Anruf",
    "email_received": "eine E-Mail von Ihnen",
    "reply_sent": "eine Antwort an Sie",
    "mention": "eine Erwähnung",
    "review": "eine Bewertung",
    "recommendation": "eine Empfehlung",
    "referral": "eine Vermittlung",
    "community_help": "Hilfe unter Kunden",
    "case_opened": "ein eröffnetes Anliegen",
    "case_updated": "ein geändertes Anliegen",
    "case_resolved": "ein erledigtes Anliegen",
    "complaint": "eine Beschwerde",
    "csat": "eine Angabe zur Zufriedenheit",
    "nps": "eine Angabe zur Weiterempfehlung",
    "preferences_updated": "geänderte Wünsche",
    "profile_updated": "geänderte Angaben",
    "consent_changed": "eine Einwilligung oder Ablehnung",
    "erase_requested": "der Wunsch, vergessen zu werden",
    "restricted": "eine Kennzeichnung Ihres Kontos",
    "access_requested": "die Frage, was wir von Ihnen wissen",
    "restriction_requested": "der Wunsch, dass wir nichts davon nutzen",
    "decision_contested": "Ihr Einspruch gegen eine Entscheidung",
    "identity_merged": "dass eine weitere Kennung die Ihre ist",
    "programme_joined": "der Beitritt zu einem Programm",
    "reward_redeemed": "eine eingelöste Prämie",
    "reward_cancelled": "eine stornierte Prämie",
    "points_adjusted": "von uns geänderte Punkte",
    "campaign_received": "eine Nachricht an Sie",
    "coupon_redeemed": "ein eingelöster Gutschein",
    "offer_delivered": "eine zugestellte Nachricht",
    "offer_opened": "eine geöffnete Nachricht",
    "offer_accepted": "ein angenommenes Angebot",
    "offer_declined": "ein abgelehntes Angebot",
    "offer_expired": "ein abgelaufenes Angebot",
    "offer_sent": "eine verschickte Nachricht",
    "offer_failed": "eine Nachricht, die nicht ankam",
    "offer_withdrawn": "eine zurückgenommene Nachricht",
    "spam_reported": "die Meldung als Werbemüll",
}
"""Types of touchpoints in German; in English they speak for themselves."""
OURS: Final[dict[str, tuple[str, str]]] = {
    "expired_unsent": ("a message that was not sent in time", "eine Nachricht, die nicht rechtzeitig hinausging"),
    "asked_may": ("a sender's question whether you may be written to", "die Frage, ob Ihnen geschrieben werden darf"),
    "preview_asked": ("a trial of ours, as if for you", "eine Probe von uns, wie für Sie"),
    "looked_at": ("a look of ours at your record", "ein Blick von uns in Ihren Datensatz"),
    "identity_moved": ("what was known of another id of yours", "was von einer weiteren Kennung bekannt war"),
    "shared_moment": ("what is offered to you and another", "was Ihnen und jemand anderem angeboten wird"),
    "touchpoint_forwarded": ("an event of another id of yours", "ein Ereignis einer weiteren Kennung"),
}
"""Types of touchpoints that the engine or its operators make, in English and German."""
_CHANNELS: Final = {"email": "E-Mail", "letter": "Brief", "call": "Anruf", "post": "Post"}


def language_of(stated: str) -> str:
    """Of those that we write: that of a language tag, else English.

    >>> language_of("de-AT"), language_of("fr"), language_of("")
    ('de', 'en', 'en')
    """
    return GERMAN if stated.partition("-")[0].lower() == GERMAN else ENGLISH


class Phrases:
    """The phrases of one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._at = LANGUAGES.index(language)

    def __call__(self, name: str, **fields: Any) -> str:
        return PHRASES[name][self._at].format(**fields)

    def occasion(self, touchpoint: str) -> str:
        """What a type of touchpoint is called."""
        if touchpoint in OURS:
            return OURS[touchpoint][self._at]
        name = touchpoint.replace("_", " ")
        return OCCASIONS.get(touchpoint, name) if self.language == GERMAN else name

    def channel(self, name: str) -> str:
        """What a channel is called."""
        shown = name.replace("_", " ")
        return _CHANNELS.get(name, shown) if self.language == GERMAN else shown
