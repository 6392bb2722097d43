"""System voices: each with traits of its own, the same on every machine and in every account.

Invariant: a name always sounds the same.
"""

from narration.sandbox.descriptions import design
from narration.sandbox.languages import Language
from narration.sandbox.models import Family
from narration.sandbox.state import Voice

# Which of them are men, by the vendor's page. Source: alibabacloud.com model-studio, qwen-tts; the rest is [assumed].
_MEN = frozenset(
    (
        *("Ethan", "Moon", "Kai", "Nofish", "Vincent", "Neil", "Elias", "Arthur", "Pip", "Ryan", "Aiden", "Dylan"),
        *("Li", "Marcus", "Roy", "Peter", "Eric", "Rocky"),
    )
)
_AGES = ("young", "middle-aged", "elderly")
_PITCHES = ("low pitch", "medium pitch", "high pitch")


def system_voice(model: str, name: str, index: int) -> Voice:
    """The voice of that name.

    Args:
        model: that speaks.
        name: of the voice.
        index: in the list of all of them; it makes the voice differ from the others.
    """
    sex = "man" if name in _MEN else "woman"
    prompt = f"A {_AGES[index % 3]} {sex}, {_PITCHES[index // 3 % 3]}, medium pace."
    return Voice(
        account="",
        family=Family.QWEN_SPEECH,
        voice=name,
        target_model=model,
        language=Language.ENGLISH,
        voice_prompt=prompt,
        preview_text="",
        created_s=0.0,
        traits=design(prompt, seed=index),
    )
