"""Front and back matter by what it is called and what it says, where no type marks it.

Invariant: a preface, a prologue, an epilogue and an appendix are text of the book and are read; a long section is never
left out for its name alone.
"""

from __future__ import annotations

import re
from typing import Final

from narration.book import LeftOutKind
from narration.manuscript.letters import width

_FRONT: Final = (
    "cover|front cover|title ?page|half[- ]?title(?: page)?|imprint|copyright(?: page| notice)?|dedication"
    "|epigraph|dramatis person(?:ae|æ)|frontispiece|titelblatt|titelseite|impressum|widmung|umschlag"
    "|page de titre|couverture|dédicace|portada|portadilla|créditos|dedicatoria|página de título|copertina"
    "|frontespizio|dedica|capa|folha de rosto|dedicatória|обложка|титульный лист|посвящение|封面|书名页|扉页"
    "|版权页?|版权信息|版權頁?|献词|題獻|扉|奥付|표지|판권"
)
_BACK: Final = (
    "colophon|uncopyright|index|glossary|bibliography|works cited|further reading|acknowledge?ments"
    "|about (?:the )?(?:author|publisher|translator|illustrator)s?|also by .*|(?:other )?(?:books"
    "|titles) by .*|by the same author|newsletter|back cover|credits|praise for .*|advertisements?"
    "|transcriber[’']s notes?|danksagung|über (?:den autor|die autorin)|literaturverzeichnis|register|glossar"
    "|remerciements|(?:du même|à propos de l[’'])auteur|bibliographie|index|glossaire|agradecimientos"
    "|sobre (?:el|la) autora?|bibliografía|glosario|ringraziamenti|l[’']autore|bibliografia|agradecimentos"
    "|sobre o autor|благодарности|об авторе|библиография|глоссарий|致谢|作者简介|关于作者|参考文献|索引|謝辭"
    "|作者簡介|謝辞|著者紹介|作者について|감사의 (?:말|글)|지은이 소개|작가 소개"
)
_CONTENTS: Final = (
    "(?:table of )?contents|list of (?:illustrations|figures|tables|maps|plates)|illustrations"
    "|inhalt(?:sverzeichnis)?|abbildungsverzeichnis|table des (?:matières|illustrations)|sommaire"
    "|índice(?: de contenidos?)?|contenido|tabla de contenidos?|indice|sommario|sumário|оглавление|содержание"
    "|目录|目錄|目次|もくじ|차례|목차"
)
_NOTES: Final = (
    "notes|end ?notes|foot ?notes|notes and references|anmerkungen|fußnoten|endnoten|notes de fin"
    "|notas(?: a pie de página)?|note|notas de rodapé|примечания|注释|註釋|注解|尾注|脚注|注|訳注|미주|각주"
    "|주석"
)
_LABELS: Final = tuple(
    (kind, re.compile(f"(?:the )?(?:{words})[.:]?", re.IGNORECASE))
    for kind, words in (
        (LeftOutKind.FRONT_MATTER, _FRONT),
        (LeftOutKind.BACK_MATTER, _BACK),
        (LeftOutKind.CONTENTS, _CONTENTS),
        (LeftOutKind.NOTES, _NOTES),
    )
)
_LONGEST_LABEL: Final = 60

_IMPRINT: Final = re.compile(
    r"©|\(c\) ?(?:19|20)\d\d|\bcopyright\b|all rights reserved|\bISBN\b|first published (?:in|by|19|20)"
    r"|alle rechte vorbehalten|tous droits réservés|todos los derechos|tutti i diritti|todos os direitos"
    r"|все права защищены|版权所有|版權所有|著作権|저작권",
    re.IGNORECASE,
)
_LONGEST_IMPRINT_CHARS: Final = 6000
_SHORT_PAGE_CHARS: Final = 400
_LARGE_SHARE: Final = 0.1
"""What is called an index but holds more of the book than this is read."""


def matter_of_label(label: str) -> LeftOutKind | None:
    """What a section is by its title in the table of contents or its heading; None when it is text."""
    if not label or len(label) > _LONGEST_LABEL:
        return None
    words = " ".join(label.strip(" .:*").split())
    return next((kind for kind, pattern in _LABELS if pattern.fullmatch(words)), None)


def is_large(chars: int, whole_chars: int, kind: LeftOutKind) -> bool:
    """Whether a section is too long to be what its title says; notes may be long."""
    return kind is not LeftOutKind.NOTES and chars > max(_LONGEST_IMPRINT_CHARS, _LARGE_SHARE * whole_chars)


def is_imprint(text: str) -> bool:
    """Whether a page says who owns the book and where it was printed, and no more."""
    return len(text) <= _LONGEST_IMPRINT_CHARS and bool(_IMPRINT.search(text))


def is_short_page(text: str) -> bool:
    """Whether a page outside the table of contents is too short for a chapter: a title, a dedication, a motto."""
    return width(text) <= _SHORT_PAGE_CHARS
