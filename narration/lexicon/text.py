"""Writing into a lexicon's file: entries and proposals after what a person wrote.

Invariant: what is there stays, and what is added stands after it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Final

from narration.lexicon import Entry

ROOT: Final = "entries"
"""The list may stand under this key, or be the whole file."""

_KEYED: Final = re.compile(rf"(?:\s*#.*\n|\s*\n|---\s*\n)*{ROOT}\s*:")


def has_key(text: str) -> bool:
    """Whether a lexicon's entries stand under the key `entries`."""
    return bool(_KEYED.match(text))


def entry_line(entry: Entry) -> str:
    """An entry as a person would write it, on one line, without its dash."""
    pairs = [f"word: {_quoted(entry.word)}"]
    pairs.append(f"say: {_quoted(entry.say)}" if entry.say else "silent: true")
    pairs += [f"lang: {entry.lang}"] if entry.lang else []
    pairs += [f"who: [{', '.join(map(_quoted, entry.who))}]"] if entry.who else []
    pairs += [f"chapters: [{', '.join(map(str, entry.chapters))}]"] if entry.chapters else []
    pairs += [f"at: [{', '.join(map(_quoted, entry.at))}]"] if entry.at else []
    pairs += ["ci: true"] if entry.ci else []
    pairs += [f"context: {_quoted(entry.context)}"] if entry.context else []
    return f"{{{', '.join(pairs)}}}"


def _quoted(text: str) -> str:
    """Bare where YAML reads it as text in a list and in braces, else in double quotes, which it reads as JSON does."""
    is_plain = re.fullmatch(r"[^\W\d_](?:[\w’'. -]*\w)?", text) and text.casefold() != "null"
    return text if is_plain else json.dumps(text, ensure_ascii=False)


def added_to(text: str, lines: Iterable[str], *, comment: str = "", sign: str = "- ") -> str:
    """A lexicon's text with lines after it.

    Args:
        text: what is there; empty where there is no file.
        lines: what is added, entries as `entry_line` writes them; none leaves the text as it is.
        comment: stands above them, on one line.
        sign: before each line: an item's dash, or `# - ` for a proposal that counts for nothing yet.
    """
    rows = [f"{sign}{line}" for line in lines]
    if not rows:
        return text
    first = re.search(r"^( *)- ", text, flags=re.MULTILINE)
    indent = first[1] if first else ""
    gap = "" if not text or text.endswith("\n") else "\n"
    return text + gap + "".join(f"{indent}{row}\n" for row in ([f"# {comment}"] if comment else []) + rows)


def new_proposals(text: str, words: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Lines for a person to complete; what a lexicon's text proposes already is left out.

    Args:
        text: what is there.
        words: each with a note on it.
    """
    heads = ((f"{{word: {_quoted(word)}, say: ", " ".join(note.split())) for word, note in words)
    return tuple(f'{head}""}}  # {note}' for head, note in heads if head not in text)
