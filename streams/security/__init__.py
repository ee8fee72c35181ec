"""How a secured connection is described: settings, TLS, and addresses that may hold a secret."""
