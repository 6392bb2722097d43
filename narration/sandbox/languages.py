"""The ten languages of the service, and which one a text is written in.

Invariant: every language has a code (`language` of a design) and a type name (`language_type` of a synthesis).
"""

from collections.abc import Mapping
from enum import StrEnum

from narration.sandbox.billing import is_han

AUTO = "auto"


class Language(StrEnum):
    """A language by its code in a design. Source: docs.qwencloud.com "Voice design", field `language`."""

    CHINESE = "zh"
    ENGLISH = "en"
    GERMAN = "de"
    ITALIAN = "it"
    PORTUGUESE = "pt"
    SPANISH = "es"
    JAPANESE = "ja"
    KOREAN = "ko"
    FRENCH = "fr"
    RUSSIAN = "ru"


# Source: model-studio qwen-tts-api, field `language_type` (Chinese, English, ...).
BY_TYPE: Mapping[str, Language] = {language.name.lower(): language for language in Language}

_LATIN = frozenset(Language) - {Language.CHINESE, Language.JAPANESE, Language.KOREAN, Language.RUSSIAN}


def guess(text: str, fallback: Language) -> Language:
    """Return the language of a text by its script.

    Kana tells Japanese, hangul Korean, Han Chinese, Cyrillic Russian; Latin letters the fallback if it is written
    in them, else English; a text without letters the fallback.
    """
    scripts = {_script(char) for char in text}
    for script in (Language.JAPANESE, Language.KOREAN, Language.CHINESE, Language.RUSSIAN):
        if script in scripts:
            return script
    if Language.ENGLISH in scripts and fallback not in _LATIN:
        return Language.ENGLISH
    return fallback


def is_chinese_or_english(text: str) -> bool:
    """Say whether all letters of a text are Latin or Han, and at least one is there."""
    letters = {_script(char) for char in text if char.isalpha()}
    return bool(letters) and letters <= {Language.ENGLISH, Language.CHINESE}


def _script(char: str) -> Language | None:
    """Return the language that stands for a character's script; English stands for Latin."""
    point = ord(char)
    if not char.isalpha():
        return None
    if point < 0x250 or 0x1E00 <= point <= 0x1EFF or 0xFF21 <= point <= 0xFF5A:
        return Language.ENGLISH
    if is_han(char):
        return Language.CHINESE
    if 0x3040 <= point <= 0x30FF or 0xFF66 <= point <= 0xFF9D:
        return Language.JAPANESE
    if 0xAC00 <= point <= 0xD7AF or 0x1100 <= point <= 0x11FF or 0x3130 <= point <= 0x318F:
        return Language.KOREAN
    if 0x0400 <= point <= 0x052F:
        return Language.RUSSIAN
    return None
