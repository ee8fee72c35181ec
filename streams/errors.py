"""Errors that end the engine or park a shard, each with its exit code and the remedy for an operator.

A broken invariant stops the shard, or the process, rather than go on in doubt: nothing is lost by stopping, since every
shard is re-read from its last commit. Which of both is decided in streams/consumer/keeper.py. Exit codes are part of
the contract (docs/operations) and are never renumbered.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What the worker process exits with."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    FENCED = 71
    STORE_WENT_BACK = 72
    DIFFERENT_OUTPUT = 73
    META_MISSING = 74
    TAKEOVER_FAILED = 75
    TOPIC_CHANGED = 76
    LOG_TRUNCATED = 77
    SETTINGS_CHANGED = 78
    STALLED = 79
    ENGINE_FAILING = 80
    SNAPSHOT_REFUSED = 81
    STATE_UNREADABLE = 82
    TOPIC_UNFIT = 83
    BACKFILL_UNFINISHED = 84
    ACCESS_REFUSED = 85
    REBUILD_UNFINISHED = 88
    SWITCHED_OFF = 89
    CRASH_POINT = 99


BESIDE = "make the state anew beside this one: `retention rebuild --into APP2`, then `retention switch APP2`"
"""The remedy where what is stored stays as it is and nothing can go on from it."""

BEGIN_ANEW = (
    "begin an application of another name with topics of its own (RETENTION_APP, RETENTION_TOPIC_PREFIX), and bring "
    "the history in with `retention backfill`"
)
"""The remedy where the log itself is not what it was, so that no state can be made from it."""


class EngineError(Exception):
    """Base of every named error; `remedy` says what the operator does next."""

    code: ClassVar[ExitCode] = ExitCode.FAILURE
    remedy: ClassVar[str] = "read the log above; the worker may be started again, nothing is lost"

    def __str__(self) -> str:
        return f"{super().__str__()} | remedy: {self.remedy}"


class Fenced(EngineError):
    """Another worker owns the shard now. Normal after a pause longer than the session timeout."""

    code = ExitCode.FENCED
    remedy = "none needed: the worker comes back through the group's next assignment"


class StoreWentBack(EngineError):
    """Redis answered with a commit number that is not ours: it lost writes, or somebody else wrote."""

    code = ExitCode.STORE_WENT_BACK
    remedy = "restart the worker, it replays from the stored offset; check appendfsync, failovers and restores of Redis"


class DifferentOutput(EngineError):
    """A replayed entry differs from what is already published under the same sequence number."""

    code = ExitCode.DIFFERENT_OUTPUT
    remedy = (
        "the release, settings or model versions differ from those that published: run those, after you have restored "
        "the Redis backup once more or made the shard anew with `retention rebuild --shard N`, since what differs is "
        f"stored by now; or {BESIDE}"
    )


class MetaMissing(EngineError):
    """Redis has no state for a shard that has worked before."""

    code = ExitCode.META_MISSING
    remedy = (
        "restore the Redis backup, it catches up from Kafka's log by itself; or, where the log still begins at offset "
        "0, `retention rebuild` makes the state anew from it; never start it afresh"
    )


class TakeoverFailed(EngineError):
    """A step of a shard's takeover took too long, or raised what nobody foresaw."""

    code = ExitCode.TAKEOVER_FAILED
    remedy = "check that Kafka and Redis answer; raise RETENTION_REQUEST_TIMEOUT_S if they are only slow"


class ShardFailed(EngineError):
    """The main loop of a shard raised what nobody foresaw."""

    remedy = "report the log above: this is a defect of the engine; nothing is lost"


class TopicChanged(EngineError):
    """The input topic's id or partition count is not what the shard was created with."""

    code = ExitCode.TOPIC_CHANGED
    remedy = (
        "restore the old topic; a recreated one lacks what the state was made from, and in a grown one customers' "
        f"records lie in two partitions: where it can't be restored, {BEGIN_ANEW}"
    )


class TopicUnfit(EngineError):
    """A topic is missing, or its partitions or time setting do not suit the engine."""

    code = ExitCode.TOPIC_UNFIT
    remedy = "create the topics with `retention topics create`; `retention topics describe` shows their present state"


class LogTruncated(EngineError):
    """The log does not hold the next offset any more: records up to the log start are gone, or the log is shorter."""

    code = ExitCode.LOG_TRUNCATED
    remedy = f"restore the topic, or a newer Redis backup; where neither can be had, {BEGIN_ANEW}"


class SettingsChanged(EngineError):
    """A setting fixed at the shard's creation differs now."""

    code = ExitCode.SETTINGS_CHANGED
    remedy = f"start the worker with the stored value; for another one, {BESIDE}"


class Stalled(EngineError):
    """An owned shard neither waits for records nor works on any."""

    code = ExitCode.STALLED
    remedy = "restart the worker and report the log: this is a defect of the engine"


class EngineFailing(EngineError):
    """Too many rows in a row made the pure engine raise."""

    code = ExitCode.ENGINE_FAILING
    remedy = "read the dead letters with code engine_error and roll back to the last good release"


class LearningFailed(EngineFailing):
    """Learning raised an error: a defect of a model, or of what it was given.

    Never ends the process: the learner alone stands still, and tries again (streams/learner/owner.py).
    """

    remedy = (
        "live shards go on with the version in force, and the learner tries again by itself; report the log with its "
        "traceback, and roll back to the last good release if it goes on"
    )


class StateUnreadable(EngineError):
    """A stored customer record or shard state was written by a release that this one can't read, or is damaged."""

    code = ExitCode.STATE_UNREADABLE
    remedy = (
        "run the release that wrote it; if the bytes are damaged, restore the Redis backup of this shard or make it "
        "anew from Kafka's log: `retention rebuild --shard N`"
    )


class NewerRelease(StateUnreadable):
    """A shard was written by a newer release, in a form or under settings that this one does not know."""

    remedy = "run the newer release: this one can't go on where that one has been"


class VersionUnreadable(StateUnreadable):
    """The very model version that a shard must decide with was made for another release, and can't be had any more.

    Only where another one would not do: in a replay, and where the store went back behind what is public.
    """

    remedy = (
        "run the release that made this version until the shard has caught up with its published outputs, then this "
        "one; begin a replay anew under a new RETENTION_APP and RETENTION_TOPIC_PREFIX"
    )


class LearnerStateRefused(EngineError):
    """The learner's own stored state is corrupted or belongs to another model or other settings.

    Never ends the process: the learner alone stands still (streams/learner/owner.py).
    """

    code = ExitCode.SNAPSHOT_REFUSED
    remedy = (
        "the versions already published stay in force; restore the learner's keys from the backup, or delete them "
        "to relearn from the examples topic"
    )
