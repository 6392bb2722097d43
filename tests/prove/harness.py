"""What the proofs share: a sandbox that stands alone, a store, and `narrate` as a process that can be killed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from narration.sandbox.launch import Switch, command

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "data" / "demo"
KEY = "sk-proof"
PATIENT_S = 180.0
"""Only ends what hangs."""
NARRATE = [sys.executable, "-c", "from flows.cli import main; main()"]

PROFILE = """\
[service]
kind = "qwen"
base_url = "{base_url}"
region = "ap-southeast-1"
design_model = "qwen-voice-design"
speech_model = "qwen3-tts-vd-2026-01-26"
download_hosts = []

[limits]
per_minute = {per_minute}
per_second = {per_second}
in_flight = {in_flight}

[check]
retakes = {retakes}
recogniser = "{recogniser}"

[recogniser]
per_minute = 0
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """A sandbox that stands alone, as a vendor would.

    Attributes:
        base_url: of its API.
        folder: where its profile is written.
    """

    base_url: str
    folder: Path

    @property
    def root(self) -> str:
        return self.base_url.removesuffix("/api/v1")

    def bill(self) -> dict[str, Any]:
        answer = httpx.get(f"{self.root}/sandbox/bill", timeout=PATIENT_S)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def rows(self, action: str = "synthesize") -> list[dict[str, Any]]:
        answer = httpx.get(f"{self.root}/sandbox/bill/rows", params={"action": action}, timeout=PATIENT_S)
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()["rows"]
        return found

    def switch(self, **changes: object) -> None:
        answer = httpx.patch(f"{self.root}/sandbox/faults", json=changes, timeout=PATIENT_S)
        answer.raise_for_status()

    def profile(
        self,
        *,
        per_minute: int = 0,
        per_second: float = 0,
        in_flight: int = 8,
        retakes: int = 0,
        recogniser: str = "none",
    ) -> Path:
        """A profile for this vendor; without retakes, as the tone engine's chords are no voices to be judged."""
        path = self.folder / f"profile-{per_minute}-{per_second}-{in_flight}-{retakes}-{recogniser}.toml"
        limits = {"per_minute": per_minute, "per_second": per_second, "in_flight": in_flight}
        text = PROFILE.format(base_url=self.base_url, retakes=retakes, recogniser=recogniser, **limits)
        path.write_text(text)
        return path


@contextlib.contextmanager
def vendor(folder: Path, *, engine: str = "tone", limits: bool = False, **switches: Switch) -> Iterator[Vendor]:
    """Run a sandbox for as long as the block lasts."""
    argv = command(state=folder / "vendor", engine=engine, limits=limits, exit_with_stdin=True, switches=switches)
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        yield Vendor(base_url=json.loads(process.stdout.readline())["base_url"], folder=folder)
    finally:
        process.stdin.close()
        process.wait(timeout=PATIENT_S)
        process.stdout.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Studio:
    """One store and one output folder, and `narrate` working on them.

    Attributes:
        home: NARRATION_HOME.
        out: where the audiobook goes.
        profile: path of the profile.
        store: another store than the home's, or empty.
        variables: further environment variables.
    """

    home: Path
    out: Path
    profile: Path
    store: str = ""
    variables: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("DASHSCOPE_", "PREFECT_", "NARRATION_", "AWS_"))
        }
        return {**kept, "NARRATION_HOME": str(self.home), "DASHSCOPE_API_KEY": KEY, **self.variables}

    def start(self, *arguments: str, book: Path = DEMO) -> subprocess.Popen[str]:
        argv = [*NARRATE, "render", str(book), "--profile", str(self.profile)]
        argv += ["--out", str(self.out), "--json", "--yes", *self._where(), *arguments]
        return subprocess.Popen(
            argv,
            cwd=ROOT,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def render(self, *arguments: str, book: Path = DEMO, timeout_s: float = 600) -> tuple[int, dict[str, Any], str]:
        """Render to the end; exit code, summary and what was said on standard error."""
        process = self.start(*arguments, book=book)
        out, err = process.communicate(timeout=timeout_s)
        return process.returncode, json.loads(out) if out.strip() else {}, err

    def render_killed(self, after_s: float, *arguments: str, book: Path = DEMO) -> bool:
        """Render, and kill the whole process group after a while; whether it was still at work."""
        process = self.start(*arguments, book=book)
        try:
            process.communicate(timeout=after_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return True
        return False

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Any other command."""
        argv = [*NARRATE, *arguments, *self._where()]
        done = subprocess.run(argv, cwd=ROOT, env=self.environment(), capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def usage(self) -> dict[str, Any]:
        code, out, err = self.run("usage", "--json")
        assert code == 0, err
        found: dict[str, Any] = json.loads(out)
        return found

    def _where(self) -> list[str]:
        return ["--store", self.store] if self.store else []

    def files(self) -> dict[str, str]:
        """Hash of every audio file, by name."""
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(self.out.glob("*.mp3"))}

    def leftovers(self) -> list[str]:
        """What a finished render must not leave: staged files, open claims, presence of dead runs."""
        staged = [path for folder in (self.home, self.out) for path in folder.rglob("*") if _is_staged(path)]
        store = self.home / "store"
        open_ones = [path for name in ("open", "runs", "ledger/pending") for path in (store / name).rglob("*.json")]
        return [str(path) for path in [*staged, *open_ones]]


def _is_staged(path: Path) -> bool:
    return path.is_file() and ("#" in path.name or path.name.startswith(".") or path.suffix in (".part", ".tmp"))


def bought_twice(rows: list[dict[str, Any]]) -> int:
    """How many paid syntheses repeat an earlier one: the same words in the same voice."""
    counts = Counter((row["voice"], row["text_sha256"]) for row in rows)
    return sum(count - 1 for count in counts.values())
