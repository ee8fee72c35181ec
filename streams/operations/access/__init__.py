"""What a customer may ask for: all that is held about them, where it lies, and until when."""
