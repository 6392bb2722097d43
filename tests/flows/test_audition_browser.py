"""The audition's page in a browser, where one is installed: it plays, asks for nothing, and fits a phone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser import PROGRAM, browser
from tests.flows.conftest import Narrate
from tests.flows.stage import small_book

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not PROGRAM, reason="Chromium is not installed")]

_PLAYED = """(async () => {
  const player = document.querySelector('audio');
  player.muted = true;
  await player.play();
  while (player.currentTime <= 0.2) await new Promise(done => setTimeout(done, 20));
  return {
    at_s: player.currentTime,
    length_s: player.duration,
    asked: performance.getEntriesByType('resource').map(entry => entry.name.slice(0, 5)),
    width: document.documentElement.scrollWidth,
    screen: innerWidth,
  };
})()"""


def test_the_page_plays_asks_for_nothing_and_fits_a_phone(narrate: Narrate, tmp_path: Path, paid: Path) -> None:
    book = small_book(tmp_path / "book", profile=str(paid))
    page = Path(narrate("audition", book, "--candidates", "2", "--json").json["page"])
    with browser(tmp_path / "browser") as shown:
        for width in (360, 1280):
            size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
            shown.command("Emulation.setDeviceMetricsOverride", **size)
            shown.open(page, shows="audio")
            facts = shown.value(_PLAYED)
            assert facts["at_s"] > 0.2
            assert facts["length_s"] > 0.5
            assert set(facts["asked"]) <= {"data:"}
            assert facts["width"] <= facts["screen"] == width
