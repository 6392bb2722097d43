"""The page of promises names tests that exist; and no failure ends with 0."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narration import errors
from narration.errors import ExitCode, NarrationError
from narration.finding import Code, Finding, Severity
from narration.report.summary import ChapterSummary, Summary
from tests.docs_blocks import ROOT

PAGE = (ROOT / "docs" / "invariants.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| (\d+) \| (.*)$", PAGE, re.MULTILINE))
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)))


def test_every_promise_names_a_test() -> None:
    assert list(ROWS) == [str(number) for number in range(1, 11)]
    assert all("::" in row for row in ROWS.values())


@pytest.mark.parametrize(("file", "name"), NAMED, ids=[f"{file}::{name}" for file, name in NAMED])
def test_every_test_that_the_page_names_exists(file: str, name: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    assert not name or re.search(rf"^(?:async )?(?:def {name}\(|{name} = )", text, re.MULTILINE)


def _tree(kind: type[NarrationError]) -> Iterator[type[NarrationError]]:
    yield kind
    for inner in kind.__subclasses__():
        yield from _tree(inner)


KINDS = sorted(set(_tree(NarrationError)), key=lambda kind: kind.__name__)


def test_every_error_of_the_tree_has_an_exit_code_that_is_not_0() -> None:
    assert len(KINDS) > 20
    assert not [kind for kind in KINDS if kind.exit_code is ExitCode.DONE]


ERRORS = st.none() | st.sampled_from(
    [errors.StoreError("a"), errors.ServiceUnavailable("b"), errors.BudgetReached(1.0, 1.0, 1.0, "cap"),
     errors.WindowClosed("c"), errors.Interrupted("d"), errors.VoiceMissing("e"), errors.InputError()]
)  # fmt: skip
FINDINGS = st.lists(
    st.builds(Finding, code=st.sampled_from(Code), severity=st.sampled_from(Severity), message=st.just("m")), max_size=3
).map(tuple)
CHAPTERS = st.lists(
    st.builds(
        ChapterSummary,
        number=st.integers(1, 9),
        title=st.just("t"),
        chunks=st.just(1),
        findings=FINDINGS,
        error=ERRORS,
    ),
    max_size=4,
).map(tuple)


@given(chapters=CHAPTERS, stopped=ERRORS, book=FINDINGS)
def test_only_a_book_without_trouble_ends_with_0(
    chapters: tuple[ChapterSummary, ...], stopped: NarrationError | None, book: tuple[Finding, ...]
) -> None:
    summary = Summary(
        title="t", profile="p", out="o", chapters=chapters, voices_created=0, chunks_spoken=0, chunks_reused=0,
        characters_billed=0, cost_usd=0.0, lost_usd=0.0, recovered=0, in_doubt=0, stopped=stopped, book_findings=book,
    )  # fmt: skip
    open_findings = [found for found in summary.findings if found.severity is Severity.ERROR]
    trouble = stopped is not None or any(chapter.error for chapter in chapters) or bool(open_findings)
    assert (summary.exit_code is ExitCode.DONE) == (not trouble)
    assert summary.as_json()["exit_code"] == summary.exit_code
    if summary.failure is not None:
        assert summary.exit_code not in (ExitCode.DONE, ExitCode.FINDINGS)
