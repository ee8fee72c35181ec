"""What a policy may say of what two customers are offered together."""

from __future__ import annotations

import pytest

from models.decisions.policy.in_force import PolicyInForce
from models.decisions.policy.remarks import remarks
from models.decisions.rules import rules_of
from tests.support.two_who_talk import SHARED
from tests.unit.models.decisions.policy.test_points import problems

TALK = 'touchpoints = ["chat"]\nshared_on = ["app", "forum"]\nwithin = "5m"'
OFFER = 'moments = ["talk"]\ntopic = "espresso"'


def changed(old: str, new: str) -> str:
    assert SHARED.count(old) == 1
    return SHARED.replace(old, new)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (changed(TALK, TALK.replace('["chat"]', '["chat", "call"]')), "moment.talk.touchpoints is ["),
        (changed(TALK, TALK.replace('"5m"', '"2h"')), 'moment.talk.within is "2h"; give from 10s to 1h'),
        (changed(TALK, TALK.replace('"5m"', '"5s"')), 'moment.talk.within is "5s"; give from 10s to 1h'),
        (changed(TALK, TALK + '\nnth = 2\nin = "3d"'), "moment.talk.nth is 2; leave it out"),
        (changed(TALK, TALK.replace('["app", "forum"]', "[]")), "moment.talk.shared_on is []"),
        (changed(TALK, TALK.replace('"forum"', '"app"')), 'moment.talk.shared_on[1] is "app"; give it once'),
        (
            SHARED + '[moment.praised]\nsort = "date"\nfield = "renews_at"\nshared_on = ["app"]\n',
            "praised.shared_on is",
        ),
        (SHARED + "[conversation]\n", "conversation.touchpoints is ["),
        (SHARED + '[plan.both]\nmoments = ["talk"]\nsteps = [{ action = "basket" }]\n', "plan.both.moments is ["),
        (changed(OFFER, OFFER + '\npurpose = "care"'), 'action.two_for_one.purpose is "care"; give marketing'),
        (changed(OFFER, 'moments = ["talk"]'), "action.two_for_one.topic is missing; give the topic"),
        (changed(OFFER, OFFER.replace('"talk"', '"talk", "cart"')), "action.two_for_one.moments is ["),
        (changed(OFFER, OFFER + "\nhuman = true"), "action.two_for_one.human is true; leave it out"),
        (changed(OFFER, OFFER + "\nsignificant = true"), "action.two_for_one.significant is true; leave it out"),
        (
            SHARED + '[plan.later]\nmoments = ["cart"]\nsteps = [{ action = "recipe" }]\n',
            'action.recipe.moments is ["talk"]; leave it out of action.recipe: as the step later.1 it is',
        ),
        (
            changed("[channel.email]", '[channel.email]\npresence = true\npresence_expires = "5m"'),
            'channel.email.presence_expires is "5m"; give more than the moment\'s within, 5m',
        ),
        (
            changed('content = "recipe"\nexpires = "6h"', 'content = "recipe"\nexpires = "5m"'),
            'action.recipe.expires is "5m"; give more than the moment\'s within, 5m',
        ),
    ],
)
def test_what_makes_no_sense_is_named(text: str, told: str) -> None:
    assert told in "; ".join(problems(text))


def test_what_makes_sense_is_read() -> None:
    rules = rules_of(PolicyInForce.of(1, SHARED))
    assert rules.moments["talk"].shared_on == {"app", "forum"}
    assert not rules.moments["cart"].shared_on


def test_what_is_shared_is_worth_sending_longer_than_its_two_are_asked() -> None:
    told = remarks(PolicyInForce.of(1, SHARED.replace('expires = "2h"', 'expires = "10d"')).policy)
    of = {one.partition(":")[0] for one in told if "worth sending longer" in one}
    assert "action.basket.expires" in of
    assert not of & {"action.two_for_one.expires", "action.recipe.expires"}
