"""The domain: estimates of churn per customer and the actions that follow. Pure: no I/O, no clock."""
