"""Readers: one per manuscript format, all of them to a `narration.book.Book`.

Invariant: no word of the file is lost; what a reader leaves out is markup, or a rule of its own names it.
"""

from narration.manuscript.read import read_manuscript

__all__ = ["read_manuscript"]
