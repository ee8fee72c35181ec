"""Whatever chance touchpoints a customer sends: what all gates let through breaks no rule of the auditor."""

from __future__ import annotations

from random import Random

import pytest

from tests.support.audited import POLICY
from tests.support.shop_of_one import Shop

STEPS = 120
PEACE = """[ad_free]
plans = ["ad_free"]
programmes = ["quiet"]
[conversation]
lasts = "9h"
[[freeze]]
from = 2026-04-01T00:00:00
until = 2026-04-20T00:00:00
purposes = ["marketing", "care"]
"""
POLICIES = {
    "as it is": POLICY,
    "no zone": POLICY.replace('zone = "Europe/Berlin"\n', ""),
    "care needs consent": POLICY.replace("[[basis]]", '[[basis]]\npurpose = "care"\nneeds = "consent"\n[[basis]]', 1),
    "confirmed": POLICY.replace('needs = "existing_customer"\nlasts = "104w"', 'needs = "confirmed_consent"'),
    "peace": POLICY.replace("[[basis]]", PEACE + "[[basis]]", 1),
    "by country": POLICY.replace(
        '{ channels = ["push"], countries = ["AT"], most = 1, within = "10d", rest = "40d" }',
        '{ channels = ["push", "email"], countries = ["DE", "NL"], most = 2, within = "3d", rest = "90d" },'
        ' { channels = ["email"], countries = ["PT"], holidays = ["rest"], most = 2, within = "30d", rest = "9d" }',
    )
    .replace("[[basis]]", '[holidays.rest]\ndates = ["03-04"]\n[[basis]]', 1)
    .replace('cool_down = "20h"', 'cool_down = "1h"')
    .replace('declined = "14d"', 'declined = "1h"')
    .replace('{ most = 2, within = "7d" },', ""),
    "little rest": POLICY.replace('cool_down = "20h"', 'cool_down = "1h"'),
}


@pytest.mark.parametrize("name", POLICIES)
def test_no_trigger_breaks_a_rule(name: str) -> None:
    sent = 0
    for seed in range(40 if name == "by country" else 10):  # few decline by a channel that their country lets rest
        shop = Shop(Random(f"{name} {seed}"), POLICIES[name])
        for _ in range(STEPS):
            shop.step()
        report = shop.log.report()
        # Nobody takes anything back here: gates only let through.
        assert [one for one in report.breaches if one.rule != "withdrawal_owed"] == [], seed
        sent += report.triggers.total()
    assert sent > 20
