package shop;

import io.cloudevents.CloudEvent;
import io.cloudevents.core.builder.CloudEventBuilder;
import io.cloudevents.core.message.Encoding;
import io.cloudevents.jackson.JsonFormat;
import io.cloudevents.kafka.CloudEventSerializer;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Publish touchpoints from Java with the CloudEvents SDK and Kafka's own client.
 *
 * <pre>
 *   mvn -q compile dependency:copy-dependencies
 *   java -cp 'target/classes:target/dependency/*' shop.Publish 127.0.0.1:9092 retention.touchpoints binary
 * </pre>
 */
public final class Publish {
  public static void main(String[] arguments) throws Exception {
    if (arguments.length < 2) {
      System.err.println("usage: Publish SERVERS TOPIC [structured|binary] [RUN]");
      System.exit(2);
    }
    String topic = arguments[1];
    String mode = arguments.length > 2 ? arguments[2] : "structured";
    // Of the fact: an order's own number, so that what is published twice counts once. Here each run has new orders.
    String run = arguments.length > 3 ? arguments[3] : UUID.randomUUID().toString().substring(0, 8);
    Encoding encoding = mode.equals("binary") ? Encoding.BINARY : Encoding.STRUCTURED;
    Map<String, Object> settings =
        Map.of(
            "bootstrap.servers", arguments[0],
            "acks", "all",
            CloudEventSerializer.ENCODING_CONFIG, encoding,
            CloudEventSerializer.EVENT_FORMAT_CONFIG, JsonFormat.CONTENT_TYPE);
    var events = new CloudEventSerializer();
    events.configure(settings, false);
    List<CloudEvent> made =
        List.of(
            event("purchase", "order-" + run, "anna", "{\"amount\": 59.9, \"currency\": \"EUR\"}"),
            event("nps", "answer-" + run, "jürgen", "{\"score\": 9}"),
            event("visit", "visit-" + run, "zoë", "{\"channel\": \"web\"}"));
    try (var producer = new KafkaProducer<>(settings, new StringSerializer(), events)) {
      var sent =
          made.stream()
              // The key is the customer: it decides the partition.
              .map(one -> producer.send(new ProducerRecord<>(topic, one.getSubject(), one)))
              .toList();
      for (var one : sent) {
        one.get(); // throws if Kafka did not take it
      }
    }
    System.out.printf("%d sent to %s, %s%n", made.size(), topic, mode);
  }

  private static CloudEvent event(String type, String id, String customer, String data) {
    return CloudEventBuilder.v1()
        .withType(type)
        .withId(id)
        .withSource(URI.create("https://shop.example/java"))
        .withSubject(customer)
        .withTime(OffsetDateTime.now())
        .withData("application/json", data.getBytes(StandardCharsets.UTF_8))
        .build();
  }
}
