"""`narrate` in this process, and a vendor that stands alone."""

from tests.flows.conftest import narrate, paid, shop

__all__ = ["narrate", "paid", "shop"]
