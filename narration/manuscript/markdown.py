"""Markdown to blocks, by the tokens of markdown-it.

Invariant: of the source only markup is left out (marks of emphasis and structure, HTML tags, link targets, images).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from narration.book import Paragraph, ParagraphKind
from narration.manuscript.chapters import Block, Draft
from narration.manuscript.headings import is_part_heading
from narration.manuscript.letters import clean, is_scene_break, split_script_lines, unwrap

_FRONT_MATTER: Final = re.compile(
    r"\A\ufeff?---[ \t]*\n((?:[A-Za-z][\w-]*:.*\n|[ \t]+.*\n|- .*\n|\n)*?)(?:---|\.\.\.)[ \t]*\n"
)
_FRONT_KEY: Final = re.compile(r"^(title|author):[ \t]*(.+?)[ \t]*$", re.MULTILINE | re.IGNORECASE)

_DEFINITION: Final = re.compile(
    r"^((?:[ \t>*+-]|\d{1,9}[.)](?=[ \t]))*)(\[[^\]\n]+\]:[ \t]*+(?!<?(?:[a-z]+:|www\.|[./#])\S*(?:[ \t]+[\"'(].*)?$))",
    re.MULTILINE,
)
"""What Markdown would take for the target of a link, and swallow, although it is none (`[Mara]: Hello.`)."""

_MOST_NESTED: Final = 100
_TOO_NESTED: Final = re.compile(
    r"^(?![ \t]*([*-])[ \t]*(?:\1[ \t]*)+$)(?:[ \t]*>|[ \t]*[*+-](?=[ \t>])){30,}[ \t]*", re.MULTILINE
)
"""The parser drops what is nested deeper than its bound."""

_UNDERLINED_CHARS: Final = 80
"""A longer paragraph with `---` right below is a paragraph and a scene break, not a heading."""
_SENTENCE_ENDS: Final = tuple(".!?…”’\"'。！？」』")

_TAGS: Final = (
    "a abbr address article aside b big blockquote body br cite center code dd del details dfn div dl dt em "
    "figcaption figure font footer form h1 h2 h3 h4 h5 h6 head header hr html i img ins kbd li link main mark "
    "meta nav ol p pre q rp rt ruby s samp section small span strike strong sub summary sup table tbody td tfoot "
    "th thead title tr tt u ul var wbr"
)
_TAG: Final = re.compile(
    rf"</?(?:{_TAGS.replace(' ', '|')})(?=[\s/>])[^<>]*>|<!--.*?-->|<[?!][^>]*>", re.IGNORECASE | re.DOTALL
)
_UNSEEN: Final = re.compile(r"<(script|style|rt|rp)\b[^>]*>.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_LINE_TAG: Final = re.compile(r"<br\s*/?>", re.IGNORECASE)
_BLOCK_TAG: Final = re.compile(
    r"</?(?:address|article|aside|blockquote|center|dd|div|dl|dt|figure|h[1-6]|header|footer|li|main|ol|p|pre|section|table|tr|ul)\b[^<>]*>",
    re.IGNORECASE,
)
_RULE_TAG: Final = re.compile(r"<hr\b[^<>]*>", re.IGNORECASE)

_HARD_BREAK: Final = "\ue000"
"""Stands for a hard line break until the soft ones are unwrapped; a private-use character, which prose has not."""

_KIND_OF_CONTAINER: Final = {
    "blockquote_open": ParagraphKind.QUOTE,
    "bullet_list_open": ParagraphKind.LIST_ITEM,
    "ordered_list_open": ParagraphKind.LIST_ITEM,
}


def draft_markdown(text: str, *, language: str) -> Draft:
    """The blocks of a Markdown manuscript.

    Args:
        text: the whole file, with line feeds.
        language: ISO 639-1; Chinese and Japanese lines join without a space.
    """
    source, meta = _front_matter(text)
    # Prose has no code: an indented paragraph is a paragraph, and a row of tildes a scene break.
    parser = MarkdownIt("commonmark", {"maxNesting": _MOST_NESTED}).disable(["code", "fence"])
    tokens = parser.parse(_TOO_NESTED.sub("> ", _DEFINITION.sub(r"\1\\\2", source)))
    blocks = tuple(block for token, kind, marker in _leaves(tokens) for block in _blocks(token, kind, marker, language))
    return Draft(blocks=blocks, title=meta.get("title", ""), author=meta.get("author", ""))


def _front_matter(text: str) -> tuple[str, dict[str, str]]:
    """The text with its front matter blanked, so that line numbers stay, and what the front matter says."""
    match = _FRONT_MATTER.match(text)
    if match is None:
        return text, {}
    found = {key.lower(): clean(value.strip("\"'")) for key, value in _FRONT_KEY.findall(match.group(1))}
    return "\n" * match.group().count("\n") + text[match.end() :], found


def _leaves(tokens: list[Token]) -> Iterator[tuple[Token, ParagraphKind, str]]:
    """Every token that holds text, with its kind of paragraph and the number of its list item, if it opens one.

    An inline token is given the tag and mark of the block around it.
    """
    containers: list[ParagraphKind] = []
    marker = ""
    opener: Token | None = None
    for token in tokens:
        if token.type in _KIND_OF_CONTAINER:
            containers.append(_KIND_OF_CONTAINER[token.type])
        elif token.type in {"blockquote_close", "bullet_list_close", "ordered_list_close"}:
            containers.pop()
        elif token.type == "list_item_open":
            marker += f"{token.info}{token.markup} " if token.info else ""
            opener = token
        elif token.type == "list_item_close" and marker and opener is not None:
            yield Token("inline", "", 0, children=[], map=opener.map), ParagraphKind.LIST_ITEM, marker
            marker = ""
        elif token.type in {"paragraph_open", "heading_open"}:
            opener = token
        elif token.type in {"inline", "html_block", "hr"}:
            if token.type == "inline" and opener is not None:
                token.tag, token.markup = opener.tag, opener.markup
            yield token, containers[-1] if containers else ParagraphKind.PROSE, marker
            marker = ""


def _blocks(token: Token, kind: ParagraphKind, marker: str, language: str) -> Iterator[Block]:
    line = token.map[0] + 1 if token.map else 0
    if marker and token.type != "inline":
        yield from _prose_blocks(marker, kind, line, language)
    if token.type == "hr":
        yield _block(token.markup[0] * 3, ParagraphKind.SCENE_BREAK, line)
        return
    if token.type == "html_block":
        yield from _html_blocks(token.content, kind, line, language)
        return
    level = int(token.tag[1]) if token.tag.startswith("h") else 0
    raw = marker + _inline_text(token.children or [])
    if level and token.markup == "-" and (len(raw) > _UNDERLINED_CHARS or raw.rstrip().endswith(_SENTENCE_ENDS)):
        yield from _prose_blocks(raw, kind, line, language)
        yield _block("---", ParagraphKind.SCENE_BREAK, line + raw.count("\n") + 1)
    elif level:
        heading = clean(unwrap(raw.replace(_HARD_BREAK, "\n").split("\n"), language))
        if heading:
            yield _block(heading, ParagraphKind.HEADING, line, level=level)
    else:
        yield from _prose_blocks(raw, kind, line, language)


def _prose_blocks(raw: str, kind: ParagraphKind, line: int, language: str) -> Iterator[Block]:
    """The paragraphs of one block of text: one, or one for each line that names its speaker."""
    for lines in split_script_lines(raw.split("\n")):
        joined = unwrap(lines, language).replace(_HARD_BREAK + " ", _HARD_BREAK).strip(_HARD_BREAK + " ")
        text = clean(joined.replace(_HARD_BREAK, "\n"))
        if text:
            is_verse = "\n" in text and kind is not ParagraphKind.LIST_ITEM
            yield _block(text, ParagraphKind.VERSE if is_verse else kind, line)
        line += len(lines)


def _block(text: str, kind: ParagraphKind, line: int, *, level: int = 0) -> Block:
    if kind is not ParagraphKind.SCENE_BREAK and is_scene_break(text):
        kind, level = ParagraphKind.SCENE_BREAK, 0
    paragraph = Paragraph(text=text, kind=kind, source_line=line)
    return Block(paragraph=paragraph, level=level, is_part=level > 0 and is_part_heading(text))


def _inline_text(children: list[Token]) -> str:
    """The words of inline tokens: soft breaks are line feeds, hard ones have a mark before it."""
    parts: list[str] = []
    for child in children:
        match child.type:
            case "text" | "text_special" | "code_inline":
                parts.append(child.content)
            case "softbreak":
                parts.append("\n")
            case "hardbreak":
                parts.append(_HARD_BREAK + "\n")
            case "html_inline":
                parts.append(_strip_tags(child.content))
            case _:
                pass
    return "".join(parts)


def _strip_tags(source: str) -> str:
    """HTML without tags; `<br>` is a hard break, and what only looks like a tag (`<Mara>`) stays."""
    return html.unescape(_TAG.sub("", _LINE_TAG.sub(_HARD_BREAK + "\n", source)))


def _html_blocks(source: str, kind: ParagraphKind, line: int, language: str) -> Iterator[Block]:
    seen = _RULE_TAG.sub("\n\n***\n\n", _BLOCK_TAG.sub("\n\n", _UNSEEN.sub("", source)))
    for piece in re.split(r"\n[ \t]*\n", _strip_tags(seen)):
        yield from _prose_blocks(piece.strip("\n"), kind, line, language)
