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
from narration.presets import Rules, preset_names, read_preset
from narration.settings_reference import settings_reference

ROOT = Path(__file__).parents[1]
PAGES = (
    "README.md",
    *(f"docs/{name}.md" for name in ("commands", "settings", "prices", "ledger", "findings", "mastering")),
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
        assumed = "yes" if row.get("assumed") else ""
        regions = ", ".join(row["regions"])
        lines.append(
            f"| {row['model']} | {regions} | {row['usd']:g} | {per} | {row['as_of']} | {assumed} | {row['source']} |"
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


BLOCKS: dict[str, Callable[[], str]] = {
    "commands": commands,
    "exit-codes": exit_codes.table,
    "settings": settings_reference,
    "prices": prices,
    "ledger": ledger,
    "findings": findings_reference,
    "presets": presets,
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
