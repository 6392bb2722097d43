"""A book that a person corrects, by the commands: what was changed is spoken again, and nothing else is touched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.flows.conftest import Narrate
from tests.flows.stage import MANUSCRIPT, small_book

pytestmark = pytest.mark.slow

STEAM, TEA = "01 - Steam.mp3", "02 - Tea.mp3"


class Production:
    """The small book at a vendor's, with everything spoken."""

    def __init__(self, narrate: Narrate, folder: Path, profile: Path) -> None:
        self.narrate, self.folder, self.profile = narrate, folder, profile

    def edit(self, old: str, new: str, name: str = "script/01.txt") -> None:
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1
        path.write_text(text.replace(old, new), encoding="utf-8")

    def scripts(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (self.folder / "script").iterdir()}

    def script(self) -> list[dict[str, object]]:
        said = self.narrate("script", self.folder, "--json")
        assert said.code == 0
        found: list[dict[str, object]] = said.json["chapters"]
        return found

    def to_speak(self) -> int:
        said = self.narrate("plan", self.folder, "--profile", self.profile, "--json")
        assert said.code == 0, said.err
        return int(said.json["chunks_to_speak"])

    def render(self) -> int:
        """Chunks that are spoken."""
        said = self.narrate("render", self.folder, "--profile", self.profile, "--yes", "--json")
        assert said.code == 0, said.err
        return int(said.json["chunks_spoken"])

    def audio(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (self.folder / "out").glob("*.mp3")}

    def cues(self, number: int) -> list[dict[str, object]]:
        found: list[dict[str, object]] = json.loads(
            (self.folder / "out" / "timeline" / f"{number:02}.json").read_text()
        )["cues"]
        return found


@pytest.fixture
def book(narrate: Narrate, tmp_path: Path, paid: Path) -> Production:
    production = Production(narrate, small_book(tmp_path / "book"), paid)
    production.script()
    assert production.render() > 0
    assert production.to_speak() == 0
    return production


def test_a_name_changed_in_one_line_speaks_one_line_again(book: Production) -> None:
    audio = book.audio()
    book.edit("Ann: “It wants to be taken off,”", "Ben: “It wants to be taken off,”")
    scripts = book.scripts()
    assert [one["state"] for one in book.script()] == ["unchanged", "unchanged"]
    assert book.scripts() == scripts
    assert (book.to_speak(), book.render(), book.to_speak()) == (1, 1, 0)
    assert book.audio()[TEA] == audio[TEA]
    assert book.audio()[STEAM] != audio[STEAM]


def test_a_paragraph_inserted_into_the_manuscript_keeps_every_line(book: Production) -> None:
    audio, scripts = book.audio(), book.scripts()
    book.edit("Ben: “Then take it off,”", "; as the author wants it\nAnn (crossly): “Then take it off,”")
    assert book.render() == 1
    manuscript = MANUSCRIPT.replace("“Then take it off,”", "Outside it rained.\n\n“Then take it off,”")
    (book.folder / "kettle.md").write_text(manuscript, encoding="utf-8")
    assert book.narrate("plan", book.folder).code == 2
    first, second = book.script()
    assert (first["added"], first["edited"], first["reattributed"], first["removed"]) == (1, 0, 0, [])
    assert second["state"] == "unchanged"
    text = (book.folder / "script" / "01.txt").read_text(encoding="utf-8")
    assert "; as the author wants it\nAnn (crossly): “Then take it off,”" in text
    assert book.scripts()["02.txt"] == scripts["02.txt"]
    assert (book.to_speak(), book.render(), book.to_speak()) == (1, 1, 0)
    assert book.audio()[TEA] == audio[TEA]


def test_directions_and_skipped_lines_cost_nothing_and_a_pause_is_heard(book: Production) -> None:
    book.edit("Ann: “It wants", "[pause 1.5]\nAnn (wearily): “It wants")
    book.edit("Nobody spoke.", "~ Nobody spoke.")
    plan = book.narrate("plan", book.folder, "--profile", book.profile, "--json").json
    assert (plan["chunks_to_speak"], plan["directions_not_carried"], plan["lines_skipped"]) == (0, 1, 1)
    before = book.cues(1)
    assert book.render() == 0
    after = book.cues(1)
    assert [cue["text"] for cue in before if cue not in after][-1:] == ["Nobody spoke."]
    assert "wearily" not in json.dumps(after)
    place = next(index for index, cue in enumerate(after) if "It wants" in str(cue["text"]))
    kettle, ann = after[place - 1], after[place]
    silence = (int(str(ann["start_frame"])) - int(str(kettle["end_frame"]))) / 24_000
    assert silence == pytest.approx(1.5, abs=0.005)


def test_a_joint_line_is_spoken_by_the_one_who_had_not_said_it_and_heard_from_one_start(book: Production) -> None:
    book.edit("Ann: “It wants", "Ann + Ben: “It wants")
    assert (book.to_speak(), book.render(), book.to_speak()) == (1, 1, 0)
    ann, ben = (cue for cue in book.cues(1) if "It wants" in str(cue["text"]))
    assert (ann["speaker"], ben["speaker"]) == ("Ann", "Ben")
    assert ann["start_frame"] == ben["start_frame"]


def test_an_entry_of_the_lexicon_speaks_the_lines_with_the_word_again(book: Production) -> None:
    audio = book.audio()
    (book.folder / "lexicon.yaml").write_text("- {word: sugar, say: shugger}\n", encoding="utf-8")
    assert (book.to_speak(), book.render(), book.to_speak()) == (1, 1, 0)
    assert book.audio()[STEAM] == audio[STEAM]
    (book.folder / "lexicon.yaml").write_text("- {word: sugar, say: shugger, who: [Ann]}\n", encoding="utf-8")
    assert book.to_speak() == 0, "Ben says it, and as he did before"
    (book.folder / "lexicon.yaml").write_text('- {word: spoke, say: spoak, chapters: "2"}\n', encoding="utf-8")
    assert book.to_speak() == 1, "it is said in both chapters"
