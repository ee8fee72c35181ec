"""What is kept of draws for the labels of churn, and for how long: on logs of one customer, as in
`test_life_of_a_moment`."""

from __future__ import annotations

from models.customer.record import unpack
from models.decisions.standing import Standing
from models.decisions.standing_stored import unpack_standing
from models.settings import DAY
from tests.unit.models.engine.test_life_of_a_moment import BOUGHT, POLICY, SETTINGS, Story, Told

LEARNED = (
    POLICY.replace("share = 0.0", "share = 0.5")
    .replace("floor = 0.0\n", "floor = 0.01\n")
    .replace("hold_out = 0.0", "hold_out = 0.5\nlearned = true")
    + "\n[value]\nfewest = 20\n"
)


def standing(world: Told) -> Standing:
    return unpack_standing(unpack(b"c", world.kept.records[b"c"]).tail.standing)


def test_a_draw_is_kept_while_an_example_may_meet_it_and_no_longer() -> None:
    treated = standing(Story(LEARNED, days=33).run()).treated
    assert treated is not None
    last = max(one.ends for one in treated.draws)
    assert treated.until == last + SETTINGS.horizon + SETTINGS.lateness
    days = (treated.until - BOUGHT) // DAY
    # Of who lapses nothing is observed any more: no label forgets it.
    lapsed = [standing(Story(LEARNED, days=days + more).run()) for more in (60, 300)]
    assert [one.treated for one in lapsed] == [None, None]


def test_of_who_objects_or_is_restricted_no_draw_is_kept() -> None:
    story = Story(LEARNED, days=41)
    objects = story.then(40, "consent_changed", marketing=False, purpose="profiling")
    assert standing(story.run()).treated is not None
    assert standing(objects.run()).treated is None
    assert standing(story.then(40, "restricted", reason="dispute").run()).treated is None
