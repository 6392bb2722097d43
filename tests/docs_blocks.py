"""The generated parts of the documentation: `python -m tests.docs_blocks` writes them, `tests/test_docs.py` compares.

A generated part stands between `<!-- generated: NAME -->` and `<!-- end: NAME -->`.
"""

from __future__ import annotations

import dataclasses
import re
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import typer
from typer.testing import CliRunner

from flows.cli import exit_codes
from flows.cli.main import app
from narration.finding import findings_reference
from narration.services.limits import SpeechOption, end_of_service, families, options_of, system_voices_of
from narration.services.pricing import price_of
from narration.settings.presets import Rules, preset_names, read_preset
from narration.settings.profiles import profile_names
from narration.settings.reference import settings_reference
from narration.settings.settings import SpeechSettings, load_settings
from tests import docs_drawings

ROOT = Path(__file__).parents[1]
PAGES = (
    "README.md",
    *(
        f"docs/{name}.md"
        for name in (
            "architecture",
            "billing",
            "cast",
            "commands",
            "findings",
            "ledger",
            "mastering",
            "prices",
            "services",
            "settings",
        )
    ),
)
_BLOCK = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end: \2 -->)", re.DOTALL)


def _help(*command: str) -> str:
    found = CliRunner().invoke(app, [*command, "--help"], prog_name="narrate", env={"COLUMNS": "80"})
    return f"## `{' '.join(['narrate', *command])}`\n\n```text\n{found.output.strip()}\n```\n"


def commands() -> str:
    """`--help` of every command, the sandbox's own included."""
    from narration.sandbox.__main__ import parser

    click = typer.main.get_command(app)
    parts = [_help()]
    for name, command in click.commands.items():  # type: ignore[attr-defined]
        if name == "sandbox":
            text = parser().format_help().strip()
            parts.append(f"## `narrate sandbox`\n\n```text\n{text}\n```\n")
            continue
        parts.append(_help(name))
        parts += [_help(name, below) for below in getattr(command, "commands", {})]
    return "\n".join(parts)


def prices() -> str:
    """What things cost, as `prices.toml` has it."""
    rows = tomllib.loads((ROOT / "narration" / "services" / "prices.toml").read_text())["price"]
    lines = ["| model | regions | USD | for | as of | assumed | source |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        per = f"{row['per_characters']:,} characters" if row.get("per_characters") else "one"
        if row.get("per_tokens"):
            per = f"{row['per_tokens']:,} tokens in ({row['output_usd']:g} out)"
        if row.get("per_seconds"):
            per = f"{row['per_seconds']:,} s of sound"
        price = price_of(row["model"], row["regions"][0])
        assumed = "yes" if price.assumed else ""
        regions = ", ".join(row["regions"])
        lines.append(
            f"| {row['model']} | {regions} | {price.usd:g} | {per} | {price.as_of} | {assumed} | {price.source} |"
        )
    return "\n".join(lines) + "\n"


def ledger() -> str:
    """Columns of the ledger, from the docstring of its row."""
    from narration import row

    text = row.Row.__doc__ or ""
    lines = ["| column | is |", "|---|---|"]
    for line in text.partition("Attributes:")[2].splitlines():
        name, colon, meaning = line.strip().partition(": ")
        if colon:
            lines.append(f"| {', '.join(f'`{part}`' for part in name.split(', '))} | {meaning} |")
    return "\n".join(lines) + "\n"


def presets() -> str:
    """What each preset makes and asks for, side by side."""
    found = [read_preset(name) for name in preset_names()]
    lines = [f"| | {' | '.join(f'`{preset.name}`' for preset in found)} |", "|---" * (len(found) + 1) + "|"]
    lines.append(f"| is called | {' | '.join(preset.title for preset in found)} |")
    layers = [preset.layer.tables["audio"] for preset in found]
    for key in dict.fromkeys(key for layer in layers if isinstance(layer, dict) for key in layer):
        cells = [str(layer[key]) if isinstance(layer, dict) else "" for layer in layers]
        lines.append(f"| makes: `{key}` | {' | '.join(cells)} |")
    for rule in dataclasses.fields(Rules):
        values = [getattr(preset.rules, rule.name) for preset in found]
        cells = ["–" if value in (None, (), 0, False) else _shown(value) for value in values]
        lines.append(f"| asks for: `{rule.name}` | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _shown(value: object) -> str:
    return " to ".join(str(part) for part in value) if isinstance(value, tuple) else str(value)


def profiles() -> str:
    """Every packaged profile."""
    lines = ["| profile | service | region | makes voices | speaks | key |", "|---|---|---|---|---|---|"]
    for name in profile_names():
        service = load_settings(name, environ={}).service
        design = "" if system_voices_of(service.speech_model) else f"`{service.design_model}`"
        key = "none" if service.sandbox else f"`{service.key_variable}`"
        lines.append(f"| `{name}` | {service.kind} | {service.region} | {design} | `{service.speech_model}` | {key} |")
    return "\n".join(lines) + "\n"


def options() -> str:
    """Options of speech, by the models that have any."""
    words = [field.name for field in dataclasses.fields(SpeechSettings)]
    lines = ["| model | " + " | ".join(f"`{word}`" for word in words) + " |", "|---|" + "---|" * len(words)]
    rows = tomllib.loads((ROOT / "narration" / "services" / "limits.toml").read_text())["models"]
    for row in rows:
        found = options_of(row["family"], row["name"]) if row["family"] in families() else {}
        if found and row["name"] not in ("voice-enrollment", "qwen-voice-design"):
            cells = [_range(found[word]) if word in found else "" for word in words]
            lines.append(f"| {row['name']} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _range(option: SpeechOption) -> str:
    if option.only:
        return ", ".join(map(str, option.only))
    return f"{option.most_chars:,} characters" if option.most_chars else f"{option.least:g} to {option.most:g}"


def endings() -> str:
    """Announced ends of service."""
    lines = ["| model | ends | announced | source | instead |", "|---|---|---|---|---|"]
    rows = tomllib.loads((ROOT / "narration" / "services" / "limits.toml").read_text())["models"]
    for end in filter(None, (end_of_service(row["name"]) for row in rows)):
        instead = f"{end.successor} (profile `{end.profile}`)" if end.profile else end.successor
        lines.append(f"| {end.model} | {end.ends} | {end.announced} | {end.source} | {instead} |")
    return "\n".join(lines) + "\n"


BLOCKS: dict[str, Callable[[], str]] = {
    "commands": commands,
    "exit-codes": exit_codes.table,
    "settings": settings_reference,
    "prices": prices,
    "ledger": ledger,
    "findings": findings_reference,
    "presets": presets,
    "profiles": profiles,
    "options": options,
    "endings": endings,
    "layers": docs_drawings.layers,
    "libraries": docs_drawings.libraries,
    "rooms": docs_drawings.rooms,
    "shared-options": docs_drawings.shared_options,
    "environment": docs_drawings.environment,
    "book-keys": docs_drawings.book_keys,
    "cast-keys": docs_drawings.cast_keys,
    "bill": docs_drawings.bill,
}


def renewed(text: str) -> str:
    """A page with its generated parts made anew."""
    return _BLOCK.sub(lambda found: f"{found[1]}{BLOCKS[found[2]]()}{found[3]}", text)


def main() -> int:
    """Write every page."""
    for name in PAGES:
        path = ROOT / name
        path.write_text(renewed(path.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
