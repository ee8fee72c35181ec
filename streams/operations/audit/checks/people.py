"""Whether the customer may be spoken to: erasure, restrictions, refusals, consent, silence, topic, language."""

from __future__ import annotations

from collections.abc import Iterator

from streams.operations.audit.breaches import Finding
from streams.operations.audit.checks.case import Case


def check(case: Case) -> Iterator[Finding]:
    """The rules of the family `who may be spoken to`."""
    person, trigger, now = case.person, case.trigger, case.now
    if person.erased:
        yield Finding("erased", "nothing after an erasure", f"erased at {person.erased}")
    if reason := person.restricted(case.purpose, now):
        yield Finding("restricted", f"{case.purpose} is restricted: {reason}", f"{trigger.action} for {case.purpose}")
    if case.dialogue.unreachable(trigger.channel):
        since = case.dialogue.failed[trigger.channel]
        yield Finding("unreachable", f"{trigger.channel} failed for good at {since}", f"{trigger.action} by it")
    yield from _consent(case)
    if case.moment.get("sort") == "risk" and person.unprofiled(now):
        yield Finding("profiling", "no risk of who objects to profiling", f"asked by {trigger.moment} {trigger.level}")
    if not case.marketing:
        return
    if person.programme and person.programme in case.policy.ad_free.get("programmes", []):
        yield Finding("ad_free", f"none in the programme {person.programme}", trigger.action)
    if person.plan and not person.contract_over and person.plan in case.policy.ad_free.get("plans", []):
        yield Finding("ad_free", f"none with the plan {person.plan}", trigger.action)
    if person.max_per_week == 0:
        yield Finding("silent", "the customer wants none a week", trigger.action)
    if case.sent_from < person.silent_until:
        yield Finding("silent", f"no marketing before {person.silent_until}", f"at {case.sent_from}")
    topic = case.action.get("topic")
    if topic and person.topics and topic not in person.topics:
        yield Finding("unwanted_topic", f"the customer asked for {list(person.topics)}", f"about {topic}")
    languages = case.action.get("languages")
    if languages and person.language and not _speaks(person.language, languages):
        yield Finding("language", f"a text in {list(languages)}", f"the customer reads {person.language}")


def _consent(case: Case) -> Iterator[Finding]:
    if case.purpose == "legal":
        return
    person, channel = case.person, case.trigger.channel
    needs, lasts = case.policy.needs(case.purpose, person.country, case.customer_class, channel)
    if needs == "nothing" and not case.marketing:
        return
    said = person.consents["marketing"]
    if said.closed(channel):
        yield Finding("refused", f"{channel} is refused", f"{case.trigger.action} by {channel}")
        return
    rests = said.open(channel, case.now, confirmed=needs == "confirmed_consent")
    if needs == "existing_customer" and person.bought_last:
        rests |= not lasts or case.now <= person.bought_last + lasts
    if not rests and needs != "nothing":
        yield Finding("no_basis", f"{case.purpose} by {channel} needs {needs}", "nothing of the kind is known")


def _speaks(language: str, languages: list[str]) -> bool:
    """Whether a text in one of the languages fits: the tag itself, or its first part on either side."""
    return any(one.split("-")[0].lower() == language.split("-")[0].lower() for one in languages)
