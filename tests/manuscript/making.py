"""EPUB, DOCX and FictionBook files made in the tests, and a book shown as text."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from narration.book import Book, Paragraph

CORPUS = Path(__file__).parents[2] / ".." / "shared" / "corpus"
BOOKS = CORPUS / "books"

CONTAINER = """<?xml version="1.0"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
<rootfile full-path="content.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"""

WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def zipped(files: dict[str, str | bytes]) -> bytes:
    """A zip archive of some files."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return held.getvalue()


def folder_zipped(folder: Path) -> bytes:
    """A folder as a zip archive."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return zipped({path.relative_to(folder).as_posix(): path.read_bytes() for path in paths})


def page(body: str, *, body_type: str = "") -> str:
    """An XHTML file of an EPUB."""
    typed = f' epub:type="{body_type}"' if body_type else ""
    return (
        '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"><head><title>x</title>'
        f"</head><body{typed}>{body}</body></html>"
    )


def epub_files(
    pages: dict[str, str], toc: dict[str, str] | None = None, *, language: str = "en", title: str = "The Lamp"
) -> dict[str, str | bytes]:
    """The files of an EPUB 3: pages in reading order by name, table of contents from links to labels."""
    items = "".join(
        f'<item id="i{number}" href="{name}" media-type="application/xhtml+xml"/>' for number, name in enumerate(pages)
    )
    references = "".join(f'<itemref idref="i{number}"/>' for number, _ in enumerate(pages))
    links = "".join(f'<li><a href="{link}">{label}</a></li>' for link, label in (toc or {}).items())
    opf = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0">'
        f'<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{title}</dc:title>'
        f"<dc:language>{language}</dc:language></metadata><manifest>{items}"
        '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/></manifest>'
        f"<spine>{references}</spine></package>"
    )
    files: dict[str, str | bytes] = {"mimetype": "application/epub+zip", "META-INF/container.xml": CONTAINER}
    files |= {"content.opf": opf, "nav.xhtml": page(f'<nav epub:type="toc"><ol>{links}</ol></nav>')}
    return {**files, **pages}


def epub(pages: dict[str, str], toc: dict[str, str] | None = None, *, language: str = "en") -> bytes:
    """An EPUB 3 of pages whose bodies are given."""
    return zipped(epub_files({name: page(body) for name, body in pages.items()}, toc, language=language))


def docx(body: str, **parts: str) -> bytes:
    """A Word document of paragraphs; `styles` and the like are other files of its folder."""
    files: dict[str, str | bytes] = {"word/document.xml": f"<w:document {WORD}><w:body>{body}</w:body></w:document>"}
    for name, content in parts.items():
        files[f"word/{name}.xml"] = f"<w:{name} {WORD}>{content}</w:{name}>"
    return zipped(files)


def typed(text: str) -> str:
    """A paragraph of a Word document."""
    return f'<w:p><w:r><w:t xml:space="preserve">{text}</w:t></w:r></w:p>'


def fb2(body: str, *, facts: str = "", after: str = "", doctype: str = "") -> bytes:
    """A FictionBook of a body; `facts` are those of its title, `after` its notes and pictures."""
    return (
        f'<?xml version="1.0" encoding="utf-8"?>{doctype}<FictionBook xmlns:l="http://www.w3.org/1999/xlink" '
        f'xmlns="http://www.gribuser.ru/xml/fictionbook/2.0"><description><title-info>{facts}</title-info></description>'
        f"<body>{body}</body>{after}</FictionBook>"
    ).encode()


def shown(book: Book) -> str:
    """A book as text: one paragraph a line, what was left out at the end."""
    lines = [f"{book.title} | {book.author} | {book.language}"]
    for chapter in book.chapters:
        lines += ["", f"=== {chapter.number} {chapter.title}"]
        lines += [_shown(paragraph) for paragraph in chapter.paragraphs]
    lines += ["", "--- left out"]
    lines += [f"{item.kind}: {item.count} x, {item.characters} chars: {item.example}" for item in book.left_out]
    return "\n".join(lines) + "\n"


def _shown(paragraph: Paragraph) -> str:
    speaker = f" <{paragraph.speaker}>" if paragraph.speaker else ""
    directions = "".join(f" [{start}-{end}]" for start, end in paragraph.directions)
    text = paragraph.text.replace("\n", " / ")
    return f"{paragraph.kind}{speaker}{directions} @{paragraph.source}:{paragraph.source_line}: {text}"
