"""The commands of the documentation, as a reader would type them: `tests/test_docs_commands.py` runs them.

`python -m tests.docs_console PAGE…` writes the output of each command that shows one anew. What a page may say:

- a block `console`: lines that begin with `$ ` are commands, what follows one is what it prints; a line `…` stands for
  any lines, and `…` within a line for any words. A command without lines below shows none, and is run all the same;
- a block with the name of a file behind its language (```` ```markdown lamp.md ````) is that file; with a `+` before
  the name its keys are set in a YAML file that is there.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.docs_stage import KEY, ROOT, set_keys

PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md")),
)
WRITE = "WRITE_DOCS"
"""Set in the environment: pages are written and not compared."""

_FENCE = re.compile(r"^( *)```(\S*)[ ]*(.*)$")
_VOLATILE = (
    (re.compile(r"(\d+ h )?\d+ min \d+ s|\d+ h \d+ min|\b\d+ s\b"), "<time>"),
    (re.compile(r"\d{4}-\d\d-\d\d(T[\d:.]+Z?)?"), "<date>"),
    (re.compile(r"qwen-tts-vd-[\w-]*\d{10,}[\w-]*"), "<voice>"),
    (re.compile(r"\d+(\.\d+)? [kMG]i?B( free)?"), "<size>"),
    (re.compile(r"ffmpeg [\d.]+"), "ffmpeg <version>"),
    (re.compile(r"\b\d+ %|-\d+\.\d+( (dB|LU)\S*)?"), "<measure>"),
    (re.compile(r"[ ]+"), " "),
)
"""What differs from machine to machine and from day to day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A line to type, and what the page says that it prints.

    Attributes:
        typed: without the prompt, its comment included.
        shown: the lines below it.
        line: of the page, from 1.
    """

    typed: str
    shown: tuple[str, ...]
    line: int

    @property
    def bare(self) -> str:
        """Without the comment."""
        return re.sub(r"\s+#\s.*$", "", self.typed)


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that the page tells to write.

    Attributes:
        name: seen from where the reader is.
        text: of it.
        sets_keys: whether it changes keys of a file that is there.
    """

    name: str
    text: str
    sets_keys: bool


def steps_of(page: str) -> list[Command | File]:
    """What a page tells to do, in its order."""
    steps: list[Command | File] = []
    for language, info, line, text in _blocks((ROOT / page).read_text(encoding="utf-8")):
        name = info.removeprefix("+")
        if language in ("console", "sh"):
            steps += _commands(text, line, prompted=language == "console")
        elif name:
            steps.append(File(name=name, text="\n".join(text) + "\n", sets_keys=info.startswith("+")))
    return steps


def _blocks(text: str) -> Iterator[tuple[str, str, int, list[str]]]:
    """Language, the rest of the fence, line of the first row, rows; of each fenced block."""
    rows: list[str] | None = None
    indent = language = info = ""
    for number, row in enumerate(text.splitlines(), start=1):
        fence = _FENCE.match(row)
        if fence is None:
            if rows is not None:
                rows.append(row.removeprefix(indent))
        elif rows is None:
            indent, language, info, rows = fence[1], fence[2], fence[3].strip(), []
        else:
            yield language, info, number - len(rows), rows
            rows = None


def _commands(rows: list[str], first: int, *, prompted: bool) -> Iterator[Command]:
    starts = [at for at, row in enumerate(rows) if row.startswith("$ ") or (not prompted and row.strip())]
    for start, end in zip(starts, [*starts[1:], len(rows)], strict=True):
        shown = tuple(row.rstrip() for row in rows[start + 1 : end])
        while shown and not shown[-1]:
            shown = shown[:-1]
        yield Command(typed=rows[start].removeprefix("$ "), shown=shown, line=first + start)


def masked(line: str) -> str:
    """A line with all that is volatile made equal."""
    for pattern, word in _VOLATILE:
        line = pattern.sub(word, line)
    return line.strip()


def fits(shown: tuple[str, ...], printed: list[str]) -> bool:
    """Whether a page shows what was printed."""
    pattern = "".join(r"(?:.*\n)*?" if row.strip() == "…" else _pattern(row) + r"\n" for row in shown)
    said = "".join(f"{masked(row)}\n" for row in printed)
    return re.fullmatch(pattern, said) is not None


def _pattern(row: str) -> str:
    return re.escape(masked(row)).replace("…", ".*")


@dataclass(slots=True)
class Shell:
    """What stands in for the reader's terminal: `narrate` in this process, all else by bash.

    Attributes:
        folder: where the reader is.
        home: where the reader began.
    """

    folder: Path
    home: Path

    def typed(self, command: Command) -> str:
        """A command with what a page only hints at filled in."""
        line = command.bare.replace("sk-evo-…", KEY).replace("sk-…", KEY)
        if "qwen-tts-vd-…" in line:
            line = line.replace("qwen-tts-vd-…", self._some_voice())
        zone = re.search(r"--zone (\S+)", line)
        now = datetime.now(UTC).astimezone(ZoneInfo(zone[1]) if zone else None)
        # Open since an hour, and for most of a day to come: whenever the page is read.
        hours = f"{now - timedelta(hours=1):%H:%M}-{now + timedelta(hours=21):%H:%M}"
        return re.sub(r"--window \d\d:\d\d-\d\d:\d\d", f"--window {hours}", line)

    def _some_voice(self) -> str:
        """A voice of Mara's that nobody needs: of those the one that was made last."""
        import json

        _, printed = self.run("narrate voices list --json")
        voices = [one for one in json.loads(printed)["voices"] if one["character"] == "Mara"]
        free = [one for one in voices if not one["chosen_for"] and not one["given_up"]]
        return str(max(free, key=lambda one: str(one["created_at"]))["voice"])

    def write(self, file: File) -> None:
        """Write a file as the page says."""
        path = self.folder / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        if file.sets_keys:
            set_keys(path, file.text)
        else:
            path.write_text(file.text, encoding="utf-8")

    def run(self, line: str) -> tuple[int, str]:
        """Exit code of a line, and what it prints: both streams, in their order."""
        words = shlex.split(line, comments=True)
        if re.search(r"[|&;<>]|\$\(", re.sub(r"'[^']*'|\"[^\"$]*\"", "", line)):
            return self._by_bash(line)
        match words:
            case ["cd", where]:
                os.chdir(self.folder / where)
                self.folder = Path.cwd()
                return 0, ""
            case ["export", setting]:
                name, _, value = setting.partition("=")
                os.environ[name] = os.path.expandvars(value)
                return 0, ""
            case ["unset", name]:
                os.environ.pop(name, None)
                return 0, ""
            case ["narrate", *arguments]:
                return self._in_process([os.path.expandvars(argument) for argument in arguments])
            case _:
                return self._by_bash(line)

    def _in_process(self, arguments: list[str]) -> tuple[int, str]:
        from flows.cli.main import run

        terminal = io.StringIO()
        with contextlib.redirect_stdout(terminal), contextlib.redirect_stderr(terminal):
            try:
                code = run(arguments)
            except SystemExit as end:  # `--install-completion` ends the process by itself
                code = int(end.code or 0)
        return code, terminal.getvalue()

    def _by_bash(self, line: str) -> tuple[int, str]:
        narrate = f'narrate() {{ "{sys.executable}" -m flows.cli "$@"; }}\n'
        done = subprocess.run(
            ["bash", "-c", narrate + line],  # noqa: S607 — the reader's shell
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        return done.returncode, done.stdout


def with_shown(text: str, outputs: dict[int, list[str]]) -> str:
    """A page with other output below some of its commands.

    Args:
        text: of the page.
        outputs: the new rows, by the line of the command.
    """
    rows, kept = text.splitlines(), list[str]()
    at = 0
    while at < len(rows):
        kept.append(rows[at])
        at += 1
        if at in outputs:
            kept += [row.rstrip() for row in outputs[at]]
            while rows[at] != "```" and not rows[at].startswith("$ "):
                at += 1
    return "\n".join(kept) + "\n"


def main(pages: list[str]) -> int:
    """Run the tests of these pages, in the mode in which they write."""
    import pytest

    os.environ[WRITE] = "1"
    test = "tests/test_docs_commands.py::test_every_command_of_a_page_does_what_the_page_says"
    names = [f"{test}[{page}]" for page in pages]
    return int(pytest.main(["-q", "--tb=short", "-p", "no:cacheprovider", *names]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
