"""Small books for discovery."""

from __future__ import annotations

from narration.book import Book, Chapter, Paragraph


def book(*texts: str, language: str = "en") -> Book:
    """A book of one chapter; every text is a paragraph."""
    paragraphs = tuple(Paragraph(text=text) for text in texts)
    chapter = Chapter(number=1, title="One", paragraphs=paragraphs)
    return Book(title="A Book", author="Nobody", language=language, chapters=(chapter,))


QUARRY = (
    "Mara Quill put down her lamp. She did not like the dark.",
    "“Who is there?” asked Mara, lifting her chin.",
    "“Only me, Miss Quill,” said Mr. Hale. He had lost his hat.",
    "“Then come in,” said Mara. “It is open.”",
    "“I thank you,” Hale replied, wiping his boots.",
    "“Grandpa says the bridge is gone,” cried Pip, and she laughed at herself.",
    "“Gone!” said the old gentleman.",
    "Old Sall came in behind them. There was no one whom Old Sall feared.",
    "“Gone is gone,” muttered Old Sall, shaking her head.",
    "“We must all stay here until the water falls, and it may take two days,” said Mara.",
    "“Nobody asked me,” said Captain Reeve.",
    "“Nobody asked anybody,” answered Reeve.",
    "“The boat is safe,” said the Captain, tugging at his beard.",
)

TAGGED = tuple(text for text in QUARRY if "the old gentleman" not in text)
"""A name stands beside every quotation."""
