"""Who speaks in a book, under which names, and what says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narration.book import Book, Chapter, Paragraph
from narration.cast import Cast, Character, Gender, Role, load_cast
from narration.discovery import Discovery, discover
from narration.manuscript import read_manuscript
from tests.discovery.books import QUARRY, book

DATA = Path(__file__).parents[2] / "data"
BOOKS = Path(__file__).parents[3] / "shared" / "corpus" / "books"


@pytest.fixture(scope="module")
def quarry() -> Discovery:
    return discover(book(*QUARRY))


def names(discovery: Discovery) -> set[str]:
    return {speaker.name for speaker in discovery.speakers}


def test_whoever_a_tag_names_is_proposed_once_under_the_name_that_tags_use_most(quarry: Discovery) -> None:
    assert names(quarry) == {"Mara", "Hale", "Pip", "Old Sall", "Reeve"}


def test_a_first_name_a_full_name_and_a_title_with_the_surname_are_one_person(quarry: Discovery) -> None:
    assert set(quarry.by_name("Mara").aliases) == {"Mara Quill", "Miss Quill"}
    assert set(quarry.by_name("Hale").aliases) == {"Mr. Hale"}


def test_a_title_alone_is_the_only_one_who_bears_it(quarry: Discovery) -> None:
    assert set(quarry.by_name("Reeve").aliases) == {"Captain Reeve", "Captain"}


@pytest.mark.parametrize(
    ("name", "gender", "evidence"),
    [
        ("Mara", Gender.FEMALE, "title Miss"),
        ("Hale", Gender.MALE, "title Mr."),
        ("Pip", Gender.FEMALE, "× she"),
        ("Old Sall", Gender.FEMALE, "× she"),
        ("Reeve", Gender.MALE, "title Captain"),
    ],
)
def test_a_gender_is_guessed_from_titles_and_pronouns_and_says_so(
    quarry: Discovery, name: str, gender: Gender, evidence: str
) -> None:
    speaker = quarry.by_name(name)
    assert speaker.gender is gender
    assert evidence in speaker.gender_evidence


def test_without_evidence_the_gender_is_unknown_and_no_evidence_is_claimed() -> None:
    speaker = discover(book("“Yes,” said Quim.", "“No,” said Quim.")).by_name("Quim")
    assert (speaker.gender, speaker.gender_evidence) == (Gender.UNKNOWN, "")


def test_a_pronoun_of_somebody_else_does_not_outweigh_the_own() -> None:
    found = discover(
        book(
            "“Sit,” said Orla, folding her hands.",
            "“No,” said Orla, shaking her head at Tomas, who took off his hat.",
            "“Why?” said Tomas, scratching his ear.",
        )
    )
    assert found.by_name("Orla").gender is Gender.FEMALE
    assert found.by_name("Tomas").gender is Gender.MALE


def test_a_speaker_without_a_name_is_listed_apart(quarry: Discovery) -> None:
    assert [(phrase.text, phrase.tags) for phrase in quarry.phrases] == [("the old gentleman", 1)]


def test_old_before_a_name_says_the_age_only_where_it_is_part_of_the_name(quarry: Discovery) -> None:
    assert quarry.by_name("Old Sall").age == "elderly"
    assert quarry.by_name("Mara").age == ""


def test_every_quotation_is_counted_once(quarry: Discovery) -> None:
    assert sum(speaker.lines for speaker in quarry.speakers) + len(quarry.unfound) == quarry.quotations


def test_a_quotation_without_a_speaker_keeps_its_place() -> None:
    read = book("“Who goes there?”")
    (lost,) = discover(read).unfound
    assert read.chapters[0].text[lost.start : lost.end] == lost.text == "“Who goes there?”"


def test_a_surname_that_a_brother_and_a_sister_share_is_his_and_the_doubtful_title_is_left_alone() -> None:
    found = discover(
        book(
            "“Come,” said Jane Marsh. Jane took her shawl.",
            "“No,” said Ellen Marsh. Ellen took her shawl.",
            "“Well,” said Miss Marsh.",
            "“I stay,” said Mr. Marsh.",
            "“So do I,” said Marsh.",
        )
    )
    assert found.by_name("Marsh") == found.by_name("Mr. Marsh")
    assert "Miss Marsh" in names(found)
    assert any(doubt.name == "Miss Marsh" and len(doubt.options) == 2 for doubt in found.doubts)


def test_a_wife_is_not_her_daughter() -> None:
    found = discover(
        book("“Jane!” cried Mrs. Bell.", "“Yes?” said Jane.", "They all liked Jane Bell and Jane Bell’s dog.")
    )
    assert found.by_name("Mrs. Bell") != found.by_name("Jane")


def test_a_pet_name_is_the_first_name_where_only_one_fits() -> None:
    found = discover(
        book("“Here,” said Elizabeth Hart.", "“Lizzy, my dear,” said Mr. Brook.", "“No, Lizzy,” said Mr. Brook.")
    )
    assert "Lizzy" in found.by_name("Elizabeth Hart").aliases


def test_lady_catherine_is_not_another_catherine() -> None:
    found = discover(
        book("“Silence,” said Lady Catherine.", "“Oh!” said Catherine.", "“Silence, I say,” said Lady Catherine.")
    )
    assert "Catherine" in names(found)
    assert found.by_name("Lady Catherine").aliases == ()


def test_a_word_that_begins_a_sentence_is_not_a_name() -> None:
    found = discover(book("“Ah,” said Ben. Nobody spoke.", "Nobody moved. “Well,” said Ben. Turning round, he left."))
    assert names(found) == {"Ben"}


def test_the_labels_of_a_play_are_its_cast() -> None:
    found = discover(
        book(
            "LANE: Yes, sir.",
            "ALGERNON: Lane!",
            "LANE: Sir?",
            "Miss Prism: Child!",
            "ALGERNON: No.",
            "Time: The Present.",
        )
    )
    assert {"Lane", "Algernon", "Miss Prism"} == names(found)


def test_the_speeches_that_the_markup_of_a_play_names_are_counted_without_their_stage_directions() -> None:
    paragraphs = (
        Paragraph(text="Enter Lane.", directions=((0, 11),)),
        Paragraph(text="Languidly. Lane, have you seen the sandwiches?", speaker="ALGERNON", directions=((0, 10),)),
        Paragraph(text="No, sir. “None,” as you would say.", speaker="Lane"),
        Paragraph(text="Good heavens!", speaker="Lane + ALGERNON"),
    )
    play = Book(title="", author="", language="en", chapters=(Chapter(number=1, title="", paragraphs=paragraphs),))
    found = discover(play)
    assert {speaker.name: speaker.lines for speaker in found.speakers} == {"Algernon": 2, "Lane": 2}
    assert found.by_name("Algernon").chars == len("Lane, have you seen the sandwiches?" + "Good heavens!")
    assert (found.quotations, found.unfound) == (3, ())


def test_a_narrator_who_says_i_is_noticed_and_named_where_one_name_is_called() -> None:
    texts = [
        "I had known my cousin since I was a child, and I never liked the place where I lived then.",
        "“Watkins, are you there?” said Holm.",
        "“I am,” said I, and I put down my pen.",
        "“Look here, Watkins,” said Holm.",
        "I looked. “I see nothing,” I said.",
        "“You never do, Watkins,” said Holm. “Come along, Watkins!”",
        "“Where?” I asked.",
    ]
    first = discover(book(*texts)).first_person
    assert first is not None
    assert (first.tags, first.name) == (3, "Watkins")
    assert discover(book(*texts)).by_name("Watkins").first_person is True


def test_a_narrator_who_is_not_in_the_story_is_not_taken_for_one_who_is(quarry: Discovery) -> None:
    assert quarry.first_person is None


def test_what_a_person_wrote_is_kept_and_its_aliases_are_not_given_to_others() -> None:
    known = Cast(
        characters=(
            Character(name="Narrator", role=Role.NARRATOR),
            Character(name="Miss Quill", gender=Gender.NEUTRAL, aliases=("Mara",)),
        )
    )
    speaker = discover(book(*QUARRY), known).by_name("Mara")
    assert (speaker.name, speaker.gender, speaker.known) == ("Miss Quill", Gender.NEUTRAL, True)
    assert set(speaker.aliases) == {"Mara", "Mara Quill"}


def test_whoever_is_an_alias_of_the_narrator_is_not_proposed_again() -> None:
    known = Cast(characters=(Character(name="Narrator", role=Role.NARRATOR, aliases=("Pip", "Captain Reeve")),))
    found = discover(book(*QUARRY), known)
    assert names(found) - {"Narrator"} == {"Mara", "Hale", "Old Sall"}
    assert sum(speaker.lines for speaker in found.speakers) + len(found.unfound) == found.quotations


@settings(max_examples=30, deadline=None)
@given(st.permutations(QUARRY))
def test_the_order_of_the_paragraphs_changes_no_name(texts: list[str]) -> None:
    assert names(discover(book(*texts))) == {"Mara", "Hale", "Pip", "Old Sall", "Reeve"}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from((*QUARRY, "“”", "“Oh,", "Mr.", "said Mara.", "“No” said", "X: y")), max_size=12))
def test_any_pile_of_paragraphs_gives_the_same_proposal_twice_and_distinct_names(texts: list[str]) -> None:
    read = book(*texts)
    first = discover(read)
    assert first == discover(read)
    all_names = [name.casefold() for one in first.speakers for name in (one.name, *one.aliases)]
    assert len(all_names) == len(set(all_names))


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        ("de", ("„Komm“, sagte Anna.", "„Nein“, antwortete Paul.")),
        ("fr", ("« Viens », dit Anna.", "« Non », répondit Paul.")),
        ("es", ("«Ven», dijo Anna.", "«No», respondió Paul.")),
        ("ru", ("«Иди», сказала Анна.", "«Нет», ответил Павел.")),
    ],
)
def test_tags_of_other_languages_name_their_speakers(language: str, texts: tuple[str, ...]) -> None:
    expected = {"Анна", "Павел"} if language == "ru" else {"Anna", "Paul"}
    assert names(discover(book(*texts, language=language))) == expected


def test_a_russian_verb_tells_the_gender() -> None:
    found = discover(book("«Иди», сказала Анна.", "«Нет», ответил Павел.", language="ru"))
    assert found.by_name("Анна").gender is Gender.FEMALE
    assert found.by_name("Павел").gender is Gender.MALE


def test_chinese_speakers_are_found_before_and_after_their_words() -> None:
    found = discover(
        book(
            "老秦说：“先把手擦干。”",
            "“真的吗？”阿K问。",
            "老秦笑着说：“再数一遍。”",
            "阿K大声说：“会。”阿K拿起他的信。",
            "他们说：“走吧。”",
            language="zh",
        )
    )
    assert names(found) == {"老秦", "阿K"}
    assert found.by_name("老秦").age == "elderly"


@pytest.mark.parametrize("folder", ["demo", "demo-zh"])
def test_the_cast_of_a_demo_is_found_with_its_genders_where_the_book_tells_them(folder: str) -> None:
    cast = load_cast(DATA / folder / "cast.yaml")
    found = discover(read_manuscript(DATA / folder / "manuscript.md"))
    for character in cast.characters:
        if character.role is Role.CHARACTER:
            assert found.by_name(character.name).gender in (character.gender, Gender.UNKNOWN)
            assert folder == "demo-zh" or found.by_name(character.name).gender is character.gender
    assert len(found.speakers) == len(cast.characters) - 1


@pytest.mark.skipif(not BOOKS.is_dir(), reason="the corpus is not beside the repository")
def test_a_chinese_book_of_stories_is_searched_in_a_moment_and_its_people_are_found() -> None:
    found = discover(read_manuscript(BOOKS / "lu-xun_nahan.zh.txt"))
    assert {"孔乙己", "七斤", "掌柜", "母亲", "九斤老太"} <= names(found)
    assert "七爷" in found.by_name("赵七爷").aliases
