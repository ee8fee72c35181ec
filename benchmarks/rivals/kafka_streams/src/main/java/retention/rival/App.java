package retention.rival;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * The application, told by system properties ("rival.broker", ...;
 * benchmarks/rivals/kafka_streams/application.py). It runs until it is told to end, and then writes
 * what it has counted.
 */
public final class App {
  private static final Duration CLOSING = Duration.ofSeconds(60);

  private App() {}

  public static void main(String[] arguments) throws Exception {
    Counters counters = new Counters();
    Topology topology = topology(Job.read(Path.of(told("job"))), counters);
    KafkaStreams streams = new KafkaStreams(topology, settings());
    CountDownLatch over = new CountDownLatch(1);
    streams.setUncaughtExceptionHandler(
        error -> {
          error.printStackTrace();
          over.countDown();
          return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
    streams.setStateListener(
        (now, before) -> {
          if (now == KafkaStreams.State.RUNNING) {
            write(Path.of(told("running")), "");
          }
        });
    Runtime.getRuntime().addShutdownHook(new Thread(() -> close(streams, counters)));
    streams.start();
    over.await();
    System.exit(1);
  }

  private static void close(KafkaStreams streams, Counters counters) {
    streams.close(CLOSING);
    write(Path.of(told("counted")), counters.toString());
  }

  private static void write(Path file, String text) {
    try {
      Files.writeString(file, text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String told(String name) {
    String value = System.getProperty("rival." + name);
    if (value == null) {
      throw new IllegalArgumentException("give -Drival." + name);
    }
    return value;
  }

  private static Topology topology(Job job, Counters counters) {
    Topology topology = new Topology();
    ByteArrayDeserializer in = new ByteArrayDeserializer();
    ByteArraySerializer out = new ByteArraySerializer();
    StoreBuilder<KeyValueStore<Bytes, byte[]>> customers =
        Stores.keyValueStoreBuilder(
                Stores.persistentKeyValueStore(Scoring.STORE), Serdes.Bytes(), Serdes.ByteArray())
            .withLoggingEnabled(Map.of())
            .withCachingEnabled();
    ProcessorSupplier<byte[], byte[], byte[], byte[]> scoring = () -> new Scoring(job, counters);
    topology.addSource("touchpoints", in, in, told("topic"));
    topology.addProcessor("scoring", scoring, "touchpoints");
    topology.addStateStore(customers, "scoring");
    topology.addSink(Scoring.TRIGGERS, told("triggers"), out, out, "scoring");
    topology.addSink(Scoring.REJECTED, told("rejected"), out, out, "scoring");
    return topology;
  }

  private static Properties settings() {
    Properties p = new Properties();
    p.put(StreamsConfig.APPLICATION_ID_CONFIG, told("id"));
    p.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, told("broker"));
    p.put(StreamsConfig.STATE_DIR_CONFIG, told("state"));
    p.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, told("threads"));
    p.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, told("commit.ms"));
    p.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    p.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, "1");
    p.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, Long.toString(256L << 20));
    p.put(StreamsConfig.ROCKSDB_CONFIG_SETTER_CLASS_CONFIG, RocksSettings.class.getName());
    p.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, "10000");
    p.put(StreamsConfig.MAX_TASK_IDLE_MS_CONFIG, "-1");
    p.put(StreamsConfig.ENABLE_METRICS_PUSH_CONFIG, "false");
    consumer(p, ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    consumer(p, ConsumerConfig.MAX_POLL_RECORDS_CONFIG, "5000");
    consumer(p, ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG, Integer.toString(3 << 20));
    consumer(p, ConsumerConfig.FETCH_MAX_BYTES_CONFIG, Integer.toString(16 << 20));
    consumer(p, ConsumerConfig.RECEIVE_BUFFER_CONFIG, Integer.toString(1 << 20));
    // A start waits for the session of the member before.
    consumer(p, ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG, "6000");
    consumer(p, ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG, "1500");
    producer(p, ProducerConfig.BATCH_SIZE_CONFIG, Integer.toString(256 << 10));
    producer(p, ProducerConfig.BUFFER_MEMORY_CONFIG, Integer.toString(128 << 20));
    producer(p, ProducerConfig.SEND_BUFFER_CONFIG, Integer.toString(1 << 20));
    return p;
  }

  private static void consumer(Properties p, String name, String value) {
    p.put(StreamsConfig.consumerPrefix(name), value);
  }

  private static void producer(Properties p, String name, String value) {
    p.put(StreamsConfig.producerPrefix(name), value);
  }
}
