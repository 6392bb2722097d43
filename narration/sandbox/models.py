"""Which models the sandbox knows, what each is for, and on which path it answers.

Invariant: a model has one family and a family its paths (CosyVoice speaks over HTTP and over a WebSocket); another path
is the documented "url error".
"""

from collections.abc import Mapping
from enum import StrEnum

from narration.sandbox.wire import RefusedError, invalid

CUSTOMIZATION = "/api/v1/services/audio/tts/customization"
GENERATION = "/api/v1/services/aigc/multimodal-generation/generation"
REALTIME = "/api-ws/v1/realtime"
COMPLETIONS = "/compatible-mode/v1/chat/completions"
SYNTHESIZER = "/api/v1/services/audio/tts/SpeechSynthesizer"
INFERENCE = "/api-ws/v1/inference"
TASK_GENERATION = "/v1/audios/generations"
TRANSCRIPTIONS = "/v1/audio/transcriptions"


class Family(StrEnum):
    """A kind of model: one module answers for each."""

    QWEN_DESIGN = "qwen-design"
    QWEN_SPEECH = "qwen-speech"
    QWEN_REALTIME = "qwen-realtime"
    CHAT = "chat"
    COSY_DESIGN = "cosyvoice-design"
    COSY_SPEECH = "cosyvoice-speech"
    TASK_DESIGN = "task-design"
    TASK_SPEECH = "task-speech"
    RECOGNITION = "recognition"
    TRANSCRIPTION = "transcription"


PATHS: Mapping[Family, tuple[str, ...]] = {
    Family.QWEN_DESIGN: (CUSTOMIZATION,),
    Family.QWEN_SPEECH: (GENERATION,),
    Family.QWEN_REALTIME: (REALTIME,),
    Family.COSY_DESIGN: (CUSTOMIZATION,),
    Family.COSY_SPEECH: (SYNTHESIZER, INFERENCE),
    Family.CHAT: (COMPLETIONS,),
    Family.RECOGNITION: (GENERATION,),
    Family.TRANSCRIPTION: (TRANSCRIPTIONS,),
}

# Source: docs.qwencloud.com "Voice design" API page (models and target models); for CosyVoice alibabacloud.com,
# model-studio cosyvoice-clone-design-api; of recognisers model-studio qwen-asr-api-reference and OpenAI's reference.
MODELS: Mapping[str, Family] = {
    "qwen-voice-design": Family.QWEN_DESIGN,
    "qwen3-tts-vd-2026-01-26": Family.QWEN_SPEECH,
    "qwen3-tts-flash": Family.QWEN_SPEECH,
    "qwen3-tts-flash-2025-11-27": Family.QWEN_SPEECH,
    "qwen3-tts-flash-2025-09-18": Family.QWEN_SPEECH,
    "qwen3-tts-instruct-flash": Family.QWEN_SPEECH,
    "qwen3-tts-instruct-flash-2026-01-26": Family.QWEN_SPEECH,
    "qwen3-tts-vd-realtime-2026-01-15": Family.QWEN_REALTIME,
    "qwen3-tts-vd-realtime-2025-12-16": Family.QWEN_REALTIME,
    "qwen3-asr-flash": Family.RECOGNITION,
    "whisper-1": Family.TRANSCRIPTION,
    "gpt-4o-transcribe": Family.TRANSCRIPTION,
    "gpt-4o-mini-transcribe": Family.TRANSCRIPTION,
    "qwen3.5-flash": Family.CHAT,
    "qwen-flash": Family.CHAT,
    "voice-enrollment": Family.COSY_DESIGN,
    "cosyvoice-v3.5-plus": Family.COSY_SPEECH,
    "cosyvoice-v3.5-flash": Family.COSY_SPEECH,
    "cosyvoice-v3-plus": Family.COSY_SPEECH,
    "cosyvoice-v3-flash": Family.COSY_SPEECH,
}

# What the third-party gateway offers, all on one path. Source: docs.evolink.ai, Qwen Voice Design; Qwen3 TTS VD.
TASK_MODELS: Mapping[str, Family] = {
    "qwen-voice-design": Family.TASK_DESIGN,
    "qwen3-tts-vd": Family.TASK_SPEECH,
}

# Models that speak with system voices only. Source: alibabacloud.com model-studio, qwen-tts.
FLASH_MODELS = frozenset(name for name in MODELS if name.startswith(("qwen3-tts-flash", "qwen3-tts-instruct-flash")))

# Models that a designed Qwen voice may be bound to.
DESIGN_TARGETS = tuple(
    name
    for name, family in MODELS.items()
    if family in {Family.QWEN_SPEECH, Family.QWEN_REALTIME} and name not in FLASH_MODELS
)

# Models that a designed CosyVoice voice may be bound to.
COSY_TARGETS = tuple(name for name, family in MODELS.items() if family is Family.COSY_SPEECH)

# System voices, which a voice-design model refuses. Source: model-studio qwen-tts page (voices of the instruct and
# flash models); the list there is longer.
_SYSTEM_VOICES = (
    "Cherry, Serena, Ethan, Chelsie, Momo, Vivian, Moon, Maia, Kai, Nofish, Bella, Eldric Sage, Mia, Mochi, Bellona, "
    "Vincent, Bunny, Neil, Elias, Arthur, Nini, Seren, Pip, Stella, Ryan, Katerina, Jennifer, Aiden, Jada, Dylan, Li, "
    "Marcus, Roy, Peter, Sunny, Eric, Rocky, Kiki"
)
SYSTEM_VOICES = tuple(_SYSTEM_VOICES.split(", "))
INSTRUCT_VOICES = SYSTEM_VOICES[: SYSTEM_VOICES.index("Stella") + 1]
"""Those of the instruct model. Source: the same page."""


def family_of(model: object, path: str, retired: Mapping[str, int]) -> Family:
    """Return the family of a requested model on a path.

    Args:
        model: the request's `model` field as it came.
        path: the request's path.
        retired: status (403 or 404) by model that is out of service.

    Raises:
        RefusedError: 400 when it is missing or on the wrong path, 404 when unknown, 403 or 404 when retired.
    """
    if model is None or model == "":
        raise RefusedError(400, "BadRequest.EmptyModel", 'Required parameter "model" missing from request.')
    if not isinstance(model, str):
        raise invalid("Input should be a valid string: model")
    if retired.get(model) == 403:
        raise RefusedError(403, "Model.AccessDenied", "Model access denied.")
    family = (TASK_MODELS if path == TASK_GENERATION else MODELS).get(model)
    if family is None or model in retired:
        raise RefusedError(404, "ModelNotFound", "Model can not be found.")
    if path != TASK_GENERATION and path not in PATHS[family]:
        raise invalid("url error, please check url!")
    return family
