"""What everybody asks Kafka: topics, administration, readers, high-water marks, producers."""
