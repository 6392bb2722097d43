"""`python -m flows.cli` is `narrate`."""

from flows.cli import main

main()
