"""Every book of the corpus from its file to its scripts, by the commands that a person would type.

Nothing of the readers is believed: the words of the scripts are compared with the words of the file itself.
"""

from __future__ import annotations

import contextlib
import io
import re
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from html import unescape
from pathlib import Path

from flows.cli.main import run
from narration.manuscript import read_manuscript
from narration.production import load
from narration.script_files import bound_scripts, read_scripts, script_paths

MOST_S = 30.0
"""“In seconds”, for a book, also on a machine that has other things to do; a few are usual."""

CORPUS = Path(__file__).parents[2] / ".." / "shared" / "corpus"

_INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff]")
_MATTER = {"Titlepage", "Imprint", "Colophon", "Uncopyright", "Dramatis Personae", "The Scenes of the Play"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripted:
    """What became of one book.

    Attributes:
        name: of the file.
        chapters: how many it has.
        titles: its chapters' titles are those of its table of contents; None where it has none.
        lines, doubtful: of its scripts.
        words: of the file's body, all of them in the scripts.
        named: words of the names that stand before speeches, in a book that is set as a script.
        left_out: words that the reader leaves out, and counts.
        seconds: for `init`, `cast --write` and `script` together, programs loaded.
    """

    name: str
    chapters: int
    titles: bool | None
    lines: int
    doubtful: int
    words: int
    named: int
    left_out: int
    seconds: float


def corpus_books() -> list[Path]:
    """All files of the corpus that are a whole book."""
    books = sorted(path for path in (CORPUS / "books").glob("*") if path.suffix in {".epub", ".txt"})
    return books + sorted((CORPUS / "litbank" / "original").glob("*.txt"))


def scripted(path: Path, folder: Path) -> Scripted:
    """Make the scripts of a book in a new folder, and compare them with its file.

    Raises:
        AssertionError: a word is lost or made up, or the chapters are not those of the table of contents.
    """
    started = time.perf_counter()
    _narrate("init", str(folder), "--manuscript", str(path), "--quiet")
    _narrate("cast", str(folder), "--write", "--quiet")
    _narrate("script", str(folder), "--quiet")
    seconds = time.perf_counter() - started
    production, cast = load(folder)
    book = read_manuscript(production.manuscript, language=production.language)
    marked = read_scripts(script_paths(folder), cast)
    rows = [row for script in marked.values() for row in script.rows if row.is_text]
    written = words(" ".join(f"{row.direction} {row.text}" for row in rows), book.language)
    source = words(_body(path), book.language)
    # A play in plain text has its speakers among its words; in an EPUB they stand in cells of their own.
    speakers = [paragraph.speaker for chapter in book.chapters for paragraph in chapter.paragraphs]
    speakers += [
        removal.text
        for bound in bound_scripts(folder, book, cast).values()
        for removal in bound.script.removals
        if removal.rule == "speaker-label"
    ]
    named = words(" ".join(speakers), book.language) if path.suffix != ".epub" else Counter()
    made_up, named = written - source, named & (source - written)
    assert not made_up, f"{path.name}: not in the file: {made_up.most_common(5)}"
    lost = source - written - named
    most = sum(one.characters for one in book.left_out if one.characters)
    letters = sum(len(word) * count for word, count in lost.items())
    assert letters <= most, f"{path.name}: {letters} letters lost, {most} left out: {lost.most_common(5)}"
    titles = [chapter.title for chapter in book.chapters]
    toc = contents(path)
    assert toc is None or titles == [title for title in toc if title not in _MATTER | {book.title}], path.name
    return Scripted(
        name=path.name,
        chapters=len(book.chapters),
        titles=None if toc is None else True,
        lines=len(rows),
        doubtful=sum(row.doubtful for row in rows),
        words=written.total(),
        named=named.total(),
        left_out=lost.total(),
        seconds=seconds,
    )


def _narrate(*arguments: str) -> None:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(list(arguments))
    assert code == 0, f"narrate {' '.join(arguments)}: {code}\n{err.getvalue()}"


def words(text: str, language: str) -> Counter[str]:
    """The words of a text; in Chinese, its letters."""
    plain = _INVISIBLE.sub("", text).casefold()
    # A mark of emphasis or a note's number in a circle is no word.
    return Counter(re.findall(r"[^\W_]" if language == "zh" else r"[^\W_]+", re.sub("[\u2460-\u249b]", " ", plain)))


def _body(path: Path) -> str:
    """The words of a file: of an EPUB, the pages that are not front or back matter, without the names of speakers."""
    if path.suffix != ".epub":
        return path.read_text(encoding="utf-8")
    pages = []
    with zipfile.ZipFile(path) as archive:
        opf = archive.read("epub/content.opf").decode()
        for reference in re.findall(r'<itemref idref="([^"]+)"', opf):
            source = archive.read(f"epub/text/{reference}").decode()
            if re.search(r'<body[^>]*type="(?:front|back)matter', source) is None:
                body = re.sub(r"<td epub:type=\"z3998:persona\">.*?</td>", " ", source[source.index("<body") :])
                body = re.sub(r"</?(?:p|td|h\d|br|li)\b[^>]*>", " ", body)
                pages.append(unescape(re.sub(r"<[^>]+>", "", body)))
    return "\n".join(pages)


def contents(path: Path) -> list[str] | None:
    """The titles of an EPUB's table of contents that lead to the beginning of a file; None for other books."""
    if path.suffix != ".epub":
        return None
    with zipfile.ZipFile(path) as archive:
        toc = archive.read("epub/toc.xhtml").decode().partition('id="landmarks"')[0]
    links = re.findall(r'<a href="text/[^"#]+"[^>]*>(.*?)</a>', toc)
    return [unescape(re.sub(r"<[^>]+>", "", label)) for label in links]


def prove_scripts(books: Iterable[Path] | None = None) -> str:
    """Make the scripts of all books.

    Returns:
        A row for each book, and the sums in one sentence.
    """
    found: list[Scripted] = []
    paths = list(corpus_books() if books is None else books)
    assert paths, "the corpus is not here"
    for path in paths:
        with tempfile.TemporaryDirectory() as name:
            found.append(scripted(path, Path(name) / "book"))
    rows = [
        f"{one.name[:56]:<56} {one.chapters:>4} chapters{' as in its contents' if one.titles else '':<19} "
        f"{one.lines:>7,} lines {one.doubtful:>6,} ? {one.words:>8,} words {one.seconds:>6.1f} s"
        for one in found
    ]
    chapters, compared, named, left_out = (
        sum(getattr(one, name) for one in found) for name in ("chapters", "words", "named", "left_out")
    )
    seconds = [one.seconds for one in found]
    slowest, usual = max(seconds), sum(seconds) / len(seconds)
    assert slowest < MOST_S, "\n".join(rows)
    total = (
        f"{len(found)} books, {chapters:,} chapters, {compared:,} words in scripts as in files, {named:,} in names "
        f"before speeches, {left_out:,} left out and counted; {slowest:.1f} s at the most, {usual:.1f} s on average"
    )
    return "\n".join(["", *rows, total])
