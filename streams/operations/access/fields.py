"""Every field of a customer's record in English and German: its numbers, its tail, consent, contract.

What lies packed beside them is in `standing_fields` and `loyalty_fields`. A test walks over the stored fields: a
new one is named there, or the test fails.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Field(NamedTuple):
    """english, german: what it is. form: how it is shown (`record.RecordTold`), such as ``time`` (ms),
    ``named`` (a number in place of a name of the policy) or ``raw`` (of use to a machine alone)."""

    english: str
    german: str
    form: str = "number"


def _faded(english: str, german: str, days: int) -> Field:
    return Field(
        f"{english}, fading with a half-life of {days} days", f"{german}, verblassend mit Halbwertszeit {days} Tage"
    )


HEAD: Final = {
    "version": Field("format of the record", "Format des Datensatzes", "raw"),
    "ring": Field("place of the next event in the memory of the last eight", "nächster Platz im Gedächtnis", "raw"),
    "band": Field("where you stand by our estimate", "wo Sie nach unserer Schätzung stehen", "band"),
    "check": Field("check number of your id", "Prüfzahl Ihrer Kennung", "raw"),
    "ids": Field(
        "hashes of your last eight events, to know them again", "Hashwerte Ihrer letzten acht Ereignisse", "raw"
    ),
    "pending_ticks": Field(
        "weeks in which observations for learning began that are not over",
        "Wochen, in denen Beobachtungen zum Lernen begannen, die noch laufen",
        "raw",
    ),
    "pending_bases": Field("the numbers below as of these weeks", "die Zahlen unten zum Stand dieser Wochen", "raw"),
    "feedback": Field(
        "how many ratings and opinions are averaged", "wie viele Bewertungen und Meinungen gemittelt sind", "raw"
    ),
    "open_cases": Field("open requests", "offene Anliegen"),
    "tail_length": Field("length of the part with words", "Länge des Teils mit Worten", "raw"),
}
"""Single fields of the slab (`models.customer.layout.SLAB`), and its lists that are told as a whole."""
TIMES: Final = (
    Field("your last touchpoint", "Ihr letztes Ereignis", "time"),
    Field("your last purchase", "Ihr letzter Kauf", "time"),
    Field("your next weekly estimate", "Ihre nächste wöchentliche Schätzung", "time"),
    Field(
        "since when it looks as if you might turn away", "seit wann es aussieht, als könnten Sie sich abwenden", "time"
    ),
    Field("when the record is looked at next", "wann der Datensatz wieder betrachtet wird", "due"),
)
SECONDS: Final = (
    Field("your first touchpoint", "Ihr erstes Ereignis", "second"),
    Field("your first purchase", "Ihr erster Kauf", "second"),
    Field("since when your oldest request is open", "seit wann Ihr ältestes Anliegen offen ist", "second"),
    Field(
        "when silence will change our estimate, or when you cancelled",
        "wann Stille unsere Schätzung ändert oder wann Sie gekündigt haben",
        "second",
    ),
)
NUMBERS: Final = (
    *(_faded("purchases", "Käufe", days) for days in (14, 28, 56, 112, 224)),
    _faded("complaints", "Beschwerden", 56),
    _faded("failed payments", "fehlgeschlagene Zahlungen", 56),
    _faded("times you unsubscribed", "Abmeldungen", 112),
    _faded("visits, searches, pages", "Besuche, Suchen, Seiten", 14),
    _faded("messages opened", "geöffnete Nachrichten", 28),
    _faded("times online", "Anwesenheiten", 14),
    _faded("returns", "Rückgaben", 56),
    _faded("messages received", "erhaltene Nachrichten", 28),
    Field("days with a purchase", "Tage mit Kauf"),
    Field("gaps between purchases, logarithms added up", "Abstände zwischen Käufen, Summe der Logarithmen"),
    Field("the same, squared", "dasselbe, quadriert"),
    Field("the longest gap, days", "der längste Abstand, Tage"),
    Field("the usual gap lately, likewise", "der zuletzt übliche Abstand, ebenso"),
    Field("spent on the last day with a purchase", "Ausgaben am letzten Tag mit Kauf", "money"),
    Field("pieces bought on it", "gekaufte Stücke an ihm"),
    Field("baskets on it", "Körbe an ihm"),
    Field("the usual amount of such a day, as a logarithm", "der übliche Betrag eines solchen Tages, als Logarithmus"),
    Field("these amounts, logarithms added up", "diese Beträge, Summe der Logarithmen"),
    Field("the usual pieces of such a day", "die üblichen Stücke eines solchen Tages"),
    Field("the usual baskets of such a day", "die üblichen Körbe eines solchen Tages"),
    Field("spent in all", "Ausgaben insgesamt", "money"),
    Field("returned in all", "Rückgaben insgesamt", "money"),
    Field("your ratings on average, 1 to 5", "Ihre Bewertungen im Mittel, 1 bis 5"),
    Field("the tone of what you said on average, -1 to 1", "der Ton Ihrer Worte im Mittel, -1 bis 1"),
    Field(
        "how likely it is by our estimate that you turn away, 0 to 1",
        "wie wahrscheinlich es nach unserer Schätzung ist, dass Sie sich abwenden, 0 bis 1",
        "risk",
    ),
    Field("the same when the observation for learning began", "dasselbe zu Beginn der Beobachtung zum Lernen", "risk"),
)
FLAGS: Final = (
    Field("you want no marketing at all", "Sie wünschen gar keine Werbung", "yes"),
    Field("you asked to be forgotten", "Sie haben gebeten, vergessen zu werden", "yes"),
    Field("a message of ours expired unsent", "eine Nachricht von uns verfiel ungesendet", "yes"),
    Field(
        "you were active while we observed for learning", "Sie waren aktiv, während wir zum Lernen beobachteten", "yes"
    ),
    Field("the same, within a week", "dasselbe, binnen einer Woche", "yes"),
    Field("your contract has ended", "Ihr Vertrag ist beendet", "yes"),
    Field("nothing is learned from you", "aus Ihren Daten wird nichts gelernt", "yes"),
    Field("nothing is estimated of you", "über Sie wird nichts geschätzt", "yes"),
)
"""By bit."""
TAIL: Final = {
    "channels": Field("channels you prefer", "Wege, die Sie bevorzugen", "texts"),
    "topics": Field("topics you chose", "Themen, die Sie gewählt haben", "texts"),
    "max_per_week": Field(
        "most messages a week, as you wish", "höchstens so viele Nachrichten in der Woche, wie gewünscht", "wish"
    ),
    "quiet": Field("hours without messages, as you wish", "Stunden ohne Nachrichten, wie gewünscht", "texts"),
    "time_zone": Field("your time zone", "Ihre Zeitzone", "text"),
    "rewards": Field("rewards you prefer", "Prämien, die Sie bevorzugen", "texts"),
    "customer_class": Field("the group of customers you are in", "die Kundengruppe, zu der Sie gehören", "text"),
    "programme": Field("your programme", "Ihr Programm", "text"),
    "cases": Field("open requests, since when", "offene Anliegen, seit wann", "cases"),
    "presence": Field("where you are online", "wo Sie online sind", "text"),
    "opener": Field(
        "the event at which it began to look as if you might turn away",
        "das Ereignis, ab dem es aussah, als könnten Sie sich abwenden",
        "text",
    ),
    "trigger": Field(
        "our last message on that occasion, by its id", "unsere letzte Nachricht dazu, nach Kennung", "hex"
    ),
    "step": Field("how many messages there were on it", "wie viele Nachrichten es dazu gab"),
    "consents": Field("what you agreed to or refused", "wozu Sie eingewilligt oder was Sie abgelehnt haben", "packed"),
    "restrictions": Field("why you are left alone", "warum Sie in Ruhe gelassen werden", "packed"),
    "silent_until": Field("no marketing before, as you wish", "keine Werbung vor, wie gewünscht", "time"),
    "language": Field("your language", "Ihre Sprache", "text"),
    "country": Field("your country", "Ihr Land", "text"),
    "account": Field(
        "the business or household you belong to", "das Unternehmen oder der Haushalt, zu dem Sie gehören", "text"
    ),
    "role": Field("as what", "als was", "text"),
    "presence_at": Field("since when you are online", "seit wann Sie online sind", "time"),
    "interests": Field(
        "what you are interested in, by what you looked at", "was Sie interessiert, nach dem, was Sie ansahen", "packed"
    ),
    "contract": Field("your contract", "Ihr Vertrag", "packed"),
    "more_cases": Field("further open requests", "weitere offene Anliegen"),
    "standing": Field("how we stand with you", "wie wir mit Ihnen stehen", "packed"),
    "points": Field("your points", "Ihre Punkte", "packed"),
    "loyalty": Field("how close you are to us", "wie nah Sie uns sind", "packed"),
    "membership": Field("your membership level", "Ihre Mitgliedsstufe", "packed"),
    "merged": Field("under which id we know you now", "unter welcher Kennung wir Sie jetzt führen", "text"),
}
"""Fields of `models.customer.tail.Tail`."""
STATEMENT: Final = {
    "granted": Field("you agreed", "Sie haben eingewilligt", "yes_no"),
    "time": Field("when", "wann", "time"),
    "expires": Field("until", "bis", "time"),
    "basis": Field("on which basis", "auf welcher Grundlage", "text"),
    "confirmed": Field("confirmed by a second step", "durch einen zweiten Schritt bestätigt", "yes"),
    "reference": Field("kept as", "geführt als", "reference"),
}
RESTRICTION: Final = {
    "purposes": Field("for which purposes", "für welche Zwecke", "texts"),
    "time": Field("since", "seit", "time"),
    "until": Field("until", "bis", "time"),
}
CONTRACT: Final = {
    "state": Field("state", "Stand", "text"),
    "term": Field("term", "Laufzeit", "text"),
    "renewal": Field("renewal", "Verlängerung", "text"),
    "renews_at": Field("renews on", "verlängert sich am", "time"),
    "cancel_by": Field("to be cancelled before", "kündbar vor dem", "time"),
    "cancelling": Field("about to be cancelled since", "vor der Kündigung seit", "time"),
    "unpaid": Field("a payment is open since", "eine Zahlung ist offen seit", "time"),
    "price": Field("price", "Preis", "money"),
    "plan": Field("plan", "Tarif", "text"),
}
