"""W3C pronunciation lexicons: what is read, what is told, what is refused, and that writing is the same each time."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from narration.errors import InputError
from narration.lexicon import Entry, Lexicon
from narration.lexicon.pls import new_entries, read_pls, write_pls

DOCUMENT = """\
<?xml version="1.0" encoding="UTF-8"?>
<lexicon version="1.0" xmlns="http://www.w3.org/2005/01/pronunciation-lexicon"
    xmlns:x="urn:other" alphabet="ipa" xml:lang="en-GB">
  <meta name="made" content="by hand"/>
  <lexeme>
    <grapheme>Beauchamp</grapheme><grapheme>Beauchamps</grapheme>
    <alias>second</alias>
    <alias prefer="true"> Beecham
      &amp; Co </alias>
  </lexeme>
  <lexeme><grapheme>Hermione</grapheme><phoneme>hɜːˈmaɪ.ə.ni</phoneme></lexeme>
  <lexeme><grapheme>St. John</grapheme><phoneme>x</phoneme><alias>Sinjin</alias></lexeme>
  <lexeme><alias>nobody</alias></lexeme>
  <lexeme><grapheme>empty</grapheme><alias> </alias></lexeme>
  <x:lexeme><x:grapheme>not ours</x:grapheme><x:alias>no</x:alias></x:lexeme>
</lexicon>
"""


def write(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "names.pls"
    path.write_text(text, encoding=encoding)
    return path


def test_aliases_are_read_one_entry_for_each_spelling(tmp_path: Path) -> None:
    assert read_pls(write(tmp_path, DOCUMENT)).entries == (
        Entry(word="Beauchamp", say="Beecham & Co", lang="en", source="names.pls:5"),
        Entry(word="Beauchamps", say="Beecham & Co", lang="en", source="names.pls:5"),
        Entry(word="St. John", say="Sinjin", lang="en", source="names.pls:12"),
    )


def test_what_cannot_be_used_is_told_with_its_line(tmp_path: Path) -> None:
    assert [str(problem) for problem in read_pls(write(tmp_path, DOCUMENT)).unusable] == [
        (
            "names.pls, line 11: “Hermione” has only a phoneme (“hɜːˈmaɪ.ə.ni”); expected an <alias>. "
            "The speech service takes no phonemes: respell it in letters."
        ),
        "names.pls, line 13: the lexeme has no <grapheme>; expected an <alias>",
        "names.pls, line 14: “empty” has no pronunciation; expected an <alias>",
    ]


def test_an_alias_that_is_a_text_of_its_own_is_told(tmp_path: Path) -> None:
    text = DOCUMENT.replace("Sinjin", "x" * 201)
    assert "more than 200 characters" in str(read_pls(write(tmp_path, text)).unusable[1])


def test_a_document_in_utf_16_or_without_a_namespace_is_read(tmp_path: Path) -> None:
    text = '<?xml version="1.0"?><lexicon><lexeme><grapheme>Zoë</grapheme><alias>Zoey</alias></lexeme></lexicon>'
    (entry,) = read_pls(write(tmp_path, text, "utf-16")).entries
    assert (entry.word, entry.say, entry.lang) == ("Zoë", "Zoey", "")


BOMB = '<!DOCTYPE lexicon [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><lexicon>&b;</lexicon>'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, "line 1: has a document type"),
        ('<!DOCTYPE lexicon SYSTEM "http://example.com/x.dtd"><lexicon/>', "line 1: has a document type"),
        ("<html>\n</html>", "line 1: the root is <html>"),
        ("<lexicon>\n<lexeme></lexicon>", "line 2: is not XML: mismatched tag"),
        ("Beauchamp,Beecham", "is not XML"),
        ('<?xml version="1.0" encoding="no-such"?><lexicon/>', "is not XML|cannot be read"),
        ("", "is empty"),
    ],
)
def test_what_is_no_lexicon_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_pls(write(tmp_path, text))


def test_a_lexicon_keeps_its_own_words() -> None:
    mine = Lexicon(
        entries=(Entry(word="A", say="x"), Entry(word="B", say="y"), Entry(word="C", say="z", chapters=())),
        language="en",
    )
    theirs = [
        Entry(word="A", say="x", lang="en"),
        Entry(word="B", say="other", lang="en"),
        Entry(word="D", say="d", lang="en"),
        Entry(word="D", say="again", lang="en"),
        Entry(word="E", say="e", lang="fr"),
    ]
    news = new_entries(mine, theirs)
    assert news.added == (Entry(word="D", say="d"), Entry(word="E", say="e", lang="fr"))
    assert news.there == (theirs[0],)
    assert news.kept == (theirs[1], theirs[3])


def test_a_document_is_the_same_each_time_and_leaves_out_what_it_cannot_say() -> None:
    entries = (
        Entry(word="Zed", say="<Z>"),
        Entry(word="Ann & Co", say="Anne", lang="en"),
        Entry(word="Kit", say="x", who=("Jane",)),
        Entry(word="ahem", say=""),
        Entry(word="oui", say="wee", lang="fr"),
    )
    writing = write_pls(entries, language="en")
    assert writing == write_pls(entries[:1] + entries[1:], language="en")
    assert writing.text == write_pls(entries[::-1], language="en").text
    assert writing.text.splitlines()[1:] == [
        '<lexicon version="1.0" xmlns="http://www.w3.org/2005/01/pronunciation-lexicon" alphabet="ipa" xml:lang="en">',
        "  <lexeme><grapheme>Ann &amp; Co</grapheme><alias>Anne</alias></lexeme>",
        "  <lexeme><grapheme>Zed</grapheme><alias>&lt;Z&gt;</alias></lexeme>",
        "</lexicon>",
    ]
    assert writing.left_out == entries[2:]


_WORD = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.dictionaries(_WORD, _WORD, max_size=5))
def test_what_was_written_is_read_back(tmp_path: Path, words: dict[str, str]) -> None:
    words = {unicodedata.normalize("NFC", word): unicodedata.normalize("NFC", say) for word, say in words.items()}
    entries = [Entry(word=word, say=say) for word, say in words.items()]
    reading = read_pls(write(tmp_path, write_pls(entries, language="en").text))
    assert {entry.word: entry.say for entry in reading.entries} == words
    assert not reading.unusable
