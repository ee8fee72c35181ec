"""`retention policy`: look at a policy file and at what is in force, propose, approve, apply and take back a change."""

from streams.cli.policy import change, files, look
from streams.cli.policy.files import example_text, text_of
from streams.cli.policy.group import policy

for command in (
    files.example,
    files.check,
    look.show,
    look.diff,
    change.propose,
    change.approve,
    look.proposals,
    change.apply,
    change.rollback,
    look.history,
):
    policy.add_command(command)

__all__ = ["example_text", "policy", "text_of"]
