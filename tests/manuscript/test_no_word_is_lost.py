"""The law of the markup readers: told to leave nothing out, they read every word once, in order."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from narration.book import Book, LeftOutKind
from narration.manuscript import read_manuscript
from tests.manuscript.making import docx, epub, fb2

ALL = frozenset(kind.value for kind in LeftOutKind)
LAW = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

TEMPLATES = (
    '<p>{}</p>|<div>{}</div>|<h1>{}</h1>|<h2>{}</h2>|<h3 id="x">{}</h3>|<b>{}</b>|<span class="smallcaps">{}</span>'
    "|<blockquote>{}</blockquote>|<ul><li>{}</li></ul>|<table><tr><td>{}</td><td>{}</td></tr></table>"
    '|<table><tr><td epub:type="z3998:persona">{}</td><td>{}</td></tr></table>|<pre>{}</pre>|<hr/>|<br/>'
    '|<p epub:type="z3998:verse"><span>{}</span><br/>{}</p>|<aside epub:type="footnote">{}</aside>'
    "|<ruby>{}<rt>{}</rt></ruby>"
    '|<section epub:type="dedication">{}</section>|<section epub:type="endnotes">{}</section>|<nav>{}</nav>'
    '|<span epub:type="pagebreak">{}</span>|<a epub:type="noteref" href="#n">{}</a>|<p id="n"><a href="#r">1</a>{}</p>'
    '|<div class="stanza"><div>{}</div><div>{}</div></div>|<p style="display:none">{}</p>|<a href="#x">{}</a>'
    '|<i epub:type="z3998:stage-direction">{}</i>|<section epub:type="chapter"><h2>{}</h2><p>{}</p></section>'
    "|<dl><dt>{}</dt><dd>{}</dd></dl>|<p>&#160;</p>|<button>{}</button>|<hgroup><h2>{}</h2><p>{}</p></hgroup>"
)
ELEMENTS = TEMPLATES.split("|")


def filled(template: str, *children: str) -> str:
    parts = template.split("{}")
    holes = [*children, *[""] * len(parts)][: len(parts) - 1]
    return "".join(part + hole for part, hole in zip(parts, [*holes, ""], strict=True))


TREES = st.recursive(
    st.just(" W "),
    lambda inner: st.builds(
        lambda template, children: filled(template, *children),
        st.sampled_from(ELEMENTS),
        st.lists(st.lists(inner, max_size=3).map("".join), max_size=2),
    ),
    max_leaves=12,
)


def numbered(body: str) -> str:
    count = iter(range(10_000))
    return re.sub("W", lambda _: f"word{next(count)}x", body)


def words_of(book: Book) -> list[str]:
    text = "\n".join(
        f"{paragraph.speaker} {paragraph.text}" for chapter in book.chapters for paragraph in chapter.paragraphs
    )
    return re.findall(r"word\d+x", text)


@LAW
@given(trees=st.lists(TREES, min_size=1, max_size=6), is_page=st.booleans())
def test_every_word_of_a_page_is_read_once(tmp_path: Path, trees: list[str], is_page: bool) -> None:
    body = numbered("<p>W</p>" + "".join(trees) + "<p>W</p>")
    path = tmp_path / ("book.html" if is_page else "book.epub")
    path.write_bytes(
        body.encode() if is_page else epub({"a.xhtml": body, "b.xhtml": "<p>more</p>"}, {"a.xhtml": "One"})
    )
    book = read_manuscript(path, keep=ALL)
    assert sorted(words_of(book)) == sorted(re.findall(r"word\d+x", body))
    assert not book.left_out


@LAW
@given(trees=st.lists(TREES, min_size=1, max_size=6))
def test_every_word_of_a_page_is_read_or_counted(tmp_path: Path, trees: list[str]) -> None:
    body = numbered("<p>W</p>" + "".join(trees) + "<p>W</p>")
    path = tmp_path / "book.epub"
    path.write_bytes(epub({"a.xhtml": body, "b.xhtml": "<p>more</p>"}, {"a.xhtml": "One", "b.xhtml": "Two"}))
    book = read_manuscript(path)
    total = len("".join(re.findall(r"word\d+x", body)))
    read = len("".join(words_of(book)))
    left = sum(item.characters for item in book.left_out)
    assert read <= total
    assert left >= total - read


WORD_TEMPLATES = (
    "<w:p><w:r>{}</w:r></w:p>|<w:p><w:ins>{}</w:ins></w:p>|<w:tbl><w:tr><w:tc>{}</w:tc></w:tr></w:tbl>"
    "|<w:sdt><w:sdtContent>{}</w:sdtContent></w:sdt>|<w:p><w:r><w:txbxContent>{}</w:txbxContent></w:r>{}</w:p>"
    '|<w:p><w:pPr><w:pStyle w:val="h"/></w:pPr>{}</w:p>|<w:p><w:hyperlink>{}</w:hyperlink></w:p>|<w:p/>'
    "|<w:p><w:r><w:rPr><w:vanish/></w:rPr>{}</w:r></w:p>|<w:p><w:moveTo>{}</w:moveTo></w:p>"
)
WORD_ELEMENTS = WORD_TEMPLATES.split("|")
RUNS = st.recursive(
    st.just("<w:p><w:r><w:t>W</w:t></w:r></w:p>"),
    lambda inner: st.builds(
        lambda template, children: filled(template, *children),
        st.sampled_from(WORD_ELEMENTS),
        st.lists(inner, max_size=2),
    ),
    max_leaves=10,
)
STYLES = '<w:style w:styleId="h"><w:name w:val="heading 1"/></w:style>'


@LAW
@given(bodies=st.lists(RUNS, min_size=1, max_size=6))
def test_every_word_of_a_word_document_is_read_once(tmp_path: Path, bodies: list[str]) -> None:
    body = numbered("<w:p><w:r><w:t>W</w:t></w:r></w:p>" + "".join(bodies))
    path = tmp_path / "book.docx"
    path.write_bytes(docx(body, styles=STYLES))
    book = read_manuscript(path, keep=ALL)
    assert sorted(words_of(book)) == sorted(re.findall(r"word\d+x", body))


FICTION_TEMPLATES = (
    "<p>{}</p>|<section>{}{}</section>|<section><title><p>{}</p><p>{}</p></title>{}</section>|<title>{}</title>"
    "|<subtitle>{}</subtitle>|<epigraph><p>{}</p><text-author>{}</text-author></epigraph>|<cite>{}</cite>"
    "|<poem><title>{}</title><stanza><v>{}</v><v>{}</v></stanza><date>{}</date></poem>|<v>{}</v>|<empty-line/>"
    '|<strong>{}</strong>|<style name="x">{}</style>|<a l:href="#n" type="note">{}</a>|<image l:href="#i"/>'
    "|<table><tr><th>{}</th><td>{}</td></tr></table>|<annotation>{}</annotation>|<empty-line>{}</empty-line>"
)
FICTION_ELEMENTS = FICTION_TEMPLATES.split("|")
FICTIONS = st.recursive(
    st.just(" W "),
    lambda inner: st.builds(
        lambda template, children: filled(template, *children),
        st.sampled_from(FICTION_ELEMENTS),
        st.lists(st.lists(inner, max_size=3).map("".join), max_size=3),
    ),
    max_leaves=12,
)


@LAW
@given(trees=st.lists(FICTIONS, min_size=1, max_size=6), notes=FICTIONS)
def test_every_word_of_a_fictionbook_is_read_once_or_counted(tmp_path: Path, trees: list[str], notes: str) -> None:
    body = numbered(f"<section><p>W</p>{''.join(trees)}<p>W</p></section>|{notes}<p>W</p>")
    path = tmp_path / "book.fb2"
    text, _, apart = body.partition("|")
    path.write_bytes(fb2(text, after=f'<body name="notes">{apart}</body>'))
    book = read_manuscript(path, keep=ALL)
    assert sorted(words_of(book)) == sorted(re.findall(r"word\d+x", body))
    assert not book.left_out
    book = read_manuscript(path)
    left = sum(item.characters for item in book.left_out)
    assert left >= len("".join(re.findall(r"word\d+x", body))) - len("".join(words_of(book)))


def test_a_kind_that_is_none_is_refused_with_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "book.txt"
    path.write_text("Hello.")
    with pytest.raises(Exception, match="`notes`"):
        read_manuscript(path, keep=frozenset({"note"}))
