"""Examples merged into model versions: champion and challengers, and which version is in force."""
