"""The command line: `narrate …`, one module for each group of commands.

This is the only place that prints, exits, and reads the environment. Invariant: no traceback reaches a user for a
mistake of theirs, and no failure exits with 0.
"""

from flows.cli.main import main

__all__ = ["main"]
