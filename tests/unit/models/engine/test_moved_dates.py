"""Dates that move after they asked, and moments that a policy drops and another brings back: each asks once.

On logs of one customer made by hand, as in `test_life_of_a_moment`: each is read by the auditor too.
"""

from __future__ import annotations

from models.settings import DAY, HOUR
from tests.unit.models.engine.test_dates import DATED, asked, at
from tests.unit.models.engine.test_life_of_a_moment import BOUGHT, POLICY, Story

SINCE = (
    POLICY
    + """
[moment.year]
sort = "date"
field = "anniversary"
within = "5d"
[moment.begin]
sort = "date"
field = "customer_since"
offset = "12d"
within = "5d"
[action.greet]
purpose = "care"
kind = "care"
moments = ["year", "begin"]
content = "years"
"""
)


def bought_before(story: Story, days: float, told: float) -> Story:
    """An older purchase, so many days before the first one, that is told so many days after it."""
    return story.at(BOUGHT - int(days * DAY), "purchase", arrives=BOUGHT + int(told * DAY), amount=3)


def test_an_older_purchase_told_in_the_life_of_a_date_does_not_ask_again() -> None:
    begin = bought_before(Story(SINCE, days=40), 1.5, 13)
    assert asked(begin.run(), "begin") == [(12.0, "begin", "greet")]
    year = bought_before(Story(SINCE, days=800), 1.5, 367)
    assert asked(year.run(), "year") == [(366.0, "year", "greet"), (729.5, "year", "greet")]


def test_a_first_purchase_that_is_no_more_the_first_does_not_ask() -> None:
    before = bought_before(Story(SINCE, days=40), 3, 8)
    assert asked(before.run(), "begin") == [(12.0, "begin", "greet")]  # in the life of the older date
    assert asked(bought_before(Story(SINCE, days=40), 6, 8).run(), "begin") == []  # and when that life was over


def test_what_waits_for_a_date_that_moves_a_little_goes_on_waiting() -> None:
    early = SINCE.replace('field = "anniversary"', 'field = "anniversary"\noffset = "-10d"').replace(
        'purpose = "care"\nkind = "care"\nmoments = ["year", "begin"]', 'kind = "useful"\nmoments = ["year", "begin"]'
    )
    night = BOUGHT + 9 * HOUR  # an hour into the quiet hours of Berlin
    story = Story(early, bought=night, days=380)
    story = story.at(night - 2 * HOUR, "purchase", arrives=night + 356 * DAY + HOUR, amount=3)
    greeted = [(one[1], one[2]) for one in asked(story.run(), "year")]
    assert greeted == [("year", "greet")]


def test_a_moment_that_is_dropped_and_brought_back_in_its_life_does_not_ask_again() -> None:
    story = Story(SINCE, days=380).policy(366.5, POLICY, 2).then(367, "complaint")
    story = story.policy(368, SINCE, 3).then(368.5, "nps", score=8)
    assert asked(story.run(), "year") == [(366.0, "year", "greet")]
    renewal = Story(DATED, days=60).then(1, "subscription_started", plan="yearly", renews_at=at(40))
    renewal = renewal.policy(30.5, POLICY, 2).then(31, "complaint").policy(31.5, DATED, 3).then(32, "nps", score=8)
    assert asked(renewal.run(), "renewal") == [(30.0, "renewal", "renew")]


def test_what_counts_towards_the_next_is_kept_while_a_policy_drops_the_moment() -> None:
    story = Story(DATED, days=40).then(1, "return", amount=1).policy(2, POLICY, 2).then(3, "nps", score=8)
    assert asked(story.policy(4, DATED, 3).then(5, "return", amount=1).run(), "again") == [(5.0, "again", "thank")]
