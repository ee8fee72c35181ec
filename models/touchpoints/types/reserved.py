"""Event types reserved for the engine and its operators: clock, unsent trigger, and what operators choose or stop."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from models.touchpoints.envelope import CustomerEvent, Envelope
from models.touchpoints.fields import (
    ActionPurposes,
    Countries,
    Milliseconds,
    ModelName,
    Name,
    PolicyFormat,
    PolicyText,
    Reason,
    Reference,
    Selected,
    Sha256,
    StopNumbers,
    Threshold,
)
from models.touchpoints.kinds import Kind
from models.touchpoints.payload import Payload


class ClockData(Payload, frozen=True, kw_only=True):
    """Time passed in this partition; `by` names who said so."""

    by: Name | None = None


class ExpiredUnsentData(Payload, frozen=True, kw_only=True):
    """The publisher dropped a trigger that had expired before it could be sent, or that an operator had stopped.

    reason: ``stopped``; without it the trigger had expired.
    """

    trigger_id: Reference
    reason: Literal["stopped"] | None = None


class ModelChosenData(Payload, frozen=True, kw_only=True):
    """An operator's choice: this model is champion, whatever the evidence says; null: evidence decides again. Required,
    so that nobody gives a choice back by leaving a field out. `by` names who chose."""

    model: ModelName | None
    by: Name | None = None


class SettingsChosenData(Payload, frozen=True, kw_only=True):
    """An operator's settings for the engine, all that can be changed at once, whatever was in force before.

    number: of two records the higher one counts. at: log time in ms; the settings come into force at the first version
    boundary from then on; without it at the record. trigger_life, duplicate_window: ms. `by` names who chose.
    """

    number: Milliseconds
    enter: Threshold
    exit: Threshold
    trigger_life: Milliseconds
    duplicate_window: Milliseconds
    at: Milliseconds | None = None
    by: Name | None = None


class PolicyChosenData(Payload, frozen=True, kw_only=True):
    """An operator's policy, whole, whatever was in force before.

    number: of two records the higher one counts. format: of the text, which is TOML. sha256: of the text in UTF-8.
    base: that of the policy from which it was made. at: log time in ms; the policy comes into force at the first
    version boundary from then on; without it at the record. `by` names who applied it, reason says why. proposer,
    approvers: who proposed it, and who approved it.
    """

    number: Milliseconds
    format: PolicyFormat
    sha256: Sha256
    text: PolicyText
    base: Sha256 | None = None
    by: Name | None = None
    reason: Reason | None = None
    at: Milliseconds | None = None
    proposer: Name | None = None
    approvers: Annotated[tuple[Name, ...], Meta(max_length=64)] = ()


class StoppedData(Payload, frozen=True, kw_only=True):
    """An operator stops what fits all selectors that are given; without any, everything, legal notices too.

    number: the stop's own, by which it is ended. purposes, actions, countries, kinds: selectors, of each list one must
    be true. `by` names who stopped it, reason says why.
    """

    number: Milliseconds
    purposes: ActionPurposes = ()
    actions: Selected = ()
    countries: Countries = ()
    kinds: Selected = ()
    by: Name | None = None
    reason: Reason | None = None


class ResumedData(Payload, frozen=True, kw_only=True):
    """An operator ends stops, by their numbers. `by` names who ended them, reason says why."""

    stops: StopNumbers
    by: Name | None = None
    reason: Reason | None = None


class LookedAtData(Payload, frozen=True, kw_only=True):
    """An operator's "look at this customer now": it changes nothing that is known of them, and lets the policy in force
    decide. `by` names who asked for it."""

    by: Name | None = None


class Clock(Envelope, frozen=True, tag="clock"):
    subject: ClassVar[str] = ""  # about nobody; the attribute lets every event be read alike
    kind: ClassVar[Kind] = Kind.CLOCK
    data: ClockData = ClockData()


class ExpiredUnsent(CustomerEvent, frozen=True, tag="expired_unsent"):
    kind: ClassVar[Kind] = Kind.EXPIRED_UNSENT
    data: ExpiredUnsentData


class LookedAt(CustomerEvent, frozen=True, tag="looked_at"):
    kind: ClassVar[Kind] = Kind.LOOKED_AT
    data: LookedAtData = LookedAtData()


class ModelChosen(Envelope, frozen=True, tag="model_chosen"):
    subject: ClassVar[str] = ""  # as of a clock record
    kind: ClassVar[Kind] = Kind.MODEL_CHOSEN
    data: ModelChosenData


class SettingsChosen(Envelope, frozen=True, tag="settings_chosen"):
    subject: ClassVar[str] = ""  # as of a clock record
    kind: ClassVar[Kind] = Kind.SETTINGS_CHOSEN
    data: SettingsChosenData


class PolicyChosen(Envelope, frozen=True, tag="policy_chosen"):
    subject: ClassVar[str] = ""  # as of a clock record
    kind: ClassVar[Kind] = Kind.POLICY_CHOSEN
    data: PolicyChosenData


class Stopped(Envelope, frozen=True, tag="stopped"):
    subject: ClassVar[str] = ""  # as of a clock record
    kind: ClassVar[Kind] = Kind.STOPPED
    data: StoppedData


class Resumed(Envelope, frozen=True, tag="resumed"):
    subject: ClassVar[str] = ""  # as of a clock record
    kind: ClassVar[Kind] = Kind.RESUMED
    data: ResumedData
