"""Every remedy that a named error of the engine tells has a test that follows it."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import streams
from streams import errors
from streams.errors import EngineError, ExitCode
from streams.store.rules import StoreOutdated

ROOT = Path(__file__).resolve().parents[3]

UPGRADE = "tests/unit/streams/shard/test_shard_upgrade.py"
REMEDIES = "tests/unit/streams/shard/test_shard_remedies.py"
BACKFILL = "tests/integration/engine/test_backfill.py"
REBUILD = "tests/integration/engine/test_rebuild.py"

FOLLOWED: dict[type[EngineError], str] = {
    errors.Fenced: "tests/chaos/test_paused_owner.py::test_a_paused_owner_writes_nothing_after_it_lost_its_shards",
    errors.StoreWentBack: "tests/unit/streams/shard/test_shard_went_back.py"
    "::test_a_store_that_goes_back_within_a_takeover_is_named_and_the_next_takeover_goes_on",
    errors.DifferentOutput: f"{REMEDIES}"
    "::test_after_a_loss_of_redis_the_release_that_published_says_it_again_from_the_backup",
    errors.MetaMissing: f"{REBUILD}::test_all_state_is_lost_and_made_anew_after_a_kill_to_the_same_bytes",
    errors.TakeoverFailed: "tests/chaos/test_outages.py::test_redis_is_killed_and_shut_down_and_comes_back",
    errors.ShardFailed: "tests/unit/streams/consumer/test_keeper.py"
    "::test_a_parked_shard_goes_on_by_itself_when_its_state_is_repaired",
    errors.TopicChanged: f"{BACKFILL}::test_live_takes_over_at_the_cut",
    errors.TopicUnfit: "tests/integration/cli/test_cli_topics.py"
    "::test_the_topics_are_created_once_and_left_alone_afterwards",
    errors.LogTruncated: f"{BACKFILL}::test_live_takes_over_at_the_cut",
    errors.SettingsChanged: f"{REMEDIES}::test_a_fixed_setting_that_was_changed_is_set_back_to_the_stored_value",
    errors.Stalled: "tests/unit/streams/consumer/test_ownership.py"
    "::test_the_watchdog_ends_the_process_only_when_a_shard_neither_waits_nor_works",
    errors.EngineFailing: f"{REMEDIES}::test_a_release_whose_engine_fails_is_rolled_back",
    errors.LearningFailed: "tests/integration/learner/test_learner.py"
    "::test_whatever_the_models_raise_the_learner_stands_still_says_so_and_goes_on_once_they_do_not",
    errors.StateUnreadable: f"{REBUILD}::test_live_one_shard_is_made_anew_while_the_other_shards_go_on",
    errors.NewerRelease: f"{UPGRADE}::test_the_meta_of_a_newer_schema_ends_the_older_release_and_the_newer_one_goes_on",
    errors.VersionUnreadable: "tests/unit/streams/learner/test_new_release.py"
    "::test_in_a_replay_a_version_that_can_not_be_scored_with_any_more_is_named",
    errors.LearnerStateRefused: "tests/integration/learner/test_learner.py"
    "::test_a_learner_that_stands_still_says_so_again_and_again_and_goes_on_once_its_state_is_mended",
    StoreOutdated: f"{UPGRADE}::test_a_record_that_no_step_reads_ends_the_worker_and_the_release_that_wrote_it_goes_on",
}
"""By the error: the test in which an operator does what it says, and the engine goes on."""

STOPPING = {
    ExitCode.META_MISSING,
    ExitCode.TOPIC_CHANGED,
    ExitCode.LOG_TRUNCATED,
    ExitCode.SETTINGS_CHANGED,
    ExitCode.STATE_UNREADABLE,
}
"""A restart alone does not mend these: of every error with one of these codes the remedy must be followed."""

REFUSED_BY_A_COMMAND = {
    "CutOverBeforeLog",
    "RecordUnreadable",
    "LogIncomplete",
    "MadeByBackfill",
    "LogTooShort",
    "TookOver",
    "VersionMissing",
}
"""Errors of commands that only look or make anew; they end no worker."""


def _all_errors() -> set[type[EngineError]]:
    for module in pkgutil.walk_packages(streams.__path__, "streams."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found, left = set(), [EngineError]
    while left:
        for error in left.pop().__subclasses__():
            if error not in found and error.__module__.startswith("streams."):
                found.add(error)
                left.append(error)
    return found


def test_every_error_that_stops_the_engine_has_a_test_of_its_remedy() -> None:
    of_the_engine = {error for error in _all_errors() if error.__module__ == errors.__name__}
    stopping = {e for e in _all_errors() if e.code in STOPPING and e.__name__ not in REFUSED_BY_A_COMMAND}
    lacking = {error.__name__ for error in (of_the_engine | stopping) - FOLLOWED.keys()}
    assert lacking == set()


@pytest.mark.parametrize("error", FOLLOWED, ids=lambda error: error.__name__)
def test_the_test_that_follows_a_remedy_is_there(error: type[EngineError]) -> None:
    file, _, name = FOLLOWED[error].partition("::")
    assert re.search(rf"^(async )?def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("error", FOLLOWED, ids=lambda error: error.__name__)
def test_no_remedy_is_the_dead_end_of_another_name_over_the_same_topics(error: type[EngineError]) -> None:
    """A new RETENTION_APP alone finds the old one's outputs, and ends with 74."""
    if "RETENTION_APP" in error.remedy:
        assert "RETENTION_TOPIC_PREFIX" in error.remedy


def test_every_command_that_a_remedy_names_exists() -> None:
    from streams.cli.main import COMMANDS

    named = {name for error in _all_errors() for name in re.findall(r"`retention ([a-z]+)", error.remedy)}
    assert named - COMMANDS.keys() <= {"switch"}  # that comes with --into
