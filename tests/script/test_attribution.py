"""Who speaks, by each kind of evidence; the Python API of attribution."""

import random
import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narration.cast import Cast, Character, Gender, Role
from narration.script import attribute, engine
from narration.script.passages import paragraphs_of, passages_of
from narration.script.people import people_of

ROOT = Path(__file__).resolve().parents[2]


def character(
    name: str, *aliases: str, role: Role = Role.CHARACTER, gender: Gender = Gender.UNKNOWN, first_person: bool = False
) -> Character:
    return Character(name=name, aliases=aliases, role=role, gender=gender, first_person=first_person)


CAST = Cast(
    characters=(
        character("Narrator", role=Role.NARRATOR),
        character("Mara", gender=Gender.FEMALE),
        character("Old Wen", "Wen", gender=Gender.MALE),
        character("Captain Hale", "the Captain", "Hale", gender=Gender.MALE),
        character("Tom"),
        character("阿Q", "阿Ｑ"),
        character("老文"),
        character("阿K"),
    )
)
FIRST = Cast(characters=(*CAST.characters[1:5], character("Ellen", gender=Gender.FEMALE, first_person=True)))


def who(text: str, cast: Cast = CAST, *, language: str = "en") -> list[tuple[str, str | None]]:
    return [(text[q.start : q.end], q.character) for q in attribute(text, cast, language=language)]


@pytest.mark.parametrize(
    ("text", "speakers"),
    [
        ("Mara: “Hello.” She laughed. “You!”", ["Mara", "Mara"]),
        ("Old Wen: Hello, all of you.", ["Old Wen"]),
        ("TOM (softly): “Good night.”", ["Tom"]),
        ("“Go,” said Mara.", ["Mara"]),
        ("“Go!” cried Old Wen suddenly.", ["Old Wen"]),
        ("“Go,” Mara said.", ["Mara"]),
        ("“Go,” MARA said.", ["Mara"]),
        ("“Go,” Old Wen softly whispered.", ["Old Wen"]),
        ("“Go,” Old Wen, who was tired, whispered.", ["Old Wen"]),
        ("“Why?” asked the Captain.", ["Captain Hale"]),
        ("“Why?” asked Captain Hale of Mara.", ["Captain Hale"]),
        ("Mara said, “Go.”", ["Mara"]),
        ("Mara turned to Tom and said, “Go.”", ["Mara"]),
        ("Mara looked at Tom, who said, “Go.”", ["Tom"]),
        ("Then said Hale: “Go.”", ["Captain Hale"]),
        ("“Go,” said Mara, “or stay.”", ["Mara", "Mara"]),
        ("“Go.” Wen sat down. “Or stay,” said Wen.", ["Old Wen", "Old Wen"]),
        ("“Yes,” said Mara. “No,” said Tom.", ["Mara", "Tom"]),
        ('"Go," said Mara, "or stay."', ["Mara", "Mara"]),
        ("‘Go,’ said Mara, ‘or stay.’", ["Mara", "Mara"]),
        ("“Go,” said\nOld Wen.", ["Old Wen"]),
        ("Mara asked:\n\n“Are you there?”", ["Mara"]),
        ("“It is long,” said Tom. “It goes on.\n\n“And on.”", ["Tom", "Tom", "Tom"]),
        ("“It is long.\n\n“It goes on,” said Tom.", ["Tom", "Tom"]),
        ("“Go,” she said.", [None]),
        ("“Go.”", [None]),
        ("“Go,” said Tommy.", [None]),
        ("“Go,” said mara.", [None]),
        ("Zed: “Go.”", [None]),
        ("He met the “lady” and went.", []),
        ("Nobody: a word about Mara.", []),
    ],
)
def test_names_beside_a_quotation_decide(text: str, speakers: list[str | None]) -> None:
    assert [speaker for _, speaker in who(text)] == speakers


@pytest.mark.parametrize(
    ("text", "speakers"),
    [
        pytest.param(
            "Mara came in. Tom looked up from his book.\n\n“Late,” he said.\n\n“I know,” she said.",
            ["Tom", "Mara"],
            id="a pronoun is somebody of its gender",
        ),
        pytest.param(
            "“Sit down,” said Mara.\n\n“No,” said Tom.\n\n“Please.”\n\n“No.”",
            ["Mara", "Tom", "Mara", "Tom"],
            id="turns alternate",
        ),
        pytest.param(
            "Mara and Tom sat at the table with Wen.\n\n“Are you tired, Tom?” said Mara.\n\n“A little.”",
            ["Mara", "Tom"],
            id="who is called by name answers",
        ),
        pytest.param(
            "Mara and Tom were alone.\n\n“Mara, you are late.”\n\n“I know,” said Mara.",
            ["Tom", "Mara"],
            id="who is called by name does not speak",
        ),
        pytest.param(
            "Mara and Tom sat in the dark.\n\nMara put down her cup. “It is time.”", ["Mara"], id="what somebody does"
        ),
        pytest.param(
            "Mara and Tom sat in the dark.\n\n“It is time.” Mara put down her cup.",
            ["Mara"],
            id="what somebody does next",
        ),
        pytest.param("Mara and Tom listened. “Hush!” Tom’s voice shook.", ["Tom"], id="somebody's voice"),
        pytest.param(
            "Mara met Captain Hale on the quay.\n\n“Good day,” said the captain.", ["Captain Hale"], id="a title alone"
        ),
    ],
)
def test_the_conversation_decides_where_no_name_does(text: str, speakers: list[str | None]) -> None:
    assert [speaker for _, speaker in who(text)] == speakers


@pytest.mark.parametrize(
    ("text", "speakers"),
    [
        ("“Go,” I said.", ["Ellen"]),
        ("“Go,” said I to Tom.", ["Ellen"]),
        ("“Go,” said Tom.\n\n“I will not,” I answered.\n\n“Go!”", ["Tom", "Ellen", "Tom"]),
    ],
)
def test_the_first_person_is_who_the_cast_sheet_says(text: str, speakers: list[str]) -> None:
    assert [speaker for _, speaker in who(text, FIRST)] == speakers


def test_the_first_person_may_change_with_the_chapter() -> None:
    cast = Cast(
        characters=(
            Character(name="Mara", first_person=(1,)),
            Character(name="Tom", first_person=(2,)),
            character("Wen"),
        )
    )
    text = "Chapter I\n\n“Go,” I said to Wen.\n\nChapter II\n\n“Stay,” I said to Wen."
    assert [speaker for _, speaker in who(text, cast)] == ["Mara", "Tom"]


def test_lost_apostrophes_do_not_matter() -> None:
    text = 'Mara met Tom.\n\n"I don t know," said Mara.\n\n"It s Hale s boat," said Tom.\n\n"Hale s?"'
    assert [speaker for _, speaker in who(text)] == ["Mara", "Tom", "Mara"]


@pytest.mark.parametrize(
    ("tag", "speaker"),
    [
        ("said Elizabeth", "Elizabeth Bennet"),
        ("said Miss Elizabeth", "Elizabeth Bennet"),
        ("said Mr. Bennet", "Mr. Bennet"),
        ("said Mr Bennet", "Mr. Bennet"),
        ("said Mrs. Bennet", "Mrs. Bennet"),
        ("said Lizzy", "Elizabeth Bennet"),
        ("said Mr. Darcy", "Fitzwilliam Darcy"),
        ("said the colonel", "Colonel Forster"),
    ],
)
def test_first_names_surnames_and_titles_are_derived(tag: str, speaker: str) -> None:
    cast = Cast(
        characters=(
            character("Elizabeth Bennet", "Lizzy"),
            character("Mr. Bennet"),
            character("Mrs. Bennet"),
            character("Fitzwilliam Darcy"),
            character("Colonel Forster"),
        )
    )
    assert who(f"“Go,” {tag}.", cast) == [("“Go,”", speaker)]


def test_a_second_entry_of_the_same_person_is_not_a_rival() -> None:
    cast = Cast(characters=(character("Bounderby"), character("Josiah Bounderby", "Mr. Bounderby"), character("Tom")))
    spoken = who("“Go,” said Bounderby.\n\n“No,” said Tom.\n\n“Go!” said Mr. Bounderby.", cast)
    assert [speaker for _, speaker in spoken] == ["Josiah Bounderby", "Tom", "Josiah Bounderby"]


@pytest.mark.parametrize(
    ("text", "speakers"),
    [
        ("阿K：“走吧。”", ["阿K"]),
        ("阿K说：“走吧。”", ["阿K"]),
        ("“走？”老文道。", ["老文"]),
        ("阿Q对老文说：“走！”", ["阿Q"]),
        ("“好，”阿K说，“我走。”", ["阿K", "阿K"]),
        ("老文听了，阿K便叫道，“不！”", ["阿K"]),
        ("「这是什么？」阿Ｑ问。", ["阿Q"]),
        ("阿K来了。\n\n“走吧。”他说。", ["阿K"]),
        ("“哦……”", [None]),
        ("“走吧。”他说。", [None]),
        ("他有点“安贫乐道”的样子。", []),
    ],
)
def test_chinese_speakers_are_named(text: str, speakers: list[str | None]) -> None:
    assert [speaker for _, speaker in who(text, language="zh")] == speakers


def test_offsets_are_code_points_with_the_quotation_marks() -> None:
    text = "😀 It was late.\n\n“Go,” said Mara. “Now.”\n"
    assert who(text) == [("“Go,”", "Mara"), ("“Now.”", "Mara")]


def test_the_longest_name_wins() -> None:
    cast = Cast(characters=(character("N", role=Role.NARRATOR), character("Wen"), character("Old Wen", "Old Wen Li")))
    assert [q.character for q in attribute("“Go,” said Old Wen Li.\n\n“Go,” said Wen.", cast)] == ["Old Wen", "Wen"]


def test_evidence_and_probability_go_with_the_character() -> None:
    label, tag, bare = attribute("Tom: “Go.”\n\n“Stay,” said Mara.\n\n“Well?”", CAST)
    assert min(label.probability, tag.probability) > 0.9 > bare.probability
    assert (label.evidence, tag.evidence) == ("script label", "tag: said Mara")


def test_a_cast_of_nobody_has_no_speakers() -> None:
    assert [q.character for q in attribute("“Go,” said Mara.", Cast(characters=()))] == [None]


PIECES = st.sampled_from(
    [
        *("“Go,”", "said", "Mara", " ", ".", "\n\n", "Tom:", "“", "”", "阿K", "说：", "'", '"', "‘", "Old Wen", ", "),
        *("she", "I", "the captain", "his wife", "Tom’s voice", ":", "—", "Mara and", "sir", "?", "Chapter 2"),
    ]
)
TEXTS = st.lists(PIECES, max_size=30).map(" ".join) | st.lists(PIECES, max_size=25).map("".join)


@settings(deadline=None)
@given(TEXTS, st.sampled_from(["en", "zh", "ja"]))
def test_quotations_never_overlap_and_name_only_the_cast(text: str, language: str) -> None:
    position = 0
    for quotation in attribute(text, CAST, language=language):
        assert position <= quotation.start < quotation.end <= len(text)
        assert quotation.character in {None, *(character.name for character in CAST.characters)}
        assert (quotation.character is None) == (quotation.probability == 0) == (quotation.evidence == "")
        assert 0 <= quotation.probability <= 1
        assert "\n\n" not in text[quotation.start : quotation.end].strip()
        position = quotation.end


@settings(deadline=None)
@given(TEXTS, st.randoms(use_true_random=False))
def test_the_order_of_the_cast_does_not_matter(text: str, rng: random.Random) -> None:
    characters = list(FIRST.characters)
    rng.shuffle(characters)
    assert attribute(text, Cast(characters=tuple(characters))) == attribute(text, FIRST)


@pytest.mark.parametrize(
    ("head", "part", "tail", "count"),
    [
        pytest.param("", "“Go,” said Mara. ", "", 3_000, id="one paragraph"),
        pytest.param("", "“", "", 200_000, id="opening marks"),
        pytest.param("", '"', "", 50_000, id="straight marks"),
        pytest.param("", "'a ", "", 70_000, id="apostrophes"),
        pytest.param("", "“a\n\n", "", 5_000, id="never closed"),
        pytest.param("", "Mara ", "", 10_000, id="names"),
        pytest.param("“Go,” the ", "old ", "man said.", 50_000, id="a long noun phrase"),
    ],
)
def test_time_is_linear_in_odd_texts(head: str, part: str, tail: str, count: int) -> None:
    def seconds(times: int) -> float:
        text = f"{head}{part * times}{tail}"
        began = time.process_time()
        attribute(text, CAST)
        return time.process_time() - began

    assert seconds(count) < 8 * seconds(count // 4) + 0.5, "four times the text may take four times as long"


def test_the_example_of_the_python_api_runs(capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "python-api.md").read_text(encoding="utf-8")
    code, output = re.findall(r"```(?:python|text)\n(.*?)```", page, re.DOTALL)[:2]
    exec(compile(code, "python-api.md", "exec"), {})  # noqa: S102
    assert capsys.readouterr().out == output


@pytest.mark.parametrize(
    ("text", "addressed", "spoken_of"),
    [
        ("“Go, Mara.”", {"Mara"}, set()),
        ("“Come here — Mara!”", {"Mara"}, set()),
        ("“Mara, go.”", {"Mara"}, set()),
        ("“Oh, my dear Mara, go.”", {"Mara"}, set()),
        ("“Thank you Mara.”", {"Mara"}, set()),
        ("“I saw Mara again.”", set(), {"Mara"}),
        ("“Poor Mara is gone.”", set(), {"Mara"}),
    ],
)
def test_whoever_is_called_stands_before_a_mark_and_others_are_only_spoken_of(
    text: str, addressed: set[str], spoken_of: set[str]
) -> None:
    people = people_of(CAST)
    table, _, _ = engine.table_of(text, passages_of(paragraphs_of(text)), people)
    (turn,) = table.turns
    assert {people.names[one] for one in turn.addressed} == addressed
    assert {people.names[one] for one in turn.told} == spoken_of
