"""Who says what: quotations, their speakers, and the lines of a chapter.

Invariant: attribution labels spans of the text; it never edits words.
"""

from narration.script.attribution import attribute
from narration.script.lines import DOUBTFUL_BELOW, script_book, script_chapter, script_chapters
from narration.script.quotation import Quotation

__all__ = ["DOUBTFUL_BELOW", "Quotation", "attribute", "script_book", "script_chapter", "script_chapters"]
