"""What is stored of how we stand with a customer, in English and German: occasions, what was sent, what was chosen."""

from __future__ import annotations

from typing import Final

from streams.operations.access.fields import Field

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
