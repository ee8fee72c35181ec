"""Event types: service cases, complaints, satisfaction."""

from __future__ import annotations

from math import nan
from typing import Annotated, ClassVar

from msgspec import Meta

from models.touchpoints.envelope import CustomerEvent
from models.touchpoints.fields import Reference, Severity, Text, Topic
from models.touchpoints.kinds import Kind
from models.touchpoints.payload import NOTHING, SEVERITY, Numbers, Payload


class CaseOpenedData(Payload, frozen=True, kw_only=True):
    """A service case was opened for the customer."""

    case_id: Reference
    severity: Severity = "normal"
    topic: Topic | None = None

    def numbers(self) -> Numbers:
        return SEVERITY[self.severity], 0.0, nan


class CaseUpdatedData(Payload, frozen=True, kw_only=True):
    """Something happened in an open case; without severity it stays as it was."""

    case_id: Reference
    severity: Severity | None = None
    topic: Topic | None = None

    def numbers(self) -> Numbers:
        severity = self.severity
        return NOTHING if severity is None else (SEVERITY[severity], 1.0, nan)


class CaseResolvedData(Payload, frozen=True, kw_only=True):
    """A case was closed."""

    case_id: Reference
    topic: Topic | None = None


class ComplaintData(Payload, frozen=True, kw_only=True):
    """The customer complained."""

    topic: Topic | None = None
    severity: Severity = "normal"
    text: Text | None = None

    def numbers(self) -> Numbers:
        return SEVERITY[self.severity], 0.0, nan


class CsatData(Payload, frozen=True, kw_only=True):
    """Answer to a customer satisfaction question."""

    score: Annotated[int, Meta(ge=1, le=5)]

    def numbers(self) -> Numbers:
        return float(self.score), 0.0, (self.score - 3) / 2


class NpsData(Payload, frozen=True, kw_only=True):
    """Answer to the question of the net promoter score."""

    score: Annotated[int, Meta(ge=0, le=10)]

    def numbers(self) -> Numbers:
        return float(self.score), 0.0, (self.score - 5) / 5


class CaseOpened(CustomerEvent, frozen=True, tag="case_opened"):
    kind: ClassVar[Kind] = Kind.CASE_OPENED
    data: CaseOpenedData


class CaseUpdated(CustomerEvent, frozen=True, tag="case_updated"):
    kind: ClassVar[Kind] = Kind.CASE_UPDATED
    data: CaseUpdatedData


class CaseResolved(CustomerEvent, frozen=True, tag="case_resolved"):
    kind: ClassVar[Kind] = Kind.CASE_RESOLVED
    data: CaseResolvedData


class Complaint(CustomerEvent, frozen=True, tag="complaint"):
    kind: ClassVar[Kind] = Kind.COMPLAINT
    data: ComplaintData = ComplaintData()


class Csat(CustomerEvent, frozen=True, tag="csat"):
    kind: ClassVar[Kind] = Kind.CSAT
    data: CsatData


class Nps(CustomerEvent, frozen=True, tag="nps"):
    kind: ClassVar[Kind] = Kind.NPS
    data: NpsData
