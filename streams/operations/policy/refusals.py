"""Why a change of the policy is refused."""

from __future__ import annotations

from collections.abc import Sequence

from models.decisions.policy.structure import Problem
from streams.errors import EngineError, ExitCode


class PolicyRefused(EngineError):
    """A policy that can't be applied. `problems` has what is wrong with the file, if that is it."""

    code = ExitCode.USAGE
    remedy = "mend what the message names; `retention policy check FILE` tells it again"

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class AnotherPolicy(PolicyRefused):
    """The policy in force is not the one from which a new one was made."""

    remedy = "see what has changed (`retention policy diff FILE`), take it over into your file, and name the new hash"


class OlderWorker(PolicyRefused):
    """A worker that is of an older release than this command would not read all that a policy may say."""

    remedy = (
        "upgrade the workers first (`retention top` shows whose shard it is), and start one where none is running; or "
        "apply with the release that the workers run"
    )


class NotAllowed(PolicyRefused):
    """The policy's `[people]` do not let somebody do this."""

    remedy = "let somebody do it who may: `retention policy show --text` has the table `people`"


class NotApproved(PolicyRefused):
    """A change lacks a proposal, or approvals, that the policy's `[people]` ask for."""

    remedy = (
        "`retention policy propose FILE`, then `retention policy approve NUMBER` by those who may; `retention policy "
        "proposals` tells what lacks"
    )


class TooManyTouched(PolicyRefused):
    """A change would touch more customers in its first day than the policy's `max_touched`."""

    remedy = "look at what would be touched, then repeat the command with --yes and that number, or ramp the change"


class NoSuchProposal(PolicyRefused):
    """Nothing is kept under this number or hash."""

    remedy = (
        "`retention policy proposals` and `retention policy history` tell what there is; a store that went back has "
        "lost what came after: propose it again"
    )


class LedgerBusy(PolicyRefused):
    """Others change the same at the same time."""

    remedy = "repeat the command"
