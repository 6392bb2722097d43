"""Whatever bytes there are, a reader gives a Book or an InputError."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from narration.errors import InputError
from narration.manuscript import read_manuscript
from tests.manuscript.making import docx, epub_files, fb2, folder_zipped, page, zipped
from tests.manuscript.test_golden import CASES

QUICK = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

ARCHIVES = [folder_zipped(case / "in") for case in CASES if case.name.startswith(("epub", "docx"))]
TAGS = (
    "<p> </p> <div> </div> <b> </b> <td> <tr> <table> </table> <br/> <hr/> <h2> </h2> <li> <ul> <ruby> <rt> </rt> "
    "<blockquote> </blockquote> <pre> <sup> </sup> &amp; & < > &#0; &#xD800; &nbsp; <!-- --> <![CDATA[ ]]> <?x?> "
    "<aside> <section> one two three"
)
TYPED = [
    '<a href="#n">1</a>',
    '<p id="n">',
    '<i epub:type="z3998:stage-direction">',
    '<td epub:type="z3998:persona">',
    '<span epub:type="pagebreak">',
]
ELEMENTS = (
    "<w:p> </w:p> <w:r> </w:r> <w:t>one</w:t> <w:ins> </w:ins> <w:del> </w:del> <w:br/> <w:tab/> <w:tbl> </w:tbl> "
    "<w:footnoteReference/> <w:pPr><w:numPr/></w:pPr> <w:sym/> <w:pict/> two"
)
FICTION = (
    "<section/> <section><p>one</p></section> <title><p>two</p></title> <title/> <p/> <v>three</v> <stanza/> <image/> "
    "<poem><stanza><v/><v>four</v></stanza></poem> <empty-line/> <a>5</a> <binary/> <body/> <?x?> <!---->"
)
MARKUP = st.lists(st.sampled_from(TAGS.split() + TYPED), max_size=30).map(" ".join)
RUNS = st.lists(st.sampled_from(ELEMENTS.split()), max_size=20).map("".join)


def read_or_refuse(folder: Path, data: bytes, name: str) -> None:
    path = folder / name
    path.write_bytes(data)
    try:
        book = read_manuscript(path)
    except InputError:
        return
    assert book.chapters
    for chapter in book.chapters:
        assert chapter.paragraphs
        for paragraph in chapter.paragraphs:
            assert paragraph.text.strip()
            assert all(0 <= start < end <= len(paragraph.text) for start, end in paragraph.directions)


@QUICK
@given(data=st.data(), source=st.sampled_from(ARCHIVES))
def test_mutated_archives_never_break_the_reader(tmp_path: Path, data: st.DataObject, source: bytes) -> None:
    changed = bytearray(source)
    for _ in range(data.draw(st.integers(1, 12))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    read_or_refuse(tmp_path, bytes(changed), "book.epub")


@QUICK
@given(source=st.sampled_from(ARCHIVES), share=st.floats(0, 1))
def test_truncated_archives_never_break_the_reader(tmp_path: Path, source: bytes, share: float) -> None:
    read_or_refuse(tmp_path, source[: int(len(source) * share)], "book.epub")


@QUICK
@given(body=MARKUP, nav=MARKUP)
def test_broken_markup_never_breaks_the_reader(tmp_path: Path, body: str, nav: str) -> None:
    files = epub_files({"a.xhtml": page(body), "b.xhtml": page("<p>One.</p>")})
    files["nav.xhtml"] = page(f'<nav epub:type="toc">{nav}</nav>')
    read_or_refuse(tmp_path, zipped(files), "book.epub")
    read_or_refuse(tmp_path, body.encode(), "book.html")


@QUICK
@given(part=st.sampled_from(["content.opf", "META-INF/container.xml"]), data=st.data())
def test_broken_packages_never_break_the_reader(tmp_path: Path, part: str, data: st.DataObject) -> None:
    files = epub_files({"a.xhtml": page("<p>One.</p>")}, {"a.xhtml": "One"})
    text = str(files[part])
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    files[part] = text[:start] + data.draw(st.sampled_from(["", "<", ">", '"', "&", "x", "\0"])) + text[end:]
    read_or_refuse(tmp_path, zipped(files), "book.epub")


@QUICK
@given(body=RUNS)
def test_broken_documents_never_break_the_reader(tmp_path: Path, body: str) -> None:
    read_or_refuse(tmp_path, docx(body), "book.docx")
    read_or_refuse(tmp_path, docx("<w:p><w:r><w:t>one</w:t></w:r></w:p>", styles=body, numbering=body), "book.docx")


@QUICK
@given(body=st.lists(st.sampled_from(FICTION.split()), max_size=30).map(" ".join), data=st.data())
def test_no_fictionbook_breaks_the_reader(tmp_path: Path, body: str, data: st.DataObject) -> None:
    whole = bytearray(fb2(body))
    read_or_refuse(tmp_path, bytes(whole), "book.fb2")
    read_or_refuse(tmp_path, bytes(whole[: data.draw(st.integers(0, len(whole)))]), "book.fb2")
    for _ in range(data.draw(st.integers(1, 5))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    read_or_refuse(tmp_path, bytes(whole), "book.fb2")


@QUICK
@given(text=st.text(alphabet="aA \n()@^#=~>!.*_[]/\\:TO", max_size=120))
def test_no_screenplay_breaks_the_reader(tmp_path: Path, text: str) -> None:
    read_or_refuse(tmp_path, text.encode(), "play.fountain")
