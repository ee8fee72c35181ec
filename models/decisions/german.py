"""What decisions say of themselves to a customer who reads German; the English is in `models.decisions.words`."""

from __future__ import annotations

from typing import Final

GERMAN: Final[dict[str, str]] = {
    # -- gates
    "stopped": "Wir haben den Versand solcher Nachrichten zurzeit angehalten.",
    "erased": "Sie haben uns gebeten, Sie zu vergessen.",
    "restricted": "Ihr Konto ist so gekennzeichnet, dass wir Ihnen dazu nicht schreiben.",
    "expired": "Der Anlass ist vorüber.",
    "off": "Wir bieten das zurzeit nicht an.",
    "shadow": "Wir bieten das zurzeit nicht an.",
    "rollout": "Wir bieten das noch nicht allen an.",
    "dates": "Das gibt es zu einer anderen Zeit.",
    "wrong_level": "Das war nicht für diesen Anlass gedacht.",
    "wrong_class": "Das ist für eine andere Gruppe von Kunden.",
    "for_a_person": "Darum kümmert sich jemand von uns persönlich.",
    "condition": "Die Bedingungen dieses Angebots sind nicht erfüllt.",
    "unreachable": "Unsere Nachrichten erreichen Sie auf diesem Weg nicht.",
    "refused_channel": "Sie haben uns gesagt, dass wir Ihnen auf diesem Weg nicht schreiben sollen.",
    "no_basis": "Sie haben nicht zugestimmt, dass wir Ihnen auf diesem Weg schreiben.",
    "ad_free": "Was Sie bei uns haben, ist frei von Werbung.",
    "silent": "Sie haben uns gebeten, Ihnen zurzeit keine Werbung zu schicken.",
    "unwanted_topic": "Sie haben andere Themen gewählt.",
    "no_content": "Wir haben das nicht in Ihrer Sprache geschrieben.",
    "frozen": "In diesen Tagen verschicken wir keine solchen Nachrichten.",
    "open_case": "Wir arbeiten noch an einem Anliegen von Ihnen.",
    "in_conversation": "Wir waren zu dieser Zeit mit Ihnen im Gespräch.",
    "cancelling": "Sie waren dabei zu kündigen; darum halten wir uns zurück.",
    "bad_experience": "Bei Ihnen ist in letzter Zeit etwas schiefgegangen; darum halten wir uns zurück.",
    "held": "Zwischen uns läuft gerade etwas anderes, das vorgeht.",
    "promotion_open": "Sie haben noch ein Angebot, das Sie nutzen können.",
    "promotion_used": "Sie hatten zu diesem Anlass schon ein Angebot von uns.",
    "cool_down": "Wir haben Ihnen erst vor Kurzem geschrieben.",
    "cap": "Wir haben Ihnen oft genug geschrieben.",
    "once_per": "Das haben Sie erst vor Kurzem von uns bekommen.",
    "after_outcomes": "Unsere letzte Nachricht war Ihnen nicht willkommen, oder sie kam nicht an.",
    "unprofitable": "Was wir anbieten könnten, passte nicht zu dem, was Sie bei uns kaufen.",
    "budget": "Was wir dafür vorgesehen haben, ist vorerst aufgebraucht.",
    "alarm": "Wir gehen einer Störung nach und halten uns zurück, bis sie behoben ist.",
    "hours_never": "Wir fanden keine Stunde, zu der wir Sie auf diesem Weg erreichen dürfen.",
    # -- what makes an occasion wait, or ends it
    "hours": "Zu dieser Stunde schreiben wir Ihnen nicht.",
    "in_window": "Wir haben erst vor Kurzem darüber nachgedacht und lassen zunächst etwas Zeit vergehen.",
    "outranking": "Wir wollten Ihnen zuerst etwas anderes sagen.",
    "carried_over": "Es waren viele zur gleichen Zeit: Wir kommen der Reihe nach zu Ihnen.",
    "after_other": "Wir hatten Ihnen zuerst etwas anderes zu sagen.",
    "crowded": "Anderes ging vor.",
    "no_moment": "Zu diesem Anlass schreiben wir nicht mehr.",
    "no_action": "Zu diesem Anlass tun wir nichts.",
    # -- what became of what was sent
    "delivered": "Soweit wir wissen, hat es Sie erreicht.",
    "given_back": "Es wurde dann doch nicht verschickt.",
    "late": "Es hat Sie dann doch erreicht.",
    "refused": "Es hatte Sie schon erreicht.",
    "declined": "Sie haben es abgelehnt.",
    "redeemed": "Sie haben es genutzt.",
    "unused": "Es war einige Zeit nutzbar und wurde nicht genutzt.",
    "not_resent": "Es wurde dann doch nicht verschickt.",
    "withdrawn": "Wir haben es zurückgenommen.",
    # -- plans
    "plan_started": "Wir haben mehrere Schritte für Sie vorgesehen.",
    "plan_ended": "Es kommt nichts mehr nach.",
    "step_left_out": "Ein Schritt war nicht nötig.",
    # -- what two are offered together
    "not_agreed": "Sie haben nicht eingewilligt, dass wir nutzen, worüber Sie mit anderen sprechen.",
    "too_late": "Es war zu spät dafür.",
    "other_side": "Wir konnten es nicht mehr anbieten.",
    "shares": "Wir haben schon etwas dieser Art für Sie.",
    "one_customer": "Wir fanden nichts, was wir Ihnen anbieten könnten.",
    "taken_back": "Wir haben es zurückgenommen.",
    "went_out": "Es hatte Sie schon erreicht.",
    "control": "Sie gehören zu einer kleinen Gruppe, der wir keine Werbung schicken.",
    "test": "Sie probieren etwas aus.",
}
"""By code, as `models.decisions.words.told` finds them."""
GERMAN_KINDS: Final[dict[str, str]] = {
    "care": "eine Nachricht, um etwas in Ordnung zu bringen",
    "useful": "etwas, das Ihnen nützen kann",
    "reward": "eine Prämie",
    "offer": "ein Angebot",
    "onboarding": "Hilfe bei den ersten Schritten",
    "ask": "eine Frage an Sie",
    "win_back": "eine Einladung wiederzukommen",
    "service": "eine Nachricht zu dem, was Sie bei uns haben",
}
"""Kinds of actions (`models.decisions.policy.types.KINDS`)."""
