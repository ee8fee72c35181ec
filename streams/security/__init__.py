"""Security of connections to Kafka and Redis: their settings, TLS contexts, and URLs that may hold a password."""
