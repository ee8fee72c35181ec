"""The control group's members as a topic, for other senders."""
