"""`narrate` in this process, and a vendor that stands alone."""

from tests.flows.conftest import finished, narrate, paid, rendered, shop

__all__ = ["finished", "narrate", "paid", "rendered", "shop"]
