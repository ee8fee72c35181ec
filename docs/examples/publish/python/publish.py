"""Publish touchpoints from Python with the CloudEvents SDK and kafka-python.

    pip install cloudevents kafka-python
    python publish.py 127.0.0.1:9092 retention.touchpoints binary

`streams.client.TouchpointPublisher` does more: it checks every event before it is sent, and reports each delivery.
"""

import sys
import uuid
from datetime import datetime, timezone

from cloudevents.core.bindings.kafka import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from kafka import KafkaProducer

if len(sys.argv) < 3:
    sys.exit("usage: publish.py SERVERS TOPIC [structured|binary] [RUN]")
servers, topic, mode = [*sys.argv[1:], "structured"][:3]
# Of the fact: an order's own number, so that what is published twice counts once. Here each run has new orders.
run = sys.argv[4] if len(sys.argv) > 4 else uuid.uuid4().hex[:8]


def event(type: str, id: str, customer: str, data: dict) -> CloudEvent:
    return CloudEvent(
        attributes={
            "type": type,
            "id": id,
            "source": "https://shop.example/python",
            "subject": customer,
            "time": datetime.now(timezone.utc),  # noqa: UP017 - as any Python 3 has it
            "datacontenttype": "application/json",
        },
        data=data,
    )


producer = KafkaProducer(bootstrap_servers=servers, acks="all")
sent = []
for one in (
    event("purchase", f"order-{run}", "anna", {"amount": 59.9, "currency": "EUR"}),
    event("nps", f"answer-{run}", "jürgen", {"score": 9}),
    event("visit", f"visit-{run}", "zoë", {"channel": "web"}),
):
    # The key is the customer: it decides the partition.
    made = to_binary_event(one) if mode == "binary" else to_structured_event(one)
    headers = list(made.headers.items())
    sent.append(producer.send(topic, key=one.get_subject().encode(), value=made.value, headers=headers))
for future in sent:
    future.get(timeout=60)  # raises if Kafka did not take it
producer.close()
print(f"{len(sent)} sent to {topic}, {mode}")
