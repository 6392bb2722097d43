"""Where settings come from (packaged defaults, a profile, the vendor's environment), and which addresses are fit.

Invariant: a key can only travel encrypted, or to this machine.
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from urllib.parse import SplitResult, urlsplit

from narration.errors import InputError, Problem
from narration.sheets import nearest, read_text

ENVIRONMENT = {
    "base_url": ("DASHSCOPE_BASE_URL", "DASHSCOPE_HTTP_BASE_URL"),
    "websocket_url": ("DASHSCOPE_WEBSOCKET_BASE_URL",),
    "workspace": ("DASHSCOPE_WORKSPACE",),
}
"""The vendor's environment variables for keys of the table `service`; the first that is set counts.

Source: PyPI dashscope 2.0.2, v2/_config.py.
"""

VENDOR_KEY = "DASHSCOPE_API_KEY"
"""The vendor's own variable for a key. Those of `ENVIRONMENT` speak of the same account, so they go with it only."""

API_PATHS = MappingProxyType({"gateway": "/v1"})
"""How the address of a kind's API ends, where it is not `/api/v1`. Source: docs.evolink.ai, audio series."""

_LEGACY_REGIONS = {
    "dashscope.aliyuncs.com": "cn-beijing",
    "dashscope-intl.aliyuncs.com": "ap-southeast-1",
    "cn-hongkong.dashscope.aliyuncs.com": "cn-hongkong",
    "dashscope-us.aliyuncs.com": "us-east-1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One source of settings.

    Attributes:
        label: what the user would call it.
        tables: as TOML has them.
        places: a name for single keys (`("service", "base_url")`), where it is not label, line and key.
    """

    label: str
    tables: Mapping[str, object]
    places: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def where(self, table: str, key: str = "") -> str:
        """The place of a key, for messages."""
        if not self.label:
            return f"{table}.{key}" if key else table
        return self.places.get((table, key), f"{self.label}, {table}{'.' if key else ''}{key}")


def defaults_text() -> str:
    """The packaged defaults.toml, comments included."""
    return resources.files("narration").joinpath("defaults.toml").read_text(encoding="utf-8")


def profiles_folder() -> Path:
    """The packaged profiles: inside the package of a built wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "configs"
    return inside if inside.is_dir() else package.parent / "configs"


def profile_names() -> tuple[str, ...]:
    """The names of the packaged profiles."""
    return tuple(sorted(path.stem for path in profiles_folder().glob("*.toml")))


def read_layer(text: str, label: str) -> Layer:
    """TOML text as a layer.

    Raises:
        InputError: it is not TOML.
    """
    try:
        tables = tomllib.loads(text)
    except ValueError as error:  # of TOML's own, and of a number with too many digits
        raise InputError(Problem(what=f"is not valid TOML: {error}", where=label)) from error
    except RecursionError:
        raise InputError(Problem(what="is nested too deeply", where=label)) from None
    return Layer(label=label, tables=tables, places=_places(text, label))


def _places(text: str, label: str) -> dict[tuple[str, str], str]:
    places: dict[tuple[str, str], str] = {}
    table = ""
    for number, line in enumerate(text.split("\n"), start=1):
        header = re.match(r"\s*\[\s*([\w-]+)\s*\]", line)
        key = re.match(r"""\s*["']?([\w-]+)["']?\s*=""", line)
        if header:
            table = header.group(1)
            places.setdefault((table, ""), f"{label}, line {number}, {table}")
        elif key:
            name = (table, key.group(1)) if table else (key.group(1), "")
            places.setdefault(name, f"{label}, line {number}, {'.'.join(part for part in name if part)}")
    return places


def read_profile(profile: str) -> tuple[str, Layer]:
    """A profile's name and content.

    Args:
        profile: the name of a packaged profile, or the path of a TOML file.

    Raises:
        InputError: there is no such profile, or it cannot be read.
    """
    if "/" in profile or "\\" in profile or profile.endswith(".toml"):
        path = Path(profile)
        return path.stem, read_layer(read_text(path, path.name), path.name)
    names = profile_names()
    if profile not in names:
        expected = f"one of {', '.join(names)}, or the path of a .toml file"
        what = f"there is no profile `{profile}`"
        raise InputError(Problem(what=what, where="profile", expected=expected, hint=nearest(profile, names)))
    path = profiles_folder() / f"{profile}.toml"
    return profile, read_layer(read_text(path, path.name), f"configs/{path.name}")


def environment_layer(environ: Mapping[str, str]) -> Layer:
    """The vendor's environment variables that are set."""
    service: dict[str, object] = {}
    places: dict[tuple[str, str], str] = {}
    for key, variables in ENVIRONMENT.items():
        for variable in variables:
            value = environ.get(variable, "").strip()
            if value and key not in service:
                service[key] = value
                places[("service", key)] = f"environment variable {variable}"
    return Layer(label="environment", tables={"service": service} if service else {}, places=places)


def is_loopback(host: str) -> bool:
    """The host is this machine, by its very name."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def checked_url(url: str, where: str, *, schemes: tuple[str, str], path_end: str) -> tuple[str, Problem | None]:
    """An address in one spelling, or what is wrong with it.

    Args:
        url: as written.
        where: its place, for the message.
        schemes: the plain and the encrypted scheme (`http`, `https`).
        path_end: how the path must end (`/api/v1`).
    """
    plain, encrypted = schemes
    tidy = url.strip().rstrip("/")
    try:
        parts = urlsplit(tidy)
        host, _port = parts.hostname or "", parts.port
    except ValueError as error:
        return url, Problem(what=f"is not an address: {error}", where=where)
    example = f"{encrypted}://HOST{path_end}"
    scheme = parts.scheme.lower()
    if scheme not in schemes or not host or re.search(r"[\s\x00-\x1f\x7f]", tidy):
        return url, Problem(what="is not an address that can be asked", where=where, expected=example)
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        return url, Problem(what="carries a login, a query or a fragment", where=where, expected=example)
    if scheme == plain and not is_loopback(host):
        what = f"`{plain}://{host}` is not encrypted, and the key would be readable on its way"
        return url, Problem(what=what, where=where, expected=f"{encrypted}://")
    return _right_path(tidy, parts, where, path_end)


def _right_path(tidy: str, parts: SplitResult, where: str, path_end: str) -> tuple[str, Problem | None]:
    if path_end and parts.path.endswith("/compatible-mode/v1"):
        what = (
            "`/compatible-mode/v1` is the OpenAI-compatible interface, which answers speech requests with “url error”"
        )
        return tidy, Problem(what=what, where=where, expected=f"the same host with {path_end}")
    if not parts.path.endswith(path_end):
        found = f"ends in `{parts.path}`" if parts.path else "has no path"
        return tidy, Problem(what=found, where=where, expected=f"an address that ends in {path_end}")
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}{parts.path}", None


def websocket_beside(base_url: str) -> str:
    """The WebSocket address on the host of an HTTP address."""
    parts = urlsplit(base_url)
    scheme = "ws" if parts.scheme == "http" else "wss"
    return f"{scheme}://{parts.netloc}{_root(parts.path)}/api-ws/v1"


def api_address(kind: str, base_url: str) -> str:
    """The address of a kind's API on the host of another kind's; empty where that is."""
    return _root(base_url) + API_PATHS.get(kind, "/api/v1") if base_url else ""


def _root(path: str) -> str:
    return path.removesuffix("/v1").removesuffix("/api")


def region_of(base_url: str) -> str:
    """The region that the vendor's host names stand for, or an empty string.

    Source: alibabacloud.com model-studio, voice design API reference; PyPI dashscope 2.0.2, v2/_config.py.
    """
    try:
        host = urlsplit(base_url).hostname or ""
    except ValueError:
        return ""
    workspace = re.fullmatch(r"[^.]+\.([a-z0-9-]+)\.maas\.aliyuncs\.com", host)
    return workspace.group(1) if workspace else _LEGACY_REGIONS.get(host, "")
