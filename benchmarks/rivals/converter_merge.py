"""The merge step of audiblez, an established converter of e-books (MIT): its chapters' WAV files into one M4B.

    python converter_merge.py FOLDER

Joins the WAV files of the folder into `book.m4b`. Run where audiblez is installed without what it speaks with: the
models and readers that it loads at its start are stood in for by empty modules, as its merge step uses none of them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from unittest.mock import MagicMock

UNUSED = (
    "bs4",
    "ebooklib",
    "kokoro",
    "numpy",
    "pick",
    "soundfile",
    "spacy",
    "tabulate",
    "torch",
    "torch.cuda",
)


def main(folder: str) -> None:
    """Join the chapters."""
    for name in UNUSED:
        module: ModuleType = MagicMock(name=name)
        sys.modules[name] = module
    from audiblez.core import create_m4b

    chapters = sorted(Path(folder).glob("*.wav"))
    Path(folder, "chapters.txt").write_text(";FFMETADATA1\ntitle=T\nartist=A\n")
    create_m4b(chapters, "book.epub", None, folder)


if __name__ == "__main__":
    main(sys.argv[1])
