"""The policy in force as a shard keeps it: its name in the meta, its text beside that, written in one commit."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET

from models.customer.layout import VERSION
from models.decisions.policy.in_force import PolicyInForce, sha256_of
from models.decisions.policy.reading import PolicyOfAnotherRelease, PolicyUnfit
from models.timeline.shard_state import ShardState
from streams.errors import StateUnreadable
from streams.shard.engine_errors import engine_errors

POLICY: Final = b"policy"
"""The name of the text."""


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
    if state.policy is UNSET:
        return None
    named = f"shard {namespace}: the text of policy {state.policy.short}"
    if text is None:
        raise StateUnreadable(f"{named} is not in the store")
    plain = text.decode("utf-8", "replace")
    if sha256_of(plain) != state.policy.sha256:
        raise StateUnreadable(f"{named} is another one in the store, {len(text)} bytes")
    with engine_errors(namespace):
        try:
            return PolicyInForce.of(state.policy.number, plain)
        except PolicyOfAnotherRelease:
            raise
        except PolicyUnfit as error:
            raise StateUnreadable(f"{named}: {error}") from error


def record_version(state: ShardState, configured: int) -> int:
    """The version in which a shard's records are written: what a policy keeps of a dialogue only the newest holds.

    configured: what workers are told to write (`streams.shard.settings.ShardSettings`).
    """
    return configured if state.policy is UNSET else VERSION
