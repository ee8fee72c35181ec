"""`retention audit`: holds every trigger and withdrawal against the policy that was in force at its place in the log.

It reads what is on the topics and nothing else: touchpoints, triggers, decisions, and the policies among the
touchpoints. Of the engine it takes the form of the records, and no line of what decides: gates, hours, contacts,
consent and conditions are read once more here, from the documentation, so that an error in one is a breach in the
other. The room is pure but for `files`; `streams.bootstrap.audit` brings the topics.

Where the documentation leaves a choice the lenient reading counts: a breach is one by any of them.
"""

from streams.operations.audit.breaches import RULES, Breach, Report
from streams.operations.audit.records import Arrival, Line, Place
from streams.operations.audit.run import audit

__all__ = ["RULES", "Arrival", "Breach", "Line", "Place", "Report", "audit"]
