"""Who speaks in a book, and what each could sound like: a proposal for the cast sheet.

Invariant: a proposal never decides what the text leaves open; every guess carries its evidence, every doubt is listed.
"""

from narration.discovery.discover import discover
from narration.discovery.drafts import draft_voice, guesses
from narration.discovery.proposal import Entry, Proposal, minor_names, propose
from narration.discovery.roll import Discovery, Speaker, cast_of
from narration.discovery.sheet_text import merged, sheet_cast

__all__ = [
    "Discovery",
    "Entry",
    "Proposal",
    "Speaker",
    "cast_of",
    "discover",
    "draft_voice",
    "guesses",
    "merged",
    "minor_names",
    "propose",
    "sheet_cast",
]
