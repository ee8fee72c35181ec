"""One customer's stored profile, and the risk forecast for further silence."""
