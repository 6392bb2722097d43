"""The markup of a book or page to blocks: which elements are paragraphs, and which only dress the words in them.

Invariant: every letter of a tree is in a block, or counted among the leavings; inline elements join without spaces.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from lxml import etree

from narration.book import LeftOutKind, Paragraph, ParagraphKind
from narration.manuscript.chapters import Block
from narration.manuscript.drama import is_drama, rows_of, speech
from narration.manuscript.headings import is_bare_label, is_part_heading, leading_number
from narration.manuscript.leavings import Leavings
from narration.manuscript.letters import clean, is_scene_break
from narration.manuscript.pieces import BLANK, LINE, CELL, Context, Tables, is_blank_mark, stretches
from narration.manuscript.signs import kind_of
from narration.manuscript.trees import Element, classes_of, local, text_of, types_of
