"""Whether it is the hour: quiet hours bind marketing, rows of `[[contact.hours]]` all but what is legal.

Rows that name the same countries and channels are alternatives, those that name others must allow it as well. A row
that names neither binds marketing only.
"""

from __future__ import annotations

from collections.abc import Iterator

from streams.operations.audit import wall_time
from streams.operations.audit.breaches import Finding
from streams.operations.audit.checks.case import Case
from streams.operations.audit.policies import Table, span
from streams.operations.audit.records import SECOND

ONLINE_FOR = 3_600_000
"""So long somebody is online who has not left, ms."""


def check(case: Case) -> Iterator[Finding]:
    """The rules of the family `when`."""
    yield from _frozen(case)
    if case.marketing:
        yield from _talks(case)
        yield from _online(case)
    if case.purpose == "legal":
        return
    zones = wall_time.zones_of(case.person.zone, case.person.country, case.policy.zone, case.policy.markets)
    at = case.sent_from
    if case.marketing and (quiet := _quiet(case)) is not None:
        for zone in zones:
            if wall_time.within([quiet], at, zone):
                yield Finding("quiet_hours", f"quiet from {quiet[0]} to {quiet[1]}", wall_time.shown(at, zone))
                break
            begins = wall_time.next_start([quiet], at, zone)
            if case.trigger.expires_at > begins + case.lead + SECOND:
                says = f"quiet from {wall_time.shown(begins, zone)}"
                yield Finding("expires_in_quiet_hours", says, wall_time.shown(case.trigger.expires_at, zone))
                break
    groups: dict[tuple[tuple[str, ...], ...], list[Table]] = {}
    for row in case.policy.contact.get("hours", []):
        named = tuple(sorted(row.get("countries") or ())), tuple(sorted(row.get("channels") or ()))
        of_times = row.get("spans") or row.get("holidays")
        if of_times and _names(row, case) and (any(named) or case.marketing):
            yield from _holiday(row, case, zones)
            groups.setdefault(named, []).append(row)
    for rows in groups.values():
        shut = next((zone for zone in zones if not any(_allows(row, at, zone) for row in rows)), None)
        if shut is not None:
            says = "; ".join(f"{row.get('spans', 'any time')} on days {row.get('days', 'all')}" for row in rows)
            yield Finding("contact_hours", says, wall_time.shown(at, shut))


def _frozen(case: Case) -> Iterator[Finding]:
    for row in case.policy.freezes:
        named = (
            (row.get("purposes", ["marketing"]), case.purpose),
            (row.get("kinds"), case.action["kind"]),
            (row.get("countries"), case.person.country),
        )
        if any(listed and one not in listed for listed, one in named):
            continue
        begins, ends = (wall_time.at(row[key], row.get("zone") or case.policy.zone) for key in ("from", "until"))
        if begins <= case.now < ends:
            yield Finding("frozen", f"from {row['from']} until {row['until']}", f"at {case.now}")


def _talks(case: Case) -> Iterator[Finding]:
    if case.sent_from < case.dialogue.talks_until:
        yield Finding("in_conversation", f"a conversation until {case.dialogue.talks_until}", f"at {case.sent_from}")
    person, channels = case.person, (case.policy.conversation or {}).get("channels", [])
    if person.online in channels and case.now < person.online_since + ONLINE_FOR:
        yield Finding("in_conversation", f"online on {person.online} since {person.online_since}", f"at {case.now}")


def _online(case: Case) -> Iterator[Finding]:
    rules, person = case.policy.channels.get(case.trigger.channel, {}), case.person
    expires = rules.get("presence_expires") if rules.get("presence") else None
    if expires is None or person.online != case.trigger.channel or case.now >= person.online_since + ONLINE_FOR:
        return
    arrives = case.now + span(rules.get("lead", "0s"))
    if case.trigger.expires_at > arrives + span(expires) + SECOND:
        yield Finding("presence", f"online, presence_expires {expires}", f"expires at {case.trigger.expires_at}")


def _quiet(case: Case) -> tuple[str, str] | None:
    """The quiet hours that count: the customer's own in place of the policy's; None: there are none."""
    quiet = case.person.quiet
    if quiet is None and (row := case.policy.contact.get("quiet_hours")):
        quiet = row["start"], row["end"]
    return None if quiet is None or quiet[0] == quiet[1] else quiet


def _names(row: Table, case: Case) -> bool:
    fits = (("countries", case.person.country), ("channels", case.trigger.channel))
    return all(one in (row.get(key) or [one]) for key, one in fits)


def _holiday(row: Table, case: Case, zones: tuple[str, ...]) -> Iterator[Finding]:
    for name in row.get("holidays", []):
        for zone in zones:
            day = wall_time.day_of(case.sent_from, zone)
            if {day, day[5:]} & {*case.policy.holidays[name]["dates"]}:
                yield Finding("holiday", f"no contact on holidays of {name}", wall_time.shown(case.sent_from, zone))
                return


def _allows(row: Table, at: int, zone: str) -> bool:
    if not row.get("spans"):
        return wall_time.weekday(at, zone) in row.get("days", wall_time.ALL_DAYS)
    spans = [(span["start"], span["end"]) for span in row["spans"]]
    return wall_time.within(spans, at, zone, tuple(row.get("days", wall_time.ALL_DAYS)))
