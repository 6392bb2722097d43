"""A new key: whose it is, found out for nothing or said by a person, and no voice paid for again before that.

Invariant: with a key that the store does not know nothing is created that another account in the store has; what is
known of a key comes from the account's own list, or from a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from flows.booths import lone_booth, service_key, speaking
from narration.errors import InputError, Problem
from narration.memory.accounts import Accounts, Belonging, in_common, twins
from narration.memory.store import Store
from narration.memory.voices import Voices
from narration.plan import Plan
from narration.services import key_fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Rekeyed:
    """What the store knows of a key now.

    Attributes:
        fingerprint: of the key.
        belonging: whose it is.
        voices: how many voices of that account the store keeps.
    """

    fingerprint: str
    belonging: Belonging
    voices: int

    @property
    def is_own(self) -> bool:
        """Whether it is the first key of its account here."""
        return self.belonging.account == self.fingerprint


async def refuse_unknown_key(plan: Plan, store: Store, environ: Mapping[str, str]) -> None:
    """Stop before voices are paid for that the store has of another account, where nothing is known of the key.

    Args:
        plan: what is to be created.
        store: that keeps the voices.
        environ: the process's environment, for the keys.

    Raises:
        InputError: a key is new to the store, and might be of an account that has these voices.
        StoreError: the store cannot be read.
    """
    wanted = [one for one in plan.voices_to_create() if not plan.seating.booths[one.booth].settings.service.sandbox]
    if not wanted:
        return
    kept, problems = await Voices(store).all(), list[Problem]()
    for booth in dict.fromkeys(one.booth for one in wanted):
        settings = plan.seating.booths[booth].settings
        found = twins([one.design for one in wanted if one.booth == booth], kept)
        if not found or Accounts(store).belonging(key_fingerprint(service_key(settings, environ))) is not None:
            continue
        accounts = ", ".join(sorted({voice.design.account for voice in found}))
        problems.append(
            Problem(
                what=f"is new to this store, which keeps {len(found)} of the voices to be paid for, of {accounts}",
                where=f"the key in {settings.service.key_variable}",
                expected="a key of that account, or your word that it is another's; nothing was sent",
                hint=f"`narrate voices rekey --profile {booth}` asks the account for its list, free of charge, and "
                "remembers whose the key is; with --other-account the voices are made anew.",
            )
        )
    if problems:
        raise InputError(*problems)


async def rekey(
    store: Store, environ: Mapping[str, str], *, profile: str, account: str = "", other: bool = False
) -> Rekeyed:
    """Find out whose the key of a profile is, and remember it.

    Args:
        store: that keeps the voices.
        environ: the process's environment, for the key.
        profile: a name or a path.
        account: of which the key is, by a person's word; empty asks the service.
        other: whether it is, by a person's word, of an account that the store does not know.

    Raises:
        InputError: no such profile, account or key; or the account's list does not tell.
        ServiceError: the service does not answer, or refuses the key.
        StoreError: the store cannot be read or written.
    """
    seating = lone_booth(profile, environ)
    settings = seating.settings
    fingerprint = key_fingerprint(service_key(settings, environ))
    place = "sandbox" if settings.service.sandbox else settings.service.base_url
    kept = [voice for voice in await Voices(store).all() if voice.design.base_url == place]
    if other:
        account, because = fingerprint, "said by a person"
    elif account:
        _check_known(account, {voice.design.account for voice in kept})
        because = "said by a person"
    else:
        async with speaking(seating, environ) as services:
            listed = await services[seating.main][0].voices()
        found = in_common(kept, listed.voices)
        if not found:
            raise InputError(_nothing_told(profile, len(kept), listed.told))
        account, count = max(found.items(), key=lambda item: (item[0] == fingerprint, item[1], item[0]))
        because = f"{count} of the account's voices are kept here"
    at = datetime.now(UTC).isoformat(timespec="seconds")
    belonging = Belonging(account=account, at=at, because=because)
    await Accounts(store).belongs(fingerprint, belonging)
    own = sum(voice.design.account == account for voice in kept)
    return Rekeyed(fingerprint=fingerprint, belonging=belonging, voices=own)


def _check_known(account: str, known: set[str]) -> None:
    if account not in known:
        raise InputError(
            Problem(
                what=f"the store keeps no voice of an account {account}",
                where="--same-as",
                expected=f"one of {', '.join(sorted(known))}"
                if known
                else "an account that the store keeps a voice of",
            )
        )


def _nothing_told(profile: str, kept: int, told: bool) -> Problem:
    what = f"the account has none of the {kept} voices that this store keeps of that service"
    if not told:
        what = "the service does not list the voices of an account, so that nothing shows whose the key is"
    return Problem(
        what=what,
        where=f"profile {profile}",
        expected="a key of the account that made them",
        hint="If you know that it is: --same-as ACCOUNT (`narrate voices list --json` has it). If it is another "
        "account's: --other-account; then voices are made anew, and paid for.",
    )
