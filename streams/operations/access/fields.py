"""Every field of what is stored of a customer, in English and German: the record's numbers, its tail, and what lies
packed in it. A test walks over the stored fields, so that a new one is named here or the test fails.
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
STANDING: Final = {
    "reached": Field(
        "the highest level of our estimate that has asked",
        "die höchste Stufe unserer Schätzung, die gefragt hat",
        "risk",
    ),
    "window_ends": Field("nothing is chosen for you before", "vorher wird nichts für Sie ausgewählt", "time"),
    "rests_until": Field(
        "no marketing before, after your answer to it", "keine Werbung vor, nach Ihrer Antwort darauf", "time"
    ),
    "harmed_until": Field(
        "no marketing before, after something went wrong", "keine Werbung vor, nachdem etwas schiefging", "time"
    ),
    "promoted": Field("you had an offer on this occasion", "Sie hatten zu diesem Anlass ein Angebot", "yes"),
    "waiting": Field("occasions that wait", "Anlässe, die warten", "packed"),
    "outstanding": Field("what we sent of late", "was wir zuletzt geschickt haben", "packed"),
    "counts": Field("contacts by day", "Kontakte nach Tag", "packed"),
    "once": Field(
        "what you had and when, so that it does not come too often",
        "was Sie wann hatten, damit es nicht zu oft kommt",
        "once",
    ),
    "unreachable": Field(
        "ways on which nothing reaches you, since when", "Wege, auf denen nichts ankommt, seit wann", "by_channel"
    ),
    "talks_until": Field("we are in a conversation with you until", "wir sind mit Ihnen im Gespräch bis", "time"),
    "answers": Field(
        "how often you answered, by three hours of the day",
        "wie oft Sie antworteten, nach je drei Stunden des Tages",
        "answers",
    ),
    "carried": Field(
        "an occasion waits its turn, since our rules are new",
        "ein Anlass wartet, bis er an der Reihe ist, da unsere Regeln neu sind",
        "yes",
    ),
    "shadowed": Field(
        "the level at which we noted what we would have done",
        "die Stufe, bei der wir notierten, was wir getan hätten",
        "risk",
    ),
    "live": Field(
        "an occasion waits for what we do not offer yet, or has waited its turn",
        "ein Anlass wartet auf etwas, das wir noch nicht anbieten, oder war an der Reihe",
        "yes",
    ),
    "dates": Field("dates that we go by", "Termine, nach denen wir uns richten", "packed"),
    "silence_kept": Field("we look again after a silence", "nach einer Zeit der Stille sehen wir nach", "yes"),
    "unsent": Field("messages that we stopped", "Nachrichten, die wir angehalten haben", "packed"),
    "running": Field("plans that run", "laufende Abläufe", "packed"),
    "window": Field(
        "what we chose last, to see what comes of it",
        "was wir zuletzt gewählt haben, um zu sehen, was daraus wird",
        "packed",
    ),
    "treated": Field(
        "what we chose of late, so that it is known whether you would have stayed without it",
        "was wir zuletzt gewählt haben, um zu wissen, ob Sie auch ohne das geblieben wären",
        "packed",
    ),
    "inherited": Field(
        "a further id of yours is of those whom we do not write to, to see what our messages do",
        "eine weitere Kennung von Ihnen gehört zu denen, denen wir nicht schreiben, um zu sehen, was es bewirkt",
        "yes",
    ),
    "told": Field("what we noted that an occasion waits for", "worauf ein Anlass wartet, wie wir notierten", "told"),
    "shared": Field(
        "what you and somebody with whom you talk are offered",
        "was Ihnen und jemandem, mit dem Sie sprechen, angeboten wird",
        "packed",
    ),
}
"""Fields of `models.decisions.standing.Standing`."""
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
WAITING: Final = {
    "moment": Field("occasion", "Anlass", "named"),
    "asked": Field("since", "seit", "time"),
    "wakes": Field("looked at again", "wieder betrachtet", "time"),
    "threshold": Field("at which level of our estimate", "bei welcher Stufe unserer Schätzung", "risk"),
    "again": Field("for the second time", "zum zweiten Mal", "yes"),
}
OUTSTANDING: Final = {
    "id": Field("id", "Kennung", "trigger"),
    "time": Field("when", "wann", "time"),
    "expires": Field("to be sent before", "zu senden vor", "time"),
    "until": Field("can be used until", "nutzbar bis", "time"),
    "channel": Field("way", "Weg", "channel"),
    "action": Field("what", "was", "named"),
    "kind": Field("kind", "Art", "kind"),
    "purpose": Field("purpose", "Zweck", "purpose"),
    "stage": Field("what became of it", "was daraus wurde", "stage"),
    "spent": Field("taken of our budgets", "von unseren Budgets genommen", "spent"),
    "moment": Field("occasion", "Anlass", "named"),
    "asked": Field("since", "seit", "time"),
}
DAY_COUNT: Final = {
    "day": Field("day", "Tag", "day"),
    "channel": Field("way", "Weg", "channel"),
    "kind": Field("kind", "Art", "kind"),
    "purpose": Field("purpose", "Zweck", "purpose"),
    "contacts": Field("contacts", "Kontakte"),
}
DATED: Final = {
    "moment": Field("occasion", "Anlass", "named"),
    "date": Field("date, or when you wrote to us", "Termin, oder wann Sie uns schrieben", "time"),
    "wakes": Field("when it asks", "wann er ansteht", "time"),
}
"""Fields of `models.decisions.standing.Dated`."""
UNSENT: Final = {
    "trigger": Field("id", "Kennung", "trigger"),
    "decision": Field("of which decision", "aus welcher Entscheidung", "trigger"),
    "times": Field("how often it was made", "wie oft sie erstellt wurde"),
    "action": Field("what", "was", "named"),
    "moment": Field("occasion", "Anlass", "named"),
    "asked": Field("since", "seit", "time"),
    "until": Field("not sent after", "nicht gesendet nach", "time"),
    "threshold": Field("at which level of our estimate", "bei welcher Stufe unserer Schätzung", "risk"),
    "wakes": Field("looked at again", "wieder betrachtet", "time"),
}
WINDOW: Final = {
    "decision": Field("the decision, by its id", "die Entscheidung, nach Kennung", "trigger"),
    "opened": Field("of", "vom", "time"),
    "ends": Field("until", "bis", "time"),
    "worth": Field("what is at stake, in hundredths", "was auf dem Spiel steht, in Hundertsteln", "number"),
    "net": Field("what you had bought less returned by then", "was Sie bis dahin gekauft und behalten hatten", "money"),
    "margin": Field("what is left of that to us", "was uns davon bleibt", "number"),
    "place": Field("which of them was drawn", "die wievielte gezogen wurde", "number"),
    "arms": Field(
        "what could have been drawn, and its chance", "was gezogen werden konnte, mit seiner Chance", "chances"
    ),
    "marks": Field("what has come of it so far", "was bisher daraus wurde", "number"),
    "given": Field("discounts that you used, in hundredths", "genutzte Rabatte, in Hundertsteln", "number"),
    "features": Field("what it was chosen by", "wonach gewählt wurde", "hex"),
    "schema": Field("by which description", "nach welcher Beschreibung", "number"),
}
"""Fields of `models.decisions.window.Window`."""
TREATED: Final = {
    "share": Field(
        "how likely we hold you out of marketing", "wie wahrscheinlich Sie keine Werbung bekommen", "number"
    ),
    "draws": Field("what was chosen, and until when it counts", "was gewählt wurde, und bis wann es zählt", "draws"),
    "until": Field("when we forget it", "wann wir es vergessen", "time"),
}
"""Fields of `models.decisions.treated.Treated`."""
RUNNING: Final = {
    "plan": Field("plan", "Ablauf", "named"),
    "began": Field("since", "seit", "time"),
    "next": Field("the step to come", "der nächste Schritt"),
    "due": Field("when it comes", "wann er kommt", "time"),
    "left_out": Field("steps left out, as bits", "ausgelassene Schritte, als Bits", "raw"),
    "at": Field("at which level of our estimate", "bei welcher Stufe unserer Schätzung", "risk"),
}
SHARING: Final = {
    "where": Field("where it stands", "wie weit es ist", "shared"),
    "group": Field("its name", "sein Name", "trigger"),
    "other": Field("for somebody else, too", "auch für jemand anderen", "yes"),
    "moment": Field("occasion", "Anlass", "named"),
    "action": Field("what", "was", "named"),
    "channel": Field("where you talked", "wo Sie gesprochen haben", "text"),
    "until": Field("we wait for them until", "wir warten darauf bis", "time"),
    "starts": Field("not before", "nicht vor", "time"),
    "trigger": Field("name of the message", "Name der Nachricht", "trigger"),
}
"""Fields of `models.decisions.sharing.Sharing`. Who the other one is, is not told."""
ACCOUNT: Final = {
    "lots": Field("points that you can spend, by their end", "einlösbare Punkte nach ihrem Ende", "lots"),
    "earned": Field("points of late, and what they come from", "neue Punkte und woher sie kommen", "packed"),
    "drawn": Field("rewards that can be cancelled", "Prämien, die storniert werden können", "packed"),
    "owed": Field("points that you owe", "Punkte, die Sie schulden", "whole"),
}
"""Fields of `models.loyalty.account.Account`."""
MEMBERSHIP: Final = {
    "level": Field("membership level that you earned", "erreichte Mitgliedsstufe", "text"),
    "counts": Field("what counts towards it", "was dafür zählt", "text"),
    "lots": Field("how much counts, until when", "wie viel zählt, bis wann", "lots"),
    "until": Field("the level ends unless more counts until", "die Stufe endet, wenn nicht mehr zählt bis", "time"),
}
"""Fields of `models.loyalty.membership.Membership`; money in hundredths."""
EARNED: Final = {
    "order": Field("order", "Bestellung", "reference"),
    "active_at": Field("can be spent from", "einlösbar ab", "time"),
    "until": Field("may be taken back until", "kann zurückgenommen werden bis", "time"),
    "expires": Field("end", "gültig bis", "time"),
    "points": Field("points", "Punkte", "whole"),
    "cents": Field("money that can be refunded, hundredths", "erstattbarer Betrag, Hundertstel", "whole"),
    "touch": Field("touchpoint", "Ereignis", "reference"),
}
DRAWN: Final = {
    "reward": Field("reward", "Prämie", "reference"),
    "until": Field("until", "bis", "time"),
    "parts": Field("from which points, by their end", "aus welchen Punkten, nach ihrem Ende", "drawn"),
}
LOOP: Final = {
    "index": Field(
        "what your experiences of late weigh, in ten thousandths",
        "was Ihre jüngsten Erfahrungen wiegen, in Zehntausendsteln",
        "whole",
    ),
    "at": Field("when you had the last of them", "wann Sie die letzte davon hatten", "time"),
    "sign": Field("the last purchase that counted", "der letzte Kauf, der zählte", "time"),
    "back": Field("when you came back last", "wann Sie zuletzt zurückkamen", "time"),
    "spoke": Field("when you spoke well of us last", "wann Sie zuletzt gut von uns sprachen", "time"),
    "stage": Field("how far you are on the way with us", "wie weit Sie auf dem Weg mit uns sind", "loop"),
    "slipped": Field("since when you seem to turn away", "seit wann Sie sich abzuwenden scheinen", "time"),
    "praise": Field(
        "how often you recommended us, brought somebody, rated or mentioned us well, helped others",
        "wie oft Sie uns empfahlen, jemanden brachten, uns gut bewerteten oder erwähnten, anderen halfen",
        "raw",
    ),
    "blame": Field("how often you were not pleased, said aloud", "wie oft Sie laut unzufrieden waren", "whole"),
}
"""Fields of `models.loyalty.loop.Loop`."""
