"""In-memory simulation of the whole system: rehearsal of a log, backtest, and the quality of predictions."""
