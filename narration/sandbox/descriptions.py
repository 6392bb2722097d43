"""From a description in English or Chinese, and chance, to the traits of a voice.

Invariant: the same description and seed give the same traits; what a description does not say is left to chance.
"""

import copy
import random
import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from narration.sandbox.engine import Traits


class Gender(StrEnum):
    """The gender that a description asks for."""

    FEMALE = "female"
    MALE = "male"


class Age(StrEnum):
    """The age that a description asks for."""

    CHILD = "child"
    TEEN = "teen"
    YOUNG = "young"
    MIDDLE = "middle"
    ELDERLY = "elderly"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a description says: pitch, pace and liveliness from -3 (low, slow, flat) to 3 (high, fast, lively)."""

    gender: Gender | None
    age: Age | None
    pitch: int
    pace: int
    liveliness: int


def _pattern(english: str, chinese: str) -> re.Pattern[str]:
    """Match English words as whole words, Chinese ones anywhere."""
    return re.compile(rf"\b(?:{english})\b|(?:{chinese})", re.IGNORECASE)


_GENDERS = {
    Gender.FEMALE: _pattern(
        "wom[ae]n|female|feminine|(?:school)?girls?|lady|ladies|grand(?:mother|ma)|granny|mothers?|mum|mom|aunt|she|her|queen|"
        "actress|mistress|widow|nun|wife|daughter|sister|princess|witch|maid",
        "女|妇|奶奶|婆|姑|母|妈|阿姨|姐|妹|娘",
    ),
    Gender.MALE: _pattern(
        "m[ae]n|male|masculine|(?:school)?boys?|gentlem[ae]n|grand(?:father|pa)|fathers?|dad|uncle|he|his|him|king|actor|"
        "monk|husband|son|brother|prince|wizard|sir|lord",
        "男|爷|叔|伯|父|爸|先生|哥|弟|少年|汉子|大汉",
    ),
}
_AGES = {
    Age.MIDDLE: _pattern("middle[- ]aged?|mid[- ]?life|thirties|forties|fifties|mature", "中年|成熟"),
    Age.ELDERLY: _pattern(
        "elderly|old|older|aged|ancient|senior|sixties|seventies|eighties|nineties|grand(?:mother|father|ma|pa)|granny",
        "老|年迈|爷爷|奶奶|婆婆",
    ),
    Age.TEEN: _pattern("teen(?:age[dr]?|s)?|adolescent", "少年|少女|青少年"),
    Age.CHILD: _pattern(
        "child(?:ish|like)?(?!['’])|kid|toddler|(?:school)?boys?|(?:school)?girls?", "孩|童(?![话书谣])|幼"
    ),
    Age.YOUNG: _pattern("young|youthful|youth|twenties", "青年|年轻|姑娘|小伙"),
}
_YEARS = re.compile(r"(\d{1,3})\s*(?:[- ]?years?|[- ]?yo\b|多?岁)", re.IGNORECASE)
_YEARS_OLD = re.compile(r"years?[- ]old|old[- ]fashioned", re.IGNORECASE)
_HIGH = _pattern(
    r"high(?:er)?(?![- ](?:energy|spirit|class|society|speed|quality))|high-pitched|shrill|bright|crisp|squeaky|"
    "soprano|piping|thin|clear|sweet",
    "高音|音调高|音调偏高|音高|尖|清脆|清亮|甜",
)
_LOW = _pattern(
    "low(?:er)?|low-pitched|deep|bass|baritone|gravelly|husky|hoarse|rumbling|gruff|rich|dark|resonant",
    "低沉|低音|音调低|音调偏低|浑厚|沙哑|磁性|厚重",
)
_FAST = _pattern("fast(?:er)?|quick(?:ly)?|rapid|brisk|hurried|hasty|breathless", "语速快|语速偏快|语速较快|快|急促")
_SLOW = _pattern(
    "slow(?:er|ly)?|unhurried|measured|leisurely|deliberate|halting|drawl", "语速慢|语速偏慢|语速较慢|慢|缓|从容"
)
_LIVELY = _pattern("cheerful|lively|animated|excited|dramatic|energetic|expressive|playful", "活泼|欢快|激动|热情|生动")
_FLAT = _pattern("calm|flat|monotone|composed|serious|steady|cold|dry|sober|even", "平静|沉稳|严肃|冷|平淡|沉着")
_SLIGHTLY = re.compile(r"(?:slightly|a little|a bit|somewhat|fairly)[ -]$|(?:略|稍|微)$", re.IGNORECASE)
_VERY = re.compile(r"(?:very|extremely|quite)[ -]$|(?:很|非常|极)$", re.IGNORECASE)

# Timbres of espeak-ng that neither clip nor whisper in English and Chinese, by what they sound like.
_TIMBRES: dict[tuple[Gender, Age], tuple[str, ...]] = {
    (Gender.MALE, Age.CHILD): ("f1", "f2", "f5", "shelby"),
    (Gender.MALE, Age.TEEN): ("m3", "m7", "Mario", "Nguyen"),
    (Gender.MALE, Age.YOUNG): ("m1", "m3", "m6", "Alex", "Michael", "adam", "Henrique", "miguel"),
    (Gender.MALE, Age.MIDDLE): ("m2", "m5", "m6", "Diogo", "Denis", "benjamin", "max", "michel", "travis"),
    (Gender.MALE, Age.ELDERLY): ("m4", "m8", "Mike", "victor", "boris"),
    (Gender.FEMALE, Age.CHILD): ("f3", "f5", "Annie", "Alicia"),
    (Gender.FEMALE, Age.TEEN): ("f3", "f5", "Annie", "Alicia"),
    (Gender.FEMALE, Age.YOUNG): ("f2", "f3", "f5", "Annie", "Alicia", "linda"),
    (Gender.FEMALE, Age.MIDDLE): ("f1", "f2", "f5", "shelby", "steph"),
    (Gender.FEMALE, Age.ELDERLY): ("grandma", "aunty", "steph", "shelby"),
}
_TRACT = {Age.CHILD: 1.13, Age.TEEN: 1.05, Age.YOUNG: 1.01, Age.MIDDLE: 1.0, Age.ELDERLY: 0.98}
_PITCH = {Age.CHILD: 66, Age.TEEN: 56, Age.YOUNG: 52, Age.MIDDLE: 48, Age.ELDERLY: 46}
_RATE_WPM = {Age.CHILD: 170, Age.TEEN: 172, Age.YOUNG: 168, Age.MIDDLE: 160, Age.ELDERLY: 145}


def read(description: str) -> Wish:
    """Return what a description says about the speaker."""
    first = {gender: match.start() for gender, pattern in _GENDERS.items() if (match := pattern.search(description))}
    return Wish(
        gender=min(first, key=first.__getitem__, default=None),
        age=_age(description),
        pitch=_steps(description, _HIGH) - _steps(description, _LOW),
        pace=_steps(description, _FAST) - _steps(description, _SLOW),
        liveliness=_steps(description, _LIVELY) - _steps(description, _FLAT),
    )


class Chance:
    """The seeds of voices: where chance was seeded the same ones again, in whatever order accounts and wishes come.

    The first voice of a description is the same one in each account, and after a new start with the same seed.

    Args:
        rng: whose state is the beginning; nothing is drawn from it.
    """

    def __init__(self, rng: random.Random) -> None:
        self._salt = copy.copy(rng).getrandbits(64)
        self._asked = Counter[tuple[str, str]]()

    def seed(self, account: str, description: str) -> int:
        """The seed of one more voice of this description in an account, 0 to 2^31 - 1."""
        self._asked[account, description] += 1
        told = f"{self._salt} {self._asked[account, description]} {description}".encode("utf-8", "replace")
        return random.Random(told).getrandbits(31)  # noqa: S311 - a voice, not a secret


def design(description: str, seed: int) -> Traits:
    """Return the traits of a new voice.

    Args:
        description: the `voice_prompt`, English or Chinese.
        seed: the chance of this voice, 0 to 2^31 - 1; another seed gives another voice.
    """
    wish = read(description)
    chance = random.Random(seed)  # noqa: S311 - a voice, not a secret
    gender = wish.gender or chance.choice(tuple(Gender))
    age = wish.age or chance.choice((Age.YOUNG, Age.MIDDLE))
    return Traits(
        variant=chance.choice(_TIMBRES[gender, age]),
        pitch=_within(_PITCH[age] + 6 * wish.pitch + chance.uniform(-7, 7), 20, 85),
        pitch_range=_within(50 + 9 * wish.liveliness + chance.uniform(-12, 12), 15, 95),
        rate_wpm=_within(_RATE_WPM[age] * (1 + 0.055 * wish.pace) * chance.uniform(0.96, 1.04), 110, 230),
        tract=round(_TRACT[age] * chance.uniform(0.965, 1.035), 4),
        seed=seed,
    )


def _age(description: str) -> Age | None:
    """Return the age: a number of years first, then the plainest word."""
    years = _YEARS.search(description)
    if years:
        return _age_of(int(years[1]))
    text = _YEARS_OLD.sub("", description)
    return next((age for age, pattern in _AGES.items() if pattern.search(text)), None)


def _age_of(years: int) -> Age:
    """Return the age group of a number of years. Source: model-studio voice-design user guide, "age"."""
    for limit, age in ((12, Age.CHILD), (18, Age.TEEN), (35, Age.YOUNG), (55, Age.MIDDLE)):
        if years <= limit:
            return age
    return Age.ELDERLY


def _steps(description: str, pattern: re.Pattern[str]) -> int:
    """Return 0 when nothing matches, 1 for "slightly low", 2 for "low", 3 for "very low"; the strongest counts."""

    def strength(before: str) -> int:
        return 1 if _SLIGHTLY.search(before) else 3 if _VERY.search(before) else 2

    return max((strength(description[: match.start()]) for match in pattern.finditer(description)), default=0)


def _within(value: float, low: int, high: int) -> int:
    return round(min(high, max(low, value)))
