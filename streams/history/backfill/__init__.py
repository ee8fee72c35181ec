"""A start from history: shards and models made from a log before the first worker."""
