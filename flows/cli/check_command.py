"""`narrate check`: a folder of MP3 files, whoever made them, held against a preset's rules."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from flows.cli import console
from flows.cli.here import finished_files
from flows.cli.options import Json, LogFile, PresetName, Quiet, Verbose, Version, examples
from flows.cli.tables import Column, table
from narration.errors import ExitCode

if TYPE_CHECKING:
    from narration.check.folder import Checked, CheckedFile

EXAMPLES = examples(
    "narrate check my-book                           what was rendered, by the preset of book.yaml",
    "narrate check ~/Music/my-book --preset podcast  any folder of MP3 files",
)

Audio = Annotated[
    Path,
    typer.Argument(
        metavar="DIR",
        help="A folder with MP3 files, one file, or a production, whose out/ is meant. Default: where you are.",
        show_default=False,
    ),
]


def check(
    folder: Audio = Path(),
    preset: PresetName = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> int:
    """Measure finished MP3 files and list what a preset's rules find wrong.

    Every file is decoded from end to end; files that another program made are welcome. Ends with exit code 3 where a
    rule is broken. That all rules are kept does not mean that a store accepts the files.
    """
    from narration.check.folder import check_folder
    from narration.settings.presets import read_preset

    files, name = finished_files(folder, preset)
    checked = check_folder(files, read_preset(name))
    if json:
        console.show_json(_as_json(checked))
    else:
        _say(checked)
    return ExitCode.FINDINGS if checked.has_errors else ExitCode.DONE


def _as_json(checked: Checked) -> dict[str, object]:
    return {
        "preset": checked.preset.name,
        "title": checked.preset.title,
        "note": checked.preset.note,
        "files": [
            {
                "file": file.path.name,
                "duration_s": round(file.measures.duration_s, 3) if file.measures else None,
                "measured": asdict(file.measures) if file.measures else None,
                "findings": [finding.code for finding in file.findings],
            }
            for file in checked.files
        ],
        "findings": [asdict(finding) for finding in checked.findings],
    }


def _say(checked: Checked) -> None:
    table(
        (
            Column(heading="length", right=True),
            Column(heading="RMS", right=True),
            Column(heading="LUFS", right=True),
            Column(heading="peak", right=True),
            Column(heading="true", right=True),
            Column(heading="floor", right=True),
            Column(heading="kbit/s", right=True),
            Column(heading="file", gives_way=True),
        ),
        [_row(file) for file in checked.files],
    )
    for finding in checked.findings:
        console.tell(
            f"[yellow]{finding.severity} {escape(finding.code)}:[/] {escape(f'{finding.file}: {finding.message}.')}"
        )
        console.tell(f"→ {escape(finding.hint)}")
    count = console.count(len(checked.findings), "finding") if checked.findings else "nothing found"
    files = console.count(len(checked.files), "file")
    console.say(
        f"\n{files} against the rules of {escape(checked.preset.name)} ({escape(checked.preset.title)}): {count}."
    )
    console.say(escape(checked.preset.note))


def _row(file: CheckedFile) -> tuple[str, ...]:
    measures = file.measures
    if measures is None:
        return (*("—" for _ in range(7)), file.path.name)
    return (
        console.duration(measures.duration_s),
        f"{measures.rms_dbfs:.1f}",
        f"{measures.lufs:.1f}",
        f"{measures.peak_dbfs:.1f}",
        f"{measures.true_peak_dbtp:.1f}",
        f"{measures.floor_dbfs:.1f}",
        str(measures.bitrate_kbps) + ("" if measures.constant_bitrate or measures.codec != "mp3" else " VBR"),
        file.path.name,
    )
