package shop;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Consume triggers from Java with Kafka's own client, and tell the engine what became of them.
 *
 * <pre>
 *   mvn -q compile dependency:copy-dependencies
 *   java -cp 'target/classes:target/dependency/*' shop.Consume 127.0.0.1:9092 retention.triggers retention.touchpoints
 * </pre>
 */
public final class Consume {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final KafkaProducer<String, String> producer;
  private final String touchpoints;
  private final Set<String> seen = new HashSet<>(); // of a service of yours: a table, written with the message

  private Consume(KafkaProducer<String, String> producer, String touchpoints) {
    this.producer = producer;
    this.touchpoints = touchpoints;
  }

  public static void main(String[] arguments) throws Exception {
    if (arguments.length < 3) {
      System.err.println("usage: Consume SERVERS TRIGGERS TOUCHPOINTS [IDLE_SECONDS] [GROUP]");
      System.exit(2);
    }
    double idle = arguments.length > 3 ? Double.parseDouble(arguments[3]) : 0;
    Map<String, Object> reading =
        Map.of(
            "bootstrap.servers", arguments[0],
            "group.id", arguments.length > 4 ? arguments[4] : "sender-java",
            "isolation.level", "read_committed",
            "enable.auto.commit", false,
            "auto.offset.reset", "earliest");
    Map<String, Object> writing = Map.of("bootstrap.servers", arguments[0], "acks", "all");
    var text = new StringDeserializer();
    try (var producer = new KafkaProducer<>(writing, new StringSerializer(), new StringSerializer());
        var consumer = new KafkaConsumer<>(reading, text, text)) {
      var service = new Consume(producer, arguments[2]);
      var main = Thread.currentThread();
      Runtime.getRuntime().addShutdownHook(new Thread(() -> end(consumer, main)));
      consumer.subscribe(List.of(arguments[1]));
      var last = Instant.now();
      while (idle == 0 || Duration.between(last, Instant.now()).toMillis() < 1000 * idle) {
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) {
          service.handle(JSON.readTree(record.value())); // what it throws leaves all of this poll uncommitted
          last = Instant.now();
        }
        consumer.commitSync();
      }
    } catch (WakeupException ended) {
      return;
    }
  }

  private static void end(KafkaConsumer<?, ?> consumer, Thread main) {
    consumer.wakeup();
    try {
      main.join(5_000);
    } catch (InterruptedException error) {
      Thread.currentThread().interrupt();
    }
  }

  private void handle(JsonNode record) throws Exception {
    switch (record.path("type").asText()) {
      case "trigger" -> {
        if (!seen.add(record.path("id").asText())) {
          return; // at least once: a trigger may come again
        }
        if (record.path("expires_at").asLong() <= System.currentTimeMillis()) {
          report("offer_expired", record);
          return;
        }
        // Here: send the message.
        say(Map.of("send", text(record, "action"), "to", text(record, "customer"), "by", text(record, "channel")));
        report("offer_sent", record);
      }
      // Whoever has not sent that trigger yet drops it, and reports `offer_withdrawn`. Here all are sent at once.
      case "withdrawal" -> say(Map.of("withdrawn", text(record, "trigger"), "why", text(record, "reason")));
      default -> {} // "stopped" (an operator's order), "unsent": for who holds triggers back
    }
  }

  private void report(String what, JsonNode trigger) throws Exception {
    var event =
        Map.of(
            "specversion", "1.0",
            "type", what,
            "id", text(trigger, "id") + ":" + what, // of the fact: published twice it counts once
            "source", "https://sender.example/java",
            "subject", text(trigger, "customer"),
            "time", Instant.now().toString(),
            "data", Map.of("trigger_id", text(trigger, "id"), "channel", text(trigger, "channel")));
    var record = new ProducerRecord<>(touchpoints, text(trigger, "customer"), JSON.writeValueAsString(event));
    producer.send(record).get();
  }

  private static void say(Map<String, String> line) throws Exception {
    System.out.println(JSON.writeValueAsString(line));
  }

  private static String text(JsonNode record, String field) {
    return record.path(field).asText();
  }
}
