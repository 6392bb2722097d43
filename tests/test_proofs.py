"""The long proofs in short form; `make prove` runs them whole."""

from __future__ import annotations

import pytest

from tests.prove.checks import prove_checks
from tests.prove.kills import prove_kills
from tests.prove.long_book import prove_long_book
from tests.prove.long_sound import prove_long_sound
from tests.prove.money import prove_budget
from tests.prove.overlap import prove_nights, prove_same_files
from tests.prove.postgres import programs, prove_postgres
from tests.prove.rush import prove_rush
from tests.prove.soak import prove_soak
from tests.prove.storm import prove_storm
from tests.prove.strangers import prove_strangers

pytestmark = [pytest.mark.slow, pytest.mark.proof]


def test_a_killed_render_is_resumed_with_nothing_lost_and_nothing_bought_twice() -> None:
    assert "identical audio" in prove_kills(2, seed=7)


@pytest.mark.parametrize("on_s3", [False, True], ids=["folder", "S3"])
def test_two_renders_at_once_buy_everything_once(on_s3: bool) -> None:
    assert "none bought twice" in prove_rush(on_s3=on_s3)


def test_a_budget_holds_in_the_midst_of_failures() -> None:
    assert "of the cap billed" in prove_budget(2)


def test_damaged_takes_are_found_and_good_ones_are_left_in_peace() -> None:
    pytest.importorskip("espeakng_loader")
    assert "found" in prove_checks(300)


def test_strangers_among_few_takes_are_told_and_good_takes_are_left_in_peace() -> None:
    pytest.importorskip("espeakng_loader")
    assert "; 0 of" in prove_strangers(1, languages=("zh",))


def test_a_book_is_finished_in_a_storm() -> None:
    assert "every chapter right" in prove_storm(chapters="1", rpm=600, timed=False)


def test_a_long_book_in_the_store_is_rendered_without_a_request() -> None:
    assert "no request" in prove_long_book(400, 4)


def test_a_long_book_is_assembled_to_the_sample() -> None:
    assert "to the sample" in prove_long_sound(600)


def test_two_nights_at_once_buy_everything_once_and_the_second_says_so() -> None:
    assert "none bought twice" in prove_nights(books=1)


@pytest.mark.prefect
@pytest.mark.xdist_group("prefect")
def test_a_worker_and_a_person_at_once_make_identical_files_and_pay_once() -> None:
    assert "identical" in prove_same_files(chapters=2)


@pytest.mark.prefect
@pytest.mark.xdist_group("prefect")
@pytest.mark.skipif(programs() is None, reason="PostgreSQL is not installed: there is no initdb")
def test_a_render_is_told_on_a_server_with_postgresql() -> None:
    assert "no SQLite file" in prove_postgres(chapters=2)


def test_memory_and_open_files_stay_bounded_while_a_book_is_spoken() -> None:
    assert "each spoken once" in prove_soak(200, 2, every_s=0.1)
