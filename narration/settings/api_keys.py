"""The key of an account, from the environment variable that its profile names.

Invariant: a key is in no message.
"""

from __future__ import annotations

from collections.abc import Mapping

from narration.errors import InputError, Problem
from narration.settings.profiles import VENDOR_KEY
from narration.settings.settings import Settings

SANDBOX_KEY = "sk-sandbox-narrate"
"""What the sandbox profile sends in place of a key; it opens nothing but the sandbox."""


def api_key(settings: Settings, environ: Mapping[str, str]) -> str:
    """The key to send to the service; the sandbox has its own.

    Raises:
        InputError: the variable is not set, or holds what cannot be a key. The key itself is in no message.
    """
    if settings.service.sandbox:
        return SANDBOX_KEY
    service, names = settings.service, key_variables(settings)
    name = next((name for name in names if environ.get(name, "").strip()), names[-1])
    key = environ.get(name, "").strip()
    where = f"environment variable {name}"
    site, region = "", ""
    if service.key_variable == VENDOR_KEY:
        site, region = f" ({_console(service.region)})", "a key of another region does not work. "
    hint = (
        f"The profile `{service.profile}` needs a key of its own site{site}; {region}"
        "`--profile sandbox` needs none and costs nothing."
    )
    if not key:
        raise InputError(Problem(what="is not set", where=where, expected="an API key", hint=hint))
    if not key.isascii() or not key.isprintable() or " " in key:
        what = "holds something that is not a key (a space, a line break or a foreign letter)"
        raise InputError(Problem(what=what, where=where, hint=hint))
    return key


def key_variables(settings: Settings) -> tuple[str, ...]:
    """Where the key of a profile may stand, the first that is set counts: the vendor's has a form for each region."""
    service = settings.service
    if service.key_variable != VENDOR_KEY or not service.region:
        return (service.key_variable,)
    return f"{VENDOR_KEY}_{service.region.upper().replace('-', '_')}", VENDOR_KEY


def _console(region: str) -> str:
    """Where a region's keys are made. Source: alibabacloud.com and help.aliyun.com model-studio, get-api-key."""
    china = region == "cn-beijing"
    return "https://bailian.console.aliyun.com" if china else "https://modelstudio.console.alibabacloud.com"
