"""What is asked of CosyVoice: the bodies of its requests, every option looked at before it is sent.

Invariant: a request says everything that the documents ask for and nothing else; what the service would refuse, or
silently read otherwise, is refused here, and then nothing was sent.

Source: alibabacloud.com, model-studio cosyvoice-clone-design-api, cosyvoice-tts-http-api, cosyvoice-client-events.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from narration.errors import ServiceRefused, TextRefused
from narration.services.envelope import Json
from narration.services.limits import limits_of, options_of
from narration.take import SpeechAsk
from narration.voice import VoiceDesign

KIND: Final = "cosyvoice"
RATE_HZ: Final = 24_000
"""Of previews, and of speech unless another rate is asked for."""

SEED_MOST: Final = 65_535
"""Source: alibabacloud.com, model-studio cosyvoice-client-events."""

RATES_HZ: Final = (8_000, 16_000, 22_050, 24_000, 44_100, 48_000)
"""Source: alibabacloud.com, model-studio cosyvoice-client-events."""


def design_body(
    design: VoiceDesign, prefix: str, *, preview_rate_hz: int = RATE_HZ, preview_format: str = "wav"
) -> Json:
    """The body of a creation.

    Raises:
        TextRefused: a language or a length that the service does not take.
    """
    limits = limits_of(KIND)
    language = _language(design.language)
    lengths = (
        ("description", design.voice_prompt, limits.prompt_max_chars),
        ("preview", design.preview_text, limits.preview_max_chars),
    )
    for name, text, most in lengths:
        if len(text) > most:
            raise TextRefused(
                f"The {name} of the voice has {len(text)} characters, and {KIND} takes {most}; nothing was sent.",
                "Shorten it in the cast sheet.",
            )
    return {
        "model": design.design_model,
        "input": {
            "action": "create_voice",
            "target_model": design.target_model,
            "voice_prompt": design.voice_prompt,
            "preview_text": design.preview_text,
            "prefix": prefix,
            "language_hints": [language],
        },
        "parameters": {"sample_rate": preview_rate_hz, "response_format": preview_format},
    }


def speech_fields(ask: SpeechAsk) -> Json:
    """How a text is to be spoken: voice, format and options, by the names that both transports know.

    Raises:
        TextRefused: a language that the service does not speak with a designed voice.
        ServiceRefused: an option that it does not know, or a value out of range.
    """
    fields: Json = {
        "voice": ask.voice,
        "format": "wav",
        "sample_rate": RATE_HZ,
        "language_hints": [_language(ask.language)],
    }
    for name, value in ask.options:
        if name not in _OPTIONS:
            raise ServiceRefused(
                f"{ask.model} has no option {name}; nothing was sent.", f"It has {', '.join(_OPTIONS)}."
            )
        try:
            fields[name] = _OPTIONS[name](value, ask)
        except ValueError as error:
            raise ServiceRefused(
                f"The option {name} cannot be {value!r} for {ask.model}: {error}; nothing was sent.",
                "Correct it in the settings, the cast sheet or the script.",
            ) from error
    return fields


def _language(language: str) -> str:
    primary = language.partition("-")[0].strip().lower()
    known = limits_of(KIND).languages
    if primary not in known:
        raise TextRefused(
            f"{KIND} has no designed voices for the language {language!r}; nothing was sent.",
            f"It has them for {', '.join(known)}.",
        )
    return primary


def _between(low: float, high: float) -> Callable[[str, SpeechAsk], float]:
    def number(value: str, _ask: SpeechAsk) -> float:
        found = float(value)
        if not low <= found <= high:
            raise ValueError(f"it is to be from {low:g} to {high:g}")
        return found

    return number


def _volume(value: str, ask: SpeechAsk) -> int:
    return int(_between(0, 100)(str(int(value)), ask))


def _seed(value: str, ask: SpeechAsk) -> int:
    """The seed, counted up by the take's ordinal: with the same seed a retake would be the same sound, paid again."""
    seed = int(_between(0, SEED_MOST)(str(int(value)), ask))
    return (seed + ask.ordinal) % (SEED_MOST + 1)


def _sample_rate(value: str, _ask: SpeechAsk) -> int:
    if int(value) not in RATES_HZ:
        raise ValueError(f"it is to be one of {', '.join(map(str, RATES_HZ))}")
    return int(value)


def _instruction(value: str, ask: SpeechAsk) -> str:
    option = options_of(KIND, ask.model).get("instructions")
    if option is None:
        raise ValueError("the model takes no instruction with a designed voice")
    if len(value) > option.most_chars:
        raise ValueError(f"it has {len(value)} characters, and {option.most_chars} are taken")
    return value


_OPTIONS: Final[Mapping[str, Callable[[str, SpeechAsk], object]]] = MappingProxyType(
    {
        "instruction": _instruction,
        "pitch": _between(0.5, 2.0),
        "rate": _between(0.5, 2.0),
        "sample_rate": _sample_rate,
        "seed": _seed,
        "volume": _volume,
    }
)
"""The options and their readers. Word timestamps are not among them: the documents promise them for cloned and some
system voices, not for designed ones."""
