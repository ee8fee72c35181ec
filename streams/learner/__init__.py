"""The learner: reads labelled examples from Kafka, publishes model versions; the model registry."""
