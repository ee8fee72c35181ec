"""The transactional outbox: a shard's outputs on their way to Kafka, exactly once."""
