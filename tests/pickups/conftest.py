"""`narrate` in this process."""

from tests.flows.conftest import narrate

__all__ = ["narrate"]
