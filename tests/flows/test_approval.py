"""The approval form of an audition: a list for each character, and nothing changes without an answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from flows.audition import KEEP, approval, picked
from flows.auditioning import Held
from narration.report.audition_page import Heard, Part, audition_page
from narration.voice import Voice, VoiceDesign

VOICE = Voice(
    design=VoiceDesign(
        service="qwen",
        base_url="sandbox",
        account="a",
        design_model="d",
        target_model="t",
        language="en",
        voice_prompt="A calm woman.",
        preview_text="Good evening.",
    ),
    voice="qwen-tts-vd-mara",
    preferred_name="mara",
    character="Mara",
    production="book",
    created_at="2026-11-20T10:00:00.000+00:00",
    request_id="r",
    price_usd=0.2,
    preview_format="wav",
)


def _held(*names: str) -> Held:
    heard = tuple(Heard(number=number, voice=VOICE, preview=b"", measured=None) for number in (1, 2, 0))
    parts = tuple(
        Part(
            character=name,
            lines=1,
            profile="sandbox",
            prompt="A calm woman.",
            preview_text="Good evening.",
            quoted=False,
            locked=False,
            line="",
            heard=heard,
        )
        for name in names
    )
    return Held(page=Path("audition.html"), parts=parts, made=0, cost_usd=0.0)


def test_the_form_has_a_list_for_each_character_and_keeps_what_is_there() -> None:
    held = _held("Mara Quill", "Old Wen")
    form = approval(held)
    schema = form.model_json_schema()["properties"]
    assert [field["title"] for field in schema.values()] == ["Mara Quill", "Old Wen"]
    assert schema["character_0"]["enum"] == [KEEP, "1", "2"]
    assert picked(held, form()) == {}
    assert picked(held, form.model_validate({"character_1": "2"})) == {"Old Wen": 2}
    with pytest.raises(ValidationError):
        form.model_validate({"character_0": "3"})


def test_a_name_is_text_on_the_page_and_one_word_in_the_command() -> None:
    page = audition_page(
        "<Book>",
        _held("N'Ann <b>").parts,
        cost="2 voices made.",
        options=("--book", "/my books/one", "--profile", "china"),
    )
    assert "<b>" not in page
    assert "&lt;Book&gt;" in page
    assert "narrate voices choose &#x27;N&#x27;&quot;&#x27;&quot;&#x27;Ann &lt;b&gt;&#x27; 1" in page
    assert "--book &#x27;/my books/one&#x27; --profile china<" in page
