"""EPUB 2 and 3 to a Book: the spine gives the text, the table of contents the titles and where chapters begin.

Invariant: every word of the spine's files is in a chapter or among what was left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from narration.book import LeftOutKind
from narration.errors import InputError, Problem
from narration.manuscript.archive import Archive
from narration.manuscript.flow import Flow, Piece, without_blanks
from narration.manuscript.leavings import Leavings
from narration.manuscript.letters import guess_language
from narration.manuscript.matter import is_imprint, is_short_page, matter_of_label
from narration.manuscript.package import Package, read_package
from narration.manuscript.sections import Section, bind_sections, bind_without_contents, cut
from narration.manuscript.signs import note_blocks, note_links
from narration.manuscript.toc import Entry, chapter_entries, entries_of_nav, entries_of_ncx
from narration.manuscript.trees import Element, local, parse_markup, parse_xml, text_of
