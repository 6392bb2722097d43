"""The words that say that somebody speaks, by language.

Invariant: only data; longer phrases stand before the words that they begin with.
"""

from __future__ import annotations

from typing import Final

_REGULAR: Final = (
    "acknowledge add admit admonish advise affirm agree announce answer argue ask assert assure bark bawl "
    "beg bellow bleat blurt boast boom breathe call caution challenge chant chatter chuckle chime claim coax "
    "comment command complain concede conclude concur confess confide confirm continue coo correct counter croak "
    "croon crow curse declare demand deny drawl echo ejaculate encourage enquire exclaim exhort explain "
    "expostulate falter gasp giggle greet groan growl grumble grunt guess gulp hazard hint hiss "
    "holler howl implore inform inquire insist instruct interject interpose interrupt jeer joke lament laugh "
    "lecture lisp moan mourn mumble murmur muse mutter nag note object observe offer opine order pant "
    "persist pipe plead point pout pray proclaim promise prompt pronounce propose protest purr pursue query "
    "question quip quote rage rasp reason reassure recite recommend rejoin remark remind repeat reply report "
    "request resume respond retort return reveal roar scoff scold scream screech shout shriek shrill sigh "
    "snap snarl sneer sniff snort sob splutter squeak squeal stammer stutter suggest taunt tease "
    "thank threaten thunder urge utter venture volunteer vow wail warn whimper whine whisper wonder "
    "yell yelp"
)

_PHRASES: Final = (
    "went on",
    "goes on",
    "put in",
    "puts in",
    "cut in",
    "cuts in",
    "broke in",
    "breaks in",
    "burst out",
    "bursts out",
    "cried out",
    "cries out",
    "called out",
    "calls out",
    "chimed in",
    "chimes in",
)

_IRREGULAR: Final = (
    "said says began begins told tells cried cries replied replies spoke speaks thought thinks sang sings swore "
    "swears spat wept weeps quoth denied hummed begged nagged quipped bade bids wrote writes sobbed"
)


def _past(verb: str) -> str:
    return verb + ("d" if verb.endswith("e") else "ed")


def _present(verb: str) -> str:
    return verb + ("es" if verb.endswith(("s", "sh", "ch")) else "s")


_WORDS: Final = {form for verb in _REGULAR.split() for form in (_past(verb), _present(verb))} | set(_IRREGULAR.split())

_MORE: Final = (
    "answered rejoined ejaculated soliloquized soliloquised apologised apologized vociferated reflected returned "
    "expostulated proceeded ended finished concluded pursued resumed sneered smiled laughed nodded thought saying "
    "replying crying asking exclaiming answering adding say says reply replies ask asks cry cries answer answers "
    "inquired enquired remonstrated reiterated corrected volunteered submitted interrogated demurred drawled"
)
ENGLISH_WORDS: Final = frozenset(_WORDS) | frozenset(_MORE.split())
"""English words that say that somebody speaks: those of the pattern, and some that count only beside a quotation."""

ENGLISH: Final = (
    "(?:" + "|".join([*_PHRASES, *sorted(_WORDS, key=lambda word: (-len(word), word))]).replace(" ", r"\s+") + ")"
)
"""A pattern for one English verb of saying, past or present."""

CHINESE: Final = (
    "(?:说道|說道|问道|問道|答道|喊道|叫道|笑道|骂道|罵道|叹道|嘆道|嚷道|回道|接道|应道|應道|念道|讲道|劝道|吼道|回答|解释|抗议|吩咐|嘟囔|喃喃|嘀咕"
    "|说|說|道|问|問|答|喊|叫|嚷|骂|罵|笑|叹|嘆|讲|講|念|吼|劝|勸|曰)"
)
"""A pattern for one Chinese verb of saying."""

OTHERS: Final = {
    language: frozenset(words.split())
    for language, words in {
        "de": (
            "sagte sagt fragte fragt rief ruft antwortete antwortet erwiderte entgegnete versetzte meinte sprach "
            "bemerkte flüsterte murmelte schrie erklärte wiederholte brummte seufzte lachte stöhnte stammelte "
            "begann fuhr befahl bat fügte unterbrach gab brüllte knurrte dachte"
        ),
        "fr": (
            "dit disait dis demanda demandait répondit reprit ajouta murmura cria écria exclama fit répliqua "
            "continua déclara observa balbutia soupira interrompit remarqua insista acheva souffla chuchota "
            "protesta pensa expliqua répéta poursuivit hurla grommela"
        ),
        "es": (
            "dijo decía dice preguntó respondió contestó exclamó repuso añadió gritó murmuró replicó susurró "
            "observó continuó interrumpió prosiguió insistió explicó comentó pensó repitió agregó balbuceó "
            "suspiró"
        ),
        "it": (
            "disse diceva chiese domandò rispose esclamò mormorò aggiunse gridò replicò sussurrò osservò continuò "
            "riprese soggiunse fece ripeté balbettò sospirò pensò interruppe spiegò"
        ),
        "pt": (
            "disse dizia perguntou respondeu exclamou murmurou acrescentou gritou replicou retrucou sussurrou "
            "observou continuou tornou insistiu interrompeu repetiu pensou explicou suspirou bradou"
        ),
        "ru": (
            "сказал сказала спросил спросила ответил ответила отвечал отвечала воскликнул воскликнула крикнул "
            "крикнула вскричал вскричала прошептал прошептала закричал закричала проговорил проговорила произнёс "
            "произнес произнесла промолвил промолвила заметил заметила возразил возразила прибавил прибавила "
            "добавил добавила продолжал продолжала говорил говорила говорит пробормотал пробормотала подумал "
            "подумала шепнул шепнула"
        ),
    }.items()
}
"""Verbs of saying by language, past and some present."""

ANY: Final = "(?:" + "|".join([ENGLISH, *sorted({word for words in OTHERS.values() for word in words})]) + ")"
"""A pattern for one verb of saying of a language that parts its words by spaces."""
