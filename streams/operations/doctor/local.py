"""Checks of this machine: open files, environment variables."""

from __future__ import annotations

import resource

from streams.operations.doctor.finding import Finding, ok, warning
from streams.operations.settings_origin import misspelt

CONNECTIONS = 256
"""Most connections of the store's pool, per node."""

EACH_SHARD, OTHERS = 2, 64
"""Open files per shard (its publisher's connections, with one broker) and for the rest of a process."""


def environment() -> Finding:
    """A misspelt variable sets nothing and says nothing."""
    check = "local.environment"
    if not (strange := misspelt()):
        return ok(check, "every RETENTION_* variable is a setting")
    named = ", ".join(f"{v.name} ({v.suggestion}?)" if v.suggestion else v.name for v in strange)
    return warning(check, f"no settings, and without effect: {named}", "correct or remove them")


def open_files(partitions: int, brokers: int) -> Finding:
    """For a worker that owns every shard, as the last one left does."""
    check = "local.open_files"
    needed = CONNECTIONS + OTHERS + EACH_SHARD * partitions * max(brokers, 1)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = "any number of" if soft == resource.RLIM_INFINITY else f"{soft:,}"
    text = f"{limit} open files allowed; a worker with all {partitions} shards may need {needed:,}"
    if soft != resource.RLIM_INFINITY and soft < needed:
        most = "without limit" if hard == resource.RLIM_INFINITY else f"up to {hard:,}"
        return warning(check, text, f"raise it (ulimit -n {needed}; {most} here; LimitNOFILE= in systemd)")
    return ok(check, text)
