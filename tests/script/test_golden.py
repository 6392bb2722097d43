"""Golden folders: a production, the script that is there before (`before.txt`), and the one that a run makes of it.

A folder holds book.yaml, cast.yaml and a manuscript of one chapter; `script.txt` is the file to come.
"""

from __future__ import annotations

import difflib
import shutil
from pathlib import Path

import pytest

from narration.manuscript import read_manuscript
from narration.production import load
from narration.write_script import write_scripts

FOLDERS = sorted(path for path in (Path(__file__).parent / "golden").iterdir() if path.is_dir())


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_script_is_the_golden_one(folder: Path, tmp_path: Path) -> None:
    book = tmp_path / "book"
    shutil.copytree(folder, book)
    (book / "script").mkdir()
    if (folder / "before.txt").is_file():
        shutil.copy(folder / "before.txt", book / "script" / "01.txt")
    production, cast = load(book)
    write_scripts(production, cast, read_manuscript(production.manuscript, language=production.language))
    made = (book / "script" / "01.txt").read_text(encoding="utf-8")
    golden = (folder / "script.txt").read_text(encoding="utf-8")
    rows = difflib.unified_diff(golden.splitlines(), made.splitlines(), "script.txt", "made", lineterm="")
    assert made == golden, "\n".join(rows)
