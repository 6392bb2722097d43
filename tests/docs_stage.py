"""Where the commands of the documentation are run: a home that is empty, a small book, a vendor that charges nothing.

Each page has a folder of its own. `my-book` is there where a page speaks of it as made already; a profile that costs
money leads to a sandbox that stands in for the vendor, by a copy of the profiles with its address in them.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

ROOT = Path(__file__).parents[1]
KEY = "sk-docs-1234567890"

_LINES = (
    ("Mara", "The lamp is out."),
    ("Hale", "It was lit at nine."),
    ("Pip", "I saw it go."),
    ("Mara", "Then say so."),
    ("Hale", "Count the wicks."),
    ("Pip", "There are nine."),
    ("Mara", "There were ten."),
    ("Hale", "Beauchamp is here."),
)
"""Short, since each is spoken many times."""


def _chapter(title: str, lines: int) -> str:
    said = [f"“{text[:-1]},” said {who}." for who, text in (_LINES[at % len(_LINES)] for at in range(lines))]
    return "\n\n".join([f"## {title}", "Nobody spoke at first.", *said])


MANUSCRIPT = "\n\n".join(
    ["# The Lamp", _chapter("Nine", 3), _chapter("Ten", 4), _chapter("Eleven", 8), _chapter("Twelve", 3)]
)
"""Four chapters; the third has seventeen lines, so that 3:17 is one."""

CAST = """\
characters:
  - name: Narrator
    role: narrator
    voice: A calm middle-aged woman, low pitch, steady pace, for audiobook narration.
    preview: The lamp was out, but nobody in the house had slept.
  - name: Mara
    gender: female
    voice: A young woman, slightly high pitch, medium pace, composed and exact, for an audiobook.
    preview: I would like to count those again, if you please.
  - name: Hale
    gender: male
    voice: A man of fifty-five, low pitch, measured pace, formal and dry, for an audiobook.
    preview: I have read your figures with attention, and I believe them.
  - name: Pip
    gender: female
    voice: A ten-year-old girl, a child's high pitch, fast pace, lively and bright, for an audiobook.
    preview: I can reach the top shelf if nobody holds the ladder.
"""

BOOK = """\
title: The Lamp
author: A. Author
language: en
manuscript: my-book.md
cast: cast.yaml
budget_usd: 20
profile: {profile}
"""

NOTES = 'line,note\n3:17,"misread, say ""Beecham"""\n'


class Ready(StrEnum):
    """What is there when a page begins."""

    MANUSCRIPT = "manuscript"  # my-book.md alone
    BOOK = "book"  # my-book, a production
    RENDERED = "rendered"  # and rendered


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """How a page begins.

    Attributes:
        ready: how far `my-book` is.
        profile: of its book.yaml.
        key: whether a key of the vendor's is in the environment.
        s3: whether there is an S3 server with a bucket `studio`.
    """

    ready: Ready = Ready.RENDERED
    profile: str = "sandbox"
    key: bool = True
    s3: bool = False


def write_book(folder: Path, profile: str) -> None:
    """The production `my-book`."""
    folder.mkdir(parents=True)
    (folder / "book.yaml").write_text(BOOK.format(profile=profile), encoding="utf-8")
    (folder / "cast.yaml").write_text(CAST, encoding="utf-8")
    (folder / "my-book.md").write_text(MANUSCRIPT, encoding="utf-8")


def write_scene(here: Path, scene: Scene) -> None:
    """Everything that lies about when a page begins."""
    here.mkdir(parents=True, exist_ok=True)
    (here / "my-book.md").write_text(MANUSCRIPT, encoding="utf-8")
    (here / "notes.csv").write_text(NOTES, encoding="utf-8")
    if scene.ready is not Ready.MANUSCRIPT:
        write_book(here / "my-book", scene.profile)
        shutil.copytree(here / "my-book", here / "shelf" / "my-book")


def profiles_of_vendor(folder: Path, base_url: str) -> Path:
    """A copy of the packaged profiles that leads to the sandbox at `base_url`, without limits of speed.

    Args:
        folder: to be made.
        base_url: of the sandbox, ending in /api/v1.
    """
    shutil.copytree(ROOT / "configs", folder)
    root = base_url.removesuffix("/api/v1")
    for path in folder.glob("*.toml"):
        text = path.read_text(encoding="utf-8")
        text = re.sub(r'base_url = "https://[^"]*/api/v1"', f'base_url = "{base_url}"', text)
        text = re.sub(r'base_url = "https://[^"]*/v1"', f'base_url = "{root}/v1"', text)
        text = re.sub(r'websocket_url = "wss://[^"]*/([\w-]+/v1)"', f'websocket_url = "ws{root[4:]}/\\1"', text)
        if "[limits]" not in text:
            text += "\n[limits]\nper_minute = 0\nper_second = 0.0\nin_flight = 8\n"
        text += "\n[check]\ndoubt_share = 0.0\n"  # what is doubted hangs on the voices that chance makes
        path.write_text(text, encoding="utf-8")
    return folder


def set_keys(path: Path, text: str) -> None:
    """Set the top-level keys of `text` in a YAML file, as a person would who edits it."""
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    for key in re.findall(r"(?m)^(\w+):", text):
        old = re.sub(rf"(?ms)^{key}:.*?(?=^\S|\Z)", "", old)
    path.write_text(f"{old.rstrip()}\n{text}", encoding="utf-8")
