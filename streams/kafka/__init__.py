"""Kafka toolbox: client factory, security, topics, administration, readers, ends of output partitions, producers."""
