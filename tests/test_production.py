"""A production's book.yaml, and the two files of a production read as one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from narration.design_limits import DesignLimits
from narration.errors import InputError
from narration.formats import Format
from narration.production import LANGUAGES, load, load_production

LIMITS = DesignLimits(prompt_max_chars=2048, preview_max_chars=1024)
BOOK = """\
title: The Counted Things
author: Anonymous
language: en
manuscript: manuscript.md
cast: cast.yaml
profile: sandbox
budget_usd: 5
"""
CAST = """\
characters:
  - name: Narrator
    voice: A calm middle-aged woman.
    preview: The lamp was out.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "counted"
    root.mkdir()
    (root / "book.yaml").write_text(BOOK)
    (root / "cast.yaml").write_text(CAST)
    (root / "manuscript.md").write_text("# One\n\nText.\n")
    return root


def change(folder: Path, old: str, new: str, name: str = "book.yaml") -> None:
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1))


def mistakes(folder: Path) -> list[str]:
    with pytest.raises(InputError) as caught:
        load(folder, LIMITS)
    return [str(problem) for problem in caught.value.problems]


def test_a_right_production_loads(folder: Path) -> None:
    production, cast = load(folder, LIMITS)
    assert production == load_production(folder)
    assert (production.name, production.title, production.language) == ("counted", "The Counted Things", "en")
    assert production.manuscript == folder / "manuscript.md"
    assert production.budget_usd == 5
    assert cast.narrator.name == "Narrator"


def test_the_book_file_itself_and_a_relative_folder_mean_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = load_production(folder)
    assert load_production(folder / "book.yaml") == expected
    monkeypatch.chdir(folder)
    assert load_production(Path()) == expected
    assert load_production(Path("book.yaml")) == expected


def test_optional_keys_have_defaults(folder: Path) -> None:
    change(folder, "profile: sandbox\nbudget_usd: 5\n", "")
    production = load_production(folder)
    assert (production.profile, production.budget_usd, production.chapters) == ("sandbox", None, "")


def test_every_optional_key_is_read(folder: Path) -> None:
    more = "id: wen-1\nchapters: 1-3\naudio:\n  loudness_db: -19\n  rate_hz: 48000\nchunks: {unit: bytes}\n"
    (folder / "book.yaml").write_text(BOOK + more)
    production = load_production(folder)
    assert (production.name, production.chapters) == ("wen-1", "1-3")
    assert production.overrides == {"audio": {"loudness_db": -19.0, "rate_hz": 48000}, "chunks": {"unit": "bytes"}}


def test_preset_and_formats_are_read_and_checked(folder: Path) -> None:
    production = load_production(folder)
    assert (production.preset, production.formats) == ("acx", (Format.MP3,))
    (folder / "book.yaml").write_text(BOOK + "preset: mine.toml\nformats: [m4b, mp3, m4b]\n")
    production = load_production(folder)
    assert (production.preset, production.formats) == (str(folder / "mine.toml"), (Format.MP3, Format.M4B))
    (folder / "book.yaml").write_text(BOOK + "formats: [mp4]\n")
    assert "mp3, m4b" in " ".join(mistakes(folder))


@pytest.mark.parametrize("title", ["1984", "No", "2001-01-01", "007", "　書　名", "L’Été : « non »"])
def test_a_title_is_the_text_as_written(folder: Path, title: str) -> None:
    change(folder, "The Counted Things", f"'{title}'" if ":" in title else title)
    assert load_production(folder).title == title.strip()


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_of_the_service_is_accepted(folder: Path, language: str) -> None:
    change(folder, "language: en", f"language: {language.upper()}")
    assert load_production(folder).language == language


@pytest.mark.parametrize(("written", "near"), [("english", "`en`"), ("en-GB", "`en`"), ("zh_CN", "`zh`"), ("xx", "ru")])
def test_another_language_is_refused_with_the_right_code(folder: Path, written: str, near: str) -> None:
    change(folder, "language: en", f"language: {written}")
    (found,) = mistakes(folder)
    assert found.startswith("book.yaml, line 3, language: ")
    assert near in found


@pytest.mark.parametrize("budget", ["-1", ".inf", ".nan", "inf", "five", "5 USD", "1,000", "[5]"])
def test_a_budget_that_is_no_amount_is_refused(folder: Path, budget: str) -> None:
    change(folder, "budget_usd: 5", f"budget_usd: {budget}")
    (found,) = mistakes(folder)
    assert found.startswith("book.yaml, line 7, budget_usd: ")


def test_a_budget_of_nothing_is_a_budget(folder: Path) -> None:
    change(folder, "budget_usd: 5", "budget_usd: 0")
    assert load_production(folder).budget_usd == 0


@pytest.mark.parametrize("key", ["title", "author", "language", "manuscript", "cast"])
def test_a_required_key_that_is_left_out_is_named(folder: Path, key: str) -> None:
    lines = [line for line in BOOK.splitlines() if not line.startswith(f"{key}:")]
    (folder / "book.yaml").write_text("\n".join(lines))
    (found,) = mistakes(folder)
    assert f"`{key}` is missing" in found


@pytest.mark.parametrize("value", ["missing.md", "..", "x\\0y", "n" * 300])
def test_a_manuscript_that_is_no_file_is_a_mistake_of_the_book(folder: Path, value: str) -> None:
    change(folder, "manuscript: manuscript.md", f'manuscript: "{value}"')
    (found,) = mistakes(folder)
    assert found.startswith("book.yaml, line 4, manuscript: ")


def test_a_misspelt_manuscript_gets_the_nearest_file(folder: Path) -> None:
    change(folder, "manuscript.md", "manuscrpt.md")
    assert "Did you mean `manuscript.md`?" in mistakes(folder)[0]


def test_the_mistakes_of_both_files_come_at_once(folder: Path) -> None:
    (folder / "book.yaml").write_text(
        "titel: X\nauthor:\nlanguage: xx\nmanuscript: no.md\ncast: cast.yaml\nbudget_usd: -1\n"
        "audio:\n  loudness: -19\n  rate_hz: 44000\nchunks: 5\nauthor: Me\n"
    )
    change(folder, "voice:", "voic:", "cast.yaml")
    found = mistakes(folder)
    assert [message.split(": ")[0] for message in found] == [
        "book.yaml, title",
        "book.yaml, line 1, titel",
        "book.yaml, line 2, author",
        "book.yaml, line 3, language",
        "book.yaml, line 4, manuscript",
        "book.yaml, line 6, budget_usd",
        "book.yaml, line 8, audio.loudness",
        "book.yaml, line 9, audio.rate_hz",
        "book.yaml, line 10, chunks",
        "book.yaml, line 11, author",
        "cast.yaml, line 2, characters[0].voice",
        "cast.yaml, line 3, characters[0].voic",
    ]
    assert "Did you mean `title`?" in found[1]
    assert "Did you mean `loudness_db`?" in found[6]


def test_a_book_that_is_no_yaml_does_not_hide_the_mistakes_of_the_cast(folder: Path) -> None:
    (folder / "book.yaml").write_text("title: a: b\n")
    change(folder, "voice:", "voic:", "cast.yaml")
    assert [message.split(",")[0] for message in mistakes(folder)] == ["book.yaml", "cast.yaml", "cast.yaml"]


def test_a_cast_below_the_folder_is_named_with_its_path(folder: Path) -> None:
    (folder / "sheets").mkdir()
    (folder / "cast.yaml").rename(folder / "sheets" / "people.yaml")
    change(folder, "cast.yaml", "sheets/people.yaml")
    assert load(folder)[0].cast == folder / "sheets" / "people.yaml"
    change(folder, "name:", "nam:", "sheets/people.yaml")
    assert mistakes(folder)[0].startswith("sheets/people.yaml, line 2")


def test_a_preview_in_another_script_than_the_books_language_is_refused(folder: Path) -> None:
    change(folder, "language: en", "language: zh")
    (found,) = mistakes(folder)
    assert found.startswith("cast.yaml, line 4, characters[0].preview")


def test_a_profile_that_is_a_path_is_seen_from_the_folder(folder: Path) -> None:
    change(folder, "profile: sandbox", "profile: ../mine.toml")
    assert load_production(folder).profile == str(folder.parent / "mine.toml")


def test_a_folder_that_is_no_production_says_what_init_would_do(tmp_path: Path) -> None:
    (found,) = mistakes(tmp_path)
    assert "has no book.yaml" in found
    assert "narrate init" in found


def test_a_book_file_under_another_name_is_pointed_at(folder: Path) -> None:
    (folder / "book.yaml").rename(folder / "book.yml")
    assert "Did you mean `book.yml`?" in mistakes(folder)[0]


def test_a_folder_that_does_not_exist_names_its_neighbour(folder: Path) -> None:
    (found,) = mistakes(folder.parent / "countd")
    assert "there is no such folder" in found
    assert "Did you mean `counted`?" in found


def test_a_file_in_place_of_the_folder_is_refused(folder: Path) -> None:
    assert "is a file" in mistakes(folder / "manuscript.md")[0]


def test_a_link_to_a_production_keeps_the_name_of_the_link(folder: Path) -> None:
    link = folder.parent / "linked"
    link.symlink_to(folder)
    assert load_production(link).name == "linked"


_SIGNS = st.sampled_from([*":-\n\t'\"[]{}&*!|>#?,;%@`~\\=", "  ", "---\n", "<<: ", "\x00", "\ufeff", "\u2028", "null"])


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    name=st.sampled_from(["book.yaml", "cast.yaml"]),
    edits=st.lists(st.tuples(st.integers(0, 120), st.integers(0, 4), _SIGNS), min_size=1, max_size=4),
)
def test_a_garbled_file_loads_or_is_refused_with_problems(
    folder: Path, name: str, edits: list[tuple[int, int, str]]
) -> None:
    text = BOOK if name == "book.yaml" else CAST
    for start, removed, sign in edits:
        text = text[:start] + sign + text[start + removed :]
    (folder / "book.yaml").write_text(BOOK)
    (folder / "cast.yaml").write_text(CAST)
    (folder / name).write_text(text)
    try:
        production, _ = load(folder, LIMITS)
    except InputError as error:
        refused = error.problems
        assert all(problem.what and problem.where for problem in refused)
    else:
        assert production.title


@pytest.mark.parametrize(
    ("written", "digits"),
    [("978-0-306-40615-7", "9780306406157"), ("0 306 40615 2", "0306406152"), ("0-8044-2957-x", "080442957X")],
)
def test_an_isbn_is_kept_as_its_digits(folder: Path, written: str, digits: str) -> None:
    (folder / "book.yaml").write_text(BOOK + f"isbn: {written}\n")
    assert load_production(folder).edition.isbn == digits


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("978-0-306-40615-8", "check digit"),
        ("0-306-40615-3", "check digit"),
        ("97803064061", "check digit"),
        ("978-0-306-4O615-7", "10 or 13 digits"),
        ("978-0-306-40615-X", "10 or 13 digits"),
    ],
)
def test_an_isbn_with_a_slip_of_the_pen_is_refused(folder: Path, written: str, expected: str) -> None:
    (folder / "book.yaml").write_text(BOOK + f"isbn: {written}\n")
    (said,) = mistakes(folder)
    assert expected in said
    assert "book.yaml, line 8, isbn" in said


def test_a_placeholder_that_is_none_is_refused_with_the_nearest_and_a_lone_brace_with_how_to_write_it(
    folder: Path,
) -> None:
    (folder / "book.yaml").write_text(BOOK + 'credits: {opening: "{title}, by {author}.", closing: "{{The end}}"}\n')
    production = load_production(folder)
    assert (production.opening, production.closing) == ("{title}, by {author}.", "{{The end}}")
    (folder / "book.yaml").write_text(BOOK + 'credits: {opening: "{titel}", closing: "{author"}\n')
    near, brace = mistakes(folder)
    assert "(here {title}?)" in near
    assert "a brace of its own is written {{" in brace


@pytest.mark.parametrize(("written", "right"), [("2026", True), ("26", False), ("20265", False), ("MMXX", False)])
def test_a_year_has_four_digits(folder: Path, written: str, right: bool) -> None:
    (folder / "book.yaml").write_text(BOOK + f"year: {written}\n")
    if right:
        assert load_production(folder).edition.year == written
    else:
        assert "a year of four digits" in " ".join(mistakes(folder))
