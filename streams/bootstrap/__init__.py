"""Where clients are built and wired."""
