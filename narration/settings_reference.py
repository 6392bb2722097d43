"""The reference of all settings, made from the comments of defaults.toml.

Invariant: every setting has a row.
"""

from __future__ import annotations

from narration.profiles import defaults_text


def settings_reference() -> str:
    """A Markdown table of every setting: key, default, meaning; made from defaults.toml."""
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    table, meaning = "", ""
    for line in defaults_text().splitlines():
        if line.startswith("["):
            table, meaning = line.strip("[] "), ""
        elif line.startswith("#"):
            meaning = f"{meaning} {line.lstrip('# ')}".strip()
        elif " = " in line:
            key, default = line.split(" = ", 1)
            rows.append(f"| `{table}.{key}` | `{default}` | {meaning} |")
            meaning = ""
        else:
            meaning = ""
    return "\n".join(rows) + "\n"
