"""An expert's hand-written loop: aiokafka, msgspec, one numba kernel, one MULTI a batch (README.md beside this)."""
