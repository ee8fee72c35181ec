"""The example policy with what a team turns on beside it: calendars, freezes, plans, dates, who may change it.

Everything is looked at, and nothing holds or asks anybody of the synthetic log: so the same is decided, and what the
tables cost can be told from what they do.
"""

from __future__ import annotations

from typing import Final

TOP: Final = """
ramp = 10
max_touched = 5000
markets = ["DE", "NL"]
protected = ["role"]
"""
HOURS: Final = """
    { channels = ["call"], countries = ["DE"], spans = [{ start = "10:00", end = "17:00" }], holidays = ["germany"] },
    { channels = ["call"], countries = ["FR"], most = 4, within = "30d", rest = "60d" },
"""
CAPS: Final = """
    { most = 200, within = "7d", countries = ["DE", "NL"], channel = "call", reserve = 1 },
"""
TABLES: Final = """
[ad_free]
plans = ["ad_free"]
programmes = ["quiet"]
[conversation]
touchpoints = ["cancel_started"]
lasts = "1s"
[holidays.germany]
dates = ["01-01", "12-25", "12-26"]
[[freeze]]
from = 1999-11-26T00:00:00
until = 1999-11-30T00:00:00
[[freeze]]
from = 1999-12-20T00:00:00
until = 1999-12-27T00:00:00
kinds = ["ask"]
countries = ["DE"]
then = "drop"
[people]
two_from = 1000
[people.may.ada]
propose = ["all"]
approve = ["all"]
[people.may.ben]
propose = ["all"]
approve = ["all"]
[retention]
touchpoints = "400d"
decisions = "400d"
triggers = "400d"
deadletters = "400d"
[moment.renewal]
sort = "date"
field = "renews_at"
offset = "-30d"
when = { field = "country", op = "==", value = "AQ" }
[action.renew]
purpose = "contract"
kind = "service"
moments = ["renewal"]
content = "contract/renewal"
[moment.trouble]
sort = "touchpoint"
touchpoints = ["payment_failed"]
when = { field = "amount", op = "<", value = 0 }
[action.call_them]
purpose = "contract"
kind = "service"
channels = ["call"]
content = "contract/call"
[plan.dunning]
moments = ["trouble"]
ends_with = ["payment_recovered", "subscription_cancelled"]
holds = true
steps = [{ action = "update_payment" }, { action = "call_them", after = "14d", unless = ["call"] }]
"""


def switched(text: str) -> str:
    """The example policy `text` with all of it."""
    with_head = _after(text, "format = 1\n", TOP)
    with_caps = _after(with_head, "caps = [", CAPS)
    with_hours = _after(with_caps, "hours = [", HOURS)
    for action in ("something_useful", "reward", "offer", "win_back"):
        dates = "from = 1990-01-01T00:00:00Z\nuntil = 2090-01-01T00:00:00Z\n"
        with_hours = _after(with_hours, f"[action.{action}]\n", dates)
    return with_hours + TABLES


def _after(text: str, place: str, more: str) -> str:
    before, found, after = text.partition(place)
    if not found:
        raise ValueError(f"the example policy has no {place!r}")
    return before + found + more + after
