"""What decisions saved, from the three topics alone."""

from streams.operations.lift.reading import Terms, read_all
from streams.operations.lift.report import LiftReport, lift_of, report_of

__all__ = ["LiftReport", "Terms", "lift_of", "read_all", "report_of"]
