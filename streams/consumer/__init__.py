"""Records in: the Faust app, batches instead of messages, and who owns which partition."""
