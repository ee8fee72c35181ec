"""A Kafka Streams application: Java, exactly once, RocksDB (README.md beside this)."""
