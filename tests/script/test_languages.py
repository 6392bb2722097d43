"""Name tags in the languages besides English and Chinese."""

import pytest

from narration.cast import Cast, Character
from narration.script import attribute
from narration.script.languages import ENGLISH, grammar_of

CAST = Cast(characters=tuple(Character(name=name) for name in ("Mara", "Tom", "Мара", "Том", "花子", "마라")))


def who(text: str, language: str) -> list[tuple[str, str | None]]:
    return [(text[one.start : one.end], one.character) for one in attribute(text, CAST, language=language)]


@pytest.mark.parametrize(
    ("language", "text", "spoken"),
    [
        ("de", "„Geh“, sagte Mara.", [("„Geh“", "Mara")]),
        ("de", "»Geh«, rief Tom. »Bleib.«", [("»Geh«", "Tom"), ("»Bleib.«", "Tom")]),
        ("de", "Mara sagte: „Geh.“", [("„Geh.“", "Mara")]),
        ("fr", "« Va », dit Mara.", [("« Va »", "Mara")]),
        ("fr", "« Non ! » s’écria Tom.", [("« Non ! »", "Tom")]),
        ("es", "«No», respondió Tom.", [("«No»", "Tom")]),
        ("it", "«No» rispose Tom. «Resta.»", [("«No»", "Tom"), ("«Resta.»", "Tom")]),
        ("pt", "“Vai”, disse Mara.", [("“Vai”", "Mara")]),
        ("ru", "«Иди», — сказала Мара.", [("«Иди»", "Мара")]),
        ("ja", "「行け」と花子は言った。", [("「行け」", "花子")]),
        ("ja", "花子が「行け」と叫んだ。「早く」", [("「行け」", "花子"), ("「早く」", "花子")]),
        ("ja", "「『行け』と言え」とTomが答えた。", [("「『行け』と言え」", "Tom")]),
        ("ja", "「行け」花子を見た。", [("「行け」", None)]),
        ("ko", "“가.” 마라가 말했다.", [("“가.”", "마라")]),
        ("ko", "마라는 “가.”라고 외쳤다.", [("“가.”", "마라")]),
        ("ko", "“가.” 마라를 보았다.", [("“가.”", None)]),
    ],
)
def test_a_name_beside_a_verb_of_saying_speaks(language: str, text: str, spoken: list[tuple[str, str | None]]) -> None:
    assert who(text, language) == spoken


@pytest.mark.parametrize(
    ("language", "text", "spoken"),
    [
        (
            "fr",
            "— Va, dit Mara.\n\n— Non ! s’écria Tom. Reste.\n\n— Pourquoi ? demanda-t-elle.",
            [("— Va,", "Mara"), ("— Non !", "Tom"), ("Reste.", "Tom"), ("— Pourquoi ?", "Mara")],
        ),
        (
            "es",
            "—Vete —dijo Mara.\n\n—No —respondió Tom—. Quédate.\n\n—¿Por qué? —preguntó Mara.",
            [("—Vete", "Mara"), ("—No", "Tom"), ("Quédate.", "Tom"), ("—¿Por qué?", "Mara")],
        ),
        (
            "ru",
            "— Иди, — сказала Мара.\n\n— Нет, — ответил Том. — Останься.\n\n— Почему?",
            [("— Иди,", "Мара"), ("— Нет,", "Том"), ("— Останься.", "Том"), ("— Почему?", "Мара")],
        ),
        (
            "pt",
            "— Vai — disse Mara.\n\n— Não — respondeu Tom. — Fica.\n\n— Vou.",
            [("— Vai", "Mara"), ("— Não", "Tom"), ("— Fica.", "Tom"), ("— Vou.", "Mara")],
        ),
    ],
)
def test_dash_dialogue_has_its_tags_and_turns(language: str, text: str, spoken: list[tuple[str, str | None]]) -> None:
    assert who(text, language) == spoken


def test_an_unknown_language_is_read_as_english() -> None:
    assert grammar_of("nl") is ENGLISH
    assert "said" in grammar_of("en").says
    assert "sagte" not in grammar_of("en").says
