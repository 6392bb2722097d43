"""The settings reference: a table of every setting, made from the files that hold the defaults.

Invariant: every key of those files has a row, and its meaning is the comment above it.
"""

from __future__ import annotations

from narration.settings.presets import DEFAULT_PRESET, presets_folder
from narration.settings.profiles import defaults_text

_NO_SETTINGS = ("rules",)
"""Tables of a preset that are no settings."""


def settings_reference() -> str:
    """A Markdown table of every setting: key, default, meaning; from defaults.toml and the default preset."""
    rows = ["| setting | default | meaning |", "|---|---|---|", *_reference_rows(defaults_text(), "")]
    preset = (presets_folder() / f"{DEFAULT_PRESET}.toml").read_text(encoding="utf-8")
    return "\n".join([*rows, *_reference_rows(preset, f" in `{DEFAULT_PRESET}`")]) + "\n"


def _reference_rows(text: str, of: str) -> list[str]:
    """A row for each key of the tables of settings in a TOML text; the comment above a key is its meaning."""
    rows: list[str] = []
    table, meaning = "", ""
    for line in text.splitlines():
        if line.startswith("["):
            table, meaning = line.strip("[] "), ""
        elif line.startswith("#"):
            meaning = f"{meaning} {line.lstrip('# ')}".strip()
        elif " = " in line and table and table not in _NO_SETTINGS:
            key, default = line.split(" = ", 1)
            rows.append(f"| `{table}.{key}` | `{default}`{of} | {meaning} |")
            meaning = ""
        else:
            meaning = ""
    return rows
