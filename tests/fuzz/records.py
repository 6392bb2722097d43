"""Records of the store as targets: half-written, of another hand, or eaten by a bad disk.

Invariant: a record that cannot be read is a `StoreError` that names it, or is left out where nothing depends on it.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import io
import json
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq

from narration.chat import ChatAnswer, ChatSaid
from narration.learnt import Learnt
from narration.memory.budget import Budget
from narration.memory.choices import Choice as TakeChoice
from narration.memory.choices import Choices
from narration.memory.claims import Claims, Run
from narration.memory.journal import Answer, Journal
from narration.memory.rates import Rates
from narration.memory.refusals import Refusal, RefusalKind, Refusals
from narration.memory.replies import answers_in
from narration.memory.store import Store, open_store
from narration.memory.takes import Takes
from narration.memory.usage import Ledger, to_table
from narration.memory.voices import Voices
from narration.row import encode_row
from narration.settings.settings import LengthUnit
from narration.take import Receipt, Take
from narration.voice import Choice, Voice, role_of
from tests.memory.worlds import MEASURES, Cabinet, ask, row
from tests.services.fakes import DESIGN
from tests.services.test_chat import ASK as CHAT

Reader = tuple[Callable[[bytes, Path], object], Callable[[], Iterator[bytes]]]
RUN: Final = Run(run_id="20261121T000000-00000000", machine="there", pid=1, process_started=1.0)
TAKE: Final = Take(
    ask=ask(), sha256="0" * 64, measures=MEASURES, request_id="r", billed_characters=1, price_usd=0.1,
    created_at="", run_id="r",
)  # fmt: skip
VOICE: Final = Voice(
    design=DESIGN, voice="v", preferred_name="n", character="Mara", production="book", created_at="", request_id="r",
    price_usd=0.2, preview_format="wav",
)  # fmt: skip
ROLE: Final = role_of("book", "Mara", DESIGN)


def _stored(folder: Path, key: str, data: bytes) -> Store:
    path = folder / "store" / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return open_store(folder / "store")


def _reader(key: str, read: Callable[[Store], Awaitable[object]], seed: Callable[[], bytes]) -> Reader:
    """A target that puts an input at a key and reads it as the program does."""

    async def work(store: Store) -> object:
        return await read(store)

    return (lambda data, folder: asyncio.run(work(_stored(folder, key, data)))), lambda: iter([seed()])


def _written(write: Callable[[Store], Awaitable[object]], key: str) -> Callable[[], bytes]:
    """What the program itself writes there."""

    def seed() -> bytes:
        async def work(store: Store) -> bytes:
            await write(store)
            found = next(name for name in await store.keys("") if name.endswith(key))
            data = await store.get(found)
            assert data is not None
            return data

        with tempfile.TemporaryDirectory() as name:
            return asyncio.run(work(open_store(name)))

    return seed


def _json(thing: object) -> Callable[[], bytes]:
    return lambda: json.dumps(dataclasses.asdict(thing)).encode()  # type: ignore[call-overload]


def _parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(to_table([row("a"), row("b")]), sink)
    return sink.getvalue()


async def _ledger(store: Store) -> object:
    ledger = Ledger(store, "other")
    await ledger.noted(row("c"))
    await ledger.spent_usd("book")
    return await ledger.table()


async def _budget(store: Store) -> object:
    async def nothing(_left_out: frozenset[str]) -> float:
        return 0.0

    left = await Budget(store, "book", "mine", book_cap_usd=1.0, run_cap_usd=None, spent_elsewhere=nothing).left_usd()
    assert left is None or 0 <= left <= 1.0
    return left


async def _hold(store: Store) -> None:
    async def nothing(_left_out: frozenset[str]) -> float:
        return 0.0

    await Budget(store, "book", "theirs", book_cap_usd=1.0, run_cap_usd=None, spent_elsewhere=nothing).reserve(0.1)


def _budget_key() -> str:
    return f"budget/{hashlib.sha256(b'book').hexdigest()[:16]}/theirs.json"


async def _learn(store: Store) -> None:
    await Refusals(store).learn("account", "model", accepted={}, refused={LengthUnit.CODEPOINTS: 600})


async def _rate(store: Store) -> None:
    await Rates(store, "a", "m").save(Learnt(rate_hz=2.0, in_flight=4, ramp_s=5.0))


async def _claim(store: Store) -> object:
    return await Claims(store, dataclasses.replace(RUN, run_id="mine")).newest("subject")


async def _fellows(store: Store) -> object:
    claims = Claims(store, dataclasses.replace(RUN, run_id="mine"))
    return await claims.fellows("asked"), await claims.is_alone()


_ANSWER: Final = Answer(row=row(), receipt=Receipt(request_id="r", url="http://x/a.wav"), generation=1, ask=ask())
_SAID: Final = ChatAnswer(
    ask=CHAT, said=ChatSaid(request_id="r", content="{}", finish_reason="stop"), price_usd=0.1, created_at="",
    run_id="r",
)  # fmt: skip
_TAKE_KEY: Final = f"takes/{TAKE.take_id[:2]}/{TAKE.take_id}/take.json"

READERS: Final[dict[str, Reader]] = {
    "record-take": _reader(_TAKE_KEY, lambda store: Takes(store).get(TAKE.take_id), _json(TAKE)),
    "record-voice": _reader(
        f"voices/{DESIGN.design_id}/voice.json", lambda store: Voices(store).get(DESIGN.design_id), _json(VOICE)
    ),
    "record-claim": _reader(
        "open/subject/claim-000001.json",
        _claim,
        _written(lambda store: Claims(store, RUN).acquire("subject", row()), "claim-000001.json"),
    ),
    "record-run": _reader(
        f"runs/{RUN.run_id}.json", _fellows, _written(lambda store: Claims(store, RUN).announce(), ".json")
    ),
    "record-answer": _reader(
        "open/subject/answer-000001.json",
        lambda store: Journal(store).history("subject"),
        _written(lambda store: Journal(store).answered("subject", _ANSWER), "answer-000001.json"),
    ),
    "record-row": _reader("ledger/pending/run/a.json", _ledger, lambda: encode_row(row())),
    "record-parquet": _reader("ledger/rows/month=2026-11/run-000001.parquet", _ledger, _parquet),
    "record-budget": _reader(_budget_key(), _budget, _written(_hold, ".json")),
    "record-refusal": _reader(
        f"refusals/00/{'0' * 64}.json",
        lambda store: Refusals(store).find(["0" * 64]),
        _json(Refusal(take_id="0" * 64, kind=RefusalKind.TEXT, message="no", at="")),
    ),
    "record-choice": _reader(
        f"choices/00/{'0' * 64}.json",
        lambda store: Choices(store).find(["0" * 64]),
        _json(TakeChoice(take_id="0" * 64, ordinal=1, why="best of 3")),
    ),
    "record-lesson": _reader(
        f"limits/{hashlib.sha256(b'account model').hexdigest()[:16]}/length.json",
        lambda store: Refusals(store).lessons("account", "model"),
        _written(_learn, "length.json"),
    ),
    "record-rate": _reader(
        f"limits/{Rates(Cabinet(), 'a', 'm').asked}/rate.json",
        lambda store: Rates(store, "a", "m").load(),
        _written(_rate, "rate.json"),
    ),
    "record-role": _reader(
        f"roles/{ROLE.role_id}/choice-{ROLE.account}.json",
        lambda store: Voices(store).sitting(ROLE, DESIGN),
        _json(Choice(role=ROLE, design_id=DESIGN.design_id, locked=True, at="")),
    ),
    "record-said": _reader(
        f"answers/{CHAT.ask_id[:2]}/{CHAT.ask_id}.json", lambda store: answers_in(store).get(CHAT.ask_id), _json(_SAID)
    ),
}
