"""`narrate voices …`: the voice bible."""

from __future__ import annotations

import asyncio

import typer

from flows.cli import console
from flows.cli.options import Json, LogFile, Quiet, StoreOption, Verbose, environ

voices_app = typer.Typer(help="The voices that were designed and are kept.", no_args_is_help=True)


@voices_app.callback()
def voices() -> None:
    """The voices that were designed and are kept."""


@voices_app.command("list")
def list_voices(
    store: StoreOption = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
) -> None:
    """List every voice, with what it was made from and where its preview is."""
    from flows.places import default_store
    from narration.store import open_store
    from narration.voices import Voices

    opened = open_store(store or default_store(environ()))
    bible = Voices(opened)
    kept = asyncio.run(bible.all())
    if json:
        console.show_json(
            [
                {
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
                    "preview": f"{opened.url}/{bible.preview_key(voice)}",
                }
                for voice in kept
            ]
        )
        return
    if not kept:
        console.say("No voice yet: `narrate render` makes those that a book needs.")
        return
    console.table(
        "Voices",
        (("character", "left"), ("production", "left"), ("voice", "left"), ("made", "left"), ("description", "left")),
        (
            (voice.character, voice.production, voice.voice, voice.created_at[:10], voice.design.voice_prompt)
            for voice in kept
        ),
    )
