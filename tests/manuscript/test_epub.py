"""What real EPUBs do: contents that are too fine, too coarse or absent, matter without types, notes without marks."""

from pathlib import Path

from narration.book import Book, LeftOut, LeftOutKind, ParagraphKind
from narration.manuscript import read_manuscript
from tests.manuscript.making import epub, epub_files, page, zipped

BODY = "<p>The lamp was out and the boat was late.</p>" * 12


def read(folder: Path, data: bytes, *, keep: frozenset[str] = frozenset(), name: str = "book.epub") -> Book:
    path = folder / name
    path.write_bytes(data)
    return read_manuscript(path, keep=keep)


def titles(book: Book) -> list[str]:
    return [chapter.title for chapter in book.chapters]


def left(book: Book, kind: LeftOutKind) -> LeftOut | None:
    return next((item for item in book.left_out if item.kind is kind), None)


def texts(book: Book) -> list[str]:
    return [paragraph.text for chapter in book.chapters for paragraph in chapter.paragraphs]


def with_nav(pages: dict[str, str], nav: str) -> bytes:
    files = epub_files({name: page(body) for name, body in pages.items()})
    return zipped(files | {"nav.xhtml": page(f'<nav epub:type="toc"><ol>{nav}</ol></nav>')})


def link(target: str, label: str, inner: str = "") -> str:
    return f'<li><a href="{target}">{label}</a>{f"<ol>{inner}</ol>" if inner else ""}</li>'


def test_chapters_of_a_part_are_chapters_and_the_part_goes_with_the_first(tmp_path: Path) -> None:
    pages = {"p1.xhtml": "<h1>Part One</h1>", "a.xhtml": f"<h2>I</h2>{BODY}", "b.xhtml": f"<h2>II</h2>{BODY}"}
    nav = link("p1.xhtml", "Part One", link("a.xhtml", "I") + link("b.xhtml", "II"))
    book = read(tmp_path, with_nav(pages, nav))
    assert titles(book) == ["I", "II"]
    assert [paragraph.text for paragraph in book.chapters[0].paragraphs[:2]] == ["Part One", "I"]


def test_sections_inside_a_story_are_no_chapters(tmp_path: Path) -> None:
    story = f'<h2>The Boat</h2><h3 id="one">I</h3>{BODY}<h3 id="two">II</h3>{BODY}'
    nav = link("a.xhtml", "The Boat", link("a.xhtml#one", "I") + link("a.xhtml#two", "II")) + link(
        "b.xhtml", "The Lamp"
    )
    book = read(tmp_path, with_nav({"a.xhtml": story, "b.xhtml": BODY}, nav))
    assert titles(book) == ["The Boat", "The Lamp"]
    assert [paragraph.kind for paragraph in book.chapters[0].paragraphs if paragraph.text in {"I", "II"}] == [
        "heading",
        "heading",
    ]


def test_a_book_in_one_file_is_cut_at_the_places_that_its_contents_name(tmp_path: Path) -> None:
    body = f'<h1>The Lamp</h1><h2>Chapter 1</h2><a id="c1"/>{BODY}<p id="c2">Chapter 2</p>{BODY}'
    nav = link("a.xhtml", "The Lamp", link("a.xhtml#c1", "Chapter 1") + link("a.xhtml#c2", "Chapter 2"))
    book = read(tmp_path, with_nav({"a.xhtml": body}, nav))
    assert titles(book) == ["Chapter 1", "Chapter 2"]
    assert [chapter.paragraphs[0].kind for chapter in book.chapters] == ["heading", "heading"]
    assert book.chapters[1].paragraphs[0].text == "Chapter 2"


def test_a_part_and_its_first_chapter_at_one_place_keep_the_headings_above_it(tmp_path: Path) -> None:
    body = f'<h2>I</h2><a id="c1"/>{BODY}<h2>Part Two</h2><h3>II</h3><a id="p2"/><a id="c2"/>{BODY}'
    nav = link("a.xhtml#c1", "I") + link("a.xhtml#p2", "Part Two", link("a.xhtml#c2", "II"))
    book = read(tmp_path, with_nav({"a.xhtml": body}, nav))
    assert titles(book) == ["I", "II"]
    assert [paragraph.text for paragraph in book.chapters[1].paragraphs[:2]] == ["Part Two", "II"]


def test_contents_that_lead_to_the_title_page_only_give_way_to_headings(tmp_path: Path) -> None:
    pages = {"t.xhtml": "<h1>The Lamp</h1>", "a.xhtml": f"<h2>One</h2>{BODY}", "b.xhtml": f"<h2>Two</h2>{BODY}"}
    book = read(tmp_path, epub(pages, {"t.xhtml": "Start"}))
    assert titles(book) == ["One", "Two"]


def test_without_contents_and_headings_each_file_is_a_chapter(tmp_path: Path) -> None:
    book = read(tmp_path, epub({"a.xhtml": BODY, "b.xhtml": BODY, "c.xhtml": BODY}))
    assert len(book.chapters) == 3


def test_chapters_that_only_words_name_are_found(tmp_path: Path) -> None:
    book = read(tmp_path, epub({"a.xhtml": f"<p>Chapter One</p>{BODY}<p>Chapter Two</p>{BODY}"}))
    assert titles(book) == ["Chapter One", "Chapter Two"]


def test_front_and_back_matter_is_told_by_name_and_by_what_it_says(tmp_path: Path) -> None:
    pages = {
        "t.xhtml": "<p>The Lamp</p><p>by Ada Quill</p>",
        "c.xhtml": "<p>Copyright © 2020 Ada Quill. All rights reserved.</p>",
        "d.xhtml": "<p>For Tom.</p>",
        "preface.xhtml": f"<h2>Preface</h2>{BODY}",
        "a.xhtml": f"<h2>One</h2>{BODY}",
        "b.xhtml": f"<h2>Index</h2>{BODY * 60}",
        "z.xhtml": "<h2>About the Author</h2><p>Ada Quill lives on a boat.</p>",
    }
    toc = {"preface.xhtml": "Preface", "a.xhtml": "One", "b.xhtml": "Index", "z.xhtml": "About the Author"}
    book = read(tmp_path, epub(pages, toc))
    assert titles(book) == ["Preface", "One", "Index"], "a preface is text, and so is an index longer than the book"
    front, back = left(book, LeftOutKind.FRONT_MATTER), left(book, LeftOutKind.BACK_MATTER)
    assert front is not None
    assert back is not None
    assert (front.count, back.count) == (3, 1)
    kept = read(tmp_path, epub(pages, toc), keep=frozenset({"front-matter", "back-matter"}))
    assert "For Tom." in texts(kept)
    assert "Ada Quill lives on a boat." in texts(kept)
    assert not kept.left_out


def test_a_library_s_header_and_licence_are_left_out(tmp_path: Path) -> None:
    body = (
        "<p>The Project Gutenberg eBook of The Lamp</p><p>*** START OF THE PROJECT GUTENBERG EBOOK THE LAMP ***</p>"
        f"<h2>One</h2>{BODY}<h2>Two</h2>{BODY}<p>*** END OF THE PROJECT GUTENBERG EBOOK THE LAMP ***</p><p>Licence.</p>"
    )
    book = read(tmp_path, epub({"a.xhtml": body}))
    assert titles(book) == ["One", "Two"]
    assert not [text for text in texts(book) if "GUTENBERG" in text or "Licence" in text]
    found = left(book, LeftOutKind.LICENCE)
    assert found is not None
    assert found.characters > 100
    new = f'<section class="pg-boilerplate pgheader" id="pg-header"><h2>The eBook</h2></section><h2>One</h2>{BODY}'
    assert texts(read(tmp_path, epub({"a.xhtml": new})))[0] == "One"


def test_a_list_of_links_is_a_table_of_contents(tmp_path: Path) -> None:
    rows = "".join(
        f'<tr><td><a href="#c{number}">Chapter {number}</a></td><td>{number}</td></tr>' for number in range(6)
    )
    body = f'<h2>Contents</h2><table>{rows}</table><h2>One</h2><p>See <a href="#c1">there</a>.</p>{BODY}'
    for name, data in (("a.epub", epub({"a.xhtml": body})), ("a.html", body.encode())):
        book = read(tmp_path, data, name=name)
        assert texts(book)[:2] == ["One", "See there."]
        found = left(book, LeftOutKind.CONTENTS)
        assert found is not None
        assert found.example.startswith("Contents Chapter 0")


def test_notes_that_only_links_show_are_left_out_and_paragraphs_they_lead_back_to_are_not(tmp_path: Path) -> None:
    body = (
        '<p id="r1">The lamp<sup><a href="#f1">1</a></sup> was out.<a id="r2" href="#f2">[2]</a></p>'
        '<p>On page <a href="#x">12</a> and in <a href="#y">a</a> boat, 2<sup>nd</sup> of 10<sup>6</sup>.</p>'
        '<hr/><p id="f1"><a href="#r1">1</a> Of brass.</p><p><a id="f2" href="#r2">[2]</a> For good.</p>'
    )
    book = read(tmp_path, epub({"a.xhtml": f"<h2>One</h2>{body}"}))
    assert texts(book) == ["One", "The lamp was out.", "On page 12 and in a boat, 2nd of 106."]
    notes, marks = left(book, LeftOutKind.NOTES), left(book, LeftOutKind.NOTE_MARKS)
    assert notes is not None
    assert marks is not None
    assert (notes.count, marks.count) == (2, 2)


def test_empty_paragraphs_part_scenes_only_where_they_are_few(tmp_path: Path) -> None:
    few = f"<h2>One</h2>{BODY}<p>&#160;</p>{BODY}"
    book = read(tmp_path, epub({"a.xhtml": few}))
    assert [paragraph.text for paragraph in book.chapters[0].paragraphs if paragraph.kind == "scene_break"] == ["***"]
    many = "<h2>One</h2>" + BODY.replace("</p>", "</p><p>&#160;</p>")
    book = read(tmp_path, epub({"a.xhtml": many}))
    assert not [paragraph for paragraph in book.chapters[0].paragraphs if paragraph.kind == "scene_break"]


def test_a_picture_of_an_initial_or_a_heading_is_read(tmp_path: Path) -> None:
    body = '<h2><img alt="Chapter One"/></h2><p><img alt="T"/>he boat.</p><p><img alt="A boat at sea"/></p>' + BODY
    book = read(tmp_path, epub({"a.xhtml": body}))
    assert texts(book)[:2] == ["Chapter One", "The boat."]
    found = left(book, LeftOutKind.IMAGES)
    assert found is not None
    assert found.example == "A boat at sea"


def test_openings_in_capitals_are_written_as_elsewhere(tmp_path: Path) -> None:
    rest = "<p>Once a boat of Mr. Quill’s was late; then NASA called, and NASA was late, and it was the lamp.</p>" * 3
    openings = {
        "IT WAS THE LAMP, said everybody.": "It was the lamp, said everybody.",
        "“IT IS late,” said Mara.": "“It is late,” said Mara.",
        "MR. QUILL’S BOAT was late.": "Mr. Quill’s boat was late.",
        "NASA called again at noon.": "NASA called again at noon.",
        "I was late.": "I was late.",
        "A LAMP was out.": "A lamp was out.",
        "KEEP OUT": "KEEP OUT",
        "“STOP!” she cried at him.": "“STOP!” she cried at him.",
    }
    body = "".join(f"<h2>T{number}</h2><p>{text}</p>{rest}" for number, text in enumerate(openings))
    book = read(tmp_path, epub({"a.xhtml": body}))
    assert [chapter.paragraphs[1].text for chapter in book.chapters] == list(openings.values())


def test_chinese_lines_wrapped_in_the_source_join_without_a_space(tmp_path: Path) -> None:
    body = "<h2>第一章</h2><p>夜里的灯\n  灭了⑵，船也\n没有来。</p><p>她说：“来了。”</p>"
    book = read(tmp_path, epub({"a.xhtml": body}, language="zh-CN"))
    assert book.language == "zh"
    assert texts(book)[1] == "夜里的灯灭了，船也没有来。"


def test_notes_that_are_kept_are_read_in_their_place(tmp_path: Path) -> None:
    note = '<aside epub:type="footnote">Of brass.</aside>'
    data = epub({"a.xhtml": f'<h2>One</h2><p>The lamp<a epub:type="noteref" href="#n">1</a>.</p>{note}'})
    assert texts(read(tmp_path, data)) == ["One", "The lamp."]
    assert texts(read(tmp_path, data, keep=frozenset({"notes"}))) == ["One", "The lamp.", "Of brass."]
    assert texts(read(tmp_path, data, keep=frozenset({"notes", "note-marks"})))[1] == "The lamp1."


def test_marks_of_notes_and_of_pages_are_known_by_their_type_or_their_class(tmp_path: Path) -> None:
    body = (
        '<p>He left<a epub:type="noteref" href="#n1">1</a>.</p><p>Late<span epub:type="noteref">*</span> again.</p>'
        '<p>By night<a class="fnref" href="#n1">note 3</a>.</p><p>He<span class="fnref">3</span> slept.</p>'
        '<p><span class="pagenum">[12]</span>He woke.</p>'
        '<aside id="n1" epub:type="footnote"><p><a class="fnref" epub:type="backlink" href="#x">1</a> To town.</p>'
        "</aside>"
    )
    book = read(tmp_path, epub({"a.xhtml": f"<h1>One</h1>{body}{BODY}"}))
    assert texts(book)[1:6] == ["He left.", "Late again.", "By night.", "He slept.", "He woke."]
    assert left(book, LeftOutKind.NOTE_MARKS) == LeftOut(
        kind=LeftOutKind.NOTE_MARKS, count=4, characters=9, example="1"
    )
    assert left(book, LeftOutKind.NOTES) == LeftOut(
        kind=LeftOutKind.NOTES, count=1, characters=10, example="1 To town."
    )
    pages = left(book, LeftOutKind.PAGE_NUMBERS)
    assert pages is not None
    assert pages.example == "[12]"


def test_an_epilogue_among_the_back_matter_is_read_and_the_notes_there_are_not(tmp_path: Path) -> None:
    back = '<section epub:type="backmatter"><section epub:type="{}">{}</section></section>'
    book = read(
        tmp_path,
        epub(
            {
                "a.xhtml": f"<h1>One</h1>{BODY}",
                "b.xhtml": '<section epub:type="toc"><h2>Where to look</h2><p>One</p></section>',
                "c.xhtml": back.format("epilogue", "<h2>Epilogue</h2><p>They rowed home.</p>"),
                "d.xhtml": back.format("endnotes", "<p>To town.</p>"),
            }
        ),
    )
    assert texts(book)[-2:] == ["Epilogue", "They rowed home."]
    told = {item.kind: item.example for item in book.left_out}
    assert told == {LeftOutKind.CONTENTS: "Where to look One", LeftOutKind.NOTES: "To town."}


def test_a_mark_that_opens_a_paragraph_is_a_link_back_and_one_behind_words_is_a_mark(tmp_path: Path) -> None:
    body = '<p><b>So</b> <a href="#n"><sup>2</sup></a> it was.</p><p><a href="#n">[2]</a> Then it rained.</p>'
    book = read(tmp_path, epub({"a.xhtml": f"<h1>One</h1>{body}{BODY}"}))
    assert texts(book)[1:3] == ["So it was.", "[2] Then it rained."]


def test_an_entry_that_leads_nowhere_makes_a_chapter_only_where_its_file_has_no_other(tmp_path: Path) -> None:
    body = f'<h1>One</h1>{BODY}<div hidden="" id="gone"><p>Not read.</p></div><h1 id="two">Two</h1>{BODY}'
    pages = {"a.xhtml": body, "b.xhtml": f"<p>No heading.</p>{BODY}"}
    contents = {"a.xhtml": "One", "a.xhtml#gone": "Gone", "a.xhtml#nowhere": "Lost", "a.xhtml#two": "Two"}
    book = read(tmp_path, epub(pages, contents | {"b.xhtml#nowhere": "Three"}))
    assert titles(book) == ["One", "Two", "Three"]


def test_a_book_of_headings_only_is_still_a_chapter(tmp_path: Path) -> None:
    book = read(tmp_path, epub({"a.xhtml": "<h1>One</h1><h2>Two</h2>"}, {"a.xhtml": "One"}))
    assert texts(book) == ["One", "Two"]


def test_lines_as_long_as_paragraphs_are_prose_and_short_ones_verse(tmp_path: Path) -> None:
    long = "The lamp was out and the boat was late, so that nobody came to the door before the sun had set. " * 3
    body = f"<h1>One</h1><p>{long}<br/>{long}</p><p>The lamp was out,<br/>the boat was late.</p>"
    found = read(tmp_path, epub({"a.xhtml": body})).chapters[0].paragraphs
    assert [(paragraph.kind.value, paragraph.text) for paragraph in found[1:]] == [
        ("prose", long.strip()),
        ("prose", long.strip()),
        ("verse", "The lamp was out,\nthe boat was late."),
    ]


def test_a_file_in_the_reading_order_that_is_no_text_is_left_out_and_told(tmp_path: Path) -> None:
    files = epub_files({"a.xhtml": page(f"<h1>One</h1>{BODY}"), "plate.svgz": "x"})
    opf = str(files["content.opf"]).replace(
        'href="plate.svgz" media-type="application/xhtml+xml"', 'href="plate.svgz" media-type="image/x-other"'
    )
    book = read(tmp_path, zipped(files | {"content.opf": opf}))
    pictures = left(book, LeftOutKind.IMAGES)
    assert pictures is not None
    assert pictures.example == "plate.svgz"


def test_a_file_that_stands_twice_in_the_reading_order_is_read_once(tmp_path: Path) -> None:
    files = epub_files({"a.xhtml": page(f"<h1>One</h1><p>Only once.</p>{BODY}")})
    twice = str(files["content.opf"]).replace('<itemref idref="i0"/>', '<itemref idref="i0"/><itemref idref="i0"/>')
    assert texts(read(tmp_path, zipped(files | {"content.opf": twice}))).count("Only once.") == 1


def test_a_list_of_contents_that_is_kept_is_read(tmp_path: Path) -> None:
    links = "".join(f'<p><a href="a.xhtml#{name}">Chapter {name}</a></p>' for name in ("One", "Two", "Three", "Four"))
    pages = {"c.xhtml": f"<h2>Contents</h2>{links}", "a.xhtml": f"<h1>One</h1>{BODY}"}
    assert "Chapter Two" not in texts(read(tmp_path, epub(pages)))
    kept = texts(read(tmp_path, epub(pages), keep=frozenset({"contents"})))
    assert kept[:3] == ["Contents", "Chapter One", "Chapter Two"]


def test_a_book_that_would_be_nothing_but_matter_is_read_and_not_told_as_left_out(tmp_path: Path) -> None:
    pages = {"a.xhtml": "<h1>Contents</h1><p>Of the sea.</p>", "b.xhtml": "<h1>Index</h1><p>The boat.</p>"}
    book = read(tmp_path, epub(pages, {"a.xhtml": "Contents", "b.xhtml": "Index"}))
    assert texts(book) == ["Contents", "Of the sea.", "Index", "The boat."]
    assert book.left_out == ()


def test_headings_behind_the_last_text_of_a_book_are_kept_and_where_it_has_no_text_as_well(tmp_path: Path) -> None:
    pages = {"a.xhtml": "<h1>One</h1>", "b.xhtml": "<h1>Two</h1>", "c.xhtml": "<h1>Three</h1>"}
    contents = {"a.xhtml": "One", "b.xhtml": "Two", "c.xhtml": "Three"}
    assert texts(read(tmp_path, epub(pages, contents))) == ["One", "Two", "Three"]
    with_text = pages | {"b.xhtml": f"<h1>Two</h1>{BODY}"}
    assert texts(read(tmp_path, epub(with_text, contents)))[-1] == "Three"


def test_a_link_behind_nothing_but_markup_opens_its_paragraph(tmp_path: Path) -> None:
    body = '<p><i></i><a href="#n">[2]</a> Then it rained.</p>'
    assert texts(read(tmp_path, epub({"a.xhtml": f"<h1>One</h1>{body}{BODY}"})))[1] == "[2] Then it rained."


def test_a_target_deep_inside_markup_takes_no_paragraph_for_a_note(tmp_path: Path) -> None:
    deep = "<b>" * 5 + '<a id="n"></a>' + "</b>" * 5
    body = f'<p>He left<sup><a href="#n">1</a></sup>.</p><p>{deep}1 is a number.</p>'
    assert texts(read(tmp_path, epub({"a.xhtml": f"<h1>One</h1>{body}{BODY}"})))[1:3] == ["He left.", "1 is a number."]


def test_an_ornament_parts_scenes_and_one_with_words_is_read_instead(tmp_path: Path) -> None:
    body = f'{BODY}<p><img class="ornament" src="x.png" alt="a flower"/></p>{BODY}<p class="ornament">Finis.</p><p></p>'
    book = read(tmp_path, epub({"a.xhtml": f"<h1>One</h1>{body}{BODY}"}))
    assert [paragraph.kind for paragraph in book.chapters[0].paragraphs].count(ParagraphKind.SCENE_BREAK) == 1
    assert "Finis." in texts(book)


def test_a_table_is_a_play_only_where_all_its_words_are_in_cells_of_its_own(tmp_path: Path) -> None:
    def speeches(inner: str) -> list[tuple[str, str]]:
        table = f'<table><tr><td epub:type="persona">MARA</td><td>Go.{inner}'
        book = read(tmp_path, epub({"a.xhtml": f"<h1>One</h1>{table}</table>{BODY}"}))
        return [(paragraph.speaker, paragraph.text) for paragraph in book.chapters[0].paragraphs[1:3]]

    assert speeches("</td></tr>")[0] == ("MARA", "Go.")
    assert speeches("<table><tr><td>Or stay.</td></tr></table></td></tr>") == [("", "MARA, Go."), ("", "Or stay.")]
    assert speeches("</td></tr><p>Or stay.</p>") == [("", "MARA, Go."), ("", "Or stay.")]


def test_a_contents_entry_without_a_heading_goes_with_its_links(tmp_path: Path) -> None:
    links = "".join(f'<p><a href="a.xhtml#{name}">Chapter {name}</a></p>' for name in ("One", "Two", "Three", "Four"))
    book = read(tmp_path, epub({"c.xhtml": links, "a.xhtml": f"<h1>One</h1>{BODY}"}))
    assert texts(book)[0] == "One"
    contents = left(book, LeftOutKind.CONTENTS)
    assert contents is not None
    assert contents.example.startswith("Chapter One Chapter Two")


def test_a_word_that_is_always_a_capital_stays_so_in_an_opening(tmp_path: Path) -> None:
    opening = "<p>THEN I WENT down to the sea, and nobody came.</p><p>But then they went home.</p>"
    book = read(tmp_path, epub({"a.xhtml": f"<h1>One</h1>{opening}"}))
    assert texts(book)[1] == "Then I went down to the sea, and nobody came."


def test_a_name_in_a_row_of_its_own_speaks_the_next_row(tmp_path: Path) -> None:
    def row(name: str, text: str) -> str:
        return f'<tr><td epub:type="z3998:persona">{name}</td><td>{text}</td></tr>'

    table = "<table>" + row("Mara", "") + "<tr><td/><td>The boat is late.</td></tr>" + row("Gil", "It is.") + "</table>"
    book = read(tmp_path, epub({"a.xhtml": table}))
    found = [(one.speaker, one.text) for chapter in book.chapters for one in chapter.paragraphs]
    assert found == [("Mara", "The boat is late."), ("Gil", "It is.")]
