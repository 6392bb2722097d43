"""The readers of plain text files: a table of what their suffixes are and who makes a draft of them.

Invariant: a suffix has one reader; a text of no suffix of the table is plain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from narration.manuscript.apparatus import without_apparatus
from narration.manuscript.chapters import Draft
from narration.manuscript.finish import with_found_headings
from narration.manuscript.fountain import SUFFIXES as FOUNTAIN_SUFFIXES
from narration.manuscript.fountain import draft_fountain
from narration.manuscript.leavings import Leavings
from narration.manuscript.markdown import draft_markdown
from narration.manuscript.plain import draft_plain

_Drafting = Callable[[str, str, Leavings], Draft]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextReader:
    """One kind of text.

    Attributes:
        suffixes: of the names of such files, lower case, with the dot.
        draft: makes a draft of a text with plain line ends, in a language, and counts what it leaves out.
        finished: whether the chapters that it finds are still to be finished as those of an archive are.
    """

    suffixes: frozenset[str]
    draft: _Drafting
    finished: bool = False


def _fountain(text: str, language: str, leavings: Leavings) -> Draft:
    del language
    draft = draft_fountain(text, leavings=leavings)
    return replace(draft, blocks=with_found_headings(draft.blocks))


def _markdown(text: str, language: str, leavings: Leavings) -> Draft:
    draft = draft_markdown(text, language=language)
    return replace(draft, blocks=without_apparatus(draft.blocks, leavings))


def _plain(text: str, language: str, leavings: Leavings) -> Draft:
    draft = draft_plain(text, language=language, leavings=leavings)
    return replace(draft, blocks=without_apparatus(draft.blocks, leavings))


PLAIN: Final = TextReader(suffixes=frozenset(), draft=_plain)

READERS: Final = (
    TextReader(suffixes=frozenset({".md", ".markdown", ".mkd", ".mdown"}), draft=_markdown),
    TextReader(suffixes=frozenset(FOUNTAIN_SUFFIXES), draft=_fountain, finished=True),
)
"""A new kind of text is a module that makes drafts, and a row here."""


def named_reader(suffix: str) -> TextReader | None:
    """The reader of a suffix, or None where the content has to tell."""
    return next((reader for reader in READERS if suffix in reader.suffixes), None)
