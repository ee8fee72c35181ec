package shop;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
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
  private static final String WORKER = System.getenv("RETENTION_WORKER"); // http://HOST:PORT of any worker

  private final KafkaProducer<String, String> producer;
  private final String touchpoints;
  private final Set<String> sent = new HashSet<>(); // of a service of yours: a table, written with the message
  private final Set<String> seen = new HashSet<>(); // reported as well

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
        if (seen.contains(text(record, "id"))) {
          return; // at least once: a trigger may come again
        }
        act(record);
        seen.add(text(record, "id")); // after the report: without it the record comes again
      }
      // Whoever has not sent that trigger yet drops it, and reports `offer_withdrawn`. Here all are sent at once.
      case "withdrawal" -> say(Map.of("withdrawn", text(record, "trigger"), "why", text(record, "reason")));
      default -> {} // "stopped" (an operator's order), "unsent": for who holds triggers back
    }
  }

  private void act(JsonNode trigger) throws Exception {
    if (trigger.path("expires_at").asLong() <= System.currentTimeMillis()) {
      report("offer_expired", trigger);
      return;
    }
    if (!maySend(trigger)) {
      report("offer_withdrawn", trigger);
      return;
    }
    if (!sent.contains(text(trigger, "id"))) {
      // Here: send the message.
      say(Map.of("send", text(trigger, "action"), "to", text(trigger, "customer"), "by", text(trigger, "channel")));
      sent.add(text(trigger, "id"));
    }
    report("offer_sent", trigger);
  }

  /**
   * What is fresh may be sent; of what has waited for ten minutes, such as a new group reads, a worker is asked: it may
   * have been withdrawn or stopped by a record further on. Without an answer marketing is not sent.
   */
  private boolean maySend(JsonNode trigger) throws InterruptedException {
    if (System.currentTimeMillis() - trigger.path("time").asLong() <= 600_000) {
      return true;
    }
    var purpose = text(trigger, "purpose");
    if (purpose.isEmpty()) {
      purpose = text(trigger, "action").equals("care") ? "care" : "marketing";
    }
    var told = answer(trigger);
    if (told == null || text(told, "reason").equals("unknown")) {
      return !purpose.equals("marketing");
    }
    return told.path("valid").asBoolean() || (text(told, "reason").equals("erased") && purpose.equals("legal"));
  }

  private JsonNode answer(JsonNode trigger) throws InterruptedException {
    if (WORKER == null) {
      return null;
    }
    var customer = URLEncoder.encode(text(trigger, "customer"), StandardCharsets.UTF_8);
    var asked = URI.create(WORKER + "/valid?customer=" + customer + "&trigger=" + text(trigger, "id"));
    try {
      var request = HttpRequest.newBuilder(asked).timeout(Duration.ofSeconds(5)).build();
      var given = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
      return given.statusCode() == 200 ? JSON.readTree(given.body()) : null;
    } catch (IOException error) {
      return null;
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
