"""Who speaks, by labels and tags; the Python API of attribution."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narration.cast import Cast, Character, Role
from narration.script import attribute


def character(name: str, *aliases: str, role: Role = Role.CHARACTER) -> Character:
    return Character(name=name, voice="A voice.", preview="Some words.", aliases=aliases, role=role)


CAST = Cast(
    characters=(
        character("Narrator", role=Role.NARRATOR),
        character("Mara"),
        character("Old Wen", "Wen"),
        character("Captain Hale", "the Captain", "Hale"),
        character("Tom"),
        character("阿Q", "阿Ｑ"),
        character("老文"),
        character("阿K"),
    )
)


def who(text: str, *, language: str = "en") -> list[tuple[str, str | None]]:
    return [(text[q.start : q.end], q.character) for q in attribute(text, CAST, language=language)]


@pytest.mark.parametrize(
    ("text", "speakers"),
    [
        ("Mara: “Hello.” She laughed. “You!”", ["Mara", "Mara"]),
        ("Old Wen: Hello, all of you.", ["Old Wen"]),
        ("TOM (softly): “Good night.”", ["Tom"]),
        ("“Go,” said Mara.", ["Mara"]),
        ("“Go!” cried Old Wen suddenly.", ["Old Wen"]),
        ("“Go,” Mara said.", ["Mara"]),
        ("“Go,” Old Wen softly whispered.", ["Old Wen"]),
        ("“Why?” asked the Captain.", ["Captain Hale"]),
        ("Mara said, “Go.”", ["Mara"]),
        ("Mara turned to Tom and said, “Go.”", ["Mara"]),
        ("Mara looked at Tom, who said, “Go.”", ["Tom"]),
        ("Then said Hale: “Go.”", ["Captain Hale"]),
        ("“Go,” said Mara, “or stay.”", ["Mara", "Mara"]),
        ("“Go.” Wen sat down. “Or stay,” said Wen.", ["Old Wen", "Old Wen"]),
        ('"Go," said Mara, "or stay."', ["Mara", "Mara"]),
        ("‘Go,’ said Mara, ‘or stay.’", ["Mara", "Mara"]),
        ("“Go,” said\nOld Wen.", ["Old Wen"]),
        ("Mara asked:\n\n“Are you there?”", ["Mara"]),
        ("“It is long,” said Tom. “It goes on.\n\n“And on.”", ["Tom", "Tom", "Tom"]),
        ("“It is long.\n\n“It goes on,” said Tom.", ["Tom", "Tom"]),
        ("“Go,” she said.", [None]),
        ("“Go.”", [None]),
        ("Mara’s brother said, “Go.”", [None]),
        ("She asked Tom, “Why?”", [None]),
        ("“Go,” said Tommy.", [None]),
        ("“Go,” said mara.", [None]),
        ("Zed: “Go.”", [None]),
        ("He met the “lady” and went.", []),
        ("Nobody: a word about Mara.", []),
    ],
)
def test_english_speakers_are_named(text: str, speakers: list[str | None]) -> None:
    assert [speaker for _, speaker in who(text)] == speakers


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
    first, second, third = attribute("Tom: “Go.”\n\n“Stay,” said Mara.\n\n“Well?”", CAST)
    assert first.probability > second.probability > third.probability == 0
    assert (first.evidence, second.evidence, third.evidence) == ("script label", "tag: said Mara", "")


PIECES = st.sampled_from(
    ["“Go,”", "said", "Mara", " ", ".", "\n\n", "Tom:", "“", "”", "阿K", "说：", "'", '"', "‘", "Old Wen", ", "]
)


@settings(deadline=None)
@given(st.lists(PIECES, max_size=25).map("".join), st.sampled_from(["en", "zh", "ja"]))
def test_quotations_never_overlap_and_name_only_the_cast(text: str, language: str) -> None:
    position = 0
    for quotation in attribute(text, CAST, language=language):
        assert position <= quotation.start < quotation.end <= len(text)
        assert quotation.character in {None, *(character.name for character in CAST.characters)}
        assert (quotation.character is None) == (quotation.probability == 0) == (quotation.evidence == "")
        assert "\n\n" not in text[quotation.start : quotation.end].strip()
        position = quotation.end
