"""A preview is asked by the log: who may get it, and that nothing is asked that cannot be."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from models.outputs import Candidate, Decision, Position
from streams.cli import preview as cli
from streams.operations.may_contact import NotAnswered, NothingDecides
from streams.operations.preview import Asked, NoPreview, answered, ask
from tests.support.logs import told
from tests.unit.models.engine.test_life_of_a_moment import BOUGHT, Story
from tests.unit.streams.operations.test_may_contact import Shop


def shop(text: str | None = None, **of_tester: str) -> Shop:
    story = Story(days=1) if text is None else Story(text, days=1)
    data = {"reason": "test", **of_tester}
    return Shop(replace(story, entries=[told("restricted", "tester", BOUGHT + 1, data)]))


def asked(place: Shop, action: str = "offer", customer: str = "c", to: str = "tester") -> Asked:
    async def run() -> Asked:
        async with place:
            return await ask(place.store, 1, action, customer, to, False, "ada", place.send)

    return asyncio.run(run())


def test_it_is_a_record_in_the_customers_partition_and_answered_there() -> None:
    place = shop()
    found = asked(place)
    assert (found.shard, found.offset) == (0, place.log[-1].offset)
    assert place.log[-1].key == b"c"
    said = Decision("d", "previewed", BOUGHT, Position(0, found.offset, False), "c", trigger="t")
    other = Decision("e", "previewed", BOUGHT, Position(0, found.offset - 1, False), "c")
    assert asyncio.run(answered(found, lambda: [other, said], 1.0)) == said
    with pytest.raises(NotAnswered, match=f"shard 0 has not answered offset {found.offset}"):
        asyncio.run(answered(found, lambda: [other], 0.0))


def test_only_a_test_customer_may_get_it() -> None:
    with pytest.raises(NoPreview, match="--to is 'c', who is no test customer"):
        asked(shop(), to="c")
    over = {"until": "2000-01-03T13:00:00Z"}
    with pytest.raises(NoPreview, match="who is no test customer"):
        asked(shop(**over))


@pytest.mark.parametrize(
    ("gates", "until", "says"),
    [
        (("cap",), BOUGHT, "nothing was sent: held by cap until 2000-01-03 12:00:00"),
        (("cap", "promotion_used"), None, "nothing was sent: held by cap, promotion_used"),
        ((), BOUGHT, "nothing was sent: held by hours until 2000-01-03 12:00:00"),
    ],
)
def test_until_when_it_is_held_is_told_where_that_is_known(
    gates: tuple[str, ...], until: int | None, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    candidates = (Candidate("offer", "email", gates),)
    found = Decision(
        "d", "previewed", BOUGHT, Position(0, 1, False), "c", gate="hours", until=BOUGHT, candidates=candidates
    )
    assert cli._data(found, "tester")["until"] == until
    cli._show(found, "tester")
    assert capsys.readouterr().out.splitlines()[-1].strip().startswith(says)


@pytest.mark.parametrize(
    ("action", "customer", "says"),
    [("ofer", "c", "action is 'ofer'; did you mean \"offer\""), ("offer", "nobody", "of whom there is no record")],
)
def test_what_cannot_be_previewed_is_named(action: str, customer: str, says: str) -> None:
    with pytest.raises(NoPreview, match=says):
        asked(shop(), action, customer)


def test_without_a_policy_there_is_nothing_to_preview() -> None:
    with pytest.raises(NothingDecides):
        asked(shop(""))
