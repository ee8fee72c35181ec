"""The command line, `retention`: one module per command. Nothing heavy is imported before its command runs."""

from streams.cli.main import main

__all__ = ["main"]
