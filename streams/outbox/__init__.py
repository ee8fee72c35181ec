"""Outputs on their way to Kafka, exactly once."""
