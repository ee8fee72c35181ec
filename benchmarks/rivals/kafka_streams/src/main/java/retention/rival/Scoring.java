package retention.rival;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;

/** The one processor: decode, dedupe, update, score; triggers and rejected records go to topics. */
final class Scoring implements Processor<byte[], byte[], byte[], byte[]> {
  static final String STORE = "customers";
  static final String TRIGGERS = "triggers";
  static final String REJECTED = "rejected";

  private final Job job;
  private final Counters counters;
  private final Decoder decoder;
  private final Kernel kernel;
  private final Touchpoint touchpoint = new Touchpoint();
  private final StringBuilder json = new StringBuilder(512);

  private ProcessorContext<byte[], byte[]> context;
  private KeyValueStore<Bytes, byte[]> customers;

  Scoring(Job job, Counters counters) {
    this.job = job;
    this.counters = counters;
    decoder = new Decoder(job.types);
    kernel = new Kernel(job);
  }

  @Override
  public void init(ProcessorContext<byte[], byte[]> context) {
    this.context = context;
    customers = context.getStateStore(STORE);
  }

  @Override
  public void process(Record<byte[], byte[]> record) {
    Touchpoint t = touchpoint;
    if (!decoder.decode(record.value(), record.timestamp(), t)) {
      byte[] error = t.error.getBytes(StandardCharsets.UTF_8);
      context.forward(record.withValue(error), REJECTED);
      counters.rejected.increment();
      return;
    }
    if (t.subjectLength == 0) { // a clock record
      return;
    }
    counters.touchpoints.increment();
    byte[] key = key(record.key(), t);
    Bytes name = Bytes.wrap(key);
    byte[] stored = customers.get(name);
    if (stored != null && Customer.seen(stored, t.hash)) {
      counters.duplicates.increment();
      return;
    }
    // A copy: the store's cache holds on to what it has given.
    byte[] customer = stored == null ? new byte[job.recordBytes] : stored.clone();
    boolean opened = kernel.apply(customer, t, record.timestamp());
    customers.put(name, customer);
    if (opened) {
      counters.triggers.increment();
      byte[] trigger = trigger(key, t, record.timestamp());
      context.forward(new Record<>(key, trigger, record.timestamp()), TRIGGERS);
    }
  }

  /** The subject, which nearly always is the record's key. */
  private static byte[] key(byte[] key, Touchpoint t) {
    boolean same = key != null && Arrays.equals(key, 0, key.length, t.subject, 0, t.subjectLength);
    return same ? key : Arrays.copyOf(t.subject, t.subjectLength);
  }

  private byte[] trigger(byte[] key, Touchpoint t, long now) {
    json.setLength(0);
    json.append(
            "{\"specversion\":\"1.0\",\"type\":\"retention.trigger\",\"source\":\"urn:kafka-streams\"")
        .append(",\"id\":\"")
        .append(Long.toHexString(t.hash))
        .append("\",\"subject\":\"")
        .append(new String(key, StandardCharsets.UTF_8))
        .append("\",\"time\":")
        .append(now)
        .append(",\"data\":{\"probability\":")
        .append(kernel.probability)
        .append(",\"opener\":\"")
        .append(t.id, 0, t.idLength)
        .append("\"}}");
    return json.toString().getBytes(StandardCharsets.UTF_8);
  }
}
