"""`python -m tests.audit`: licences, pins, registry addresses, key-shaped strings and machine paths of the tree.

Invariant: what is not known to be allowed is told.
"""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
LOCKS: Final = ("requirements/run.txt", "requirements/dev.txt")

ALLOWED: Final = (
    "mit", "bsd", "apache", "isc", "psf", "python software foundation", "python-2.0", "mozilla public license",
    "mpl-2.0",
    "unlicense", "public domain", "zlib", "hpnd", "cc0", "0bsd", "historical permission",
)  # fmt: skip
COPYLEFT: Final = re.compile(r"\bA?GPL|General Public", re.IGNORECASE)
LESSER: Final = re.compile(r"\bLGPL|Lesser General", re.IGNORECASE)
KNOWN: Final = {
    "espeakng-loader": "GPL-3 (its library): the sandbox's own process alone loads it; an optional extra",
    "soxr": "LGPL-2.1: loaded as a library of its own",
    "text-unidecode": "Artistic or GPL, as one likes: Artistic here",
    "imageio-ffmpeg": "BSD; brings ffmpeg (GPL), which runs as a program of its own",
}
"""Packages whose licence needs a word, and the word."""
GPL_ROOMS: Final = {"espeakng_loader": "narration/sandbox/"}
"""Modules that only one room may import."""

_PIN: Final = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?==([^\s;\\]+)")
_HASH: Final = re.compile(r"--hash=sha256:[0-9a-f]{64}\b")
_ADDRESS: Final = re.compile(r"https?://|--(?:extra-)?index-url|--find-links|^\s*-i\s")
_KEY: Final = re.compile(
    r"\bsk-[A-Za-z0-9]{24,}|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}|\bLTAI(?!5tSandbox)[A-Za-z0-9]{16,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----|\bxox[abpr]-[0-9A-Za-z-]{10,}"
    r"|\bAIza[0-9A-Za-z_-]{35}\b|\bpypi-[A-Za-z0-9_-]{40,}"
)
_PATH: Final = re.compile(
    r"(?<![\w/.])/(?:home/(?!you\b|user\b|narrate\b)[a-z][\w-]*|Users/[A-Za-z][\w-]*|root|work)/[\w.-]+"
)
_OUTSIDE: Final = re.compile(r"https?://(?:[\w.-]*\.)?(?:py[p]i|python[h]osted)\.[\w.-]+/simple")


def locked(text: str) -> dict[str, tuple[str, int]]:
    """Name, version and number of hashes of every package of a lock file."""
    found: dict[str, tuple[str, int]] = {}
    name = ""
    for line in text.splitlines():
        if pin := _PIN.match(line):
            name = re.sub(r"[-_.]+", "-", pin[1]).lower()
            found[name] = (pin[2], 0)
        if name:
            found[name] = (found[name][0], found[name][1] + len(_HASH.findall(line)))
    return found


def lock_problems(name: str, text: str) -> Iterator[str]:
    """What is wrong with a lock file: packages without hashes, lines without a pin, addresses."""
    packages = locked(text)
    if not packages:
        yield f"{name}: it pins nothing"
    for package, (version, hashes) in packages.items():
        if not hashes:
            yield f"{name}: {package} {version} has no hash"
    for number, line in enumerate(text.splitlines(), start=1):
        if _ADDRESS.search(line):
            yield f"{name}, line {number}: an address: {line.strip()}"
        if line.strip() and not line.startswith((" ", "#")) and not _PIN.match(line):
            yield f"{name}, line {number}: no pin: {line.strip()}"


def licence_of(distribution: importlib.metadata.Distribution) -> str:
    """What a package says of its licence: expression, classifiers, or the field, in this order."""
    facts = distribution.metadata
    classifiers = [
        line.rpartition(" :: ")[2] for line in facts.get_all("Classifier") or [] if line.startswith("License ::")
    ]
    fields = [*(facts.get_all("License-Expression") or []), "; ".join(classifiers), *(facts.get_all("License") or [])]
    return next((str(field).strip().split("\n")[0][:200] for field in fields if field), "")


def licence_problem(name: str, licence: str) -> str | None:
    """Why a licence is not allowed; None where it is."""
    if name in KNOWN:
        return None
    if COPYLEFT.search(licence) and not LESSER.search(licence) and not re.search(r"\bor\b", licence, re.IGNORECASE):
        return f"{name}: {licence}"
    if re.search(r"AGPL|Affero", licence, re.IGNORECASE):
        return f"{name}: {licence}"
    if not any(word in licence.lower() for word in ALLOWED) and not LESSER.search(licence):
        return f"{name}: its licence is not known: {licence or 'it says nothing'}"
    return None


def licence_problems() -> Iterator[str]:
    """Every locked package that is installed, held against the list; and GPL modules imported outside their room."""
    for name in locked((ROOT / LOCKS[1]).read_text(encoding="utf-8")):
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # for another system or Python
        problem = licence_problem(name, licence_of(distribution))
        if problem:
            yield problem
    for path in tree():
        if path.suffix == ".py":
            text = path.read_text(encoding="utf-8")
            for module, room in GPL_ROOMS.items():
                place = path.relative_to(ROOT).as_posix()
                if re.search(rf"^\s*(?:import|from) {module}\b", text, re.MULTILINE) and not place.startswith(
                    (room, "tests/sandbox/")
                ):
                    yield f"{place}: imports {module}, which is GPL"


def tree() -> tuple[Path, ...]:
    """The files of the project, as git knows them; without git, those that are no product of a run."""
    try:
        done = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607
            cwd=ROOT, capture_output=True, check=True, text=True,
        )  # fmt: skip
        names = [name for name in done.stdout.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        names = [path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*") if not path.parts[-1].startswith(".")]
    return tuple(ROOT / name for name in names if (ROOT / name).is_file())


def secret_problems(name: str, text: str) -> Iterator[str]:
    """Key-shaped strings, paths of somebody's machine, and registries in a text."""
    for number, line in enumerate(text.splitlines(), start=1):
        for what, pattern in (("a key", _KEY), ("a path of a machine", _PATH), ("a registry", _OUTSIDE)):
            if found := pattern.search(line):
                yield f"{name}, line {number}: {what}: {found[0][:12]}…"


def problems() -> list[str]:
    """Everything that is wrong with the tree."""
    found = [line for name in LOCKS for line in lock_problems(name, (ROOT / name).read_text(encoding="utf-8"))]
    found += licence_problems()
    for path in tree():
        data = path.read_bytes()
        found += secret_problems(path.relative_to(ROOT).as_posix(), data.decode("utf-8", "replace"))
    return found


def main() -> int:
    """Print what is wrong; 1 where something is."""
    found = problems()
    sys.stdout.write("\n".join([*found, f"{len(tree())} files, {len(found)} problems"]) + "\n")
    sys.stdout.write("Known vulnerabilities need a network: pip-audit --requirement requirements/run.txt\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
