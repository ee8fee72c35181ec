"""Client library for other teams: publish touchpoints, consume triggers.

docs/clients.md tells what each guarantees.
`TouchpointPublisher` is for upstream services, `TriggerConsumer` for downstream ones. Both are thin over kafka-python,
take the engine's settings of the connection (``kafka_security_protocol``, ...) and are used from one thread.
"""

from models.outputs import StopOrder, Trigger, Withdrawal
from streams.client.consumer import Counts, TriggerConsumer
from streams.client.control import in_control_group
from streams.client.deduplication import Handled, HandledFile, Recognised
from streams.client.delivery import NotAllDelivered, Outcome, Report, ReportFull, Sent, Undelivered
from streams.client.links import KeysUnfit, LinkKeys, OwnPageLink, own_page_link
from streams.client.publisher import TouchpointPublisher
from streams.client.topic_check import SettingRefused
from streams.client.trigger_decoding import Unreadable, UnreadableTrigger
from streams.client.validation import Refusal
from streams.client.validity import Answer, ask_valid, may_send
from streams.kafka.producer import IdempotenceRefused
from streams.kafka.security import KafkaConnection, connection_from_environment

__all__ = [
    "Answer",
    "Counts",
    "Handled",
    "HandledFile",
    "IdempotenceRefused",
    "KafkaConnection",
    "KeysUnfit",
    "LinkKeys",
    "NotAllDelivered",
    "Outcome",
    "OwnPageLink",
    "Recognised",
    "Refusal",
    "Report",
    "ReportFull",
    "Sent",
    "SettingRefused",
    "StopOrder",
    "TouchpointPublisher",
    "Trigger",
    "TriggerConsumer",
    "Undelivered",
    "Unreadable",
    "UnreadableTrigger",
    "Withdrawal",
    "ask_valid",
    "connection_from_environment",
    "in_control_group",
    "may_send",
    "own_page_link",
]
