"""The processor of one input partition: takeover, plan, load, apply, commit."""
