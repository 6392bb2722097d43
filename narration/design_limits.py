"""What a service accepts as a voice design, and what is wrong with one, told before any request.

Invariant: what is found here would be refused by the service; nothing else is.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from narration.errors import Problem
from narration.sheets import shown

# The letters that a language cannot be without, as prefixes of their Unicode names.
_SCRIPTS = {"zh": ("CJK",), "ja": ("HIRAGANA", "KATAKANA", "CJK"), "ko": ("HANGUL",), "ru": ("CYRILLIC",)}
_LATIN = ("LATIN", "FULLWIDTH LATIN")


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignLimits:
    """What a service accepts as a voice design.

    Attributes:
        prompt_max_chars: of the description, in code points.
        preview_max_chars: of the preview text, in code points.
        language: ISO 639-1 of the book, whose script the preview must be in; empty leaves that open.

    Source: alibabacloud.com model-studio, qwen-tts voice design: 2,048 and 1,024 characters, description in Chinese or
    English, preview in the language of the request. The unit is not stated; code points is the plain reading.
    """

    prompt_max_chars: int
    preview_max_chars: int
    language: str = ""


DesignRules = Callable[[str], DesignLimits | None]
"""What the service of a profile accepts; the profile as a character's entry names it, empty for the book's own."""


def design_problems(voice: str, preview: str, limits: DesignLimits, places: Mapping[str, str]) -> Iterator[Problem]:
    """What a service would refuse of a description and a preview.

    Args:
        voice: the description; an empty one is no concern of this.
        preview: what the audition says; likewise.
        limits: of the service.
        places: names the place of `voice` and of `preview` in messages.
    """
    longest = (("voice", voice, limits.prompt_max_chars), ("preview", preview, limits.preview_max_chars))
    for key, text, most in longest:
        if len(text) > most:
            yield Problem(what=f"has {len(text):,} characters", where=places[key], expected=f"{most:,} at the most")
    foreign = next((char for char in voice if _is_letter(char) and not _is_script(char, (*_LATIN, "CJK"))), "")
    if foreign:
        name = unicodedata.name(foreign, "an unknown letter").lower()
        what = f"has the letter “{foreign}” ({name})"
        yield Problem(what=what, where=places["voice"], expected="a description in English or Chinese")
    elif voice and not any(map(_is_letter, voice)):
        what = f"found {shown(voice)}"
        yield Problem(what=what, where=places["voice"], expected="a description of the sound, in English or Chinese")
    script = _SCRIPTS.get(limits.language, _LATIN)
    if limits.language and preview and not any(_is_script(char, script) for char in preview):
        what = f"has no letter of the book's language (`{limits.language}`): {shown(preview)}"
        yield Problem(what=what, where=places["preview"], expected="text in the language of the book")


def _is_letter(char: str) -> bool:
    return unicodedata.category(char) in ("Lu", "Ll", "Lt", "Lo")


def _is_script(char: str, prefixes: tuple[str, ...]) -> bool:
    # Below U+0250 stand only Latin letters and the ordinal and micro signs that Western text uses among them.
    latin = "LATIN" in prefixes and char < "\u0250" and _is_letter(char)
    return latin or (_is_letter(char) and unicodedata.name(char, "").startswith(prefixes))
