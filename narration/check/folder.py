"""A folder of MP3 files, whoever made them, held against a preset's rules.

Invariant: every file is decoded and measured; a file that cannot be is a finding, and the others are checked all the
same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from narration.audio.measure import Delivered, probe
from narration.check.rules import finding, findings_of
from narration.errors import InputError, Problem, ToolError
from narration.finding import Code, Finding, Severity
from narration.settings.presets import Preset

WORKERS = 2
"""Files measured at a time; each decodes in a process of its own."""
SUFFIX = ".mp3"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedFile:
    """One file.

    Attributes:
        path: where it is.
        measures: of it; None where it could not be decoded.
        findings: what is wrong with it.
    """

    path: Path
    measures: Delivered | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a check found.

    Attributes:
        preset: whose rules counted.
        files: in the order of their names.
    """

    preset: Preset
    files: tuple[CheckedFile, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, in the order of the files."""
        return tuple(found for file in self.files for found in file.findings)

    @property
    def has_errors(self) -> bool:
        """Whether a rule is broken."""
        return any(found.severity is Severity.ERROR for found in self.findings)


def check_folder(folder: Path, preset: Preset, *, done: Callable[[], object] = int) -> Checked:
    """Measure every MP3 file of a folder, or one file, and hold it against the rules.

    Args:
        folder: the folder, or a file.
        preset: whose rules count.
        done: called after each file, from any thread.

    Raises:
        InputError: there is no such folder, or no MP3 file in it.
    """
    paths = mp3_files(folder)

    def check(path: Path) -> CheckedFile:
        checked = _checked(path, preset)
        done()
        return checked

    with ThreadPoolExecutor(WORKERS) as pool:
        files = tuple(pool.map(check, paths))
    return Checked(preset=preset, files=_with_channels(files))


def mp3_files(folder: Path) -> tuple[Path, ...]:
    """The MP3 files of a folder by name, hidden ones left out; or the one file that is given.

    Raises:
        InputError: there are none.
    """
    where = str(folder)
    if folder.is_file():
        return (folder,)
    if not folder.is_dir():
        raise InputError(Problem(what="there is no such folder", where=where))
    try:
        found = (path for path in folder.iterdir() if path.suffix.lower() == SUFFIX and not path.name.startswith("."))
        paths = tuple(sorted(path for path in found if path.is_file()))
    except OSError as error:
        raise InputError(Problem(what=f"cannot be read: {error.strerror}", where=where)) from error
    if not paths:
        beside = sorted(path.parent.name for path in folder.glob(f"*/*{SUFFIX}"))
        hint = f"There are some in `{beside[0]}`." if beside else ""
        raise InputError(Problem(what="there is no MP3 file in it", where=where, expected="*.mp3", hint=hint))
    return paths


def _checked(path: Path, preset: Preset) -> CheckedFile:
    try:
        measures = probe(path)
    except ToolError as error:
        found = finding(Code.NOT_AUDIO, path.name, rule="", value=error.what)
        return CheckedFile(path=path, measures=None, findings=(found,))
    if measures.codec != "mp3":
        found = finding(Code.NOT_MP3, path.name, rule="mp3", value=measures.codec)
        return CheckedFile(path=path, measures=measures, findings=(found,))
    return CheckedFile(path=path, measures=measures, findings=findings_of(path.name, measures, preset))


def _with_channels(files: Sequence[CheckedFile]) -> tuple[CheckedFile, ...]:
    """The files; where channels are mixed, with a finding at each that differs from most (from mono at a tie)."""
    counts = Counter(file.measures.channels for file in files if file.measures is not None)
    if len(counts) < 2:
        return tuple(files)
    usual = max(counts, key=lambda channels: (counts[channels], -channels))
    return tuple(
        file
        if file.measures is None or file.measures.channels == usual
        else CheckedFile(
            path=file.path,
            measures=file.measures,
            findings=(*file.findings, _differs(file.path.name, file.measures.channels, usual)),
        )
        for file in files
    )


def _differs(name: str, channels: int, usual: int) -> Finding:
    return finding(Code.CHANNELS_DIFFER, name, rule=f"{_named(usual)}, as most are", value=_named(channels))


def _named(channels: int) -> str:
    return {1: "mono", 2: "stereo"}.get(channels, f"{channels} channels")
