"""The headings and sentences of an export, in English and German."""

from __future__ import annotations

from typing import Final

EXPORT: Final[dict[str, tuple[str, str]]] = {
    "title": ("What we know of {customer}, as of {time}", "Was wir über {customer} wissen, Stand {time}"),
    "known": ("1. What is stored of you", "1. Was von Ihnen gespeichert ist"),
    "nothing_of": ("Nothing is stored as to: {names}.", "Nichts ist gespeichert zu: {names}."),
    "consents": (
        "2. What you agreed to and refused, and what that rests on",
        "2. Wozu Sie eingewilligt und was Sie abgelehnt haben, und worauf das beruht",
    ),
    "decisions": (
        "3. What was decided about you, from what, and what would have changed it",
        "3. Was über Sie entschieden wurde, woraus, und was es geändert hätte",
    ),
    "sent": ("4. What was sent to you, and what became of it", "4. Was Ihnen geschickt wurde und was daraus wurde"),
    "events": (
        "5. What was told to us of you, as far as it is still there",
        "5. Was uns von Ihnen gemeldet wurde, soweit es noch da ist",
    ),
    "more_events": (
        "Beside it {examples} observations from which was learned, and {unreadable} events that could not be read: "
        "they are in the machine-readable form of this answer.",
        "Dazu {examples} Beobachtungen, aus denen gelernt wurde, und {unreadable} Ereignisse, die nicht lesbar waren: "
        "Sie stehen in der maschinenlesbaren Form dieser Auskunft.",
    ),
    "kept": ("6. Where it lies, and until when", "6. Wo es liegt und bis wann"),
    "change": ("7. What you can change", "7. Was Sie ändern können"),
    "rights": ("8. What you can ask for", "8. Was Sie verlangen können"),
    "ask": (
        "That we correct what is wrong, erase it, keep it without using it, hand it over, and that a person looks at a "
        "decision. You may complain to a data protection authority.",
        "Dass wir Falsches berichtigen, alles löschen, es aufbewahren ohne es zu nutzen, es herausgeben und dass ein "
        "Mensch eine Entscheidung prüft. Sie können sich bei einer Datenschutzbehörde beschweren.",
    ),
    "nothing": ("Nothing.", "Nichts."),
    "no_record": (
        "There is no record of you: you never were a customer here, or left the store.",
        "Es gibt keinen Datensatz von Ihnen: Sie waren hier nie Kunde, oder er wurde gelöscht.",
    ),
    "rests_on": ("rests on", "beruht auf"),
    "evidence_gone": (
        "the entry with its text is gone by its limit",
        "der Eintrag mit dem Wortlaut ist durch Fristablauf gelöscht",
    ),
    "used": ("from", "aus"),
    "estimate": (
        "our estimate that you turn away: {percent} %",
        "unserer Schätzung, dass Sie sich abwenden: {percent} %",
    ),
    "looked_at": ("looked at", "betrachtet"),
    "changed": ("what would have changed it", "was es geändert hätte"),
    "not_held": ("nothing stood against it", "nichts stand dagegen"),
    "chance": ("chance of it: {percent} %", "Wahrscheinlichkeit dafür: {percent} %"),
    "was_chosen": ("this was chosen: {what}{by}", "das wurde gewählt: {what}{by}"),
    "became": ("what became of it", "was daraus wurde"),
    "version": (
        "made by model {version} and policy {policy}",
        "getroffen mit Modell {version} und Richtlinie {policy}",
    ),
    "by_computer": (
        "No person took part in these decisions, except where it says so.",
        "An diesen Entscheidungen war kein Mensch beteiligt, außer wo es dasteht.",
    ),
    "until": ("until: {until}", "bis: {until}"),
    "at_erasure": ("at an erasure: {erasure}", "bei einer Löschung: {erasure}"),
    "stage": ("From now on you are to us: {stage}.", "Für uns sind Sie von jetzt an: {stage}."),
    "coupon": ("coupon {coupon}", "Gutschein {coupon}"),
    "unread": (
        "{count} entries are of another release of our programs, and left out.",
        "{count} Einträge stammen von einer anderen Fassung unserer Programme und fehlen hier.",
    ),
}

ENTRIES: Final[dict[str, tuple[str, str]]] = {
    "episode_opened": (
        "It began to look as if you might turn away.",
        "Es begann so auszusehen, als könnten Sie sich abwenden.",
    ),
    "episode_continued": (
        "It still looked as if you might turn away.",
        "Es sah noch so aus, als könnten Sie sich abwenden.",
    ),
    "episode_closed": (
        "It no longer looked as if you might turn away.",
        "Es sah nicht mehr so aus, als könnten Sie sich abwenden.",
    ),
    "rearmed": ("A message was not sent in time.", "Eine Nachricht wurde nicht rechtzeitig gesendet."),
    "erased": ("You asked to be forgotten.", "Sie haben gebeten, vergessen zu werden."),
    "reopened": ("You agreed again to hear from us.", "Sie haben wieder eingewilligt, von uns zu hören."),
    "forgotten": (
        "You were silent for so long that your record was deleted.",
        "Sie waren so lange still, dass Ihr Datensatz gelöscht wurde.",
    ),
    "merged": (
        "This turned out to be another id of yours; what was known of it moved there.",
        "Dies war eine weitere Kennung von Ihnen; was von ihr bekannt war, ging dorthin.",
    ),
    "taken_over": (
        "Another id turned out to be yours; what was known of it is part of this.",
        "Eine weitere Kennung war die Ihre; was von ihr bekannt war, ist jetzt hier.",
    ),
    "merge_refused": (
        "It was said that you are somebody else, where that can't be told of you; nothing was changed.",
        "Es hieß, Sie seien jemand anderes, wo das von Ihnen nicht zu sagen ist; nichts wurde geändert.",
    ),
    "revived": (
        "This id is one of its own again, since several were taken for each other.",
        "Diese Kennung steht wieder für sich, da mehrere füreinander gehalten wurden.",
    ),
    "consent": ("You agreed to something, or refused it.", "Sie haben in etwas eingewilligt oder es abgelehnt."),
    "restricted": ("Your account was marked.", "Ihr Konto wurde gekennzeichnet."),
    "access_requested": (
        "You asked what we know of you: a person answers.",
        "Sie fragten, was wir von Ihnen wissen: Ein Mensch antwortet.",
    ),
    "restriction_requested": (
        "You asked that nothing is used: a person looks into it.",
        "Sie baten, dass nichts genutzt wird: Ein Mensch geht dem nach.",
    ),
    "decision_contested": (
        "You contested a decision: a person looks at it.",
        "Sie haben eine Entscheidung angefochten: Ein Mensch prüft sie.",
    ),
    "shadow": (
        "We noted what we would have done by rules that we try out; nothing was done.",
        "Wir haben notiert, was wir nach Regeln getan hätten, die wir erproben; getan wurde nichts.",
    ),
    "may_contact": (
        "Another sender asked us whether you may be written to.",
        "Ein anderer Absender fragte uns, ob Ihnen geschrieben werden darf.",
    ),
    "previewed": (
        "We tried out what you would get; it went to a colleague, not to you.",
        "Wir haben erprobt, was Sie bekämen; es ging an uns selbst, nicht an Sie.",
    ),
    "outcome": (
        "We noted what came of what was chosen for you, or of leaving you alone.",
        "Wir haben notiert, was aus dem wurde, was für Sie gewählt war, auch wenn das nichts war.",
    ),
    "shared_proposed": (
        "We asked ourselves whether you and somebody with whom you talk can be offered the same.",
        "Wir haben geprüft, ob wir Ihnen und jemandem, mit dem Sie sprechen, dasselbe anbieten können.",
    ),
    "shared_reserved": (
        "We set aside an offer for you and somebody with whom you talk.",
        "Wir haben ein Angebot für Sie und jemanden, mit dem Sie sprechen, vorgemerkt.",
    ),
    "shared_refused": (
        "You and somebody with whom you talk were not offered the same.",
        "Ihnen und jemandem, mit dem Sie sprechen, wurde nicht dasselbe angeboten.",
    ),
    "shared_ended": (
        "What you and somebody with whom you talk were to be offered came to its end.",
        "Was Ihnen und jemandem, mit dem Sie sprechen, angeboten werden sollte, ist vorbei.",
    ),
    "resent": ("A message that was stopped was sent again.", "Eine angehaltene Nachricht ging erneut hinaus."),
    "task": ("A person has to see to it.", "Ein Mensch muss sich darum kümmern."),
}
"""By what a decision is about (`models.outputs.Decision.what`), where it is no answer to an occasion."""
STAGES: Final[dict[str, tuple[str, str]]] = {
    "prospect": ("somebody who has not bought yet", "jemand, der noch nichts gekauft hat"),
    "new": ("a new customer", "ein neuer Kunde"),
    "active": ("a customer who buys", "ein Kunde, der kauft"),
    "advocate": ("somebody who speaks well of us", "jemand, der gut von uns spricht"),
    "slipping": ("somebody who might turn away", "jemand, der sich abwenden könnte"),
    "lapsed": ("somebody who has not bought for long", "jemand, der lange nichts gekauft hat"),
    "won_back": ("somebody who has come back", "jemand, der zurückgekommen ist"),
}
"""By the stage of the loyalty loop (`models.loyalty.loop.STAGES`)."""
VOICES: Final[dict[str, tuple[str, str]]] = {
    "good": ("You spoke well of us.", "Sie haben gut von uns gesprochen."),
    "bad": ("You spoke of us, and were not pleased.", "Sie haben von uns gesprochen und waren nicht zufrieden."),
    "neutral": ("You spoke of us.", "Sie haben von uns gesprochen."),
    "unknown": ("You spoke of us.", "Sie haben von uns gesprochen."),
}
"""By how a customer spoke of us (`models.loyalty.experiences.Mood`)."""
POINTS: Final[dict[str, tuple[str, str]]] = {
    "earned": ("You earned {points} points; balance {balance}.", "Sie erhielten {points} Punkte; Stand {balance}."),
    "earned_pending": (
        "You earned {points} points, to be spent later; balance {balance}.",
        "Sie erhielten {points} Punkte, einlösbar ab später; Stand {balance}.",
    ),
    "activated": (
        "{points} points that you earned count from now on; balance {balance}.",
        "{points} erhaltene Punkte zählen ab jetzt; Stand {balance}.",
    ),
    "moved_away": (
        "{points} points moved to your other id.",
        "{points} Punkte gingen zu Ihrer anderen Kennung.",
    ),
    "moved_here": (
        "{points} points of your other id are yours here; balance {balance}.",
        "{points} Punkte Ihrer anderen Kennung stehen nun hier; Stand {balance}.",
    ),
    "spent": (
        "You spent {points} points on a reward; balance {balance}.",
        "Sie haben {points} Punkte für eine Prämie eingelöst; Stand {balance}.",
    ),
    "given_back": (
        "A reward was cancelled: {points} points came back; balance {balance}.",
        "Eine Prämie wurde storniert: {points} Punkte kamen zurück; Stand {balance}.",
    ),
    "taken_back": (
        "After a return {points} points were taken back; balance {balance}.",
        "Nach einer Rückgabe wurden {points} Punkte zurückgenommen; Stand {balance}.",
    ),
    "expired": ("{points} points expired; balance {balance}.", "{points} Punkte verfielen; Stand {balance}."),
    "adjusted": (
        "A person changed your points by {points:+}; balance {balance}.",
        "Ein Mensch hat Ihre Punkte um {points:+} geändert; Stand {balance}.",
    ),
    "merged": (
        "{points} points last longer, with others; balance {balance}.",
        "{points} Punkte gelten länger, mit anderen; Stand {balance}.",
    ),
    "closed": (
        "Your account of points was closed; it came to {points}.",
        "Ihr Punktekonto wurde geschlossen; es stand bei {points}.",
    ),
    "refused": (
        "Points could not be changed ({why}); balance {balance}.",
        "Punkte konnten nicht geändert werden ({why}); Stand {balance}.",
    ),
}
"""By what was booked in the customer's account of points (`models.outputs.LedgerEntry.change`)."""
LEVELS: Final[dict[str, tuple[str, str]]] = {
    "counted": (
        "Something more counts towards your membership level.",
        "Etwas zählt zusätzlich für Ihre Mitgliedsstufe.",
    ),
    "taken_back": (
        "After a return less counts towards your membership level.",
        "Nach einer Rückgabe zählt weniger für Ihre Mitgliedsstufe.",
    ),
    "lapsed": (
        "Something counts towards your membership level no more, since it is too long ago.",
        "Etwas zählt nicht mehr für Ihre Mitgliedsstufe, weil es zu lange her ist.",
    ),
    "merged": (
        "What counts towards your membership level counts longer in part.",
        "Was für Ihre Mitgliedsstufe zählt, zählt zum Teil länger.",
    ),
    "reached": ("You reached the membership level {level}.", "Sie haben die Mitgliedsstufe {level} erreicht."),
    "grace": (
        "Your membership level {level} ends on {until} unless more counts until then.",
        "Ihre Mitgliedsstufe {level} endet am {until}, wenn bis dahin nicht mehr zählt.",
    ),
    "kept": ("You keep the membership level {level}.", "Sie behalten die Mitgliedsstufe {level}."),
    "lowered": ("Your membership level is now {level}.", "Ihre Mitgliedsstufe ist jetzt {level}."),
    "lowered_none": ("You have no membership level any more.", "Sie haben keine Mitgliedsstufe mehr."),
    "renamed": (
        "The levels have changed; your membership level is now {level}.",
        "Die Stufen haben sich geändert; Ihre Mitgliedsstufe ist jetzt {level}.",
    ),
    "renamed_none": (
        "The levels have changed; you have no membership level any more.",
        "Die Stufen haben sich geändert; Sie haben keine Mitgliedsstufe mehr.",
    ),
    "moved_away": (
        "What counts towards your membership level moved to your other id.",
        "Was für Ihre Mitgliedsstufe zählt, ging zu Ihrer anderen Kennung.",
    ),
    "moved_here": (
        "What counted under your other id counts here; your membership level is {level}.",
        "Was unter Ihrer anderen Kennung zählte, zählt nun hier; Ihre Mitgliedsstufe ist {level}.",
    ),
    "moved_here_none": (
        "What counted under your other id counts here.",
        "Was unter Ihrer anderen Kennung zählte, zählt nun hier.",
    ),
    "closed": ("Your membership of the programme ended.", "Ihre Mitgliedschaft im Programm endete."),
}
"""By what changed in the customer's membership of the loyalty programme (`models.outputs.membership_entry`)."""
REFUSED: Final[dict[str, tuple[str, str]]] = {
    "not_covered": ("there were not enough", "es waren nicht genug"),
    "not_whole": ("only whole points can be spent", "nur ganze Punkte lassen sich einlösen"),
    "account_full": ("the account is full", "das Konto ist voll"),
    "unknown_reward": (
        "that reward cannot be cancelled, or not any more",
        "die Prämie ist nicht oder nicht mehr stornierbar",
    ),
    "unknown_order": (
        "what came back had earned none, or too long ago",
        "für das Zurückgegebene gab es keine, oder es ist zu lange her",
    ),
    "redeemed_already": ("that reward was redeemed before", "die Prämie war schon eingelöst"),
}
"""Why nothing was booked (`models.loyalty.booking`)."""

RESTRICTIONS: Final[dict[str, tuple[str, str]]] = {
    "minor": ("a minor", "minderjährig"),
    "vulnerable": ("in need of protection", "schutzbedürftig"),
    "deceased": ("deceased", "verstorben"),
    "dispute": ("a dispute", "ein Streitfall"),
    "fraud": ("a suspicion of fraud", "ein Betrugsverdacht"),
    "debt": ("a debt", "eine offene Forderung"),
    "staff": ("one of our staff", "bei uns beschäftigt"),
    "test": ("an account to try things out", "ein Konto zum Ausprobieren"),
    "do_not_contact": ("no contact is wanted", "kein Kontakt erwünscht"),
    "not_of_age": ("not of age yet, by the date of birth", "nach dem Geburtsdatum noch nicht volljährig"),
    "on_request": ("at your request", "auf Ihren Wunsch"),
}
"""Why a customer is left alone, by its reason."""
