"""The audition's page in a browser, where one is installed: it plays, asks for nothing, and fits a phone."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from tests.flows.conftest import Narrate
from tests.flows.stage import small_book

pytestmark = pytest.mark.slow

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

PATIENCE_S = 300.0
"""What takes so long hangs, however busy the machine is."""

Ask = Callable[..., dict[str, Any]]


def _listed(root: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = httpx.get(f"{root}/json", timeout=PATIENCE_S).json()
    return found


@contextmanager
def _browser(folder: Path) -> Iterator[Ask]:
    """A browser without a window, asked in its own protocol."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium on PATH")
    argv = [chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0"]
    argv += ["--disable-background-networking", "--autoplay-policy=no-user-gesture-required"]
    process = subprocess.Popen([*argv, f"--user-data-dir={folder}"], stderr=subprocess.DEVNULL)
    try:
        port, deadline = folder / "DevToolsActivePort", time.monotonic() + PATIENCE_S
        while not (port.exists() and port.read_text().count("\n")):
            assert time.monotonic() < deadline, "the browser did not start"
            time.sleep(0.1)
        root = f"http://127.0.0.1:{port.read_text().splitlines()[0]}"
        while not (pages := [one for one in _listed(root) if one["type"] == "page"]):
            assert time.monotonic() < deadline, "the browser has no page"
            time.sleep(0.1)
        (page,) = pages
        with connect(
            page["webSocketDebuggerUrl"], max_size=None, open_timeout=PATIENCE_S, ping_interval=None
        ) as socket:

            def ask(method: str, **parameters: object) -> dict[str, Any]:
                socket.send(json.dumps({"id": 1, "method": method, "params": parameters}))
                while (answer := json.loads(socket.recv(timeout=PATIENCE_S))).get("id") != 1:
                    pass
                found: dict[str, Any] = answer["result"]
                return found

            yield ask
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE_S)


def test_the_page_plays_asks_for_nothing_and_fits_a_phone(narrate: Narrate, tmp_path: Path, paid: Path) -> None:
    book = small_book(tmp_path / "book", profile=str(paid))
    page = Path(narrate("audition", book, "--candidates", "2", "--json").json["page"])
    with _browser(tmp_path / "browser") as ask:
        for width in (360, 1280):
            ask("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 500)
            ask("Page.navigate", url=page.as_uri())
            while ask("Runtime.evaluate", expression="document.readyState")["result"].get("value") != "complete":
                time.sleep(0.05)
            played = ask("Runtime.evaluate", expression=_PLAYED, awaitPromise=True, returnByValue=True)
            facts = played["result"]["value"]
            assert facts["at_s"] > 0.2
            assert facts["length_s"] > 0.5
            assert set(facts["asked"]) <= {"data:"}
            assert facts["width"] <= facts["screen"] == width
