"""An AsyncAPI 3.0 document of the topics: channels, messages, keys, headers, how long they are kept."""

from __future__ import annotations

import json
from typing import Any, Final

from models.touchpoints import FAMILY, Kind
from streams.config import Config
from streams.kafka.topics import RETENTION, control_spec, specs
from tests.support.contracts.schemas import (
    ENVELOPE,
    TOUCHPOINTS,
    TRIGGERS,
    Schema,
    control,
    decisions,
    touchpoints,
    triggers,
)
from tests.support.touchpoint_examples import LINES

KAFKA: Final = "0.5.0"
ATTRIBUTES: Final = ("specversion", "id", "source", "type", "subject", "time")
KEY: Final[Schema] = {
    "type": "string",
    "description": "the customer's id in UTF-8; Kafka's default partitioner (murmur2)",
}
HEADERS: Final[Schema] = {
    "type": "object",
    "description": "In binary mode: the envelope, with the data alone as the value. In structured mode none is needed.",
    "properties": {
        "content-type": {
            "type": "string",
            "description": "application/json; in structured mode application/cloudevents+json",
        },
        **{f"ce_{name}": {"type": "string", "description": ENVELOPE[name]} for name in ATTRIBUTES},
    },
}
CHANNELS: Final = {
    "touchpoints": "What customers do. Anybody publishes; the engine reads. A record of its own (clock, choices of "
    "operators) may stand between them.",
    "triggers": "What downstream is asked to do, and what takes that back. Read at read_committed.",
    "decisions": "Why, and why not. Read at read_committed.",
    "deadletters": "Touchpoints that could not be applied, with the reason.",
    "control": "Who is of the control group, one row a customer; one without a value takes it back. Compacted; it is "
    "there where `retention control` runs.",
}
OUTPUTS: Final = {
    "triggers": ("triggers", tuple(kind.__name__ for kind in TRIGGERS)),
    "decisions": ("decisions", ("Decision",)),
    "deadletters": ("dead_letters", ("DeadLetter",)),
    "control": ("control", ("ControlMember",)),
}
"""By channel: the schema's file, and its records."""


def asyncapi() -> Schema:
    """The document, seen from the engine: it receives touchpoints and sends the rest."""
    config = Config.model_construct()
    members = control_spec(config.topic("control"), config.partitions, config.replication)
    settings = {spec.role: spec for spec in (*specs(config), members)}
    channels, messages, operations = {}, {}, {}
    for role, about in CHANNELS.items():
        made = _touchpoints() if role == "touchpoints" else _outputs(role)
        messages |= made
        spec = settings[role]
        configured: dict[str, Any] = {"cleanup.policy": [spec.settings["cleanup.policy"]]}
        if RETENTION in spec.settings:
            configured[RETENTION] = int(spec.settings[RETENTION])
        channels[role] = {
            "address": spec.name,
            "description": about,
            "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in made},
            "bindings": {"kafka": {"topic": spec.name, "topicConfiguration": configured, "bindingVersion": KAFKA}},
        }
        verb = "receive" if role == "touchpoints" else "send"
        operations[f"{verb}_{role}"] = {
            "action": verb,
            "channel": {"$ref": f"#/channels/{role}"},
            "summary": about.partition(".")[0] + ".",
        }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "The retention engine",
            "version": "1",
            "description": "Touchpoints in; triggers, decisions and dead letters out. Names of topics are those of the "
            "default `topic_prefix`. A topic whose retention is not set is kept as the broker keeps topics.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"kafka": {"host": "127.0.0.1:9092", "protocol": "kafka"}},
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": {"Headers": HEADERS}},
    }


def _touchpoints() -> dict[str, Schema]:
    defs = touchpoints()["$defs"]
    return {
        name: {
            "name": name,
            "title": name,
            "summary": defs[event.__name__]["description"],
            "contentType": "application/cloudevents+json",
            "tags": [{"name": FAMILY[Kind[name.upper()]].name.lower()}],
            "headers": {"$ref": "#/components/schemas/Headers"},
            "payload": {"$ref": f"touchpoints.schema.json#/$defs/{event.__name__}"},
            "examples": [{"payload": json.loads(LINES[name])}],
            "bindings": {"kafka": {"key": KEY, "bindingVersion": KAFKA}},
        }
        for name, event in TOUCHPOINTS.items()
    }


def _outputs(role: str) -> dict[str, Schema]:
    file, records = OUTPUTS[role]
    defs = {**triggers()["$defs"], **decisions()["$defs"], **control()["$defs"]}
    return {
        f"{role}.{record}": {
            "name": record,
            "title": record,
            "summary": defs.get(record, {}).get("description", "").partition(". ")[0] or CHANNELS[role],
            "contentType": "application/json",
            "payload": {"$ref": f"{file}.schema.json#" + (f"/$defs/{record}" if len(records) > 1 else "")},
            "bindings": {"kafka": {"key": KEY, "bindingVersion": KAFKA}},
        }
        for record in records
    }
