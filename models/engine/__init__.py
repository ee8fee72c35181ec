"""The engine, a pure function: a shard's state, records and touchpoints in, one commit's changes out."""
