"""What is planned when an operator changes settings: validated, whole, and repeated where it was cut short."""

from __future__ import annotations

import json

import msgspec
import pytest

from models.settings import DAY, LATER, EngineSettings
from models.timeline.shard_state import ChosenSettings, PolicyName, ShardState
from streams.config import CHANGED_BY_THE_LOG, Config
from streams.kafka.partition_facts import LogFacts
from streams.operations.chosen_settings import (
    FIXED,
    UNITS,
    SettingFixed,
    SettingsUnfit,
    ShardSettingsNow,
    _record,
    overruled,
    planned,
)
from streams.shard.meta import SCHEMA, ShardBody, creation_of, settings_in_force

SETTINGS = EngineSettings()
NOW = 1_700_000_000_000
VALUES = {"enter": 0.7, "exit": 0.6, "trigger_life": 3 * DAY, "duplicate_window": 0}
CHOSEN = ChosenSettings(NOW - 5, "digest", VALUES, by="ada")


def shards(*chosen: ChosenSettings | None, waiting: ChosenSettings | None = None) -> dict[int, ShardSettingsNow]:
    creation = creation_of(LogFacts(0, 0, "topic-id", len(chosen), None), "live", SETTINGS)
    found = {}
    for shard, choice in enumerate(chosen):
        state = ShardState(shard, len(chosen), 0)
        if choice:
            state = msgspec.structs.replace(state, settings=choice)
        if waiting:
            state = msgspec.structs.replace(state, waiting=waiting)
        body = ShardBody(SCHEMA, creation, state)
        found[shard] = ShardSettingsNow(body, settings_in_force(str(shard), body))
    return found


def test_a_record_holds_what_is_wanted_and_all_else_as_it_is() -> None:
    plan = planned(shards(None, None), {"enter": "0.75", "trigger_life_s": "3600"}, 0, "ada", NOW)
    assert plan is not None
    assert plan.before == {"enter": 0.8, "exit": 0.65, "trigger_life": 3 * DAY, "duplicate_window": 0}
    assert plan.chosen.values == {**plan.before, "enter": 0.75, "trigger_life": 3_600_000}
    assert (plan.chosen.number, plan.chosen.by, plan.repeats) == (NOW, "ada", False)
    data = json.loads(_record(plan.chosen, NOW))["data"]
    assert data == {"number": NOW, **plan.chosen.values, "by": "ada"}


def test_where_everything_is_as_wanted_nothing_is_written() -> None:
    assert planned(shards(None, None), {"enter": "0.8"}, 0, "ada", NOW) is None
    assert planned(shards(CHOSEN, CHOSEN), {"enter": "0.7", "exit": "0.6"}, 0, "bert", NOW) is None


def test_a_change_that_not_every_shard_has_is_repeated_as_it_was() -> None:
    plan = planned(shards(CHOSEN, None), {"enter": "0.7", "exit": "0.6"}, 0, "bert", NOW)
    assert plan is not None
    assert (plan.chosen, plan.repeats) == (CHOSEN, True)


def test_another_change_stands_on_the_newest_and_bears_a_higher_number_even_if_our_clock_is_behind() -> None:
    plan = planned(shards(CHOSEN, None), {"exit": "0.5"}, 0, "bert", NOW - 1000)
    assert plan is not None
    assert (plan.chosen.number, plan.chosen.values) == (CHOSEN.number + 1, {**VALUES, "exit": 0.5})


def test_a_change_that_waits_counts_as_the_newest() -> None:
    waits = msgspec.structs.replace(CHOSEN, number=NOW - 1, values={**VALUES, "enter": 0.9}, at=NOW + DAY)
    assert planned(shards(CHOSEN, CHOSEN, waiting=waits), {"enter": "0.9"}, NOW + DAY, "ada", NOW) is None
    earlier = planned(shards(CHOSEN, waiting=waits), {"enter": "0.9"}, NOW + 1, "ada", NOW)
    assert earlier is not None
    assert (earlier.chosen.number, earlier.chosen.at) == (NOW, NOW + 1)


@pytest.mark.parametrize("name", sorted(FIXED))
def test_a_fixed_setting_is_refused_with_the_reason_and_the_way(name: str) -> None:
    with pytest.raises(SettingFixed, match=rf"^{name} can't be changed here: .*remedy: .*retention rebuild --into"):
        planned(shards(None), {name: "1"}, 0, "ada", NOW)


def test_every_setting_that_decides_can_be_changed_or_says_why_not() -> None:
    decide = {name for name in Config.model_fields if name in {**UNITS, **FIXED}}
    assert decide == {*UNITS, *FIXED}
    assert len(decide) == len(SETTINGS.deciding()) + len(LATER) + 1  # the mode
    assert tuple(UNITS) == CHANGED_BY_THE_LOG


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"enter": "0.5"}, "exit 0.65 and enter 0.5; give 0 < exit <= enter < 1"),
        ({"enter": "much"}, "enter is 'much'; give a number"),
        ({"trigger_life_s": "0"}, "trigger_life is 0; give a positive number"),
        ({"enter": "nan"}, "exit 0.65 and enter nan"),
    ],
)
def test_values_that_make_no_sense_are_refused(wanted: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsUnfit, match=told):
        planned(shards(None), wanted, 0, "ada", NOW)


def test_a_shard_with_a_policy_is_named_since_thresholds_decide_nothing_there() -> None:
    found = shards(CHOSEN, CHOSEN)
    state = msgspec.structs.replace(found[1].body.state, policy=PolicyName(7, "0" * 64))
    found[1] = found[1]._replace(body=msgspec.structs.replace(found[1].body, state=state))
    assert overruled(found) == [1]


def test_a_name_of_nothing_is_refused() -> None:
    with pytest.raises(SettingFixed, match="outbox_limit can't be changed here: it is no setting that decides"):
        planned(shards(None), {"outbox_limit": "5"}, 0, "ada", NOW)


def test_a_name_too_long_to_be_kept_is_refused_before_anything_is_written() -> None:
    plan = planned(shards(None), {"enter": "0.7"}, 0, "x" * 201, NOW)
    assert plan is not None
    with pytest.raises(SettingsUnfit, match=r"data\.by is"):
        _record(plan.chosen, NOW)
