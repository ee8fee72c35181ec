"""The whole system in memory: rehearsal, backtest, and the quality of predictions."""
