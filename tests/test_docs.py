"""The documentation cannot lie: generated parts are compared, and what it tells to type exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from flows.cli.main import app
from tests.docs_blocks import BLOCKS, PAGES, ROOT, renewed

_NARRATE = re.compile(r"^\s*(?:\$ )?narrate ([a-z]+)(?: ([a-z]+))?", re.MULTILINE)
_MAKE = re.compile(r"^\s*(?:\$ )?make ([a-z]+)", re.MULTILINE)
EVERY_PAGE = ["README.md", *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES)
def test_the_generated_parts_are_up_to_date(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert "<!-- generated:" in text
    assert renewed(text) == text, "run: make docs"


def test_every_generated_part_is_on_a_page() -> None:
    pages = "".join((ROOT / page).read_text(encoding="utf-8") for page in PAGES)
    assert all(f"<!-- generated: {name} -->" in pages for name in BLOCKS)


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_every_command_that_a_page_names_exists(page: str) -> None:
    known = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    text = (ROOT / page).read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```[a-z]*\n(.*?)```", text, re.DOTALL))
    for name, below in _NARRATE.findall(code):
        assert name in known, f"{page} names `narrate {name}`"
        if below and hasattr(known[name], "commands"):
            assert below in known[name].commands, f"{page} names `narrate {name} {below}`"


def test_every_make_target_in_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(_MAKE.findall((ROOT / "README.md").read_text(encoding="utf-8")))
    assert {"demo", "test"} <= named <= targets


def test_every_page_is_linked_from_the_readme_and_from_the_index() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert not [page for page in EVERY_PAGE[1:] if page not in readme]
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    assert not [
        page for page in EVERY_PAGE[1:] if f"]({page.removeprefix('docs/')}" not in index and "README" not in page
    ]


def test_every_link_leads_to_a_file_and_to_a_heading_of_it() -> None:
    for page in [*EVERY_PAGE, "CONTRIBUTING.md"]:
        for target in re.findall(r"\]\((?!https?:)([^)]+)\)", (ROOT / page).read_text(encoding="utf-8")):
            file, _, heading = target.partition("#")
            path = (ROOT / page).parent / file if file else ROOT / page
            assert path.exists(), f"{page} links to {target}"
            assert not heading or heading in _headings(path), f"{page} links to {target}"


def _headings(path: Path) -> set[str]:
    """The anchors of a page, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
