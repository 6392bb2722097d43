"""Opening and closing credits: what is said before the first chapter and after the last, in files of their own.

Invariant: the chapters of the manuscript keep their numbers; credits are chapters that no attribution looks at and that
have no script file.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import fields, replace
from string import Formatter
from types import MappingProxyType

from narration.book import Book, Chapter, ChapterScript, Line, Paragraph
from narration.edition import Edition

PLACEHOLDERS = tuple(field.name for field in fields(Edition) if field.name != "language")
"""What a template may name in braces."""

TITLES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "en": ("Opening Credits", "Closing Credits"),
        "zh": ("片头", "片尾"),
        "de": ("Vorspann", "Abspann"),
        "fr": ("Générique de début", "Générique de fin"),
        "es": ("Créditos iniciales", "Créditos finales"),
        "it": ("Titoli di testa", "Titoli di coda"),
        "pt": ("Créditos iniciais", "Créditos finais"),
        "ja": ("オープニングクレジット", "エンディングクレジット"),
        "ko": ("오프닝 크레딧", "엔딩 크레딧"),
        "ru": ("Вступительные титры", "Заключительные титры"),
    }
)
"""What the two files are called, by language."""


def checked_template(template: str) -> str:
    """A template whose placeholders are known.

    Raises:
        ValueError: one is not, or a brace stands alone.
    """
    try:
        names = [name for _, name, _, _ in Formatter().parse(template) if name is not None]
    except ValueError as error:
        raise ValueError("text with placeholders such as {title}; a brace of its own is written {{") from error
    for name in names:
        if name not in PLACEHOLDERS:
            near = difflib.get_close_matches(name, PLACEHOLDERS, n=1)
            known = ", ".join(f"{{{known}}}" for known in PLACEHOLDERS)
            raise ValueError(f"one of {known}" + (f" (here {{{near[0]}}}?)" if near else ""))
    return template


def said(template: str, edition: Edition) -> str:
    """The words of a template that was checked.

    Args:
        template: as in book.yaml.
        edition: what the placeholders stand for.
    """
    facts = {name: getattr(edition, name) for name in PLACEHOLDERS}
    return " ".join(Formatter().vformat(template, (), facts).split())


def with_credits(book: Book, edition: Edition, opening: str, closing: str) -> Book:
    """The book with its credits as chapters: the opening is number 0, the closing comes after the last.

    Args:
        book: the manuscript as read.
        edition: for the placeholders.
        opening: template; empty is none.
        closing: the same.
    """
    titles = TITLES.get(edition.language, TITLES["en"])
    last = max((chapter.number for chapter in book.chapters), default=0)
    placed = ((0, titles[0], opening), (last + 1, titles[1], closing))
    first, second = (
        tuple(
            [Chapter(number=number, title=title, paragraphs=(Paragraph(text=words),), credits=True)]
            if (words := said(template, edition))
            else []
        )
        for number, title, template in placed
    )
    return replace(book, chapters=(*first, *book.chapters, *second))


def without_credits(book: Book) -> Book:
    """The manuscript's own chapters."""
    return replace(book, chapters=tuple(chapter for chapter in book.chapters if not chapter.credits))


def credits_scripts(book: Book, narrator: str) -> dict[int, ChapterScript]:
    """The lines of the credits, by chapter: the narrator reads them.

    Args:
        book: with its credits.
        narrator: the narrator's name in the cast.
    """
    return {
        chapter.number: ChapterScript(
            chapter=chapter,
            lines=(
                Line(
                    chapter=chapter.number,
                    index=0,
                    paragraph=0,
                    character=narrator,
                    start=0,
                    end=len(chapter.text),
                    text=chapter.text,
                ),
            ),
        )
        for chapter in book.chapters
        if chapter.credits
    }
