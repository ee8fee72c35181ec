"""Checks of the topics: existence, partitions, timestamps, settings. No I/O: facts in, findings out."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from streams.config import Config
from streams.kafka.admin import TopicFacts
from streams.kafka.errors import TopicMissing
from streams.kafka.partition_facts import NO_TOPIC_ID
from streams.kafka.topics import (
    CREATE_TIME,
    DAY_MS,
    FORGOTTEN,
    LOG_APPEND_TIME,
    MESSAGE_BYTES,
    OUTPUTS,
    RETENTION,
    ROLES,
    TIMESTAMP_TYPE,
    kept_ms,
    specs,
    suits,
)
from streams.operations.doctor.finding import Finding, merged, ok, problem, warning
from streams.outbox.batch_sizes import LARGEST_ENTRY, limits_of

OWN_APP = (
    "give each deployment on one Kafka a RETENTION_APP of its own: it names consumer group, transactional ids and keys "
    "in Redis, and those who share it end each other (71). If it is a former one, delete the group's offsets there"
)
CHANGE = "change it with kafka-configs.sh --alter, as `retention topics create` would have set it"
OTHER_TIME = (
    f"correct RETENTION_MODE, or before there is state {CHANGE}; afterwards use topics under another "
    "RETENTION_TOPIC_PREFIX and another RETENTION_APP, since the times in the log so far are of the other kind"
)
LOSES_INPUT = ("cleanup.policy", RETENTION, "message.timestamp.before.max.ms", "message.timestamp.after.max.ms")
"""Settings that, being wrong, let the broker delete or refuse what the engine has not read."""


def existence(config: Config, found: Mapping[str, TopicFacts]) -> Finding:
    """All topics of the configuration are among those found."""
    wanted = [config.topic(role) for role in ROLES]
    if missing := [name for name in wanted if name not in found]:
        text = f"topics {', '.join(missing)} do not exist on {config.bootstrap_servers}"
        return problem("topics.exist", text, TopicMissing.remedy)
    if any(found[name].topic_id in NO_TOPIC_ID for name in wanted):
        text = "all there, but the broker tells no topic ids: a topic that is created anew is not noticed"
        return warning("topics.exist", text, "upgrade to Kafka 2.8 or later")
    return ok("topics.exist", f"{len(wanted)} topics, {config.topic_prefix}.*")


def partition_counts(config: Config, found: Mapping[str, TopicFacts]) -> Finding:
    """Shard n alone writes partition n of each output. All topics must exist."""
    check = "topics.partitions"
    source = found[config.topic("touchpoints")]
    outputs = (found[config.topic(role)] for role in OUTPUTS)
    wrong = [
        f"{facts.name} has {facts.partitions} partitions, {source.name} has {source.partitions}"
        for facts in outputs
        if facts.partitions != source.partitions
    ]
    learner = found[config.topic("learner")]
    if learner.partitions != 1:
        wrong.append(f"{learner.name} has {learner.partitions} partitions; it must have 1")
    if wrong:
        return problem(
            check,
            "; ".join(wrong),
            "delete and create again what holds nothing yet; a partition count under state is for ever: use topics "
            "under another RETENTION_TOPIC_PREFIX, and another RETENTION_APP",
        )
    if "partitions" in config.model_fields_set and config.partitions != source.partitions:
        text = f"{source.name} has {source.partitions} partitions, the configuration says {config.partitions}"
        return warning(check, text, "correct RETENTION_PARTITIONS: the topic counts")
    return ok(check, f"{source.partitions} in the input and in each output, 1 in {learner.name}")


def time_type(config: Config, found: Mapping[str, TopicFacts]) -> Finding:
    """Log time must be what the mode says it is. The input must exist."""
    source = found[config.topic("touchpoints")]
    needed = LOG_APPEND_TIME if config.mode == "live" else CREATE_TIME
    if source.timestamp_type != needed:
        text = f"{source.name} has {TIMESTAMP_TYPE}={source.timestamp_type}; mode {config.mode} needs {needed}"
        return problem("topics.time", text, OTHER_TIME)
    return ok("topics.time", f"mode {config.mode}, {TIMESTAMP_TYPE}={needed}")


def settings(config: Config, found: Mapping[str, TopicFacts]) -> Finding:
    """What `topics create` sets, less what other checks look at. A setting that is not reported is no difference."""
    check = "topics.settings"
    findings = [ok(check, "as `retention topics create` sets them")]
    for spec in specs(config):
        if (facts := found.get(spec.name)) is None:
            continue
        for key, value in spec.settings.items():
            text = facts.settings.get(key, value)
            if suits(spec, key, text) or (spec.role == "touchpoints" and key == TIMESTAMP_TYPE):
                continue
            grave = spec.role == "touchpoints" and key in LOSES_INPUT
            kind = problem if grave else warning
            findings.append(kind(check, f"{spec.name} has {key}={text}, {value} is needed", CHANGE))
    if (short := _short_memory(config, found)) is not None:
        findings.append(short)
    return merged([*findings, *_short_outputs(config, found)])


def shared_app(config: Config, read: Collection[str]) -> str | None:
    """In words, when another deployment goes by the same application name on this Kafka; None: none does.

    read: the topics of which the consumer group of that name has offsets committed.
    """
    if foreign := sorted(set(read) - {config.topic("touchpoints"), config.topic("learner")}):
        named = ", ".join(foreign)
        return f"the group {config.app} has read {named} too: another deployment has the same RETENTION_APP"
    return None


def message_size(config: Config, found: Mapping[str, TopicFacts]) -> Finding:
    """An output that takes no record of the largest size would stop its shards at the first one."""
    check, limits = "topics.message_size", limits_of(found)
    known = {role: limits[name] for role in OUTPUTS if (name := config.topic(role)) in limits}
    small = {role: limit for role, limit in known.items() if limit < LARGEST_ENTRY[role]}
    if small:
        text = "; ".join(
            f"{config.topic(role)} has {MESSAGE_BYTES}={limit}, its records may have {LARGEST_ENTRY[role]} bytes"
            for role, limit in small.items()
        )
        return problem(
            check,
            text,
            f"raise {MESSAGE_BYTES} of the topic with kafka-configs.sh --alter, or the broker's message.max.bytes",
        )
    if not known:
        return ok(check, "the broker does not tell; batches shrink to what it takes")
    return ok(check, f"batches of {min(known.values()):,} bytes or more are taken")


def _short_memory(config: Config, found: Mapping[str, TopicFacts]) -> Finding | None:
    """Live: a worker that is away for longer than the input is kept has lost touchpoints."""
    source = found.get(config.topic("touchpoints"))
    keeps = kept_ms(source.settings) if source else None
    if config.mode != "live" or source is None or keeps is None or keeps >= DAY_MS:
        return None
    return warning(
        "topics.settings",
        f"{source.name} keeps records for {keeps / 3_600_000:.1f} hours ({RETENTION}={keeps:.0f})",
        "keep them for longer than your longest outage may be: what is deleted before a worker read it is lost "
        "(exit code 77)",
    )


def _short_outputs(config: Config, found: Mapping[str, TopicFacts]) -> list[Finding]:
    """Live: a shard that reads touchpoints again must know which model versions were in force, and what it had said."""
    source = found.get(config.topic("touchpoints"))
    needed = kept_ms(source.settings) if source else None
    if config.mode != "live" or source is None or needed is None:
        return []
    return [
        warning(
            "topics.settings",
            f"{facts.name} keeps records for {kept / DAY_MS:g} days, shorter than {source.name}",
            f"keep them at least as long: to recover from a Redis backup a shard reads the touchpoints since it again, "
            f"{SHORT[role]}",
        )
        for role in SHORT
        if (facts := found.get(config.topic(role))) is not None
        and (kept := kept_ms(facts.settings)) is not None
        and kept < needed
    ]


SHORT = {
    "decisions": "with the model versions that the decisions name",
    **dict.fromkeys(FORGOTTEN, "and would publish once more what Kafka has let go"),
}
"""By role what is missing where its topic is kept for less than the input."""
