"""The memory of the sandbox: voices, the bill, and a secret, in one SQLite file that several processes may share.

Invariant: a voice and its price, or a synthesis and its price, are committed together, before the answer leaves.
"""

import json
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, astuple, dataclass, fields
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from narration.sandbox.engine import Traits
from narration.sandbox.languages import Language
from narration.sandbox.models import Family

# The service writes times without a zone; UTC+8 is likely.
SERVICE_ZONE = timezone(timedelta(hours=8))

_BUSY_TIMEOUT_S = 20.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS voices (
    id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, family TEXT NOT NULL, voice TEXT NOT NULL UNIQUE,
    target_model TEXT NOT NULL, language TEXT NOT NULL, voice_prompt TEXT NOT NULL, preview_text TEXT NOT NULL,
    created_s REAL NOT NULL, traits TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS voices_of ON voices (account, family);
CREATE TABLE IF NOT EXISTS calls (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at_s REAL NOT NULL, account TEXT NOT NULL, model TEXT NOT NULL,
    action TEXT NOT NULL, request_id TEXT NOT NULL, status INTEGER NOT NULL, code TEXT NOT NULL, voice TEXT NOT NULL,
    text_sha256 TEXT NOT NULL, characters INTEGER NOT NULL, billed INTEGER NOT NULL, answered INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL DEFAULT 0, output_tokens INTEGER NOT NULL DEFAULT 0,
    seconds INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS reviews (voice TEXT PRIMARY KEY, over_s REAL NOT NULL, passed INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS recipes (key TEXT PRIMARY KEY, kept_s REAL NOT NULL, recipe TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sounds (digest TEXT PRIMARY KEY, kept_s REAL NOT NULL, recipe TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tasks (
    id TEXT PRIMARY KEY, account TEXT NOT NULL, created_s REAL NOT NULL, ready_s REAL NOT NULL, credits REAL NOT NULL,
    failed INTEGER NOT NULL, record TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS callbacks (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at_s REAL NOT NULL, task TEXT NOT NULL, url TEXT NOT NULL,
    attempt INTEGER NOT NULL, waited_s REAL NOT NULL, status INTEGER NOT NULL, error TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS tallies (name TEXT PRIMARY KEY, count INTEGER NOT NULL);
"""


class QuotaFullError(Exception):
    """The account has as many voices as it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """A designed voice as it is kept."""

    account: str
    family: Family
    voice: str
    target_model: str
    language: Language
    voice_prompt: str
    preview_text: str
    created_s: float
    traits: Traits

    @property
    def gmt_create(self) -> str:
        """When it was made, as the service writes it."""
        return datetime.fromtimestamp(self.created_s, SERVICE_ZONE).strftime("%Y-%m-%d %H:%M:%S")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """One request as the bill shows it.

    `billed` says that it costs, `answered` that the caller was sent the answer; `characters` are billed ones.
    """

    at_s: float
    account: str
    model: str
    action: str
    request_id: str
    status: int = 200
    code: str = ""
    voice: str = ""
    text_sha256: str = ""
    characters: int = 0
    billed: bool = False
    answered: bool = True
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: int = 0


_CALL_COLUMNS = ", ".join(field.name for field in fields(CallRow))
_INSERT_CALL = f"INSERT INTO calls ({_CALL_COLUMNS}) VALUES ({', '.join('?' for _ in fields(CallRow))})"  # noqa: S608
_VOICE_COLUMNS = ", ".join(field.name for field in fields(Voice))
_INSERT_VOICE = f"INSERT INTO voices ({_VOICE_COLUMNS}) VALUES ({', '.join('?' for _ in fields(Voice))})"  # noqa: S608
_SELECT_VOICE = f"SELECT {_VOICE_COLUMNS} FROM voices"  # noqa: S608


class State:
    """The SQLite file of one state folder. One thread at a time may use an object of this class."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(
            folder / "sandbox.sqlite3", timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        _patiently(self._prepare)

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)
        known = {str(row[1]) for row in self._db.execute("PRAGMA table_info(calls)")}
        for column in ("input_tokens", "output_tokens", "seconds"):
            if column not in known:  # the folder of an earlier version
                self._db.execute(f"ALTER TABLE calls ADD COLUMN {column} INTEGER NOT NULL DEFAULT 0")
        self._db.execute("INSERT OR IGNORE INTO meta VALUES ('secret', ?)", (secrets.token_hex(16),))

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @property
    def secret(self) -> bytes:
        """The secret that signs download links, kept with the state so that they outlive a restart."""
        (value,) = self._db.execute("SELECT value FROM meta WHERE name = 'secret'").fetchone()
        return str(value).encode()

    def reset(self) -> None:
        """Forget voices, bill and tallies."""
        with self._writing():
            for table in ("voices", "calls", "tallies", "recipes", "sounds", "reviews", "tasks", "callbacks"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names

    def record(self, row: CallRow) -> None:
        """Put one request on the record."""
        self._db.execute(_INSERT_CALL, astuple(row))

    def count_download(self, *, with_key: bool) -> None:
        """Count one download, and whether it carried a key, which it should not."""
        with self._writing():
            for name in ("downloads", *(("downloads_with_key",) if with_key else ())):
                self._db.execute(
                    "INSERT INTO tallies VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET count = count + 1", (name,)
                )

    def keep_recipe(self, key: str, recipe: str) -> None:
        """Keep how the audio of a key is rendered."""
        self._db.execute("INSERT OR REPLACE INTO recipes VALUES (?, ?, ?)", (key, time.time(), recipe))

    def recipe(self, key: str) -> str | None:
        """Return how the audio of a key is rendered, None when it is not kept."""
        row = self._db.execute("SELECT recipe FROM recipes WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def keep_sound(self, digest: str, recipe: str) -> None:
        """Keep how a sound was made, so that it can be heard."""
        self._db.execute("INSERT OR REPLACE INTO sounds VALUES (?, ?, ?)", (digest, time.time(), recipe))

    def sound(self, digest: str) -> str | None:
        """Return how a sound was made, None for a sound of somebody else's."""
        row = self._db.execute("SELECT recipe FROM sounds WHERE digest = ?", (digest,)).fetchone()
        return None if row is None else str(row[0])

    def prune(self, before_s: float) -> None:
        """Forget the recipes kept before a time: their links have expired. Sounds are kept: takes live longer."""
        self._db.execute("DELETE FROM recipes WHERE kept_s < ?", (before_s,))

    def review(self, name: str) -> tuple[float, bool] | None:
        """Return when the review of a voice is over (in seconds) and whether it passes, None where there is none."""
        row = self._db.execute("SELECT over_s, passed FROM reviews WHERE voice = ?", (name,)).fetchone()
        return None if row is None else (float(row[0]), bool(row[1]))

    def add_voice(self, voice: Voice, row: CallRow, quota: int, review: tuple[float, bool] | None = None) -> None:
        """Keep a voice and its price, and what becomes of its review where its family has one.

        Raises:
            QuotaFullError: the account has `quota` voices of this family already; nothing is kept.
        """
        with self._writing():
            if self.voice_count(voice.account, voice.family) >= quota:
                raise QuotaFullError
            values = {**asdict(voice), "traits": json.dumps(voice.traits.as_dict())}
            self._db.execute(_INSERT_VOICE, tuple(values.values()))
            if review is not None:
                self._db.execute("INSERT INTO reviews VALUES (?, ?, ?)", (voice.voice, *review))
            self.record(row)

    def remove_voice(self, voice: Voice, row: CallRow) -> None:
        """Forget a voice."""
        with self._writing():
            self._db.execute("DELETE FROM voices WHERE voice = ?", (voice.voice,))
            self._db.execute("DELETE FROM reviews WHERE voice = ?", (voice.voice,))
            self.record(row)

    def add_task(self, task: Mapping[str, object]) -> None:
        """Keep a task: the columns of its table, `record` as JSON."""
        marks = ", ".join("?" for _ in task)
        self._db.execute(f"INSERT INTO tasks ({', '.join(task)}) VALUES ({marks})", tuple(task.values()))  # noqa: S608 - our own names

    def task(self, account: str, task_id: str) -> tuple[float, float, float, str] | None:
        """Return when an account's task was created and is ready, its credits and its record; None without one."""
        return self._db.execute(  # type: ignore[no-any-return]
            "SELECT created_s, ready_s, credits, record FROM tasks WHERE id = ? AND account = ?", (task_id, account)
        ).fetchone()

    def record_callback(self, row: Mapping[str, object]) -> None:
        """Put one call to a callback address on the record."""
        marks = ", ".join("?" for _ in row)
        self._db.execute(f"INSERT INTO callbacks ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))  # noqa: S608 - our own names

    def callbacks(self) -> list[dict[str, object]]:
        """Return every call to a callback address, in order."""
        cursor = self._db.execute("SELECT * FROM callbacks ORDER BY id")
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def voice(self, account: str, family: Family, name: str) -> Voice | None:
        """Return an account's voice by name."""
        row = self._db.execute(
            f"{_SELECT_VOICE} WHERE voice = ? AND account = ? AND family = ?", (name, account, family)
        ).fetchone()
        return None if row is None else _voice(row)

    def voice_count(self, account: str, family: Family) -> int:
        """Return how many voices an account has in a family."""
        (count,) = self._db.execute(
            "SELECT COUNT(*) FROM voices WHERE account = ? AND family = ?", (account, family)
        ).fetchone()
        return int(count)

    def voices(self, account: str, family: Family, offset: int, count: int) -> tuple[Voice, ...]:
        """Return a page of an account's voices, newest first."""
        rows = self._db.execute(
            f"{_SELECT_VOICE} WHERE account = ? AND family = ? ORDER BY id DESC LIMIT ? OFFSET ?",
            (account, family, count, offset),
        )
        return tuple(map(_voice, rows))

    def bill(self) -> dict[str, object]:
        """Return the bill: calls (refused ones too), what was billed, and downloads."""
        by_action = dict(self._db.execute("SELECT action, COUNT(*) FROM calls GROUP BY action ORDER BY action"))
        refused = dict(
            self._db.execute("SELECT code, COUNT(*) FROM calls WHERE code != '' GROUP BY code ORDER BY code")
        )
        billed = {
            action: (count, characters, lost)
            for action, count, characters, lost in self._db.execute(
                "SELECT action, COUNT(*), SUM(characters), SUM(NOT answered) FROM calls WHERE billed GROUP BY action"
            )
        }
        tokens = self._db.execute("SELECT SUM(input_tokens), SUM(output_tokens) FROM calls WHERE billed").fetchone()
        (seconds,) = self._db.execute("SELECT SUM(seconds) FROM calls WHERE billed").fetchone()
        tallies = dict(self._db.execute("SELECT name, count FROM tallies"))
        (credits_billed,) = self._db.execute("SELECT COALESCE(SUM(credits), 0) FROM tasks WHERE NOT failed").fetchone()
        return {
            "calls": sum(by_action.values()),
            "calls_by_action": by_action,
            "characters": sum(characters for _, characters, _ in billed.values()),
            "synthesized": billed.get("synthesize", (0, 0, 0))[0],
            "chats": billed.get("chat", (0, 0, 0))[0],
            "transcribed": billed.get("transcribe", (0, 0, 0))[0],
            "seconds_heard": seconds or 0,
            "input_tokens": tokens[0] or 0,
            "output_tokens": tokens[1] or 0,
            "voices_created": billed.get("create", (0, 0, 0))[0],
            "voices_kept": self._db.execute("SELECT COUNT(*) FROM voices").fetchone()[0],
            "credits": round(credits_billed, 6),
            "answers_lost": sum(lost for *_, lost in billed.values()),
            "refused_by_code": refused,
            "downloads": tallies.get("downloads", 0),
            "downloads_with_key": tallies.get("downloads_with_key", 0),
        }

    def rows(self, action: str | None, after: int) -> list[dict[str, object]]:
        """Return billed requests in order, those with a number above `after`, of one action or all."""
        cursor = self._db.execute(
            f"SELECT id, {_CALL_COLUMNS} FROM calls WHERE billed AND id > ? AND (? IS NULL OR action = ?) ORDER BY id",  # noqa: S608
            (after, action, action),
        )
        names = [column[0] for column in cursor.description]
        return [_row(dict(zip(names, row, strict=True))) for row in cursor]

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold the write lock for a transaction; undo it on an error."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


def _voice(row: tuple[object, ...]) -> Voice:
    values: dict[str, object] = dict(zip((field.name for field in fields(Voice)), row, strict=True))
    family, language = Family(str(values.pop("family"))), Language(str(values.pop("language")))
    traits = Traits(**json.loads(str(values.pop("traits"))))
    return Voice(**values, family=family, language=language, traits=traits)  # type: ignore[arg-type]


def _row(values: Mapping[str, object]) -> dict[str, object]:
    """Return a row as the bill shows it: without the account, truth as truth, the time in ISO form."""
    at = datetime.fromtimestamp(float(str(values["at_s"])), UTC).isoformat()
    shown = {name: value for name, value in values.items() if name not in {"at_s", "account", "status", "code"}}
    return {**shown, "at": at, "billed": bool(values["billed"]), "answered": bool(values["answered"])}


def _patiently(step: Callable[[], None], attempts: int = 50) -> None:
    """Repeat a step while another process prepares the same file; SQLite does not wait for a change of mode."""
    for _ in range(attempts - 1):
        try:
            return step()
        except sqlite3.OperationalError:
            time.sleep(0.05)
    return step()
