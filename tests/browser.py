"""Chromium without a window, spoken to over its own protocol: pages are looked at as a person's browser has them."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import connect
from websockets.sync.connection import Connection

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome") or ""
_WAIT_S = 180.0
"""Only ends what hangs."""
_LOADED = "!window.stale && document.readyState === 'complete' && document.querySelector('{shows}') !== null"


class Page:
    """One page."""

    def __init__(self, socket: Connection) -> None:
        self._socket = socket
        self._sent = 0
        self.asked_for: list[str] = []
        """Addresses of everything that the page asked for."""
        self.errors: list[str] = []

    def command(self, method: str, **parameters: object) -> dict[str, Any]:
        """Send a command and wait for its answer."""
        self._sent += 1
        self._socket.send(json.dumps({"id": self._sent, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(timeout=_WAIT_S))
            self._note(message)
            if message.get("id") == self._sent:
                assert "error" not in message, message
                found: dict[str, Any] = message["result"]
                return found

    def _note(self, message: dict[str, Any]) -> None:
        match message.get("method"):
            case "Network.requestWillBeSent":
                self.asked_for.append(message["params"]["request"]["url"])
            case "Runtime.exceptionThrown":
                self.errors.append(json.dumps(message["params"]["exceptionDetails"])[:600])
            case "Log.entryAdded" if message["params"]["entry"]["level"] == "error":
                self.errors.append(message["params"]["entry"]["text"])
            case _:
                pass

    def open(self, path: Path, *, shows: str = ".line") -> float:
        """Open a file; the seconds until what a selector finds, a proof sheet's first lines, is on the screen."""
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.command(f"{domain}.enable")
        self.value("window.stale = true")
        started = time.monotonic()
        self.command("Page.navigate", url=path.as_uri())
        self.until(_LOADED.format(shows=shows))
        return time.monotonic() - started

    def processor_s(self) -> float:
        """Processor time of the page's process so far: what opening takes where the machine has nothing else to do."""
        self.command("Performance.enable")
        found = {one["name"]: one["value"] for one in self.command("Performance.getMetrics")["metrics"]}
        return float(found["ProcessTime"])

    def again(self, kept: str = "true") -> None:
        """Load the page anew, until something holds: what a page keeps reaches the next one a moment later."""
        end = time.monotonic() + _WAIT_S
        while True:
            self.value("window.stale = true")
            self.command("Page.reload")
            self.until(_LOADED.format(shows=".line"))
            if self.value(f"Boolean({kept})"):
                return
            assert time.monotonic() < end, kept

    def value(self, script: str) -> Any:  # noqa: ANN401 — whatever the script gives
        """What an expression is; a promise is waited for."""
        answer = self.command(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True, userGesture=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, script: str) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + _WAIT_S
        while not self.value(f"Boolean({script})"):
            assert time.monotonic() < end, script
            time.sleep(0.05)

    def press(self, key: str) -> None:
        """Press a key."""
        codes = {"Enter": 13, "ArrowDown": 40, "ArrowUp": 38, "ArrowRight": 39, " ": 32, "Tab": 9, "Escape": 27}
        facts = {"key": key, "windowsVirtualKeyCode": codes.get(key, ord(key[0].upper()))}
        text = {"text": "\r" if key == "Enter" else key} if len(key) == 1 or key == "Enter" else {}
        self.command("Input.dispatchKeyEvent", type="keyDown", **facts, **text)
        self.command("Input.dispatchKeyEvent", type="keyUp", **facts)

    def picture(self, target: Path) -> None:
        """Save what is on the screen."""
        target.write_bytes(base64.b64decode(self.command("Page.captureScreenshot")["data"]))


@contextmanager
def browser(folder: Path) -> Iterator[Page]:
    """A page of a Chromium of its own, whose files are in `folder`."""
    command = [PROGRAM, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", "--mute-audio"]
    command += [f"--user-data-dir={folder / 'profile'}", "--window-size=1400,900", "--no-first-run", "about:blank"]
    command += ["--autoplay-policy=no-user-gesture-required", "--disable-background-networking"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            port_file = folder / "profile" / "DevToolsActivePort"
            end = time.monotonic() + _WAIT_S
            while (address := _page_of(port_file)) is None:
                assert time.monotonic() < end, "Chromium does not start"
                time.sleep(0.05)
            with connect(address, max_size=None, proxy=None, open_timeout=_WAIT_S, ping_interval=None) as socket:
                yield Page(socket)
        finally:
            process.terminate()
            process.wait(_WAIT_S)


def _page_of(port_file: Path) -> str | None:
    """Where the first page is spoken to, once there is one."""
    lines = port_file.read_text().splitlines() if port_file.exists() else []
    if len(lines) < 2:
        return None
    targets = httpx.get(f"http://127.0.0.1:{lines[0]}/json", trust_env=False, timeout=_WAIT_S).json()
    return next((str(one["webSocketDebuggerUrl"]) for one in targets if one["type"] == "page"), None)
