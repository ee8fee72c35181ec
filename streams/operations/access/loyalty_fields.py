"""What is stored of a customer's points, membership level and loyalty loop, in English and German."""

from __future__ import annotations

from typing import Final

from streams.operations.access.fields import Field

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
    "before": Field(
        "how far you were before you seemed to turn away",
        "wie weit Sie waren, ehe Sie sich abzuwenden schienen",
        "loop",
    ),
    "slipped": Field("since when you seem to turn away", "seit wann Sie sich abzuwenden scheinen", "time"),
    "praise": Field(
        "how often you recommended us, brought somebody, rated or mentioned us well, helped others",
        "wie oft Sie uns empfahlen, jemanden brachten, uns gut bewerteten oder erwähnten, anderen halfen",
        "raw",
    ),
    "blame": Field("how often you were not pleased, said aloud", "wie oft Sie laut unzufrieden waren", "whole"),
}
"""Fields of `models.loyalty.loop.Loop`."""
