"""The words that say that somebody speaks, English and Chinese.

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

ENGLISH: Final = (
    "(?:" + "|".join([*_PHRASES, *sorted(_WORDS, key=lambda word: (-len(word), word))]).replace(" ", r"\s+") + ")"
)
"""A pattern for one English verb of saying, past or present."""

CHINESE: Final = (
    "(?:说道|說道|问道|問道|答道|喊道|叫道|笑道|骂道|罵道|叹道|嘆道|嚷道|回道|接道|应道|應道|念道|讲道|劝道|吼道|回答|解释|抗议|吩咐|嘟囔|喃喃|嘀咕"
    "|说|說|道|问|問|答|喊|叫|嚷|骂|罵|笑|叹|嘆|讲|講|念|吼|劝|勸|曰)"
)
"""A pattern for one Chinese verb of saying."""

ROMANCE: Final = (
    "(?:dit|disait|demanda|répondit|reprit|ajouta|murmura|cria|fit|répliqua|continua|s['’]écria|dijo|preguntó|respondió"
    "|contestó|exclamó|repuso|añadió|gritó|murmuró|disse|perguntou|respondeu|chiese|rispose|esclamò|mormorò|aggiunse)"
)
"""A pattern for one French, Spanish, Portuguese or Italian verb of saying, past tense."""
