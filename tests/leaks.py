"""Looking for a secret in everything that was written: as it is, encoded, in part, packed in archives and tables."""

from __future__ import annotations

import base64
import gzip
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pyarrow.parquet as pq

PART_CHARS = 12
"""So much of a secret is never there by chance."""


def forms(secret: str) -> dict[str, bytes]:
    """The spellings of a secret, none of them a hash, by name; base64 at each of the three places it may begin."""
    raw = secret.encode()
    found = {
        "as it is": raw,
        "its beginning": raw[: PART_CHARS + 3],
        "its end": raw[-PART_CHARS:],
        "in a URL": quote(secret, safe="").encode(),
        "in JSON": json.dumps(secret).strip('"').encode(),
        "in hex": raw.hex().encode(),
        "backwards": raw[::-1],
        "in UTF-16": secret.encode("utf-16-le"),
    }
    for shift in range(3):
        for name, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode)):
            # What lies on the borders of the secret depends on its neighbours.
            found[f"{name} at {shift}"] = encode(b"\0" * shift + raw)[4 if shift else 0 : -4].rstrip(b"=")
    return found


def leaks(data: bytes, wanted: dict[str, bytes], where: str) -> Iterator[str]:
    """Every form that is in some bytes, or in what they hold packed."""
    folded = data.lower()
    yield from (f"{where}: {name}" for name, form in wanted.items() if form in data or form.lower() in folded)
    if data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.namelist():
                yield from leaks(archive.read(member), wanted, f"{where}: {member}")
    elif data.startswith(b"\x1f\x8b"):
        yield from leaks(gzip.decompress(data), wanted, f"{where}: unpacked")
    elif data.startswith(b"PAR1"):
        table = pq.read_table(io.BytesIO(data))
        yield from leaks(json.dumps(table.to_pylist(), default=str).encode(), wanted, f"{where}: rows")
        yield from leaks(str(table.schema.metadata).encode(), wanted, f"{where}: metadata")


def leaked(folder: Path, secret: str) -> list[str]:
    """Every form of a secret in the files below a folder, and in their names."""
    wanted, found = forms(secret), list[str]()
    for path in sorted(folder.rglob("*")):
        found += leaks(str(path.relative_to(folder)).encode(), wanted, f"the name {path}")
        if path.is_file():
            found += leaks(path.read_bytes(), wanted, str(path))
    return found
