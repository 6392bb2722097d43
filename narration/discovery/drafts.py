"""First drafts of voice descriptions, in the vendor's dimensions, far from each other within one book.

Invariant: a draft depends on the character and on the set of the other descriptions, not on their order, and it names
nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final

from narration.cast import Gender
from narration.discovery.roll import Speaker

_AGES: Final = ("child", "young", "middle-aged", "elderly")
_PITCHES: Final = ("low", "slightly low", "medium", "slightly high", "high")
_PACES: Final = ("slow", "slightly slow", "medium", "slightly fast", "fast")
_TEXTURES: Final = ("crisp", "mellow", "hoarse", "rich", "sweet", "powerful", "magnetic", "thin")
_EMOTIONS: Final = ("calm", "lively", "serious", "gentle", "cheerful", "composed", "soothing")
"""Values of each dimension.

Source: alibabacloud.com model-studio, voice design user guide: gender, age, pitch, pace, emotion, characteristics,
use.
"""

_PITCH_RANGE: Final = {
    (Gender.FEMALE, "child"): (3, 4),
    (Gender.FEMALE, "young"): (2, 3, 4),
    (Gender.FEMALE, "middle-aged"): (1, 2, 3),
    (Gender.FEMALE, "elderly"): (1, 2),
    (Gender.MALE, "child"): (3, 4),
    (Gender.MALE, "young"): (1, 2, 3),
    (Gender.MALE, "middle-aged"): (0, 1, 2),
    (Gender.MALE, "elderly"): (0, 1, 2),
}
_ANY_PITCH: Final = (1, 2, 3)
_PACE_RANGE: Final = {"child": (2, 3, 4), "young": (1, 2, 3, 4), "middle-aged": (0, 1, 2, 3), "elderly": (0, 1)}
_TEXTURE_RANGE: Final = {
    "child": ("crisp", "sweet", "thin"),
    "young": ("crisp", "mellow", "sweet", "magnetic", "rich", "thin"),
    "middle-aged": ("mellow", "rich", "powerful", "magnetic", "crisp", "hoarse"),
    "elderly": ("hoarse", "mellow", "thin", "rich", "powerful"),
}

_EN_WHO: Final = {
    (Gender.FEMALE, "child"): "A girl of about ten, a child's voice",
    (Gender.FEMALE, "young"): "A young woman in her twenties",
    (Gender.FEMALE, "middle-aged"): "A middle-aged woman in her forties",
    (Gender.FEMALE, "elderly"): "An elderly woman over sixty-five",
    (Gender.MALE, "child"): "A boy of about ten, a child's voice",
    (Gender.MALE, "young"): "A young man in his twenties",
    (Gender.MALE, "middle-aged"): "A middle-aged man in his forties",
    (Gender.MALE, "elderly"): "An elderly man over sixty-five",
}
_EN_NEUTRAL: Final = {
    "child": "A child of about ten, a gender-neutral voice",
    "young": "A gender-neutral young adult voice",
    "middle-aged": "A gender-neutral middle-aged voice",
    "elderly": "A gender-neutral elderly voice",
}
_EN_TEXTURE: Final = {
    "crisp": "crisp and clear",
    "mellow": "mellow and warm",
    "hoarse": "slightly hoarse, with a dry grain",
    "rich": "rich and full",
    "sweet": "sweet and bright",
    "powerful": "powerful and open",
    "magnetic": "magnetic and smooth",
    "thin": "thin and light",
}
_ZH_AGE: Final = {
    "child": "十岁左右的儿童",
    "young": "二十多岁的青年",
    "middle-aged": "四十多岁的中年",
    "elderly": "六十五岁以上的老年",
}
_ZH_GENDER: Final = {Gender.FEMALE: "女性", Gender.MALE: "男性", Gender.NEUTRAL: "中性声音", Gender.UNKNOWN: "中性声音"}
_ZH_PITCH: Final = ("音调低沉", "音调偏低", "音调中等", "音调偏高", "音调高")
_ZH_PACE: Final = ("语速缓慢", "语速稍慢", "语速中等", "语速稍快", "语速快")
_ZH_TEXTURE: Final = {
    "crisp": "音色清脆利落",
    "mellow": "音色醇厚温暖",
    "hoarse": "嗓音略带沙哑",
    "rich": "音色浑厚饱满",
    "sweet": "音色甜美明亮",
    "powerful": "音色洪亮有力",
    "magnetic": "音色富有磁性",
    "thin": "音色单薄轻细",
}
_ZH_EMOTION: Final = {
    "calm": "情绪平静",
    "lively": "情绪活泼",
    "serious": "情绪严肃",
    "gentle": "情绪温和",
    "cheerful": "情绪开朗",
    "composed": "情绪沉稳",
    "soothing": "情绪舒缓",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Traits:
    """A description as numbers; None where it says nothing of a dimension."""

    gender: Gender = Gender.UNKNOWN
    age: int | None = None
    pitch: int | None = None
    pace: int | None = None
    texture: str = ""
    emotion: str = ""


_WEIGHTS: Final = {"gender": 6, "age": 3, "pitch": 2, "pace": 1, "texture": 3}
"""How far apart a step in each dimension sets two voices; age, pitch and texture are what keeps them from blending."""


def draft_voice(speaker: Speaker, others: Iterable[str], *, language: str = "en", narrates: bool = False) -> str:
    """A description for a voice, as unlike the others as the character allows; 15 to 40 words, or Chinese.

    Args:
        speaker: gender and age are taken from here; what is unknown is chosen for contrast, or neutral.
        others: descriptions that the book has already, in any order, a person's own among them.
        language: ISO 639-1; Chinese books get a Chinese description, all others an English one.
        narrates: whether the purpose is narration.
    """
    heard = sorted({text for text in others if text})
    known = [_traits(text) for text in heard]
    best = max(_candidates(speaker), key=lambda traits: _contrast(traits, known))
    emotion = min(_EMOTIONS, key=lambda name: (sum(one.emotion == name for one in known), _EMOTIONS.index(name)))
    return _in_chinese(best, emotion, narrates) if language == "zh" else _in_english(best, emotion, narrates)


def guesses(speaker: Speaker) -> str:
    """What a draft guessed and from what: `guessed: female from 12 × she; age unknown`."""
    gender = str(speaker.gender) or "gender unknown"
    told = f" from {speaker.gender_evidence}" if speaker.gender_evidence else ""
    age = f"{speaker.age} from {speaker.age_evidence}" if speaker.age else "age unknown"
    return f"guessed: {gender}{told if speaker.gender else ''}; {age}"


def _candidates(speaker: Speaker) -> Iterator[_Traits]:
    ages = (speaker.age,) if speaker.age in _AGES else ("middle-aged", "young")
    for age in ages:
        pitches = _PITCH_RANGE.get((speaker.gender, age), _ANY_PITCH)
        for pitch, pace, texture in product(pitches, _PACE_RANGE[age], _TEXTURE_RANGE[age]):
            yield _Traits(gender=speaker.gender, age=_AGES.index(age), pitch=pitch, pace=pace, texture=texture)


def _contrast(traits: _Traits, others: list[_Traits]) -> tuple[int, int, int]:
    """The distance to the nearest voice, then to all; among equals a plain one is better than an extreme one."""
    distances = [_distance(traits, other) for other in others]
    plain = -abs((traits.pitch or 0) - 2) - abs((traits.pace or 0) - 2)
    return (min(distances, default=0), sum(distances), plain)


def _distance(one: _Traits, other: _Traits) -> int:
    distance = _WEIGHTS["gender"] * (
        Gender.UNKNOWN not in (one.gender, other.gender) and one.gender is not other.gender
    )
    for name, mine, theirs in (
        ("age", one.age, other.age),
        ("pitch", one.pitch, other.pitch),
        ("pace", one.pace, other.pace),
    ):
        if mine is not None and theirs is not None:
            distance += _WEIGHTS[name] * abs(mine - theirs)
    return distance + _WEIGHTS["texture"] * (bool(other.texture) and one.texture != other.texture)


def _in_english(traits: _Traits, emotion: str, narrates: bool) -> str:
    age = _AGES[traits.age or 0]
    who = _EN_WHO.get((traits.gender, age), _EN_NEUTRAL[age])
    use = "for audiobook narration" if narrates else "for a character role in an audiobook"
    pitch, pace = _PITCHES[traits.pitch or 0], _PACES[traits.pace or 0]
    return f"{who}, {pitch} pitch, {pace} pace, {emotion} in manner, {_EN_TEXTURE[traits.texture]}; {use}."


def _in_chinese(traits: _Traits, emotion: str, narrates: bool) -> str:
    age = _AGES[traits.age or 0]
    parts = (
        _ZH_AGE[age] + _ZH_GENDER[traits.gender],
        _ZH_PITCH[traits.pitch or 0],
        _ZH_PACE[traits.pace or 0],
        _ZH_EMOTION[emotion],
        _ZH_TEXTURE[traits.texture],
        "适合有声书旁白" if narrates else "适合有声书里的角色",
    )
    return "，".join(parts) + "。"


_SIGNS: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "gender": (
        ("female", r"\bwom[ae]n\b|\bgirl\b|\bfemale\b|\blady\b|女"),
        ("male", r"\bm[ae]n\b|\bboy\b|\bmale\b|\bgentleman\b|男"),
    ),
    "age": (
        ("0", r"\bchild|\bgirl\b|\bboy\b|\bten-year|儿童|小女孩|小男孩"),
        ("3", r"\belderly\b|\bold\b|\baged\b|eighty|seventy|老年|老人"),
        ("2", r"\bmiddle-aged\b|forties|fifties|中年"),
        ("1", r"\byoung\b|twenties|teenage|青年|少年|少女"),
    ),
    "pitch": (
        ("3", r"(?:slightly|medium)[- ]high|偏高|稍高"),
        ("1", r"(?:slightly|medium)[- ]low|偏低|稍低"),
        ("4", r"\bhigh\b|音调高"),
        ("0", r"\blow\b|\bdeep\b|低沉|音调低"),
        ("2", r"medium pitch|音调中等"),
    ),
    "pace": (
        ("3", r"slightly (?:fast|quick)|语速稍快|语速偏快"),
        ("1", r"slightly slow|语速稍慢|语速偏慢"),
        ("4", r"\bfast\b|\bquick|语速快"),
        ("0", r"\bslow\b|语速慢|语速缓慢"),
        ("2", r"medium pace|语速中等"),
    ),
    "texture": (
        ("hoarse", r"hoarse|husky|gravel|weathered|沙哑"),
        ("powerful", r"powerful|booming|有力|洪亮"),
        ("magnetic", r"magnetic|磁性"),
        ("sweet", r"\bsweet|甜"),
        ("thin", r"\bthin\b|\breedy\b|单薄"),
        ("rich", r"\brich\b|\bfull\b|浑厚"),
        ("mellow", r"mellow|warm|醇厚"),
        ("crisp", r"crisp|clear|bright|清脆|清晰|清爽|利落"),
    ),
    "emotion": tuple((name, rf"\b{name}\b|{_ZH_EMOTION[name][2:]}") for name in _EMOTIONS),
}


def _traits(text: str) -> _Traits:
    """What a description says, a person's own words included, as far as its words are known."""
    found = {
        dimension: next((value for value, pattern in signs if re.search(pattern, text, re.IGNORECASE)), "")
        for dimension, signs in _SIGNS.items()
    }

    def number(dimension: str) -> int | None:
        return int(found[dimension]) if found[dimension] else None

    return _Traits(
        gender=Gender(found["gender"]),
        age=number("age"),
        pitch=number("pitch"),
        pace=number("pace"),
        texture=found["texture"],
        emotion=found["emotion"],
    )
