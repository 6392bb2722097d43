"""The page of an audition: players, descriptions and measures of every candidate, in one HTML file.

Invariant: the page is whole in itself: sounds are in it, it asks for nothing from anywhere, and says so to the browser.
"""

from __future__ import annotations

import base64
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape

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
    """

    number: int
    voice: Voice
    preview: bytes
    measured: VoicePrint | None
    chosen: bool = False


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


def audition_page(title: str, parts: tuple[Part, ...], *, cost: str, book: str) -> str:
    """The page.

    Args:
        title: of the book.
        parts: in the order of the cast.
        cost: what the audition cost, in words.
        book: the production's folder, for the commands that choose.

    Returns:
        HTML, some hundred kilobytes for each candidate.
    """
    near = alike(parts)
    body = "\n".join(_part(part, near, book) for part in parts)
    links = " ".join(f'<a href="#p{place}">{escape(part.character)}</a>' for place, part in enumerate(parts))
    for place, part in enumerate(parts):
        body = body.replace(f'id="p-{escape(part.character)}"', f'id="p{place}"', 1)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; media-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>Audition: {escape(title)}</title><style>{_STYLE}</style></head><body>
<header><h1>{escape(title)}</h1><p>{escape(cost)}</p><nav>{links}</nav></header>
<main>
{body}
</main>
<footer><p>Pitch is the median of the voiced sound, pace the beats of loudness in a second (about one for a syllable),
level the RMS of the speech. Two voices are told as alike below a distance of {BLEND:g} in pitch, pace and timbre, where
1 is what one voice’s own takes differ by.</p></footer>
<script>{_SCRIPT}</script></body></html>
"""


def _part(part: Part, near: Mapping[tuple[str, int], tuple[str, ...]], book: str) -> str:
    cards = "\n".join(_card(part, heard, near.get((part.character, heard.number), ()), book) for heard in part.heard)
    words = "from the book" if part.quoted else "not words of the book"
    lock = " · the present voice is locked" if part.locked else ""
    return f"""<section id="p-{escape(part.character)}">
<h2>{escape(part.character)}</h2>
<p class="facts">{part.lines:,} lines · {escape(part.profile)}{lock}</p>
<p class="prompt">{escape(part.prompt)}</p>
<blockquote>{escape(part.preview_text)}<cite>{words}</cite></blockquote>
<div class="cards">
{cards}
</div></section>"""


def _card(part: Part, heard: Heard, near: tuple[str, ...], book: str) -> str:
    sound = _player(heard) if heard.preview else "<p>No preview is kept of this voice.</p>"
    measured = heard.measured
    scales = (
        ""
        if measured is None
        else _scale("pitch", measured.pitch_hz, _PITCH_HZ, f"{measured.pitch_hz:.0f} Hz")
        + _scale("pace", measured.pace_per_s, _PACE, f"{measured.pace_per_s:.1f} /s")
        + _scale("level", measured.level_dbfs, _LEVEL_DBFS, f"{measured.level_dbfs:.1f} dBFS")
    )
    warning = f'<p class="near">Sounds like {escape(", ".join(near))}</p>' if near else ""
    mark = ' <span class="mark">chosen</span>' if heard.chosen else ""
    written = f"narrate voices choose {shlex.quote(part.character)} {heard.number} --book {shlex.quote(book)}"
    choose = f"<code>{escape(written)}</code>" if heard.number and not heard.chosen else ""
    title = f"Candidate {heard.number}" if heard.number else "Present voice"
    return f"""<article class="{"chosen" if heard.chosen else ""}"><h3>{title}{mark}</h3>
{sound}
<dl>{scales}</dl>{warning}{choose}
<p class="name">{escape(heard.voice.voice)}</p></article>"""


def _player(heard: Heard) -> str:
    media = MEDIA.get(heard.voice.preview_format, "audio/wav")
    data = base64.b64encode(heard.preview).decode()
    return f'<audio controls preload="metadata" src="data:{media};base64,{data}"></audio>'


def _scale(name: str, value: float, ends: tuple[float, float], words: str) -> str:
    low, high = ends
    share = 100 * min(1.0, max(0.0, (value - low) / (high - low)))
    return (
        f'<div><dt>{name}</dt><dd><span class="bar"><i style="left:{share:.0f}%"></i></span>'
        f"<span>{escape(words)}</span></dd></div>"
    )


_STYLE = """
:root{color-scheme:light dark;--ink:#1c1b19;--soft:#6b675f;--paper:#faf8f4;--card:#fff;--edge:#ddd7cc;--mark:#1f6f54;--warn:#9a4b00}
@media(prefers-color-scheme:dark){:root{--ink:#ece8e0;--soft:#a59f93;--paper:#191816;--card:#232120;--edge:#3a3733;--mark:#6fd0ab;--warn:#f0a45d}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
header,main,footer{max-width:70rem;margin:auto;padding:1rem}h1{font-size:1.5rem;margin:0}h2{margin:0;font-size:1.25rem}
h3{margin:0 0 .5rem;font-size:1rem}nav{display:flex;flex-wrap:wrap;gap:.25rem .9rem}a{color:inherit}
section{border-top:2px solid var(--edge);padding:1.2rem 0}p{margin:.3rem 0}.facts,.name,footer,cite{color:var(--soft);font-size:.875rem}
blockquote{margin:.6rem 0;padding-left:.8rem;border-left:3px solid var(--edge);font-family:Georgia,serif}
cite{display:block;font-style:normal;font-family:system-ui,sans-serif}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,19rem),1fr));gap:1rem;margin-top:.8rem}
article{background:var(--card);border:1px solid var(--edge);border-radius:.6rem;padding:.9rem;min-width:0}
article.chosen{border:2px solid var(--mark)}.mark{color:var(--mark);font-weight:600}audio{width:100%;height:2.75rem}
dl{margin:.6rem 0}dl div{display:grid;grid-template-columns:3.2rem 1fr;align-items:center}dt{color:var(--soft);font-size:.875rem}
dd{margin:0;display:grid;grid-template-columns:1fr 5.6rem;gap:.6rem;align-items:center;font-variant-numeric:tabular-nums;font-size:.875rem}
.bar{height:.35rem;background:var(--edge);border-radius:1rem;position:relative;margin:0 .3rem}
.bar i{position:absolute;top:-.2rem;width:.75rem;height:.75rem;margin-left:-.375rem;border-radius:50%;background:var(--mark)}
.near{color:var(--warn);font-weight:600;font-size:.9rem}code,.name{overflow-wrap:anywhere}
code{display:block;background:var(--paper);padding:.45rem .6rem;border-radius:.35rem;font-size:.85rem}
"""
_SCRIPT = """
document.addEventListener('play',e=>{for(const a of document.querySelectorAll('audio'))if(a!==e.target)a.pause()},true)
"""
