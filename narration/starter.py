"""What `narrate init` writes: a book.yaml and a cast.yaml in which every key is explained.

Invariant: both files load without a problem as they are, in each language of the service.
"""

from __future__ import annotations

import json
import unicodedata

from narration.formats import Format
from narration.production import LANGUAGES

_NARRATOR = {"zh": "旁白"}
_PREVIEWS = {
    "zh": "灯早就灭了，可屋里没有一个人睡着。",
    "en": "The lamp was out, but nobody in the house had slept.",
    "de": "Die Lampe war aus, doch niemand im Haus hatte geschlafen.",
    "it": "La lampada era spenta, ma nessuno in casa aveva dormito.",
    "pt": "A lâmpada estava apagada, mas ninguém na casa tinha dormido.",
    "es": "La lámpara estaba apagada, pero nadie en la casa había dormido.",
    "ja": "明かりは消えていたが、家の中では誰も眠っていなかった。",
    "ko": "등불은 꺼졌지만 집 안에서는 아무도 잠들지 못했다.",
    "fr": "La lampe était éteinte, mais personne dans la maison n’avait dormi.",
    "ru": "Лампа погасла, но никто в доме не спал.",
}
_NARRATOR_VOICE = "A calm middle-aged voice, low pitch, clear, steady pace, warm tone, for audiobook narration."
_VOICES = (
    "A young woman, medium pitch, bright and quick, a curious tone, for a character in an audiobook.",
    "A middle-aged man, low pitch, slightly hoarse, slow pace, a dry tone, for a character in an audiobook.",
    "An elderly woman, low and soft, slow pace, a warm tone, for a character in an audiobook.",
    "A young man, medium pitch, crisp, fast pace, a cheerful tone, for a character in an audiobook.",
    "A middle-aged woman, high pitch, clear, medium pace, a serious tone, for a character in an audiobook.",
    "An elderly man, low pitch, rich and powerful, slow pace, a composed tone, for a character in an audiobook.",
)
"""First drafts that differ in age, pitch, texture and pace, so that characters do not blend before anybody edits them.

Source: alibabacloud.com model-studio, voice design user guide (the dimensions that a description names).
"""

_BOOK = """\
# One production: this folder. `narrate plan` shows what a render would do and cost; it spends nothing.

# Title and author, as they stand in the tags of the finished files.
title: {title}
author: {author}

# Language of the book: {languages}.
language: {language}

# The manuscript and the cast sheet, seen from this folder. The cast sheet may also be a CSV file with the same columns.
manuscript: {manuscript}
cast: cast.yaml

# Which speech service speaks: `sandbox` (offline, free, a robot's voice), `international`, `china`, another packaged
# profile, or the path of one of your own. All but the sandbox's cost money and need a key of their site.
profile: sandbox

# What this book may cost over all runs, in US dollars. A render stops cleanly when it is reached.
budget_usd: 5

# A name for this production in the usage ledger; without it, the folder's name.
# id: my-book

# Which chapters `narrate render` makes unless --chapters says otherwise; without it, all.
# chapters: 1-3

# Of several books on a shelf (`narrate nightly`), the higher priority goes first.
# priority: 0

# How the finished files are mastered, what they are delivered as, and what is said of the book in them.
# preset: acx             # acx, podcast, audiobookshelf, none
# formats: [mp3, m4b]     # {formats}
# narrator: Who Reads
# series: Name of the Series
# series_index: 1
# description: What the book is about.
# publisher: Who publishes it
# year: 2026
# isbn: 978-0-306-40615-7
# copyright: 2026 The Author
# cover: cover.jpg        # square, 2400 by 2400 pixels or more; without one, a plain cover is drawn
# credits:
#   opening: "{{title}}. Written by {{author}}. Read by {{narrator}}."
#   closing: "This was {{title}}, by {{author}}."
# sample: auto            # or a table with chapter, begin and end

# How lines are cut into requests, and how they are joined. Every setting is listed in the settings reference.
# chunks:
#   target_chars: 320     # code points in one request, about
#   tags: drop            # leave out “said Mara.”, where the voice beside it tells
# speech:                 # only what the profile's model has, see the page on services
#   speed: 1.1
# audio:
#   loudness_db: -21      # instead of the preset's; in its unit (dBFS RMS in acx)
#   paragraph_ms: 650     # pause between paragraphs
#   scene_ms: 1600        # pause at a scene break
"""

_CAST = """\
# Everybody who speaks. The narrator reads whatever nobody else says.
#
#   name      as the manuscript spells it (required)
#   voice     what the voice sounds like, in English or Chinese, at most 2,048 characters (required): gender, age,
#             pitch, pace, texture, mood and purpose; no real person, no known character. Voices are made by chance:
#             the same description gives another voice each time, so a voice once made is kept and reused.
#   preview   what the new voice says first: a sentence or two in the language of the book, at most 1,024 characters
#             (required)
#   role      `narrator` for exactly one; all others are characters
#   gender    `female`, `male` or `neutral`; helps to tell who says a line
#   aliases   other names in the manuscript, such as [Captain Reed, the captain]
#   profile   whose service speaks, where it is not the production's

characters:
"""


def starter_files(
    manuscript_name: str, *, title: str, author: str, language: str, names: tuple[str, ...] = ()
) -> dict[str, str]:
    """The files of a new production by their names, ready to be edited.

    Args:
        manuscript_name: the manuscript's file name, seen from the production.
        title: the book's title.
        author: its author.
        language: ISO 639-1; one of `narration.production.LANGUAGES`.
        names: characters found in the manuscript, the narrator left out.

    Raises:
        KeyError: the service does not speak that language.
    """
    preview = _PREVIEWS[language]
    book = _BOOK.format(
        title=_quoted(title, "Untitled"),
        author=_quoted(author, "Anonymous"),
        language=language,
        languages=", ".join(f"{code} ({name})" for code, name in LANGUAGES.items()),
        formats=", ".join(Format),
        manuscript=json.dumps(manuscript_name, ensure_ascii=False),
    )
    narrator = _NARRATOR.get(language, "Narrator")
    entries = [_entry(narrator, _NARRATOR_VOICE, preview, role="narrator")]
    others = [name for name in dict.fromkeys(names) if name.casefold() != narrator.casefold()]
    entries += [_entry(name, _VOICES[index % len(_VOICES)], preview) for index, name in enumerate(others)]
    return {"book.yaml": book, "cast.yaml": _CAST + "\n".join(entries)}


def _entry(name: str, voice: str, preview: str, *, role: str = "") -> str:
    lines = [f"  - name: {_quoted(name)}"]
    lines += [f"    role: {role}"] if role else []
    lines += [f"    voice: {_quoted(voice)}", f"    preview: {_quoted(preview)}", "    aliases: []", ""]
    return "\n".join(lines)


def _quoted(text: str, stand_in: str = "") -> str:
    """Text on one line in double quotes, which YAML reads as JSON does."""
    line = "".join(" " if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") else char for char in text)
    return json.dumps(" ".join(line.split()) or stand_in, ensure_ascii=False)
