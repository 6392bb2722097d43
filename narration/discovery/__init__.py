"""Who speaks in a book, and what each could sound like: a proposal for the cast sheet.

Invariant: a proposal never decides what the text leaves open; every guess carries its evidence, every doubt is listed.
"""

from narration.discovery.discover import discover
from narration.discovery.roll import Discovery, Speaker, cast_of

__all__ = ["Discovery", "Speaker", "cast_of", "discover"]
