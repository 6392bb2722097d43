"""YAML as people write it, with the line of every key.

Invariant: a key never stands twice, and nothing in the file can run code or grow without end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from narration.errors import InputError, Problem
from narration.sheets import KeyPath, Sheet, key_text, read_text

if TYPE_CHECKING:
    from pathlib import Path

_YAML_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "timestamp", "value", "seq", "map")
)
_NULL_TAG = "tag:yaml.org,2002:null"


def read_yaml_file(path: Path, *, label: str = "") -> Sheet:
    """A YAML file with one mapping at its root.

    Args:
        path: the file.
        label: the file's name in messages; its own name when empty.

    Raises:
        InputError: nothing could be read.
    """
    label = label or path.name
    return read_yaml(read_text(path, label), label)


def read_yaml(text: str, label: str) -> Sheet:
    """YAML text with one mapping at its root.

    Raises:
        InputError: it is not YAML, has no mapping at its root, or several documents.
    """
    try:
        node = YAML(typ="safe", pure=True).compose(text)
    except (YAMLError, RecursionError) as error:
        raise InputError(_syntax_problem(error, text, label)) from error
    if node is None:
        raise InputError(Problem(what="holds nothing but comments", where=label))
    if not isinstance(node, MappingNode):
        hint = _wide_colon_hint(text)
        raise InputError(Problem(what=f"is {_kind(node)}", where=label, expected="keys and values", hint=hint))
    reading = _YamlReading(label=label)
    data = reading.mapping(node, ())
    return Sheet(label=label, data=data, lines=MappingProxyType(reading.lines), problems=tuple(reading.problems))


def _kind(node: Node) -> str:
    match node:
        case SequenceNode():
            return "a list"
        case MappingNode():
            return "a group of keys"
        case _:
            return "one piece of text"


def _wide_colon_hint(text: str) -> str:
    for number, line in enumerate(text.split("\n"), start=1):
        if re.match(r"\s*(- )?\s*\w+：", line):
            return f"Line {number} has a full-width colon; YAML needs `:` and a space."
    return ""


def _syntax_problem(error: Exception, text: str, label: str) -> Problem:
    if isinstance(error, RecursionError):
        return Problem(what="is nested too deeply", where=label)
    if isinstance(error, ReaderError):
        line = text[: error.position].count("\n") + 1
        return Problem(what="has a control character that YAML does not allow", where=f"{label}, line {line}")
    if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
        return Problem(what=f"is not YAML: {error}", where=label)
    line = error.problem_mark.line + 1
    where = f"{label}, line {line}"
    problem = str(error.problem or error.context or "cannot be read")
    tabs = [str(n) for n, row in enumerate(text.split("\n"), start=1) if re.match(r"\s*\t", row)]
    if tabs and (str(line) in tabs or "'\\t'" in problem):
        where = f"{label}, line {', '.join(tabs)}"
        return Problem(what="is indented with a tab", where=where, expected="spaces", hint="YAML does not allow tabs.")
    hint = _wide_colon_hint(text)
    if "mapping values are not allowed" in problem:
        hint = hint or "Text that has a colon and a space in it must stand in quotes."
    elif "another document" in problem:
        hint = "Keep one document in the file, without `---` in the middle."
    return Problem(what=f"is not valid YAML: {problem}", where=where, hint=hint)


@dataclass(slots=True, kw_only=True)
class _YamlReading:
    """One walk over the nodes; collects lines and mistakes on the way."""

    label: str
    lines: dict[KeyPath, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)

    def mapping(self, node: MappingNode, path: KeyPath) -> dict[str, object]:
        result: dict[str, object] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode):
                self._wrong(f"the key is {_kind(key_node)}", line, path, expected="a name")
                continue
            here = (*path, str(key_node.value))
            if here in self.lines:
                self._wrong(f"the key stands twice, first on line {self.lines[here]}", line, here)
                continue
            self.lines[here] = line
            value = self.value(value_node, here)
            if value is not None:
                result[str(key_node.value)] = value
        return result

    def value(self, node: Node, path: KeyPath) -> object:
        line = node.start_mark.line + 1
        if node.tag == _NULL_TAG:
            return None
        if node.tag not in _YAML_TAGS:
            self._wrong(f"has the tag {node.tag}", line, path, expected="a plain value")
            return None
        match node:
            case ScalarNode():
                return str(node.value)
            case _ if id(node) in self.seen:
                # An alias of a block: written out once more it could grow without end, so it is not followed.
                self._wrong("repeats a block by its alias (`*…`)", line, path, expected="the block itself")
                return None
            case SequenceNode():
                self.seen.add(id(node))
                return self._items(node, path)
            case MappingNode():
                self.seen.add(id(node))
                return self.mapping(node, path)
        return None

    def _items(self, node: SequenceNode, path: KeyPath) -> list[object]:
        items: list[object] = []
        for index, item in enumerate(node.value):
            here = (*path, index)
            self.lines[here] = item.start_mark.line + 1
            value = self.value(item, here)
            items.append("" if value is None else value)
        return items

    def _wrong(self, what: str, line: int, path: KeyPath, expected: str = "") -> None:
        where = ", ".join(part for part in (self.label, f"line {line}", key_text(path)) if part)
        self.problems.append(Problem(what=what, where=where, expected=expected))
