// Publish touchpoints from Node.js with the CloudEvents SDK and kafkajs.
//
//     npm install
//     node publish.js 127.0.0.1:9092 retention.touchpoints binary

import { randomUUID } from "node:crypto";
import { CloudEvent, Kafka as Binding } from "cloudevents";
import { Kafka, Partitioners, logLevel } from "kafkajs";

// run: of the fact: an order's own number, so that what is published twice counts once. Here each run has new orders.
const [servers, topic, mode = "structured", run = randomUUID().slice(0, 8)] = process.argv.slice(2);
if (!topic) {
  console.error("usage: node publish.js SERVERS TOPIC [structured|binary] [RUN]");
  process.exit(2);
}

const event = (type, id, customer, data) =>
  new CloudEvent({
    type,
    id,
    source: "https://shop.example/node",
    subject: customer,
    time: new Date().toISOString(),
    datacontenttype: "application/json",
    data,
  });

const events = [
  event("purchase", `order-${run}`, "anna", { amount: 59.9, currency: "EUR" }),
  event("nps", `answer-${run}`, "jürgen", { score: 9 }),
  event("visit", `visit-${run}`, "zoë", { channel: "web" }),
];

const kafka = new Kafka({ brokers: servers.split(","), logLevel: logLevel.ERROR });
// The default partitioner is murmur2, as Java's; LegacyPartitioner is not.
const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
await producer.connect();
await producer.send({
  topic,
  acks: -1,
  messages: events.map((one) => {
    const { headers, value } = mode === "binary" ? Binding.binary(one) : Binding.structured(one);
    return {
      // The customer: it decides the partition.
      key: one.subject,
      // Of binary mode the SDK leaves the data as an object, and names attributes that are not there: kafkajs takes neither.
      value: typeof value === "string" ? value : JSON.stringify(value),
      headers: Object.fromEntries(Object.entries(headers).filter(([, text]) => text !== undefined)),
    };
  }),
});
await producer.disconnect();
console.log(`${events.length} sent to ${topic}, ${mode}`);
