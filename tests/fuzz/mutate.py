"""Mutations: bytes, lines, words, JSON, and the members of archives.

Invariant: the same seed and the same chance give the same input, so that a find can be made again.
"""

from __future__ import annotations

import copy
import io
import json
import re
import zipfile
from collections.abc import Callable
from random import Random
from typing import Any, Final

MOST_BYTES: Final = 3_000_000
"""Larger inputs are tested for speed elsewhere."""

WORDS: Final = (
    b"", b"\0", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\r", b"\r\n", b"\n\n\n", b"\t",
    b"\x0b", b"\x1c",
    b"0", b"-1", b"1e999", b"nan", b"-inf", b"9" * 5000, b"4294967295", b"18446744073709551616",
    b"0x7fffffff", b"1_0",
    b"<", b">", b"&", b"&#0;", b"&#x110000;", b"&l9;", b"<!DOCTYPE", b"<![CDATA[", b"]]>", b"<!--", b"?",
    b"\\", b"\\u",
    b"{", b"}", b"[", b"]", b'"', b"'", b":", b": ", b"- ", b"|", b">-", b"&a ", b"*a",
    b"!!python/object:x ", b"!t ", b"<<: ",
    b"---", b"...", b"#", b"# ", b"@", b"~", b"`", b"%", b"%n", b"{0}", b"{model}", b"../../x", b"/",
    b"C:\\", b"file:///x",
    b"null", b"true", b"[]", b"{}", "“".encode(), "”".encode(), "　".encode(), "\u202e".encode(),
    "\u0301".encode() * 40,
    "👩‍👩‍👧".encode(), "ſ".encode(), "İ".encode(), "ﬁ".encode(), "\u2028".encode(), "\ufffe".encode(), "２".encode(),
    "²".encode(), b"1:2", b"1:2:3", b"99999:99999", b"2026-99-99T99:99", b"0001-01-01T00:00:00+00:00",
    b"RIFF", b"data",
)  # fmt: skip
LONG: Final = (
    b"[",
    b"{",
    b"(",
    b"<b>",
    b"<div>",
    b"- ",
    b"> ",
    b"*",
    b"_",
    b"{a: ",
    b'{"a":',
    b"a",
    b"\n",
    b"# ",
    b"&a;",
)
VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 10**400, 1e308, float("nan"), float("inf"), "", "\0", "x" * 5000, "\ud800",
    "nan", "1", [], {},
    [[]], {"a": {}}, [None], -0.0, 2**63, "2026-99-99", "1" * 5000,
)  # fmt: skip


def mutated(seed: bytes, chance: Random, others: tuple[bytes, ...] = ()) -> bytes:
    """A variation of an input.

    Args:
        seed: a good input, or an earlier find.
        chance: decides everything.
        others: further seeds, of which a piece may be put in.
    """
    if seed.startswith(b"PK\x03\x04") and chance.random() < 0.8:
        return _archive(seed, chance)[:MOST_BYTES]
    if seed[:1] in (b"{", b"[") and chance.random() < 0.7:
        found = _json(seed, chance)
        if found is not None:
            return found[:MOST_BYTES]
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        seed = chance.choice(_BYTES)(seed, chance)
        if others and chance.random() < 0.05:
            seed = _spliced(seed, chance.choice(others), chance)
    return seed[:MOST_BYTES]


def _span(data: bytes, chance: Random, most: int = 40) -> tuple[int, int]:
    start = chance.randrange(len(data) + 1)
    return start, min(len(data), start + chance.randrange(most))


def _flip(data: bytes, chance: Random) -> bytes:
    changed = bytearray(data)
    if changed:
        changed[chance.randrange(len(changed))] = chance.choice((0, 0xFF, 0x80, 0x7F, chance.randrange(256)))
    return bytes(changed)


def _cut(data: bytes, chance: Random) -> bytes:
    start, end = _span(data, chance)
    return data[:start] + data[end:]


def _truncated(data: bytes, chance: Random) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _word(data: bytes, chance: Random) -> bytes:
    start, end = _span(data, chance, 8)
    return data[:start] + chance.choice(WORDS) + data[chance.choice((start, end)) :]


def _doubled(data: bytes, chance: Random) -> bytes:
    start, end = _span(data, chance, 200)
    return data[:end] + data[start:end] * chance.choice((1, 1, 3, 100)) + data[end:]


def _nested(data: bytes, chance: Random) -> bytes:
    at, one = chance.randrange(len(data) + 1), chance.choice(LONG)
    return data[:at] + one * chance.choice((20, 300, 3000, 60_000)) + data[at:]


def _lines(data: bytes, chance: Random) -> bytes:
    rows = data.split(b"\n")
    at, to = chance.randrange(len(rows)), chance.randrange(len(rows))
    match chance.randrange(4):
        case 0:
            rows[at], rows[to] = rows[to], rows[at]
        case 1:
            del rows[at]
        case 2:
            rows.insert(to, rows[at])
        case _:
            rows[at] = chance.choice((b"\t", b"  ", b"    ", b"- ", b"> ", b"")) + rows[at].lstrip()
    return b"\n".join(rows)


def _number(data: bytes, chance: Random) -> bytes:
    found = list(re.finditer(rb"\d+", data))
    if not found:
        return data
    one = chance.choice(found)
    new = chance.choice((b"0", b"-1", b"9" * 30, b"9" * 5000, b"1e400", b"0.5", "３".encode(), b"", b"00"))
    return data[: one.start()] + new + data[one.end() :]


def _spliced(data: bytes, other: bytes, chance: Random) -> bytes:
    start, end = _span(other, chance, 400)
    at = chance.randrange(len(data) + 1)
    return data[:at] + other[start:end] + data[at:]


_BYTES: Final[tuple[Callable[[bytes, Random], bytes], ...]] = (
    _flip, _cut, _truncated, _word, _word, _word, _doubled, _nested, _lines, _lines, _number,
)  # fmt: skip


def _archive(data: bytes, chance: Random) -> bytes:
    """One member changed, renamed, left out, or the archive made to claim another size."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = chance.choice(sorted(members))
    match chance.randrange(10):
        case 0:
            del members[name]
        case 1:
            members[chance.choice(("../x", "/x", "x" * 300, "META-INF/encryption.xml", "\u202e", "a\\b"))] = members[
                name
            ]
        case 2:
            members[name] = b" " * (30 << 20) if chance.random() < 0.1 else b""
        case _:
            for _ in range(chance.choice((1, 1, 2, 5))):
                members[name] = chance.choice(_BYTES)(members[name], chance)
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    packed = held.getvalue()
    return _flip(packed, chance) if chance.random() < 0.1 else packed


def _json(data: bytes, chance: Random) -> bytes | None:
    """A value of a JSON text replaced, removed or wrapped."""
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        return None
    for _ in range(chance.choice((1, 1, 2, 4))):
        places = list(_places(tree))
        if not places:
            break
        holder, key = chance.choice(places)
        match chance.randrange(5):
            case 0 if isinstance(holder, dict):
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[chance.choice(("", "x", "version", "\0", "kind"))] = holder[key]
            case 2:
                holder[key] = [holder[key]]
            case _:
                holder[key] = copy.deepcopy(chance.choice(VALUES))
    try:
        return json.dumps(tree).encode()
    except ValueError:
        return None


def _places(tree: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401 — JSON of all shapes
    found: list[tuple[Any, Any]] = []
    rest = [tree]
    while rest:
        node = rest.pop()
        keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
        for key in keys:
            found.append((node, key))
            rest.append(node[key])
    return found
