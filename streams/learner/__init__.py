"""Examples in, model versions out; the model registry."""
