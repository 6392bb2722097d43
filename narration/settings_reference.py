"""The reference of all settings, made from the comments of defaults.toml and of the default preset.

Invariant: every setting has a row.
"""

from __future__ import annotations

from narration.presets import DEFAULT_PRESET, presets_folder
from narration.profiles import defaults_text

_NOT_SETTINGS = "rules"
"""The table of a preset that files are held against; nothing sets it."""


def settings_reference() -> str:
    """A Markdown table of every setting: key, default, meaning."""
    preset = (presets_folder() / f"{DEFAULT_PRESET}.toml").read_text(encoding="utf-8")
    rows = [*_rows(defaults_text(), ""), *_rows(preset, f" in `{DEFAULT_PRESET}`")]
    return "\n".join(["| setting | default | meaning |", "|---|---|---|", *rows]) + "\n"


def _rows(text: str, of: str) -> list[str]:
    """A row for each key of the tables of settings in a TOML text; the comment above a key is its meaning."""
    rows: list[str] = []
    table, meaning = "", ""
    for line in text.splitlines():
        if line.startswith("["):
            table, meaning = line.strip("[] "), ""
        elif line.startswith("#"):
            meaning = f"{meaning} {line.lstrip('# ')}".strip()
        elif " = " in line and table not in ("", _NOT_SETTINGS):
            key, default = line.split(" = ", 1)
            rows.append(f"| `{table}.{key}` | `{default}`{of} | {meaning} |")
            meaning = ""
        else:
            meaning = ""
    return rows
