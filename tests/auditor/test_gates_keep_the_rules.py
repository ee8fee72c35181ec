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
    "little rest": POLICY.replace('cool_down = "20h"', 'cool_down = "1h"'),
}


@pytest.mark.parametrize("name", POLICIES)
def test_no_trigger_breaks_a_rule(name: str) -> None:
    sent = 0
    for seed in range(10):
        shop = Shop(Random(f"{name} {seed}"), POLICIES[name])
        for _ in range(STEPS):
            shop.step()
        report = shop.log.report()
        # Nobody takes anything back here: gates only let through.
        assert [one for one in report.breaches if one.rule != "withdrawal_owed"] == [], seed
        sent += report.triggers.total()
    assert sent > 20
