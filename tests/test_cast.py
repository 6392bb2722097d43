"""The cast sheet: what it may say, and that every mistake is found at once."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from narration.cast import Character, Gender, Role, load_cast
from narration.design_limits import DesignLimits, design_problems
from narration.errors import InputError, Problem

LIMITS = DesignLimits(prompt_max_chars=2048, preview_max_chars=1024)
SHEET = """\
characters:
  - name: Narrator
    role: narrator
    gender: female
    aliases: []
    voice: A calm middle-aged woman, low pitch.
    preview: The lamp was out.
  - name: Old Wen
    aliases: [Wen, the old man]
    voice: 老年男性，声音低沉沙哑。
    preview: I counted them twice.
"""


def write(folder: Path, text: str, name: str = "cast.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def mistakes(path: Path, limits: DesignLimits | None = LIMITS) -> list[str]:
    with pytest.raises(InputError) as caught:
        load_cast(path, limits=limits)
    return [str(problem) for problem in caught.value.problems]


def person(name: str, **more: str) -> str:
    keys = {"voice": "low", "preview": "hello"} | more
    return f"  - name: {name}\n" + "".join(f"    {key}: {value}\n" for key, value in keys.items())


def sheet(*people: str) -> str:
    return "characters:\n" + person("Narrator") + "".join(people)


def test_a_sheet_becomes_a_cast(tmp_path: Path) -> None:
    cast = load_cast(write(tmp_path, SHEET), limits=LIMITS)
    assert cast.narrator == Character(
        name="Narrator",
        voice="A calm middle-aged woman, low pitch.",
        preview="The lamp was out.",
        role=Role.NARRATOR,
        gender=Gender.FEMALE,
    )
    assert cast.by_name("Old Wen").aliases == ("Wen", "the old man")
    with pytest.raises(KeyError):
        cast.by_name("Nobody")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_with_the_same_columns_becomes_the_same_cast(tmp_path: Path, delimiter: str) -> None:
    expected = load_cast(write(tmp_path, SHEET), limits=LIMITS)
    rows = [["Name", "Role", "Gender", "Aliases", "Voice", "Preview"]]
    rows += [[c.name, c.role, c.gender, "; ".join(c.aliases), c.voice, c.preview] for c in expected.characters]
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    path = tmp_path / "cast.csv"
    path.write_bytes(text.getvalue().encode("utf-8-sig"))
    assert load_cast(path, limits=LIMITS) == expected


def test_words_of_a_spreadsheet_may_begin_with_a_capital(tmp_path: Path) -> None:
    path = write(tmp_path, "name,role,gender,aliases,voice,preview\nA,Narrator,Female,x|y;z,low,hi\n", "cast.csv")
    assert load_cast(path).characters == (
        Character(
            name="A", voice="low", preview="hi", role=Role.NARRATOR, gender=Gender.FEMALE, aliases=("x", "y", "z")
        ),
    )


@pytest.mark.parametrize("name", ["Narrator", "NARRATOR", "旁白"])
def test_who_is_called_the_narrator_narrates_when_nobody_has_the_role(tmp_path: Path, name: str) -> None:
    cast = load_cast(write(tmp_path, "characters:\n" + person("Mara") + person(name)))
    assert cast.narrator.name == name
    assert [character.role for character in cast.characters] == [Role.CHARACTER, Role.NARRATOR]


def test_a_role_counts_more_than_a_name(tmp_path: Path) -> None:
    cast = load_cast(write(tmp_path, sheet(person("Ishmael", role="narrator"))))
    assert cast.narrator.name == "Ishmael"


def test_nobody_narrating_is_a_mistake(tmp_path: Path) -> None:
    found = mistakes(write(tmp_path, "characters:\n" + person("Mara")))
    hint = "Give the one who reads everything else `role: narrator`."
    assert found == [f"cast.yaml, line 1, characters: nobody is the narrator. {hint}"]


def test_a_second_narrator_is_a_mistake_at_the_second(tmp_path: Path) -> None:
    people = person("A", role="narrator") + person("B", role="narrator")
    (found,) = mistakes(write(tmp_path, "characters:\n" + people))
    assert found.startswith("cast.yaml, line 9, characters[1].role: a second narrator")


@pytest.mark.parametrize(
    ("second", "where"),
    [
        (person("MARA"), "line 8, characters[2].name"),
        (person("'ｍａｒａ'"), "line 8, characters[2].name"),
        (person("Bo", aliases="[mara]"), "line 11, characters[2].aliases[0]"),
    ],
)
def test_one_name_for_two_characters_is_a_mistake(tmp_path: Path, second: str, where: str) -> None:
    (found,) = mistakes(write(tmp_path, sheet(person("Mara"), second)))
    assert where in found
    assert "line 5, characters[1].name already" in found


def test_an_alias_repeated_by_its_own_character_is_no_mistake_and_kept_once(tmp_path: Path) -> None:
    cast = load_cast(write(tmp_path, sheet(person("Mara", aliases="[mara, Em, EM]"))))
    assert cast.by_name("Mara").aliases == ("Em",)


@pytest.mark.parametrize(
    "name", ["'A: B'", "'甲：乙'", '"A\\nB"', '"A\\tB"', "A + B", "'#A'", "'(A)'", "'Who?'", "'~A'"]
)
def test_a_name_that_a_script_would_misread_is_a_mistake(tmp_path: Path, name: str) -> None:
    (found,) = mistakes(write(tmp_path, sheet(person(name))))
    assert "script" in found


def test_a_name_with_an_invisible_character_is_a_mistake(tmp_path: Path) -> None:
    (found,) = mistakes(write(tmp_path, sheet(person('"Mara\\u200b"'))))
    assert "U+200B" in found


def test_names_are_kept_in_one_spelling(tmp_path: Path) -> None:
    cast = load_cast(write(tmp_path, sheet(person('"  Jose\\u0301\\u00a0 Luis "'))))
    assert cast.characters[1].name == "José Luis"


@pytest.mark.parametrize(
    ("written", "meant"),
    [("true", True), ("false", False), ("[1, 3]", (1, 3)), ("2", (2,)), ("2; 4", (2, 4)), ("yes", True)],
)
def test_who_is_the_first_person_is_a_yes_or_chapters(
    tmp_path: Path, written: str, meant: bool | tuple[int, ...]
) -> None:
    text = f"{SHEET}    first_person: {written}\n"
    assert [one.first_person for one in load_cast(write(tmp_path, text)).characters] == [False, meant]


@pytest.mark.parametrize("written", ["perhaps", "[0]", "[one]", "-1", "{a: 1}"])
def test_the_first_person_of_anything_else_is_a_mistake(tmp_path: Path, written: str) -> None:
    (found,) = mistakes(write(tmp_path, f"{SHEET}    first_person: {written}\n"))
    assert "first_person" in found
    assert "expected true, or a list of chapter numbers" in found


def test_a_character_in_memory_needs_only_a_name() -> None:
    assert Character(name="Mara") == Character(name="Mara", voice="", preview="", first_person=False)


@pytest.mark.parametrize("key", ["name", "voice", "preview"])
@pytest.mark.parametrize("value", ["", '""', "'  '"])
def test_an_empty_text_is_a_mistake(tmp_path: Path, key: str, value: str) -> None:
    entry = {"name": "Mara", "voice": "low", "preview": "hello"} | {key: value}
    text = sheet() + "  - " + "\n    ".join(f"{k}: {v}" for k, v in entry.items()) + "\n"
    (found,) = mistakes(write(tmp_path, text))
    line = 5 + list(entry).index(key)
    assert found.startswith(f"cast.yaml, line {line}, characters[1].{key}: is empty; expected ")


def test_every_mistake_of_a_sheet_is_reported_at_once_and_in_order(tmp_path: Path) -> None:
    text = (
        "charcters: []\n"
        "characters:\n"
        "  - name: Narrator\n"
        "    gender: femal\n"
        "    voic: low\n"
        f"    preview: {'x' * 1025}\n"
        "  - name: Mara\n"
        "    voice: голос\n"
        "    preview: [hello]\n"
        "  - name: mara\n"
        f"    voice: {'y' * 2049}\n"
        "    preview: a\n"
        "    preview: b\n"
        "  - Bo\n"
    )
    found = mistakes(write(tmp_path, text))
    assert [message.split(": ")[0].removeprefix("cast.yaml, ") for message in found] == [
        "line 1, charcters",
        "line 3, characters[0].voice",
        "line 4, characters[0].gender",
        "line 5, characters[0].voic",
        "line 6, characters[0].preview",
        "line 8, characters[1].voice",
        "line 9, characters[1].preview",
        "line 10, characters[2].name",
        "line 11, characters[2].voice",
        "line 13, characters[2].preview",
        "line 14, characters[3]",
    ]
    assert "Did you mean `characters`?" in found[0]
    assert "Did you mean `voice`?" in found[3]
    assert "has 1,025 characters; expected 1,024 at the most" in found[4]


def test_a_table_reports_a_missing_column_once_and_other_mistakes_beside_it(tmp_path: Path) -> None:
    text = "name;voice;role\nNarrator;low;narator\nMara;;\n"
    assert [message.split(": ")[0] for message in mistakes(write(tmp_path, text, "cast.csv"))] == [
        "cast.csv, line 1",
        "cast.csv, line 2, column role",
        "cast.csv, line 3, column voice",
    ]


@pytest.mark.parametrize("text", ["characters:\n", "characters: []\n", "characters: nobody\n", "people: x\n"])
def test_a_sheet_without_characters_is_a_mistake(tmp_path: Path, text: str) -> None:
    assert any("characters" in message for message in mistakes(write(tmp_path, text)))


def test_a_table_of_nothing_but_a_header_is_a_mistake(tmp_path: Path) -> None:
    assert mistakes(write(tmp_path, "name,voice,preview\n", "cast.csv"))


def flaws(
    voice: str, preview: str = "x", *, prompt_max: int = 100, preview_max: int = 100, language: str = ""
) -> list[Problem]:
    limits = DesignLimits(prompt_max_chars=prompt_max, preview_max_chars=preview_max, language=language)
    return list(design_problems(voice, preview, limits, {"voice": "the voice", "preview": "the preview"}))


@pytest.mark.parametrize(
    ("prompt_chars", "preview_chars", "problems"), [(2048, 1024, 0), (2049, 1024, 1), (2048, 1025, 1), (2049, 1025, 2)]
)
def test_the_limits_count_code_points_and_the_limit_itself_is_allowed(
    prompt_chars: int, preview_chars: int, problems: int
) -> None:
    found = flaws("声" * prompt_chars, "😀" * preview_chars, prompt_max=2048, preview_max=1024)
    assert len(found) == problems


@pytest.mark.parametrize(
    "voice", ["A low voice, naïve, 50 %, “soft”.", "低沉，沙哑（老年）。", "低沉 low", "Ａ ｖｏｉｃｅ"]
)
def test_descriptions_in_english_and_chinese_pass(voice: str) -> None:
    assert flaws(voice) == []


@pytest.mark.parametrize("voice", ["низкий голос", "低い声", "낮은 목소리", "صوت", "φωνή", "123 …", "low ж"])
def test_descriptions_in_other_scripts_are_refused(voice: str) -> None:
    (problem,) = flaws(voice)
    assert problem.where == "the voice"
    assert "English or Chinese" in problem.expected


@pytest.mark.parametrize(
    ("language", "right", "wrong"),
    [
        ("zh", "灯灭了。", "The lamp."),
        ("en", "The lamp.", "灯灭了。"),
        ("ja", "ランプ", "lamp"),
        ("ko", "등불", "燈"),
        ("ru", "Лампа", "lampa"),
    ],
)
def test_a_preview_in_another_script_than_the_book_is_refused(language: str, right: str, wrong: str) -> None:
    def problems(preview: str) -> int:
        return len(flaws("low", preview, language=language))

    assert (problems(right), problems(wrong)) == (0, 1)


_names = st.text("aAbBcé王阿", min_size=1, max_size=3)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.tuples(_names, st.lists(_names, max_size=3)), min_size=1, max_size=6))
def test_a_cast_loads_with_every_name_once_or_not_at_all(tmp_path: Path, people: list[tuple[str, list[str]]]) -> None:
    entries = [person(f'"{name}"', aliases="[" + ", ".join(f'"{a}"' for a in also) + "]") for name, also in people]
    path = write(tmp_path, sheet(*entries))
    folded = [{name.casefold() for name in (name, *also)} for name, also in people]
    crossing = len(set().union(*folded)) < sum(map(len, folded)) or any("narrator" in names for names in folded)
    if crossing:
        assert mistakes(path)
        return
    cast = load_cast(path)
    assert [character.role for character in cast.characters].count(Role.NARRATOR) == 1
    names = [n.casefold() for character in cast.characters for n in (character.name, *character.aliases)]
    assert len(names) == len(set(names))
