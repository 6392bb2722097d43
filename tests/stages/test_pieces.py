"""What becomes of each piece of a chapter: whose words, what it cost, what is told, and how a take is waited for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType
from typing import cast

import pytest

from narration.book import Removal
from narration.booth import Booth
from narration.chunks import billed_characters
from narration.design import voice_for
from narration.desk import FAILURES, Desk
from narration.errors import (
    AudioRefused,
    CallFacts,
    KeyRefused,
    NarrationError,
    ServiceUnavailable,
    TextLost,
    TextRefused,
    VoiceMissing,
)
from narration.finding import MEANINGS, Code, Severity
from narration.halving import lengths
from narration.memory.claims import Claim
from narration.memory.refusals import Refusal, RefusalKind
from narration.plan import ChapterPlan, Plan, PlannedChunk
from narration.services.pricing import cost_usd, price_of
from narration.services.protocol import Gate, SpeechService, Spoken, TaskFailed
from narration.speak import (
    SpokenChapter,
    SpokenPiece,
    _gone,
    speak_chapter,
    spoken_already,
    take_of,
    verify_spoken,
)
from narration.take import Receipt, SpeechAsk, Take
from narration.voice import Voice
from tests.memory.worlds import row
from tests.stages.conftest import World, quiet, speak_all

FACTS = CallFacts(action="synthesize", status=500, code="down")


class Notes:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, bool]] = []

    def __call__(self, planned: PlannedChunk, take: Take, *, bought: bool) -> None:
        self.heard.append((planned.chunk.text, take.take_id, bought))


class Moody:
    """A service that answers as it is told; what is not told is the real one's."""

    def __init__(self, inner: SpeechService) -> None:
        self._inner = inner
        self.asked: list[str] = []
        self.on_speak: Callable[[str], None] = lambda _: None
        self.on_collect: Callable[[], None] = lambda: None
        self.answer: Callable[[Spoken], Spoken] = lambda spoken: spoken

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    async def speak(self, ask: SpeechAsk, gate: Gate) -> Spoken:
        self.asked.append(ask.text)
        self.on_speak(ask.text)
        return self.answer(await self._inner.speak(ask, gate))

    async def collect(self, receipt: Receipt) -> bytes:
        self.on_collect()
        return await self._inner.collect(receipt)


def moody(desk: Desk) -> tuple[Desk, Moody]:
    """The same desk before a service of moods."""
    service = Moody(desk.main.service)
    booth = replace(desk.main, service=cast("SpeechService", service))
    return replace(desk, main=booth, booths={booth.key: booth}), service


async def voices_of(desk: Desk, plan: Plan) -> dict[str, Voice]:
    return {planned.character.name: (await voice_for(desk, planned))[0] for planned in plan.voices}


async def first_ask(desk: Desk, plan: Plan) -> SpeechAsk:
    """The first thing that is to be asked, in its own voice."""
    planned = plan.chapters[0].chunks[1]
    return planned.ask_with((await voices_of(desk, plan))[planned.chunk.character])


async def bought_now(desk: Desk, booth: Booth, ask: SpeechAsk) -> tuple[Take, bool]:
    return await take_of(desk, booth, ask, chapter=3, character="Mara")


def raising(error: Exception, *, times: int = 10**9) -> Callable[[], None]:
    left = iter(range(times))

    def rise() -> None:
        if next(left, None) is not None:
            raise error

    return rise


# What is bought, and what is noted of it.


async def test_every_take_has_a_row_that_says_for_whom_and_what_was_bought(world: World) -> None:
    async with world.desk() as desk:
        desk = replace(desk, flow_run_id="flow-7")
        await speak_all(desk, await world.plan())
        rows = {row["take_id"]: row for row in (await desk.ledger.table()).to_pylist() if row["action"] == "synthesize"}
    plan = await world.plan()
    service = world.settings.service
    chunks = [planned for chapter in reversed(plan.chapters) for planned in reversed(chapter.chunks)]
    buyers = {planned.take.take_id: planned for planned in chunks if planned.take}  # words said twice: the first
    assert set(rows) == set(buyers)
    for planned in buyers.values():
        take = planned.take
        assert take is not None
        found = rows[take.take_id]
        characters = billed_characters(planned.ask.text)
        expected = {
            "production": "book",
            "flow_run_id": "flow-7",
            "run_id": world.runs[0].run_id,
            "chapter": planned.chunk.chapter,
            "character": planned.chunk.character,
            "service": service.kind,
            "region": service.region,
            "model": service.speech_model,
            "voice": take.ask.voice,
            "characters": characters,
            "price_usd": cost_usd(price_of(service.speech_model, service.region), characters),
            "status": 200,
            "in_doubt": False,
            "request_id": take.request_id,
        }
        assert {name: found[name] for name in expected} == expected
        assert (take.billed_characters, take.price_usd) == (characters, expected["price_usd"])
        assert (take.ask.text, take.run_id) == (planned.chunk.spoken, world.runs[0].run_id)


async def test_every_take_is_told_with_whether_it_was_bought(world: World) -> None:
    plan = await world.plan()
    async with world.desk() as desk:
        voices, notes, again = await voices_of(desk, plan), Notes(), Notes()
        first = await speak_chapter(desk, plan.chapters[0], voices, notes)
        second = await speak_chapter(desk, plan.chapters[0], voices, again)
        known = Notes()
        third = await speak_chapter(desk, (await world.plan()).chapters[0], {}, known)
    texts = [planned.chunk.text for planned in plan.chapters[0].chunks]
    assert sorted(text for text, _, bought in notes.heard if bought) == sorted(texts)
    assert sorted(again.heard) == sorted((text, take_id, False) for text, take_id, _ in notes.heard)
    assert known.heard == [(text, *rest) for text in texts for name, *rest in again.heard if name == text]
    assert (first.bought, second.bought, third.bought) == (len(texts), 0, 0)
    for spoken in (first, second, third):
        assert [(piece.chunk.text, piece.booth) for piece in spoken.pieces] == [(text, "sandbox") for text in texts]
        assert (spoken.findings, spoken.error) == ((), None)
    assert [piece.take for piece in first.pieces] == [piece.take for piece in third.pieces]


async def test_what_the_service_counts_and_asks_is_what_is_paid(world: World) -> None:
    plan = await world.plan()
    async with world.desk() as desk:
        desk, service = moody(desk)
        ask = await first_ask(desk, plan)
        own = cost_usd(price_of(ask.model, ask.region), 7)

        def counted(billed: int | None, price_usd: float | None) -> Callable[[Spoken], Spoken]:
            return lambda spoken: replace(
                spoken, price_usd=price_usd, receipt=replace(spoken.receipt, billed_characters=billed)
            )

        for ordinal, (billed, told_usd, characters, price_usd) in enumerate(
            [
                (7, None, 7, own),
                (7, 0.5, 7, 0.5),
                (0, 0.0, 0, 0.0),
                (None, 0.5, len(ask.text), 0.5),
                (None, None, len(ask.text), cost_usd(price_of(ask.model, ask.region), len(ask.text))),
            ]
        ):
            service.answer = counted(billed, told_usd)
            take, bought = await bought_now(desk, desk.main, replace(ask, ordinal=ordinal))
            assert (take.billed_characters, take.price_usd, bought) == (characters, price_usd, True)


async def test_a_chapter_that_is_all_there_needs_no_desk_and_what_is_missing_is_passed_over(world: World) -> None:
    plan = await world.plan()
    assert spoken_already(plan.chapters[0], quiet) == SpokenChapter(pieces=())
    async with world.desk() as desk:
        first, _ = await speak_all(desk, plan)
    notes, chapter = Notes(), (await world.plan()).chapters[0]
    found = spoken_already(chapter, notes)
    assert found == SpokenChapter(pieces=tuple(replace(piece, bought=False) for piece in first.pieces))
    assert [(text, bought) for text, _, bought in notes.heard] == [(p.chunk.text, False) for p in chapter.chunks]


# What is refused.


def refused(chapter: ChapterPlan, kind: RefusalKind) -> ChapterPlan:
    refusal = Refusal(take_id="t", kind=kind, message="It is not nice.", at="2026-11-20T10:00:00.000+00:00")
    return replace(chapter, chunks=(replace(chapter.chunks[-1], refusal=refusal),))


@pytest.mark.parametrize("kind", [RefusalKind.TEXT, RefusalKind.LENGTH])
async def test_words_that_were_refused_are_a_finding_with_all_that_a_person_needs(
    world: World, kind: RefusalKind
) -> None:
    chapter = (await world.plan()).chapters[0]
    (piece,) = spoken_already(refused(chapter, kind), quiet).pieces
    chunk, finding = chapter.chunks[-1].chunk, piece.finding
    assert finding is not None
    assert (piece.chunk, piece.take, piece.error) == (chunk, None, None)
    assert (finding.code, finding.severity) == (Code.TEXT_REFUSED, MEANINGS[Code.TEXT_REFUSED].severity)
    assert finding.message == "The service refused to speak this: It is not nice."
    assert (finding.chapter, finding.line, finding.character) == (1, chunk.line, chunk.character)
    assert (finding.text, finding.hint) == (chunk.text, MEANINGS[Code.TEXT_REFUSED].hint)


async def test_words_of_a_voice_that_was_refused_are_a_finding_that_names_the_cast_sheet(world: World) -> None:
    chapter = (await world.plan()).chapters[0]
    planned = next(planned for planned in chapter.chunks if planned.chunk.character == "Mara")
    one = replace(chapter, chunks=(planned,))
    (known,) = spoken_already(refused(one, RefusalKind.VOICE), quiet).pieces
    async with world.desk() as desk:
        desk.refused[planned.design_id] = "It is not nice."
        (told,) = (await speak_chapter(desk, one, {}, quiet)).pieces
    assert world.spoken() == []
    finding = known.finding
    assert finding is not None
    assert told.finding == finding
    assert (told.take, told.error, told.chunk) == (None, None, planned.chunk)
    assert (finding.code, finding.severity) == (Code.VOICE_REJECTED, MEANINGS[Code.VOICE_REJECTED].severity)
    assert finding.message == "Nobody speaks this: It is not nice."
    assert (finding.chapter, finding.line, finding.character) == (1, planned.chunk.line, "Mara")
    assert finding.text == planned.chunk.text
    assert finding.hint.startswith("Reword the description of Mara in the cast sheet and render again")


async def test_a_refusal_is_remembered_with_the_services_words_and_cut_in_two(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.write("# One\n\nThe first is fine. The second has poison in it.\n")
    world.switch(poison_words=("poison",))
    plan = await world.plan()
    with caplog.at_level("WARNING", "narration.speak"):
        async with world.desk() as desk:
            voices = await voices_of(desk, plan)
            spoken = await speak_chapter(desk, plan.chapters[0], voices, quiet)
            asks = [planned.ask_with(voices["Narrator"]) for planned in plan.chapters[0].chunks]
            whole = asks[1]
            half = replace(whole, text="The second has poison in it.")
            found = await desk.refusals.find([ask.take_id for ask in (*asks, half)])
            assert await desk.refusals.lessons(desk.main.service.account, whole.model) == {}
    assert set(found) == {whole.take_id, half.take_id}
    (finding,) = spoken.findings
    assert finding.message == f"The service refused to speak this: {found[half.take_id].message}"
    assert {each.kind for each in found.values()} == {RefusalKind.TEXT}
    assert all(each.at.startswith("20") and each.message for each in found.values())
    said = [record.getMessage() for record in caplog.records if record.name == "narration.speak"]
    assert said[0].startswith("chapter 1, line 2: refused, cut in two: ")
    assert said[1].startswith("chapter 1, line 2: refused: ")


async def test_a_text_that_is_too_long_teaches_the_length_of_its_own_account_and_model(world: World) -> None:
    sentence = "The old man went down to the sea, and he counted the stones there, and he came home at last."
    world.write(f"# One\n\n{sentence}\n")
    world.switch(length_limit=60)
    plan = await world.plan()
    async with world.desk() as desk:
        (chapter,) = await speak_all(desk, plan)
        ask = plan.chapters[0].chunks[1].ask_with((await voices_of(desk, plan))["Narrator"])
        lessons = await desk.refusals.lessons(desk.main.service.account, ask.model)
        found = await desk.refusals.find([ask.take_id])
    assert [piece.chunk.text for piece in chapter.pieces][1:] == [
        "The old man went down to the sea,",
        "and he counted the stones there, and he came home at last.",
    ]
    assert chapter.findings == ()
    assert found[ask.take_id].kind is RefusalKind.LENGTH
    measured = lengths(sentence)
    assert {unit: (lesson.accepted_max, lesson.refused_min) for unit, lesson in lessons.items()} == {
        unit: (0, length) for unit, length in measured.items()
    }


# What stops a run, and what does not.


async def test_nothing_is_asked_once_the_run_is_to_stop(world: World) -> None:
    plan = await world.plan()
    async with world.desk() as desk:
        voices = await voices_of(desk, plan)
        desk.halt.stop(KeyRefused("The key is wrong."))
        with pytest.raises(KeyRefused, match="The key is wrong"):
            await speak_chapter(desk, plan.chapters[0], voices, quiet)
    assert world.spoken() == []


@pytest.mark.parametrize("error", [ServiceUnavailable("It is away."), AudioRefused("That is no sound.")])
async def test_a_failure_is_told_of_its_own_words_and_the_others_are_spoken(
    world: World, error: NarrationError
) -> None:
    plan = await world.plan()
    async with world.desk() as desk:
        desk, service = moody(desk)
        voices = await voices_of(desk, plan)

        def fail(text: str) -> None:
            if "door" in text:
                raise error

        service.on_speak = fail
        for _ in range(FAILURES + 1):  # each time all the others are there: no row of failures
            spoken = await speak_chapter(desk, plan.chapters[0], voices, quiet)
            assert spoken.error is error
            assert [piece.chunk.text for piece in spoken.pieces if piece.take is None] == [
                piece.chunk.text for piece in spoken.pieces if "door" in piece.chunk.text
            ]
    assert len(service.asked) == len(plan.chapters[0].chunks) + FAILURES


async def test_failures_in_a_row_stop_the_run(world: World) -> None:
    world.write("# One\n\nThe first.\n\nThe second.\n\nThe third.\n\nThe fourth.\n")
    plan = await world.plan()
    error = ServiceUnavailable("It is away.")
    async with world.desk() as desk:
        desk, service = moody(desk)
        voices = await voices_of(desk, plan)
        service.on_speak = lambda _: raising(error)()
        few = replace(plan.chapters[0], chunks=plan.chapters[0].chunks[: FAILURES - 1])
        assert (await speak_chapter(desk, few, voices, quiet)).error is error
        assert desk.halt.reason is None
        with pytest.raises(ServiceUnavailable, match="It is away"):
            await speak_chapter(desk, few, voices, quiet)


async def test_a_key_that_is_refused_stops_the_run_at_once(world: World) -> None:
    plan = await world.plan()
    error = KeyRefused("The key is wrong.")
    async with world.desk() as desk:
        desk, service = moody(desk)
        voices = await voices_of(desk, plan)
        service.on_speak = lambda _: raising(error)()
        with pytest.raises(KeyRefused):
            await speak_chapter(desk, plan.chapters[0], voices, quiet)
        assert desk.halt.reason is error


# Voices.


@pytest.mark.parametrize(
    "facts", [{"service": "cosyvoice"}, {"account": "another"}, {"target_model": "another-model"}], ids=str
)
async def test_a_voice_of_another_service_account_or_model_is_not_sent(world: World, facts: dict[str, str]) -> None:
    plan = await world.plan()
    async with world.desk() as desk:
        voices = await voices_of(desk, plan)
        own = voices["Narrator"]
        voices["Narrator"] = strange = replace(own, design=replace(own.design, **facts))  # type: ignore[arg-type]
        spoken = await speak_chapter(desk, plan.chapters[0], voices, quiet)
        account = desk.main.service.account
    error = spoken.error
    assert isinstance(error, VoiceMissing)
    assert error.what == (
        f"The voice {own.voice} belongs to {strange.design.target_model} of account {strange.design.account} "
        f"({strange.design.service}), and profile sandbox speaks with {own.design.target_model} of account {account}; "
        "nothing was sent."
    )
    assert error.hint.startswith("Use the profile and the key that it was made with")
    assert {piece.chunk.character for piece in spoken.pieces if piece.take} == {"Mara"}
    assert own.voice not in {voice for voice, _ in world.spoken()}


async def test_a_voice_of_before_accounts_were_noted_is_spoken_with(world: World) -> None:
    plan = await world.plan()
    async with world.desk() as desk:
        voices = {
            name: replace(voice, design=replace(voice.design, account=""))
            for name, voice in (await voices_of(desk, plan)).items()
        }
        assert (await speak_chapter(desk, plan.chapters[0], voices, quiet)).error is None


async def test_a_voice_that_is_gone_is_told_once_with_the_services_words_and_the_way_on(world: World) -> None:
    plan = await world.plan()
    async with world.desk() as desk:
        voices = await voices_of(desk, plan)
        desk, service = moody(desk)
        said = VoiceMissing("No such voice.", "", FACTS)

        def fail(text: str) -> None:
            if "key" in text:
                raise said

        service.on_speak = fail
        first = await speak_chapter(desk, plan.chapters[0], voices, quiet)
        second = await speak_chapter(desk, plan.chapters[1], voices, quiet)
    mara = voices["Mara"].voice
    assert isinstance(first.error, VoiceMissing)
    assert first.error.what == f"The service no longer has the voice of Mara ({mara}): No such voice."
    assert first.error.hint.startswith("`narrate render --redesign-missing` makes a new version of it")
    assert first.error.call == FACTS
    assert desk.gone == {(desk.main.key, mara): first.error, **{k: v for k, v in desk.gone.items() if k[1] != mara}}
    assert {piece.error for piece in second.pieces if piece.chunk.character == "Mara"} == {first.error}
    assert len([text for text in service.asked if text == "I have the wrong key,"]) == 0, "she is left alone"
    assert desk.halt.reason is None


@pytest.mark.parametrize(
    ("name", "hint"), [("Cheri", "Like it are Cherry"), ("Qqqqqq", "Known are "), ("Xylophone", "Known are ")]
)
async def test_a_system_voice_that_is_not_there_is_told_with_those_that_are(world: World, name: str, hint: str) -> None:
    plan = await world.plan()
    async with world.desk() as desk:
        voice = replace((await voices_of(desk, plan))["Mara"], voice=name)
    error = _gone("Mara", voice, "qwen3-tts-flash", VoiceMissing("No such voice.", "", FACTS))
    assert error.what == f"qwen3-tts-flash has no system voice {name} for Mara: No such voice."
    assert error.hint.startswith(hint)
    assert error.hint.endswith(".")
    assert error.call == FACTS
    assert "None" not in error.hint


# One take.


async def test_a_take_that_another_run_has_spoken_meanwhile_is_waited_for_and_not_bought(world: World) -> None:
    plan = await world.plan()
    waited: list[float] = []
    async with world.desk(alive=True) as other, world.desk(alive=True) as desk:
        ask = await first_ask(other, plan)
        claim = await other.claims.acquire(ask.take_id, row(take_id=ask.take_id))
        assert isinstance(claim, Claim)
        real = await bought_now(other, other.main, replace(ask, ordinal=1))

        async def sleep(wait_s: float) -> None:
            waited.append(wait_s)
            if len(waited) == 9:
                audio = await other.takes.audio(real[0])
                await other.takes.put(replace(real[0], ask=ask), audio)

        take, bought = await bought_now(replace(desk, sleep=sleep), desk.main, ask)
        assert (take.ask, bought) == (ask, False)
        assert len(world.spoken()) == 1
        await other.claims.release(claim)
    assert waited == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0]


@pytest.mark.parametrize(("again", "speaks"), [(True, 12), (False, 1)])
async def test_a_task_that_fails_is_made_anew_as_often_as_the_settings_say(
    world: World, again: bool, speaks: int, caplog: pytest.LogCaptureFixture
) -> None:
    plan = await world.plan()
    error = ServiceUnavailable("The task failed.", "", FACTS)
    with caplog.at_level("INFO", "narration.speak"):
        async with world.desk() as desk:
            desk, service = moody(desk)
            ask = await first_ask(desk, plan)
            assert desk.main.settings.limits.attempts == 12
            service.on_collect = raising(TaskFailed(error, again=again))
            with pytest.raises(ServiceUnavailable) as caught:
                await bought_now(desk, desk.main, ask)
            assert caught.value is error
            assert len(service.asked) == speaks
            service.on_collect = raising(TaskFailed(error, again=True), times=2)
            take, bought = await bought_now(desk, desk.main, ask)
            assert (take.ask, bought, len(service.asked)) == (ask, True, speaks + 3)
    said = [record.getMessage() for record in caplog.records if record.name == "narration.speak"][-2:]
    assert [line.partition(": ")[2] for line in said] == [
        f"task {number} of a chunk failed and is made anew: The task failed." for number in (1, 2)
    ]


async def test_what_is_paid_for_and_cannot_be_fetched_is_told_with_its_words_and_not_asked_again(
    world: World,
) -> None:
    plan = await world.plan()
    async with world.desk() as desk:
        desk, service = moody(desk)
        ask = replace(await first_ask(desk, plan), text="The door was shut. Nobody had opened it for a year.")
        service.on_collect = raising(ServiceUnavailable("Not now.", "", FACTS))
        with pytest.raises(ServiceUnavailable, match="Not now"):
            await bought_now(desk, desk.main, ask)
        with pytest.raises(ServiceUnavailable) as caught:
            await bought_now(desk, desk.main, ask)
        assert caught.value.what == (
            "“The door was shut. Nobody had opened it ” is paid for, and its audio cannot be fetched now."
        )
        assert caught.value.hint.startswith("Run the same command again before the link dies")
        nowhere: Mapping[str, Booth] = MappingProxyType({})
        with pytest.raises(ServiceUnavailable) as away:
            await bought_now(replace(desk, booths=nowhere), desk.main, ask)
        assert away.value.what == caught.value.what
        assert away.value.hint.startswith("It was paid for with profile sandbox, account ")
        assert away.value.hint.endswith(" brings it home. It is not paid for twice.")
        assert service.asked == [ask.text]
        service.on_collect = lambda: None
        take, bought = await bought_now(desk, desk.main, ask)
        assert (take.ask, bought, service.asked) == (ask, False, [ask.text])


async def test_a_text_that_is_refused_leaves_no_claim_behind(world: World) -> None:
    world.switch(poison_words=("door",))
    plan = await world.plan()
    async with world.desk() as desk:
        ask = await first_ask(desk, plan)
        for _ in range(2):
            with pytest.raises(TextRefused):
                await bought_now(desk, desk.main, ask)
        assert await desk.claims.newest(ask.take_id) is None
        with suppress(TextRefused):
            await bought_now(desk, desk.main, ask)
    assert world.bill()["refused_by_code"]


# The guard before a chapter is assembled.


async def test_every_word_is_heard_or_found_or_removed(world: World) -> None:
    plan = await world.plan()
    async with world.desk() as desk:
        first, _ = await speak_all(desk, plan)
    cut = plan.chapters[0].cut
    verify_spoken(cut, first)
    verify_spoken(cut, SpokenChapter(pieces=(*first.pieces, *first.pieces)))  # heard twice, as in unison
    verify_spoken(cut, SpokenChapter(pieces=tuple(reversed(first.pieces))))
    last = first.pieces[-1]
    silent = replace(last, take=None)
    with pytest.raises(TextLost) as caught:
        verify_spoken(cut, SpokenChapter(pieces=(*first.pieces[:-1], silent)))
    assert caught.value.what == f"chapter 1: nobody speaks {last.chunk.text!r}."
    assert caught.value.hint == "Please report this as a bug."
    (found,) = spoken_already(refused(plan.chapters[0], RefusalKind.TEXT), quiet).findings
    verify_spoken(cut, SpokenChapter(pieces=(*first.pieces[:-1], replace(silent, finding=found))))
    label = Removal(rule="x", start=last.chunk.start, end=last.chunk.end, text=last.chunk.text)
    verify_spoken(replace(cut, removals=(*cut.removals, label)), SpokenChapter(pieces=first.pieces[:-1]))
    with pytest.raises(TextLost, match="nobody speaks 'One"):
        verify_spoken(cut, SpokenChapter(pieces=()))


async def test_words_that_are_lost_are_quoted_by_their_beginning(world: World) -> None:
    long = "The old man went down to the sea, and he counted the stones there, and he came home at last."
    world.write(f"# One\n\n{long}\n\nThen.\n")
    plan = await world.plan()
    async with world.desk() as desk:
        (chapter,) = await speak_all(desk, plan)
    kept = tuple(piece for piece in chapter.pieces if piece.chunk.text != long)
    with pytest.raises(TextLost) as caught:
        verify_spoken(plan.chapters[0].cut, SpokenChapter(pieces=kept))
    assert caught.value.what == f"chapter 1: nobody speaks {long[:60]!r}."


def test_a_chapter_tells_its_first_error_and_all_its_findings() -> None:
    plain = SpokenChapter(pieces=())
    assert (plain.bought, plain.findings, plain.error) == (0, (), None)
    assert Severity.ERROR is MEANINGS[Code.TEXT_REFUSED].severity


async def test_the_first_error_of_a_chapter_is_its_error(world: World) -> None:
    chunk = (await world.plan()).chapters[0].chunks[0].chunk
    errors = [ServiceUnavailable("One."), ServiceUnavailable("Two.")]
    pieces = (
        SpokenPiece(chunk=chunk),
        SpokenPiece(chunk=chunk, error=errors[0], bought=True),
        SpokenPiece(chunk=chunk, error=errors[1], bought=True),
    )
    found = SpokenChapter(pieces=pieces)
    assert (found.error, found.bought) == (errors[0], 2)
