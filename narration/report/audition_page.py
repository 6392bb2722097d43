"""The page of an audition: players, descriptions and measures of every candidate, in one HTML file.

Invariant: the page is whole in itself: sounds are in it, it asks for nothing from anywhere, and says so to the browser.
"""

from __future__ import annotations

import base64
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

from narration.audio.likeness import BLEND, Likeness
from narration.audio.voiceprint import VoicePrint
from narration.voice import Voice

MEDIA = {"wav": "audio/wav", "mp3": "audio/mpeg", "opus": "audio/ogg"}
_PITCH_HZ, _PACE, _LEVEL_DBFS = (70.0, 400.0), (2.0, 9.0), (-40.0, -8.0)
"""Ends of the scales on which measures are drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A candidate, or a voice that somebody has.

    Attributes:
        number: as `narrate voices choose` wants it; 0 for the voice that the character has, where it is no candidate.
        voice: of the bible.
        preview: the sound file; may be empty.
        measured: its voiceprint, or None where there is no sound.
        chosen: whether it is the character's voice now.
        line: a take of the book's line; may be empty.
    """

    number: int
    voice: Voice
    preview: bytes
    measured: VoicePrint | None
    chosen: bool = False
    line: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A character on the page.

    Attributes:
        character: the name.
        lines: how much it says in the book.
        profile: whose service.
        prompt: the description.
        preview_text: what the candidates say.
        quoted: whether these words stand in the book.
        line: a line of the book that they say as well, where these do not; may be empty.
        locked: whether the present voice is locked.
        heard: the candidates.
    """

    character: str
    lines: int
    profile: str
    prompt: str
    preview_text: str
    quoted: bool
    locked: bool
    line: str
    heard: tuple[Heard, ...]


def alike(parts: Iterable[Part]) -> Mapping[tuple[str, int], tuple[str, ...]]:
    """For each candidate, by character and number, the candidates of others that it would blend with."""
    prints = {
        (part.character, heard.number): heard.measured
        for part in parts
        for heard in part.heard
        if heard.measured is not None
    }
    keys = {f"{place}": key for place, key in enumerate(prints)}
    likeness = Likeness({name: prints[key] for name, key in keys.items() if prints[key] is not None}, ())
    found: dict[tuple[str, int], list[str]] = {key: [] for key in prints}
    for pair in likeness.alike():
        one, other = keys[pair.one], keys[pair.other]
        if one[0] != other[0]:
            found[one].append(f"{other[0]} {other[1]}")
            found[other].append(f"{one[0]} {one[1]}")
    return {key: tuple(names) for key, names in found.items()}


def audition_page(title: str, parts: tuple[Part, ...], *, cost: str, options: tuple[str, ...]) -> str:
    """The page.

    Args:
        title: of the book.
        parts: in the order of the cast.
        cost: what the audition cost, in words.
        options: of the commands that choose: the production's folder, and where it is not the book's own, the profile.

    Returns:
        HTML, some hundred kilobytes for each candidate.
    """
    near = alike(parts)
    body = "\n".join(_part(part, near, options) for part in parts)
    links = " ".join(f'<a href="#p{place}">{escape(part.character)}</a>' for place, part in enumerate(parts))
    for place, part in enumerate(parts):
        body = body.replace(f'id="p-{escape(part.character)}"', f'id="p{place}"', 1)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; media-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>Audition: {escape(title)}</title><style>{_style()}</style></head><body>
<header><h1>{escape(title)}</h1><p>{escape(cost)}</p><nav>{links}</nav></header>
<main>
{body}
</main>
<footer><p>Pitch is the median of the voiced sound, pace the beats of loudness in a second (about one for a syllable),
level the RMS of the speech. Two voices are told as alike below a distance of {BLEND:g} in pitch, pace and timbre, where
1 is what one voice’s own takes differ by.</p></footer>
<script>{_SCRIPT}</script></body></html>
"""


def _style() -> str:
    return (Path(__file__).parent / "audition.css").read_text(encoding="utf-8")


def _part(part: Part, near: Mapping[tuple[str, int], tuple[str, ...]], options: tuple[str, ...]) -> str:
    cards = "\n".join(_card(part, heard, near.get((part.character, heard.number), ()), options) for heard in part.heard)
    words = "preview, from the book" if part.quoted else "preview"
    said = f"<blockquote>{escape(part.line)}<cite>line of the book</cite></blockquote>" if part.line else ""
    lock = " · the present voice is locked" if part.locked else ""
    return f"""<section id="p-{escape(part.character)}">
<h2>{escape(part.character)}</h2>
<p class="facts">{part.lines:,} lines · {escape(part.profile)}{lock}</p>
<p class="prompt">{escape(part.prompt)}</p>
<blockquote>{escape(part.preview_text)}<cite>{words}</cite></blockquote>{said}
<div class="cards">
{cards}
</div></section>"""


def _card(part: Part, heard: Heard, near: tuple[str, ...], options: tuple[str, ...]) -> str:
    form = heard.voice.preview_format
    sound = _player(heard.preview, form, "preview") if heard.preview else "<p>No preview is kept of this voice.</p>"
    sound += _player(heard.line, "wav", "line of the book") if heard.line else ""
    measured = heard.measured
    scales = (
        ""
        if measured is None
        else _scale("pitch", measured.pitch_hz, _PITCH_HZ, f"{measured.pitch_hz:.0f} Hz")
        + _scale("pace", measured.pace_per_s, _PACE, f"{measured.pace_per_s:.1f} /s")
        + _scale("level", measured.level_dbfs, _LEVEL_DBFS, f"{measured.level_dbfs:.1f} dBFS")
    )
    warning = f'<p class="near">Sounds like {escape(", ".join(near))}</p>' if near else ""
    mark = f' <span class="mark">{"locked" if part.locked else "speaks now"}</span>' if heard.chosen else ""
    written = shlex.join(("narrate", "voices", "choose", part.character, str(heard.number), *options))
    choose = f"<code>{escape(written)}</code>" if heard.number and not (heard.chosen and part.locked) else ""
    title = f"Candidate {heard.number}" if heard.number else "Present voice"
    return f"""<article class="{"chosen" if heard.chosen else ""}"><h3>{title}{mark}</h3>
{sound}
<dl>{scales}</dl>{warning}{choose}
<p class="name">{escape(heard.voice.voice)}</p></article>"""


def _player(sound: bytes, form: str, label: str) -> str:
    source = f"data:{MEDIA.get(form, 'audio/wav')};base64,{base64.b64encode(sound).decode()}"
    return f'<audio controls preload="metadata" aria-label="{label}" title="{label}" src="{source}"></audio>'


def _scale(name: str, value: float, ends: tuple[float, float], words: str) -> str:
    low, high = ends
    share = 100 * min(1.0, max(0.0, (value - low) / (high - low)))
    return (
        f'<div><dt>{name}</dt><dd><span class="bar"><i style="left:{share:.0f}%"></i></span>'
        f"<span>{escape(words)}</span></dd></div>"
    )


_SCRIPT = """
document.addEventListener('play',e=>{for(const a of document.querySelectorAll('audio'))if(a!==e.target)a.pause()},true)
"""
