"""The policy in force, and the one that waits, as a shard keeps them: the names in its meta, the texts beside that,
written in one commit."""

from __future__ import annotations

from typing import Final, NamedTuple

from msgspec import UNSET

from models.customer.layout import VERSION
from models.decisions.policy.in_force import PolicyInForce, sha256_of
from models.decisions.policy.reading import PolicyOfAnotherRelease, PolicyUnfit
from models.timeline.shard_state import PolicyName, ShardState
from streams.errors import StateUnreadable
from streams.shard.engine_errors import engine_errors

POLICY: Final = b"policy"
"""The name of the text."""
WAITING_POLICY: Final = b"policy-waiting"
"""The name of the text of one that comes into force at a boundary."""


class Policies(NamedTuple):
    """What a shard has of policies. in_force: what decides; waiting: what will, from a boundary on. None: nothing."""

    in_force: PolicyInForce | None = None
    waiting: PolicyInForce | None = None


NO_POLICIES: Final = Policies()


def stored_policies(namespace: str, state: ShardState, text: bytes | None, waiting: bytes | None) -> Policies:
    """Args:
    namespace: of the shard.
    state: of its meta.
    text, waiting: what is stored under `POLICY` and under `WAITING_POLICY`.

    Raises NewerRelease, StateUnreadable, as `stored_policy`.
    """
    found = stored_policy(namespace, state, text)
    if state.policy_waiting is UNSET:
        return Policies(found)
    return Policies(found, _read(namespace, state.policy_waiting.name, waiting))


def texts_written(before: Policies, after: Policies) -> tuple[list[tuple[bytes, bytes]], list[bytes]]:
    """What a commit sets and deletes, beside a meta that names other policies than before."""
    values = []
    if after.in_force is not None and after.in_force != before.in_force:
        values.append((POLICY, after.in_force.text.encode()))
    if after.waiting is not None and after.waiting != before.waiting:
        values.append((WAITING_POLICY, after.waiting.text.encode()))
    return values, [WAITING_POLICY] if after.waiting is None and before.waiting is not None else []


def stored_policy(namespace: str, state: ShardState, text: bytes | None) -> PolicyInForce | None:
    """The policy that decides in a shard; None: none was ever applied.

    Args:
        namespace: of the shard.
        state: of its meta.
        text: what is stored under `POLICY`.

    Raises:
        NewerRelease: this release cannot read it.
        StateUnreadable: the text is missing, or not that of the name in the meta.
    """
    return None if state.policy is UNSET else _read(namespace, state.policy, text)


def _read(namespace: str, name: PolicyName, text: bytes | None) -> PolicyInForce:
    named = f"shard {namespace}: the text of policy {name.short}"
    if text is None:
        raise StateUnreadable(f"{named} is not in the store")
    plain = text.decode("utf-8", "replace")
    if sha256_of(plain) != name.sha256:
        raise StateUnreadable(f"{named} is another one in the store, {len(text)} bytes")
    with engine_errors(namespace):
        try:
            return PolicyInForce.of(name.number, plain)
        except PolicyOfAnotherRelease:
            raise
        except PolicyUnfit as error:
            raise StateUnreadable(f"{named}: {error}") from error


def record_version(state: ShardState, configured: int) -> int:
    """The version in which a shard's records are written: what a policy keeps of a dialogue only the newest holds.

    configured: what workers are told to write (`streams.shard.settings.ShardSettings`).
    """
    return configured if state.policy is UNSET else VERSION
