// Consume triggers from Node.js with kafkajs, and tell the engine what became of them.
//
//     npm install
//     node consume.js 127.0.0.1:9092 retention.triggers retention.touchpoints

import { Kafka, Partitioners, logLevel } from "kafkajs";

const [servers, triggers, touchpoints, idle = "0", group = "sender-node"] = process.argv.slice(2);
if (!touchpoints) {
  console.error("usage: node consume.js SERVERS TRIGGERS TOUCHPOINTS [IDLE_SECONDS] [GROUP]");
  process.exit(2);
}
const kafka = new Kafka({ brokers: servers.split(","), logLevel: logLevel.ERROR });
const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
// kafkajs reads committed transactions alone unless `readUncommitted` says otherwise.
const consumer = kafka.consumer({ groupId: group });

const sent = new Set(), seen = new Set(); // sent; reported. Of a service of yours: a table, written with the message
const worker = process.env.RETENTION_WORKER; // http://HOST:PORT of any worker
const say = (line) => console.log(JSON.stringify(line));

async function report(what, trigger) {
  const event = {
    specversion: "1.0",
    type: what,
    id: `${trigger.id}:${what}`, // of the fact: published twice it counts once
    source: "https://sender.example/node",
    subject: trigger.customer,
    time: new Date().toISOString(),
    data: { trigger_id: trigger.id, channel: trigger.channel },
  };
  await producer.send({ topic: touchpoints, acks: -1, messages: [{ key: event.subject, value: JSON.stringify(event) }] });
}

// What is fresh may be sent; of what has waited for ten minutes, such as a new group reads, a worker is asked: it may have
// been withdrawn or stopped by a record further on. Without an answer marketing is not sent.
async function maySend(trigger) {
  if (Date.now() - trigger.time <= 600_000) return true;
  const purpose = trigger.purpose || (trigger.action === "care" ? "care" : "marketing");
  const told = await answer(trigger);
  if (!told || told.reason === "unknown") return purpose !== "marketing";
  return told.valid || (told.reason === "erased" && purpose === "legal");
}

async function answer(trigger) {
  if (!worker) return null;
  const query = new URLSearchParams({ customer: trigger.customer, trigger: trigger.id });
  try {
    const given = await fetch(`${worker}/valid?${query}`, { signal: AbortSignal.timeout(5_000) });
    return given.ok ? await given.json() : null;
  } catch {
    return null;
  }
}

async function act(trigger) {
  if (trigger.expires_at <= Date.now()) return report("offer_expired", trigger);
  if (!(await maySend(trigger))) return report("offer_withdrawn", trigger);
  if (!sent.has(trigger.id)) {
    say({ send: trigger.action, to: trigger.customer, by: trigger.channel }); // here: send the message
    sent.add(trigger.id);
  }
  return report("offer_sent", trigger);
}

async function handle(record) {
  switch (record.type) {
    case "trigger":
      if (seen.has(record.id)) return; // at least once: a trigger may come again
      await act(record);
      seen.add(record.id); // after the report: without it the record comes again, and is not sent again
      return;
    case "withdrawal":
      // Whoever has not sent that trigger yet drops it, and reports `offer_withdrawn`. Here all are sent at once.
      return say({ withdrawn: record.trigger, why: record.reason });
    default: // "stopped" (an operator's order), "unsent": for who holds triggers back
  }
}

let last = Date.now();
await producer.connect();
await consumer.connect();
await consumer.subscribe({ topic: triggers, fromBeginning: true });
await consumer.run({
  // An offset is committed once this has returned; what it throws comes again.
  eachMessage: async ({ message }) => {
    await handle(JSON.parse(message.value.toString()));
    last = Date.now();
  },
});

async function end() {
  await consumer.disconnect();
  await producer.disconnect();
  process.exit(0);
}
process.on("SIGINT", end).on("SIGTERM", end);
if (Number(idle)) {
  setInterval(() => Date.now() - last > 1000 * Number(idle) && end(), 200);
}
