"""Who says what: quotations, their speakers, and the lines of a chapter.

Invariant: attribution labels spans of the text; it never edits words.
"""

from narration.script.attribution import attribute
from narration.script.lines import script_chapter
from narration.script.quotation import Quotation

__all__ = ["Quotation", "attribute", "script_chapter"]
