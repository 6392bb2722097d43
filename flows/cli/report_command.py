"""`narrate report`: the proof sheet of what is delivered."""

from __future__ import annotations

from pathlib import Path

from flows.cli import console
from flows.cli.options import (
    Folder,
    Json,
    LogFile,
    Out,
    Profile,
    Quiet,
    StoreOption,
    Verbose,
    Version,
    environ,
    examples,
)

EXAMPLES = examples("narrate report my-book", "narrate report my-book --out listen")


def report(
    folder: Folder = Path(),
    profile: Profile = None,
    out: Out = None,
    store: StoreOption = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """Write the proof sheet: proof.html beside the sound, one page to hear and mark every line.

    It needs no server and asks nothing of the net. Every render and delivery writes it as well.
    """
    from flows.opening import Request, open_job
    from flows.proofing import make_proof

    job = open_job(Request(folder=folder, profile=profile, out=out, store=store), environ(), needs_key=False)
    sheet = console.wait(make_proof(job))
    changed = [str(place) for place in sheet.changes.lines]
    if json:
        console.show_json(
            {"file": str(sheet.path), "lines": sheet.lines, "findings": sheet.findings, "changed": changed}
        )
        return
    console.say(
        f"{console.count(sheet.lines, 'line')}, {console.count(sheet.findings, 'finding')}, "
        f"{len(changed)} changed since the last render:"
    )
    console.result(str(sheet.path))
