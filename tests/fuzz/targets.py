"""What is fuzzed: a name, the reader behind it, and where its seeds are.

Invariant: a target reads as the program does; a law beyond "no other error" (a text that is read is written again the
same) is asserted here, so that it is tried with every input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from narration.audio.clips import measure_take, open_clip
from narration.audio.measure import probe
from narration.cast import load_cast
from narration.deliver.cover import checked_cover, thumbnail
from narration.deliver.record import read_record
from narration.errors import InputError
from narration.lexicon.pls import read_pls
from narration.lexicon.sheet import load_lexicon
from narration.manuscript import read_manuscript
from narration.pickups import load_pickups
from narration.pickups.notes import read_notes
from narration.pickups.signoff import load_signoffs
from narration.production import load
from narration.script.following import follow
from narration.script.marked import parse_marked, write_marked
from narration.script_files import read_scripts
from narration.services.riff import pcm_of, wav_flaw
from narration.settings.presets import read_preset
from narration.settings.settings import load_settings
from narration.sheets import read_text
from tests.fuzz import answers, records
from tests.script.marking import CAST, LABELS, attributed, bound, chapter

SEEDS: Final = Path(__file__).parent / "seeds"
ROOT: Final = Path(__file__).parents[2]
GOLDEN: Final = ROOT / "tests" / "manuscript" / "golden"
DEMO: Final = ROOT / "data" / "demo"


@dataclass(frozen=True, slots=True)
class Target:
    """One reader.

    Attributes:
        read: takes an input and an empty folder of its own.
        files: good inputs beside those in `seeds/NAME`.
    """

    read: Callable[[bytes, Path], object]
    files: Callable[[], Iterator[bytes]] = lambda: iter(())


@cache
def seeds_of(name: str) -> tuple[bytes, ...]:
    """The good inputs of a target, and those that once broke it."""
    kept = sorted((SEEDS / name).glob("*"))
    found = (*(path.read_bytes() for path in kept), *TARGETS[name].files())
    assert found, f"{name} has no seed"
    return found


def _file(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def _manuscript(suffix: str) -> Callable[[bytes, Path], object]:
    def read(data: bytes, folder: Path) -> object:
        book = read_manuscript(_file(folder, f"book{suffix}", data))
        for one in book.chapters:
            assert one.paragraphs
            for paragraph in one.paragraphs:
                assert paragraph.text.strip()
                assert "\0" not in paragraph.text
                assert all(0 <= start < end <= len(paragraph.text) for start, end in paragraph.directions)
        return book

    return read


def _book_yaml(data: bytes, folder: Path) -> object:
    _file(folder, "manuscript.md", b"# One\n\nA line.\n")
    _file(folder, "cast.yaml", b"characters:\n  - {name: N, role: narrator, voice: A calm voice., preview: Hello.}\n")
    _file(folder, "book.yaml", data)
    return load(folder)


def _script(data: bytes, folder: Path) -> object:
    path = _file(folder, "script/01.txt", data)
    found = read_scripts({1: path}, CAST)[1]
    text = write_marked(found, LABELS)
    again = parse_marked(text, LABELS, where="again")
    assert write_marked(again, LABELS) == text, "what was read is not written the same twice"
    fresh = attributed(chapter("# One", "The door was shut.", "“I have the key,” said Mara.", "“No,” said Old Tom."))
    follow(found, fresh, CAST, LABELS)
    try:
        return bound(text, fresh.chapter)
    except InputError:
        return None


def _notes(data: bytes, folder: Path) -> object:
    return read_notes(read_text(_file(folder, "notes.txt", data), "notes.txt"), where="notes.txt")


def _pls(data: bytes, folder: Path) -> object:
    return read_pls(_file(folder, "words.pls", data))


def _wav(data: bytes, _folder: Path) -> object:
    flaw = wav_flaw(data)
    pcm_of(data, 24_000)
    clip = open_clip(data)
    measures, _traits = measure_take(data)
    assert measures.frames == clip.frame_count() > 0
    assert 0 <= measures.speech_start <= measures.speech_end <= measures.frames
    return flaw


def _cover(data: bytes, folder: Path) -> object:
    good, _remarks = checked_cover(_file(folder, "cover.jpg", data))
    return thumbnail(good)


def _golden(prefix: str) -> Callable[[], Iterator[bytes]]:
    def files() -> Iterator[bytes]:
        from tests.manuscript.making import folder_zipped

        for case in sorted(GOLDEN.glob(f"{prefix}*")):
            inside = list((case / "in").iterdir())
            yield inside[0].read_bytes() if len(inside) == 1 and inside[0].is_file() else folder_zipped(case / "in")

    return files


def _of(*paths: Path) -> Callable[[], Iterator[bytes]]:
    return lambda: (path.read_bytes() for path in paths)


def _chapters(lines: int) -> Callable[[], Iterator[bytes]]:
    return lambda: iter(["\n".join((DEMO / "manuscript.md").read_text().split("\n")[:lines]).encode()])


TARGETS: Final[dict[str, Target]] = {
    "epub": Target(_manuscript(".epub"), _golden("epub")),
    "docx": Target(_manuscript(".docx"), _golden("docx")),
    "html": Target(_manuscript(".html"), _golden("html")),
    "fb2": Target(_manuscript(".fb2"), _golden("fb2")),
    "fountain": Target(_manuscript(".fountain"), _golden("fountain")),
    "markdown": Target(_manuscript(".md"), _chapters(40)),
    "text": Target(_manuscript(".txt"), _chapters(30)),
    "book-yaml": Target(_book_yaml, _of(DEMO / "book.yaml")),
    "cast-yaml": Target(lambda data, folder: load_cast(_file(folder, "cast.yaml", data)), _of(DEMO / "cast.yaml")),
    "cast-csv": Target(lambda data, folder: load_cast(_file(folder, "cast.csv", data))),
    "lexicon": Target(lambda data, folder: load_lexicon(_file(folder, "lexicon.yaml", data), CAST, language="en")),
    "pls": Target(_pls),
    "profile": Target(
        lambda data, folder: load_settings(str(_file(folder, "profile.toml", data)), environ={}),
        lambda: (path.read_bytes() for path in sorted((ROOT / "configs").glob("*.toml"))),
    ),
    "preset": Target(
        lambda data, folder: read_preset(str(_file(folder, "preset.toml", data))),
        lambda: (path.read_bytes() for path in sorted((ROOT / "configs" / "presets").glob("*.toml"))),
    ),
    "script": Target(_script, lambda: (path.read_bytes() for path in sorted(ROOT.glob("tests/script/golden/*/*.txt")))),
    "notes": Target(
        lambda data, folder: read_notes(read_text(_file(folder, "notes.txt", data), "notes.txt"), where="n")
    ),
    "pickups": Target(lambda data, folder: load_pickups(_file(folder, "pickups.json", data).parent)),
    "signoff": Target(lambda data, folder: load_signoffs(_file(folder, "signoff.json", data).parent)),
    "chapter-record": Target(lambda data, folder: read_record(_file(folder, "01.json", data))),
    "wav": Target(_wav),
    "mp3": Target(lambda data, folder: probe(_file(folder, "01.mp3", data))),
    "cover": Target(_cover),
    **{name: Target(read, seeds) for name, (read, seeds) in {**records.READERS, **answers.READERS}.items()},
}
