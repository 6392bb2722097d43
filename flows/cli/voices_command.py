"""`narrate voices …`: the voice bible."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from rich.markup import escape
from rich.text import Text

from flows.cli import console
from flows.cli.options import Json, LogFile, Quiet, StoreOption, Verbose, Version, environ, examples

if TYPE_CHECKING:
    from narration.voice import Voice

voices_app = typer.Typer(
    help="The voices that were designed and are kept.", no_args_is_help=True, rich_markup_mode=None
)


@voices_app.callback()
def voices(
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """The voices that were designed and are kept."""


@voices_app.command("list", epilog=examples("narrate voices list", "narrate voices list --json"))
def list_voices(
    store: StoreOption = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    version: Version = False,
) -> None:
    """List every voice, with what it was made from.

    With --json also where its preview is, and the account and model that it belongs to.
    """
    from flows.places import default_store
    from narration.store import open_store
    from narration.voices import Voices

    opened = open_store(store or default_store(environ()))
    bible = Voices(opened)
    kept = console.wait(bible.all())
    if json:
        found = [{**_record(voice), "preview": f"{opened.url}/{bible.preview_key(voice)}"} for voice in kept]
        console.show_json({"voices": found})
        return
    for voice in kept:
        _say(voice)
    if kept:
        console.say(f"{console.count(len(kept), 'voice')}. Their previews (`--json` says whose is whose):")
        console.say(escape(f"{opened.url}/voices"))
    else:
        console.say("No voice yet in this store: `narrate render` makes those that a book needs.")


def _record(voice: Voice) -> dict[str, object]:
    return {
        "character": voice.character,
        "production": voice.production,
        "voice": voice.voice,
        "service": voice.design.service,
        "base_url": voice.design.base_url,
        "account": voice.design.account,
        "target_model": voice.design.target_model,
        "language": voice.design.language,
        "voice_prompt": voice.design.voice_prompt,
        "preview_text": voice.design.preview_text,
        "created_at": voice.created_at,
    }


def _say(voice: Voice) -> None:
    """Three lines: whose it is, its name at the service, what it was made from (as much as fits)."""
    where = f"{voice.production}, {voice.design.language}, made {voice.created_at[:10]}"
    console.say(f"[bold]{escape(voice.character)}[/] [dim]{escape(where)}[/]")
    console.say(f"  {escape(voice.voice)}")
    prompt = Text("  " + " ".join(voice.design.voice_prompt.split()))
    if console.out.is_terminal:
        prompt.truncate(console.out.width, overflow="ellipsis")
    console.say(escape(prompt.plain))
    console.say()
