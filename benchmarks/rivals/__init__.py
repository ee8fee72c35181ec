"""What a strong team would build instead: an expert's hand-written loop, and a Kafka Streams application.

Both do a part of the job: typed events, dedupe, features, one logistic score, hysteresis, triggers exactly once.
`expert_loop/README.md` and `kafka_streams/README.md` say what each leaves out. `python -m benchmarks.rivals` runs them
in turn with the engine and the floor.
"""
