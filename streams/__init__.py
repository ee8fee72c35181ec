"""How events get in and out: Faust, Kafka, Redis, metrics, command line."""
