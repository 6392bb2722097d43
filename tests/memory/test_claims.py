"""Claims: one may ask, a dead owner is found out, and nothing is bought twice whatever dies when."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narration.errors import StoreError
from narration.memory.claims import LEASE_S, RENEW_S, Claim, Claims, Held, Run, decode_claim, encode_claim, this_run
from narration.memory.journal import Answer, Journal
from narration.memory.presence import SKEW_S
from narration.memory.store import Store
from narration.row import Row
from narration.take import Receipt
from tests.memory.conftest import Place
from tests.memory.worlds import Cabinet, Hooked, Killed, Machine, Mortal, ask, row


async def claimed(claims: Claims, subject: str = "x") -> Claim:
    """A claim that must be got."""
    got = await claims.acquire(subject, row(run_id=claims.run.run_id))
    assert isinstance(got, Claim), got
    return got


# One winner.


async def test_of_many_living_runs_one_gets_the_claim(store: Store, machine: Machine) -> None:
    everybody = [Claims(store, machine.run(f"run-{number}")) for number in range(12)]
    got = await asyncio.gather(*(claims.acquire("x", row(run_id=claims.run.run_id)) for claims in everybody))
    winners = [claim for claim in got if isinstance(claim, Claim)]
    assert len(winners) == 1
    assert winners[0].generation == 1
    for claims in everybody:
        if claims.run != winners[0].run:
            assert await claims.acquire("x", None) == Held(claim=winners[0])


CLAIMANT = """
import asyncio, json, sys
from narration.memory.claims import Claim, Claims, this_run
from narration.memory.store import open_store
async def main():
    store, everybody = open_store(sys.argv[1]), int(sys.argv[3])
    claims, wins = Claims(store, this_run()), []
    async def meet(where):
        await store.create(f"{where}/{sys.argv[2]}", b"")
        while len(await store.keys(where)) < everybody:
            await asyncio.sleep(0.01)
    await meet("ready")
    for number in range(12):
        if isinstance(await claims.acquire(f"subject-{number}", None), Claim):
            wins.append(number)
    await meet("done")
    print(json.dumps(wins))
asyncio.run(main())
"""


async def test_of_many_processes_one_gets_each_claim(place: Place) -> None:
    async def process(who: int) -> list[int]:
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", CLAIMANT, place.url, str(who), "3"],
            capture_output=True,
            check=True,
            env={**os.environ, **place.variables},
        )
        numbers: list[int] = json.loads(done.stdout)
        return numbers

    wins = await asyncio.gather(*(process(who) for who in range(3)))
    assert sorted(number for won in wins for number in won) == list(range(12))


async def test_different_subjects_do_not_compete(store: Store, machine: Machine) -> None:
    one, other = Claims(store, machine.run("one")), Claims(store, machine.run("other"))
    assert (await claimed(one, "x")).generation == (await claimed(other, "y")).generation == 1


async def test_an_undisputed_claim_costs_few_operations(machine: Machine) -> None:
    store = Cabinet()
    claims = Claims(store, machine.run("one"))
    await claims.announce()
    store.calls.clear()
    claim = await claimed(claims)
    assert dict(store.calls) == {"create": 1, "keys": 1}
    store.calls.clear()
    await claims.release(claim)
    assert dict(store.calls) == {"keys": 1, "get": 1, "delete": 1}


MOMENTS = st.floats(allow_nan=False, allow_infinity=False)


@given(
    st.builds(
        Claim,
        subject=st.text(),
        generation=st.integers(1, 10**6 - 1),
        run=st.builds(Run, run_id=st.text(), machine=st.text(), pid=st.integers(0, 2**31), process_started=MOMENTS),
        at=MOMENTS,
        call_id=st.text(),
        row=st.none() | st.builds(Row, price_usd=st.floats(allow_nan=False, allow_infinity=False)),
    )
)
def test_a_claim_reads_back_as_it_was(claim: Claim) -> None:
    assert decode_claim(encode_claim(claim)) == claim


# Who lives.


HOLDER = """
import asyncio, sys, time
from narration.memory.claims import Claims, this_run
from narration.memory.store import open_store
asyncio.run(Claims(open_store(sys.argv[1]), this_run()).acquire("x", None))
print("held", flush=True)
time.sleep(600)
"""


async def test_a_killed_process_is_recognised_at_once_even_unburied(place: Place) -> None:
    process = await asyncio.to_thread(
        subprocess.Popen,
        [sys.executable, "-c", HOLDER, place.url],
        stdout=subprocess.PIPE,
        env={**os.environ, **place.variables},
    )
    try:
        assert process.stdout is not None
        assert await asyncio.to_thread(process.stdout.readline) == b"held\n"
        claims = Claims(place.open(), this_run())
        held = await claims.acquire("x", None)
        assert isinstance(held, Held)
        assert await claims.alive(held.claim.run)
        process.send_signal(signal.SIGKILL)
        # It has ended, and its parent, which we are, has not asked after it.
        await asyncio.to_thread(os.waitid, os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not await claims.alive(held.claim.run)
        assert (await claimed(claims)).generation == 2
    finally:
        process.kill()
        await asyncio.to_thread(process.communicate)


async def test_a_process_id_that_is_used_again_is_another_process(machine: Machine) -> None:
    store = Cabinet()
    run = machine.run("old")
    await Claims(store, run).announce()
    claims = Claims(store, machine.run("new"))
    assert await claims.run_lives("old")
    machine.started[run.pid] = 7.0
    assert not await claims.run_lives("old")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the start is a time of day")
def test_setting_the_clock_does_not_make_a_process_look_like_another(monkeypatch: pytest.MonkeyPatch) -> None:
    before = this_run()
    booted = psutil.boot_time()
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: booted + 3600.0)
    assert this_run().process_started == before.process_started


def test_a_machine_is_known_without_its_names(monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/proc/sys/kernel/random/boot_id").exists():
        pytest.skip("this system does not number its starts")
    before = this_run()
    monkeypatch.setattr("socket.gethostname", lambda: "renamed")
    monkeypatch.setattr("uuid.getnode", lambda: 1)
    assert this_run().machine == before.machine
    assert this_run().run_id != before.run_id


async def test_a_run_that_has_left_is_dead_though_its_process_lives(store: Store) -> None:
    nightly, next_book = Claims(store, this_run()), Claims(store, this_run())
    await nightly.announce()
    await claimed(nightly)
    assert isinstance(await next_book.acquire("x", None), Held)
    await nightly.leave()
    await nightly.announce()
    assert isinstance(await nightly.acquire("y", None), Held)
    assert not await next_book.run_lives(nightly.run.run_id)
    assert (await claimed(next_book)).generation == 2


@dataclasses.dataclass
class Clock:
    """Time that moves when told."""

    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now


async def test_a_run_of_our_own_process_that_ended_without_a_word_is_dead_after_the_lease() -> None:
    store, ticks = Cabinet(), Clock()
    ours = Claims(store, this_run(), ticks=ticks)
    lost = Claims(store, this_run(), ticks=ticks)
    await claimed(lost)
    assert isinstance(await ours.acquire("x", None), Held)
    ticks.now += LEASE_S
    assert (await claimed(ours)).generation == 2


async def test_a_lease_of_another_machine_ends_when_it_is_not_renewed(store: Store, machine: Machine) -> None:
    time = Clock()
    there = Claims(store, machine.run("there", machine="there"), clock=time, ticks=time)
    here = Claims(store, machine.run("here"), clock=time, ticks=time)
    await claimed(there)
    assert isinstance(await here.acquire("x", None), Held)
    for _ in range(10):
        time.now += RENEW_S
        await there.announce()
        assert await here.run_lives("there")
    time.now += LEASE_S - 1.0
    assert isinstance(await here.acquire("x", None), Held)
    time.now += 1.0
    assert not await here.run_lives("there")
    assert (await claimed(here)).generation == 2


@pytest.mark.parametrize("behind_s", [-900.0, 900.0])
async def test_a_clock_that_is_wrong_does_not_make_a_run_look_dead(machine: Machine, behind_s: float) -> None:
    store, ticks = Cabinet(), Clock()
    there = Claims(store, machine.run("there", machine="there"), clock=Clock(ticks.now - behind_s), ticks=ticks)
    here = Claims(store, machine.run("here"), clock=Clock(ticks.now), ticks=ticks)
    await claimed(there)
    assert await here.run_lives("there")
    ticks.now += LEASE_S
    assert not await here.run_lives("there")


async def test_a_record_of_long_ago_is_a_dead_runs_at_once(machine: Machine) -> None:
    store, time = Cabinet(), Clock()
    await Claims(store, machine.run("there", machine="there"), clock=time, ticks=time).announce()
    time.now += SKEW_S
    assert not await Claims(store, machine.run("here"), clock=time, ticks=time).run_lives("there")


async def test_dead_runs_are_buried_and_living_ones_are_not(store: Store, machine: Machine) -> None:
    living, dead = Claims(store, machine.run("living")), Claims(store, machine.run("dead"))
    for claims in (living, dead):
        await claims.announce()
    machine.kill(dead.run)
    await Claims(store, machine.run("other")).bury_dead_runs()
    assert await store.keys("runs/") == ["runs/living.json"]


async def test_a_claim_is_made_only_by_a_run_that_others_know_of(machine: Machine) -> None:
    store, ticks = Cabinet(), Clock()
    claims = Claims(store, machine.run("one"), clock=ticks, ticks=ticks)
    await claimed(claims)
    assert "runs/one.json" in store.objects
    first = store.objects["runs/one.json"]
    ticks.now += 2 * RENEW_S + 1.0
    await claimed(claims, "y")
    assert store.objects["runs/one.json"] != first


async def test_a_run_that_was_silent_for_a_lease_while_it_made_a_claim_takes_it_back(machine: Machine) -> None:
    ticks = Clock()

    class Slow(Cabinet):
        async def create(self, key: str, data: bytes) -> bool:
            ticks.now += LEASE_S
            return await super().create(key, data)

    store = Slow()
    assert isinstance(await Claims(store, machine.run("one"), ticks=ticks).acquire("x", None), Held)
    assert await store.keys("open/") == []


# Taking over.


async def test_of_many_that_take_over_from_a_dead_run_one_does(store: Store, machine: Machine) -> None:
    dead = Claims(store, machine.run("dead"))
    await claimed(dead)
    machine.kill(dead.run)
    everybody = [Claims(store, machine.run(f"run-{number}")) for number in range(8)]
    got = await asyncio.gather(*(claims.acquire("x", None) for claims in everybody))
    assert [claim.generation for claim in got if isinstance(claim, Claim)] == [2]


async def test_a_run_takes_over_from_itself(store: Store, machine: Machine) -> None:
    claims = Claims(store, machine.run("one"))
    await claimed(claims)
    assert (await claimed(claims)).generation == 2
    newest = await claims.newest("x")
    assert newest is not None
    assert newest.generation == 2


async def test_a_takeover_steps_back_when_the_dead_runs_claim_was_cleared_meanwhile(machine: Machine) -> None:
    store = Cabinet()
    dead, quick, late, third = (Claims(store, machine.run(name)) for name in ("dead", "quick", "late", "third"))
    await claimed(dead)
    machine.kill(dead.run)

    async def all_is_done_and_begun_anew() -> None:
        await quick.release(await claimed(quick))
        await claimed(third)

    late = Claims(Hooked(store, ("before", "create", "open/x/claim-000002.json"), all_is_done_and_begun_anew), late.run)
    held = await late.acquire("x", None)
    assert isinstance(held, Held)
    assert held.claim.run == third.run
    assert await store.keys("open/") == ["open/x/claim-000001.json"]


async def test_a_takeover_and_a_new_beginning_do_not_both_hold(machine: Machine) -> None:
    store = Cabinet()
    dead, taker = Claims(store, machine.run("dead")), Claims(store, machine.run("taker"))
    other: list[Claim | Held] = []

    async def a_second_generation_is_left_and_taken_over() -> None:
        claim = Claim(subject="x", generation=2, run=dead.run, at=1.0, call_id="", row=None)
        await dead.announce()
        store.objects[claim.key] = encode_claim(claim)
        machine.kill(dead.run)
        other.append(await taker.acquire("x", None))

    hooked = Hooked(store, ("after", "keys", "open/x/"), a_second_generation_is_left_and_taken_over)
    beginner = Claims(hooked, machine.run("beginner"))
    got = await beginner.acquire("x", None)
    assert [type(claim) for claim in (got, *other)].count(Claim) == 1


async def test_a_first_generation_is_not_begun_below_a_living_second(store: Store, machine: Machine) -> None:
    dead, living, late = (Claims(store, machine.run(name)) for name in ("dead", "living", "late"))
    first = await claimed(dead)
    machine.kill(dead.run)
    second = await claimed(living)
    await store.delete(first.key)
    assert await late.acquire("x", None) == Held(claim=second)
    assert await store.keys("open/") == [second.key]


async def test_a_first_generation_is_not_begun_below_a_dead_second(store: Store, machine: Machine) -> None:
    dead, taker, late = (Claims(store, machine.run(name)) for name in ("dead", "taker", "late"))
    first = await claimed(dead)
    machine.kill(dead.run)
    await claimed(taker)
    machine.kill(taker.run)
    await store.delete(first.key)
    claim = await claimed(late)
    assert claim.generation == 3
    assert await store.keys("open/") == ["open/x/claim-000002.json", claim.key]


async def test_a_living_run_holds_even_below_a_dead_ones_later_claim(machine: Machine) -> None:
    store = Cabinet()
    living, dead, late = (Claims(store, machine.run(name)) for name in ("living", "dead", "late"))
    first = await claimed(living)
    await dead.announce()
    later = Claim(subject="x", generation=2, run=dead.run, at=1.0, call_id="", row=None)
    store.objects[later.key] = encode_claim(later)
    machine.kill(dead.run)
    assert await late.newest("x") == first
    assert await late.acquire("x", None) == Held(claim=first)
    await living.release(first)
    assert (await claimed(late)).generation == 3


async def test_a_takeover_of_what_was_cleared_steps_back_though_nobody_is_there(machine: Machine) -> None:
    store = Cabinet()
    dead, quick, late = (Claims(store, machine.run(name)) for name in ("dead", "quick", "late"))
    await claimed(dead)
    machine.kill(dead.run)

    async def all_is_done() -> None:
        await quick.release(await claimed(quick))

    hooked = Hooked(store, ("before", "create", "open/x/claim-000002.json"), all_is_done)
    assert isinstance(await Claims(hooked, late.run).acquire("x", None), Held)
    assert await store.keys("open/") == []


async def test_a_create_whose_answer_was_lost_is_our_claim_all_the_same(machine: Machine) -> None:
    class Stutter(Cabinet):
        async def create(self, key: str, data: bytes) -> bool:
            await super().create(key, data)
            return await super().create(key, data)

    claims = Claims(Stutter(), machine.run("one"))
    claim = await claimed(claims)
    assert claim.generation == 1
    machine.kill(claims.run)
    assert (await claimed(Claims(claims._store, machine.run("two")))).generation == 2


@pytest.mark.parametrize("how", [StoreError, asyncio.CancelledError])
@pytest.mark.parametrize("when", [("after", "create"), ("before", "keys")])
async def test_an_interrupted_attempt_leaves_no_claim(
    machine: Machine, how: type[BaseException], when: tuple[str, str]
) -> None:
    store = Cabinet()

    async def interrupt() -> None:
        raise how("here")

    key = "open/x/" if when[1] == "keys" else "open/x/claim-000001.json"
    claims = Claims(Hooked(store, (*when, key), interrupt), machine.run("one"))
    with pytest.raises(how):
        await claims.acquire("x", row())
    assert await store.keys("open/") == []


async def test_an_interrupted_attempt_leaves_anothers_claim(machine: Machine) -> None:
    store = Cabinet()
    theirs = await claimed(Claims(store, machine.run("other")))

    async def interrupt() -> None:
        raise StoreError("here")

    with pytest.raises(StoreError):
        await Claims(Hooked(store, ("after", "create", theirs.key), interrupt), machine.run("one")).acquire("x", None)
    assert await store.keys("open/") == [theirs.key]


# Release.


async def test_a_release_clears_its_own_and_older_generations_and_keeps_younger(store: Store, machine: Machine) -> None:
    runs = [machine.run(name) for name in ("first", "second", "third")]
    claims = []
    for run in runs:
        claims.append(await claimed(Claims(store, run)))
        await Journal(store).answered("x", answer(claims[-1]))
        await Journal(store).sending_again(claims[-1], 2)
        machine.kill(run)
    await Claims(store, runs[1]).release(claims[1])
    assert await store.keys("open/") == [
        "open/x/answer-000003.json",
        "open/x/claim-000003.json",
        "open/x/resent-000003-2.json",
    ]
    await Claims(store, runs[2]).release(claims[2])
    assert await store.keys("open/") == []


async def test_a_late_release_leaves_what_began_anew_alone(store: Store, machine: Machine) -> None:
    paused, taker, third = (Claims(store, machine.run(name)) for name in ("paused", "taker", "third"))
    late = await claimed(paused)
    machine.kill(paused.run)
    await taker.release(await claimed(taker))
    fresh = await claimed(third)
    assert fresh.key == late.key
    await paused.release(late)
    await paused.step_back(late)
    assert await third.newest("x") == fresh


async def test_a_release_killed_anywhere_leaves_no_answer_without_its_claim(machine: Machine) -> None:
    for last in range(1, 20):
        store = Cabinet()
        dead, taker = Claims(store, machine.run(f"dead-{last}")), machine.run(f"taker-{last}")
        journal = Journal(store)
        await journal.answered("x", answer(await claimed(dead)))
        machine.kill(dead.run)
        claim = await claimed(Claims(store, taker))
        await journal.answered("x", answer(claim))
        mortal = Mortal(store, last)
        try:
            await Claims(mortal, taker).release(claim)
        except Killed:
            history = await journal.history("x")
            claims = [known.generation for known in history.claims]
            assert {known.generation for known in history.answers} <= set(claims)
            assert claims[-1:] == [2], "the newest claim goes last"
        else:
            assert await store.keys("open/") == []
            return
    pytest.fail("a release does not take so many operations")


async def test_foreign_files_beside_a_claim_do_no_harm(store: Store, machine: Machine) -> None:
    await store.put("open/x/.DS_Store", b"finder")
    await store.put("open/x/claim-notes.txt", b"a person's")
    claims = Claims(store, machine.run("one"))
    claim = await claimed(claims)
    assert len((await Journal(store).history("x")).claims) == 1
    await claims.release(claim)
    assert await store.keys("open/") == ["open/x/.DS_Store", "open/x/claim-notes.txt"]


async def test_a_damaged_record_is_a_clear_error(store: Store, machine: Machine) -> None:
    claims = Claims(store, machine.run("one"))
    await store.put("open/x/claim-000001.json", b"{}")
    with pytest.raises(StoreError, match=r"open/x/claim-000001\.json is not a claim"):
        await claims.acquire("x", None)
    await store.put("runs/other.json", b"[]")
    with pytest.raises(StoreError, match=r"runs/other\.json is not a run"):
        await claims.run_lives("other")


def answer(claim: Claim) -> Answer:
    """An answer paid for under a claim."""
    return Answer(
        generation=claim.generation,
        row=row(call_id=claim.call_id, run_id=claim.run.run_id),
        receipt=Receipt(request_id="r", url="http://127.0.0.1/a.wav", expires_at=1),
        ask=ask(),
    )


# The law of purchase.


class Market:
    """Runs that want the same thing, on one store, some of which die; what is asked is counted.

    Attributes:
        sent: the run of each request.
        excused: runs that died after their request and before the thing was in the store.
    """

    def __init__(self, seed: int, *, one_machine: bool) -> None:
        self.rng = Random(seed)  # noqa: S311 — chance of events
        self.store = Cabinet(self.rng)
        self.machine = Machine()
        self.one_machine = one_machine
        self.time = Clock()
        self.sent: list[str] = []
        self.excused: set[str] = set()
        self.holding: set[str] = set()
        self.living: list[Claims] = []

    def claims(self, run: Run, store: Store) -> Claims:
        skew_s = self.rng.uniform(-600.0, 600.0)
        return Claims(store, run, clock=lambda: self.time.now + skew_s, ticks=self.time)

    async def buyer(self, number: int, death: tuple[int, bool] | None) -> None:
        run = self.machine.run(f"run-{number}", "here" if self.one_machine else f"machine-{number}")
        left, late = death or (10**9, False)
        store = Mortal(self.store, left, late=late, on_death=lambda: self._die(run))
        claims = self.claims(run, store)
        try:
            await claims.announce()
            self.living.append(claims)
            while not await store.exists("takes/x"):
                got = await claims.acquire("x", row(call_id=f"{run.run_id}-{len(self.sent)}", run_id=run.run_id))
                if isinstance(got, Held):
                    await asyncio.sleep(0)
                    continue
                assert not self.holding, f"{run.run_id} and {self.holding} hold the newest generation at once"
                self.holding.add(run.run_id)
                if not await store.exists("takes/x"):
                    self.sent.append(run.run_id)
                    for _ in range(self.rng.randrange(20)):
                        await asyncio.sleep(0)
                    await store.put("takes/x", run.run_id.encode())
                self.holding.discard(run.run_id)
                await claims.release(got)
            self.living.remove(claims)
            await claims.leave()
        except Killed:
            pass

    def _die(self, run: Run) -> None:
        self.machine.kill(run)
        self.holding.discard(run.run_id)
        self.living = [claims for claims in self.living if claims.run != run]
        if run.run_id in self.sent and "takes/x" not in self.store.objects:
            self.excused.add(run.run_id)

    async def renewals(self) -> None:
        """Time passes, and every living run renews its lease."""
        while True:
            self.time.now += RENEW_S / 3
            for claims in list(self.living):
                try:
                    await claims.announce()
                except Killed:
                    continue
            await asyncio.sleep(0)

    async def day(self, deaths: list[tuple[int, bool] | None]) -> None:
        renewals = asyncio.create_task(self.renewals())
        buyers = asyncio.gather(*(self.buyer(number, death) for number, death in enumerate(deaths)))
        try:
            async with asyncio.timeout(300):  # only ends what hangs
                await buyers
        finally:
            renewals.cancel()
        assert len(self.sent) <= 1 + len(self.excused), f"bought by {self.sent}, excused only {self.excused}"
        if None in deaths:
            assert self.sent
            assert "takes/x" in self.store.objects

    async def evening(self) -> None:
        """A last run clears away what the dead left."""
        self.time.now += SKEW_S + 1300.0
        last = self.claims(self.machine.run("last"), self.store)
        if await last.newest("x") is not None:
            await last.release(await claimed(last))
        await last.bury_dead_runs()
        await last.leave()
        assert await self.store.keys("open/") == []
        assert await self.store.keys("runs/") == []


DEATH = st.none() | st.tuples(st.integers(1, 45), st.booleans())


@pytest.mark.parametrize("one_machine", [True, False], ids=["one machine", "many machines"])
@settings(max_examples=400, deadline=None)
@given(seed=st.integers(0, 2**32), deaths=st.lists(DEATH, min_size=2, max_size=5))
def test_whatever_dies_when_nothing_is_bought_twice(
    one_machine: bool, seed: int, deaths: list[tuple[int, bool] | None]
) -> None:
    market = Market(seed, one_machine=one_machine)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("narration.memory.presence._process_start", market.machine.started.get)
        asyncio.run(market.day(deaths))
        asyncio.run(market.evening())
