"""How well cast discovery finds who speaks: recall, precision, gender, and names put together rightly.

    python -m benchmarks.discovery              # about two minutes
    python -m benchmarks.discovery --whole      # LitBank's novels whole, not their annotated parts only: ten minutes

Gold: the demo's own cast sheet, the personae of a play, a hand-made list for one novel, and the annotated speakers of
LitBank's 100 excerpts (CC BY 4.0). Only speakers with a name count; those with five lines or more are shown apart.
"""

from __future__ import annotations

import argparse
import html
import itertools
import re
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.frame import Figure, told
from narration.book import Book, Chapter, Paragraph
from narration.cast import Gender, Role, load_cast
from narration.discovery import Discovery, discover
from narration.errors import InputError
from narration.manuscript import read_manuscript

ROOT = Path(__file__).parents[1]
CORPUS = ROOT.parent / "shared" / "corpus"
OFTEN = 5
"""Speakers with so many lines must not be missed."""

PRIDE = {
    "Elizabeth": "female: Elizabeth Bennet, Miss Elizabeth, Miss Elizabeth Bennet, Eliza, Miss Eliza, "
    "Miss Eliza Bennet, Eliza Bennet, Lizzy",
    "Jane": "female: Jane Bennet, Miss Bennet",
    "Mary": "female: Mary Bennet, Miss Mary",
    "Kitty": "female: Catherine Bennet, Catherine, Kitty Bennet",
    "Lydia": "female: Lydia Bennet, Miss Lydia, Miss Lydia Bennet, Mrs. Wickham, Lydia Wickham",
    "Mr. Bennet": "male: Bennet",
    "Mrs. Bennet": "female:",
    "Mr. Darcy": "male: Darcy, Fitzwilliam Darcy, Mr. Fitzwilliam Darcy",
    "Mr. Bingley": "male: Bingley, Charles, Charles Bingley",
    "Miss Bingley": "female: Caroline, Caroline Bingley",
    "Mrs. Hurst": "female, rarely: Louisa",
    "Mr. Collins": "male: Collins, William Collins",
    "Charlotte": "female: Charlotte Lucas, Mrs. Collins, Miss Lucas, Miss Charlotte Lucas",
    "Maria": "female: Maria Lucas",
    "Sir William": "male: Sir William Lucas, Lucas",
    "Lady Lucas": "female, rarely:",
    "Lady Catherine": "female: Lady Catherine de Bourgh",
    "Mr. Wickham": "male: Wickham, George Wickham",
    "Mr. Gardiner": "male: Gardiner, Edward, Edward Gardiner",
    "Mrs. Gardiner": "female:",
    "Mrs. Phillips": "female, rarely: Mrs. Philips",
    "Colonel Fitzwilliam": "male: Fitzwilliam",
    "Mrs. Reynolds": "female, rarely:",
    "Mr. Hurst": "male, rarely:",
    "Mrs. Hill": "female, rarely: Hill",
    "Mr. Denny": "male, rarely: Denny",
}
PLAY = {
    "Algernon": "male: Algy, Algernon Moncrieff, Mr. Moncrieff, Mr. Algernon Moncrieff",
    "Jack": "male: John, Mr. Worthing, Worthing, John Worthing, Mr. John Worthing, Uncle Jack, Brother John",
    "Gwendolen": "female: Gwendolen Fairfax, Miss Fairfax, Cousin Gwendolen",
    "Cecily": "female: Cecily Cardew, Miss Cardew, Miss Cecily Cardew, Cousin Cecily, Aunt Cecily",
    "Lady Bracknell": "female: Aunt Augusta, Augusta",
    "Miss Prism": "female: Prism",
    "Chasuble": "male: Dr. Chasuble, Canon Chasuble",
    "Lane": "male:",
    "Merriman": "male:",
}


@dataclass(slots=True)
class Score:
    """Counts over one or many books."""

    gold: int = 0
    found: int = 0
    often: int = 0
    often_found: int = 0
    proposed: int = 0
    right: int = 0
    genders: int = 0
    genders_right: int = 0
    merges_right: int = 0
    merges_wrong: int = 0
    split: int = 0
    seconds: float = 0.0
    missed: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)

    def line(self, title: str) -> str:
        """One row of the table."""
        return (
            f"{title:28} {share(self.often_found, self.often):>16} {share(self.found, self.gold):>16} "
            f"{share(self.right, self.proposed):>16} {share(self.genders_right, self.genders):>14} "
            f"{self.merges_right:>6} {self.merges_wrong:>6} {self.split:>6} {self.seconds:>7.1f}"
        )


def share(part: int, whole: int) -> str:
    """`12/13 92 %`."""
    return f"{part}/{whole} {part / whole:.0%}" if whole else "—"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody of a gold list: all names, and whether they have fewer than `OFTEN` lines."""

    gender: Gender
    names: frozenset[str]
    rarely: bool = False


def gold_of(table: Mapping[str, str]) -> dict[str, Person]:
    """The hand-made lists."""
    found = {}
    for name, row in table.items():
        told, _, aliases = row.partition(":")
        gender, _, rarely = told.partition(", ")
        names = frozenset({name, *(alias.strip() for alias in aliases.split(",") if alias.strip())})
        found[name] = Person(gender=Gender(gender), names=names, rarely=bool(rarely))
    return found


def scored(discovery: Discovery, gold: Mapping[str, Person], seconds: float) -> Score:
    """A proposal against people with all their names."""
    score = Score(seconds=seconds)
    owners = {name: person for person, one in gold.items() for name in one.names}
    covered: dict[str, list[str]] = {}
    for speaker in discovery.speakers:
        names = (speaker.name, *speaker.aliases)
        people = Counter(owners[name] for name in names if name in owners)
        score.proposed += 1
        if not people:
            score.strange.append(speaker.name)
            continue
        score.right += 1
        # The person is whoever has the name that it is proposed under.
        person = owners.get(speaker.name, people.most_common(1)[0][0])
        covered.setdefault(person, []).append(speaker.name)
        score.merges_right += people[person] - 1
        score.merges_wrong += sum(people.values()) - people[person]
        score.genders += 1
        score.genders_right += speaker.gender is gold[person].gender
    score.split = sum(len(names) - 1 for names in covered.values())
    for name, one in gold.items():
        score.gold += 1
        score.found += name in covered
        score.often += not one.rarely
        score.often_found += not one.rarely and name in covered
        if name not in covered:
            score.missed.append(name)
    return score


def epub(path: Path) -> Book:
    """A book out of an EPUB: by the reader, or, where it does not read them, paragraph by paragraph."""
    try:
        return read_manuscript(path, language="en")
    except InputError:
        return _naive_epub(path)


def _naive_epub(path: Path) -> Book:
    chapters = []
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if re.search(r"text/(?:chapter|act)-\d+\.xhtml$", name)]
        for number, name in enumerate(sorted(names, key=_in_name), start=1):
            page = archive.read(name).decode()
            persona = r'(?s)<td epub:type="z3998:persona">(.*?)</td>\s*<td>(.*?)</td>'
            page = re.sub(persona, r"<p>\1: \2</p>", page)
            texts = [html.unescape(re.sub(r"<[^>]+>", "", found)) for found in re.findall(r"(?s)<p>(.*?)</p>", page)]
            texts = [" ".join(re.sub("[\u2060\u00ad\u200b]", "", text).split()) for text in texts]
            paragraphs = tuple(Paragraph(text=text) for text in texts if text)
            chapters.append(Chapter(number=number, title="", paragraphs=paragraphs))
    return Book(title="", author="", language="en", chapters=tuple(chapters))


def _in_name(name: str) -> int:
    found = re.search(r"(\d+)\.xhtml$", name)
    return int(found.group(1)) if found else 0


_NO_NAME = frozenset("The A An My Our One I You He She It His Her Their Irish English Narrator Others Two".split())  # noqa: SIM905 - a list of words


def litbank_speakers(path: Path) -> Counter[str]:
    """The named speakers of one excerpt, with their quotations."""
    found: Counter[str] = Counter()
    for row in path.read_text(encoding="utf-8").splitlines():
        kind, *cells = row.split("\t")
        if kind == "ATTRIB":
            name = re.sub(r"-\d+$", "", cells[1]).split("___")[0].replace("__", ". ").replace("_", " ").strip()
            name = name.title() if name.isupper() and len(name) > 2 else name
            first = name.split()[0] if name else ""
            if first[:1].isupper() and first not in _NO_NAME:
                found[name] += 1
    return found


def excerpt(original: Path, annotated: Path) -> str:
    """The stretch of the novel that is annotated: its beginning, as many letters long."""
    letters = sum(not char.isspace() for char in annotated.read_text(encoding="utf-8"))
    text = original.read_text(encoding="utf-8", errors="replace")
    seen = 0
    for place, char in enumerate(text):
        seen += not char.isspace()
        if seen >= letters:
            return text[:place]
    return text


def _words(name: str) -> frozenset[str]:
    titles = "mr mrs miss ms dr sir lady lord captain aunt uncle the old young little professor doctor father mother"
    found = frozenset(re.findall(r"[^\W\d_]+", name.lower()))
    return found - frozenset(titles.split()) or found


def litbank(*, whole: bool) -> Score:
    """All excerpts together: a gold name is found where a proposed name has the same words, or some of them."""
    score = Score()
    for annotation in sorted((CORPUS / "litbank").glob("*.ann")):
        gold = litbank_speakers(annotation)
        if not gold or (whole and max(gold.values()) < OFTEN):
            continue
        original = CORPUS / "litbank" / "original" / annotation.name.replace("_brat.ann", ".txt")
        text = (
            original.read_text(encoding="utf-8", errors="replace")
            if whole
            else excerpt(original, annotation.with_suffix(".txt"))
        )
        started = time.perf_counter()
        discovery = discover(_plain(text))
        score.seconds += time.perf_counter() - started
        _compare(discovery, gold, score, annotation.name.split("_")[0], whole=whole)
    return score


def _plain(text: str) -> Book:
    blocks = [" ".join(block.split()) for block in re.split(r"\n\s*\n", text)]
    paragraphs = tuple(Paragraph(text=block) for block in blocks if block)
    return Book(title="", author="", language="en", chapters=(Chapter(number=1, title="", paragraphs=paragraphs),))


def _compare(discovery: Discovery, gold: Counter[str], score: Score, book: str, *, whole: bool) -> None:
    proposed = [[_words(name) for name in (one.name, *one.aliases)] for one in discovery.speakers]
    for name, count in gold.items():
        words = _words(name)
        found = any(words <= other or other <= words for names in proposed for other in names)
        score.gold += 1
        score.found += found
        if count >= OFTEN:
            score.often += 1
            score.often_found += found
            score.missed += [] if found else [f"{book}:{name} ({count})"]
    for one, names in zip(discovery.speakers, proposed, strict=True):
        if one.lines and not one.first_person and not whole:
            right = any(_words(name) <= other or other <= _words(name) for name in gold for other in names)
            score.proposed += 1
            score.right += right
            score.strange += [] if right else [f"{book}:{one.name} ({one.lines})"]


def books() -> Iterator[tuple[str, Score]]:
    """The books whose people are known by all their names."""
    for name in ("demo", "demo-zh"):
        folder = ROOT / "data" / name
        cast = load_cast(folder / "cast.yaml")
        gold = {
            one.name: Person(
                gender=one.gender, names=frozenset({one.name, *(re.sub("^the ", "", alias) for alias in one.aliases)})
            )
            for one in cast.characters
            if one.role is not Role.NARRATOR
        }
        yield f"data/{name}", _timed(read_manuscript(folder / "manuscript.md"), gold)
    if CORPUS.is_dir():
        pride = CORPUS / "books" / "jane-austen_pride-and-prejudice.epub"
        yield "Pride and Prejudice", _timed(epub(pride), gold_of(PRIDE))
        play = CORPUS / "books" / "oscar-wilde_the-importance-of-being-earnest.epub"
        yield "Importance of Being Earnest", _timed(epub(play), gold_of(PLAY))


def _timed(book: Book, gold: Mapping[str, Person]) -> Score:
    started = time.perf_counter()
    discovery = discover(book)
    return scored(discovery, gold, time.perf_counter() - started)


def measure(*, tiny: bool) -> Iterator[Figure]:
    """Of the speakers with many lines, how many are found in each book; `tiny` takes the first."""
    for title, score in itertools.islice(books(), 1 if tiny else None):
        seen = f"{score.often_found} of {score.often}, {score.seconds:.1f} s"
        yield told(f"{title}: speakers with {OFTEN} lines found", 100 * score.often_found / score.often, "%", seen=seen)


def main(arguments: Iterable[str] | None = None) -> None:
    """Print the table, then who was missed and what was proposed for nothing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--whole", action="store_true", help="LitBank's novels whole; recall only")
    chosen = parser.parse_args(None if arguments is None else list(arguments))
    print(
        f"{'':28} {f'recall ≥{OFTEN} lines':>16} {'recall, all':>16} {'precision':>16} {'gender':>14} "
        f"{'merged':>6} {'wrong':>6} {'split':>6} {'s':>7}"
    )
    rows = list(books())
    if CORPUS.is_dir():
        rows.append(("LitBank, annotated parts", litbank(whole=False)))
        if chosen.whole:
            rows.append(("LitBank, whole novels", litbank(whole=True)))
    else:
        print("the corpus is not here: only the demos are measured", file=sys.stderr)
    for title, score in rows:
        print(score.line(title))
    for title, score in rows:
        if score.missed or score.strange:
            print(
                f"\n{title}\n  missed: {', '.join(score.missed) or '—'}\n  strange: {', '.join(score.strange) or '—'}"
            )


if __name__ == "__main__":
    main()
