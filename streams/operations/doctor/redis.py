"""Checks of Redis from the facts of its nodes: version, persistence, eviction, memory, replicas.

Facts of one node in, findings out; `every` puts the nodes of a cluster together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from streams.config import Config
from streams.operations.doctor.clocks import agreement
from streams.operations.doctor.finding import Finding, Status, merged, ok, problem, warning
from streams.operations.doctor.redis_nodes import RedisNode

OLDEST = (6, 2)
TESTED = ("6.2", "7.0")

FULL, NEARLY_FULL = 0.95, 0.80
"""Shares of the memory that Redis may use."""

MIB = 1 << 20

ALLOW_INFO = "allow this user INFO"
REFUSED = "INFO is refused, or hides it"


def reachable(config: Config, nodes: Sequence[RedisNode]) -> Finding:
    """The version is one that the store's scripts were written for."""
    check, where = "redis.reachable", config.shown_redis_url
    named = []
    for version, server in dict.fromkeys((node.version, _server(node)) for node in nodes):
        if not version:
            text = f"{where}: Redis does not tell its version ({REFUSED})"
            return warning(check, text, f"{ALLOW_INFO}, or make sure that it is {'.'.join(map(str, OLDEST))} or later")
        if version < OLDEST:
            text = f"{where}: {server}; needed: {'.'.join(map(str, OLDEST))} or later"
            return problem(check, text, "upgrade Redis")
        named.append(server)
    many = f"{len(nodes)} primaries, " if len(nodes) > 1 else ""
    return ok(check, f"{where}: {many}{', '.join(named)}; tested: Redis {' and '.join(TESTED)}")


def _server(node: RedisNode) -> str:
    if "valkey_version" in node.info:
        return f"Valkey {node.info['valkey_version']}"
    return f"Redis {node.info.get('redis_version', 'of unknown version')}"


def persistence(node: RedisNode) -> Finding:
    """What a crash of Redis may lose. The engine notices and replays; what was lost is never skipped."""
    check, info = "redis.persistence", node.info
    failed = [
        f"{name} is {info[name]}"
        for name in ("aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status")
        if info.get(name, "ok") != "ok"
    ]
    if failed:
        return problem(check, f"Redis fails to write to its disk ({', '.join(failed)})", "see Redis's log; free disk")
    if node.settings is None or "appendfsync" not in node.settings:
        on = {1: "yes", 0: "no"}.get(info.get("aof_enabled", -1), "unknown")
        text = f"Redis does not tell its persistence (CONFIG is refused; appendonly {on})"
        return warning(check, text, "make sure that appendonly is yes and appendfsync is always")
    appendonly, appendfsync = node.settings.get("appendonly"), node.settings["appendfsync"]
    if appendonly == "yes" and appendfsync == "always":
        return ok(check, "appendonly yes, appendfsync always")
    return warning(
        check,
        f"Redis runs with appendonly {appendonly}, appendfsync {appendfsync}: a crash of Redis may lose its last "
        "commits. The engine notices and replays them from the log",
        "in production set appendonly yes and appendfsync always",
    )


def eviction(node: RedisNode) -> Finding:
    """A record thrown away is a customer forgotten: the engine would take them for a new one."""
    check = "redis.eviction"
    if "maxmemory_policy" not in node.info:
        text = f"Redis does not tell its maxmemory-policy ({REFUSED})"
        return warning(check, text, f"{ALLOW_INFO}, or make sure that maxmemory-policy is noeviction")
    policy, limit = str(node.info["maxmemory_policy"]), int(node.info.get("maxmemory", 0))
    text, remedy = f"maxmemory-policy {policy}", "set maxmemory-policy noeviction"
    if policy == "noeviction":
        return ok(check, text)
    if policy.startswith("allkeys") and limit:
        return problem(check, f"{text} with maxmemory {_mib(limit)}: Redis throws customers' records away", remedy)
    why = "no key of ours may be evicted" if policy.startswith("volatile") else "as soon as a maxmemory is set"
    return warning(check, f"{text}: records could be thrown away ({why})", remedy)


def memory(node: RedisNode) -> Finding:
    """A full Redis refuses writes: the shards pause."""
    check, info = "redis.memory", node.info
    if "used_memory" not in info:
        return Finding(check, Status.SKIPPED, f"not checked: {REFUSED}")
    used, limit = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    total = int(info.get("total_system_memory", 0))
    if not limit and not total:
        return ok(check, f"{_mib(used)} used, no maxmemory")
    share = used / (limit or total)
    text = f"{_mib(used)} of {_mib(limit or total)} used ({share:.0%})"
    text += "" if limit else ", the machine's memory: there is no maxmemory"
    remedy = "give Redis more memory, or more nodes; a full Redis refuses writes, and the shards pause"
    if share >= FULL and limit:
        return problem(check, text, remedy)
    return warning(check, text, remedy) if share >= NEARLY_FULL else ok(check, text)


def replicas(node: RedisNode) -> Finding:
    """A failover to a replica that lacks the last writes sets Redis back; the engine notices and replays."""
    check, info = "redis.replicas", node.info
    if "role" not in info:
        return Finding(check, Status.SKIPPED, f"not checked: {REFUSED}")
    if info["role"] != "master":
        text = f"it is a {info['role']} of {info.get('master_host')}:{info.get('master_port')} and takes no writes"
        return problem(check, text, "give the primary's address in RETENTION_REDIS_URL")
    count = int(info.get("connected_slaves", 0))
    if not count:
        return ok(check, "a primary without replicas")
    settings = node.settings or {}
    needed = settings.get("min-replicas-to-write", settings.get("min-slaves-to-write"))
    text = f"a primary with {count} replicas, min-replicas-to-write {needed if needed is not None else 'unknown'}"
    if needed in (None, "0"):
        return warning(
            check,
            f"{text}: a failover may lose the last commits. The engine notices and replays them from the log",
            "set min-replicas-to-write 1 (and min-replicas-max-lag) where that is too often",
        )
    return ok(check, text)


def clock(node: RedisNode) -> Finding:
    """The engine takes no time from Redis; people compare logs."""
    check = "redis.clock"
    if node.clock is None:
        return Finding(check, Status.SKIPPED, "not checked: TIME is refused")
    return agreement(check, "Redis's clock", node.clock, "the engine does not use it, but logs will not match", None)


def every(nodes: Sequence[RedisNode], check: Callable[[RedisNode], Finding]) -> Finding:
    """A check of every node as one finding; where it is not the same for all, the nodes are named."""
    found = [check(node) for node in nodes]
    if len(nodes) == 1:
        return found[0]
    if all(finding.status is Status.OK for finding in found):
        return found[0]._replace(text=f"{found[0].text} ({nodes[0].name}; {len(nodes)} nodes are fine)")
    named = [f._replace(text=f"{n.name}: {f.text}") for f, n in zip(found, nodes, strict=True)]
    return merged([f for f in named if f.status is not Status.OK])


def _mib(size: int) -> str:
    return f"{size / MIB:,.0f} MiB"
