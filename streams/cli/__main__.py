"""`python -m streams.cli`, the same as `retention`."""

from streams.cli.main import main

main()
