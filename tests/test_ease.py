"""What makes the command easy: Tab, pipes, the folder where the user is, errors that say what to type next."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from flows.cli import completing
from flows.cli.here import finished_files, folder_and_lines, profile_or_here
from flows.cli.main import COMMANDS, app, run
from narration.errors import InputError
from tests.flows.stage import small_book

ROOT = Path(__file__).parents[1]


def _started(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """`narrate` as a process of its own, in a pipe."""
    argv = [sys.executable, "-m", "flows.cli", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    return subprocess.run(argv, cwd=folder, env=environment, text=True, capture_output=True, timeout=600, check=False)


def _every(command: object, name: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], object]]:
    below = getattr(command, "commands", None)
    if below is None:
        return [(name, command)]
    return [pair for word, one in below.items() for pair in _every(one, (*name, word))]


def test_every_command_is_in_the_list_of_the_help() -> None:
    assert set(COMMANDS) == set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", [" ".join(name) for name, _ in _every(typer.main.get_command(app))])
def test_the_help_of_every_command_has_examples_that_it_understands(name: str) -> None:
    command = next(one for words, one in _every(typer.main.get_command(app)) if " ".join(words) == name)
    if name == "sandbox":
        return  # its options are its own
    epilog = command.epilog or ""  # type: ignore[attr-defined]
    lines = [line.strip() for line in epilog.splitlines() if line.strip().startswith("narrate ")]
    assert lines, f"narrate {name} has no example"
    assert any(line.startswith(f"narrate {name}") for line in lines)


def test_an_option_has_one_spelling_and_one_short_form_everywhere() -> None:
    shorts: dict[str, set[str]] = {}
    for _, command in _every(typer.main.get_command(app)):
        for option in command.params:  # type: ignore[attr-defined]
            long = next((word for word in option.opts if word.startswith("--")), "")
            if long:
                short = "".join(word for word in option.opts if not word.startswith("--"))
                shorts.setdefault(long, set()).add(short)
    assert not {long: found for long, found in shorts.items() if len(found) > 1}


def test_every_command_about_a_production_takes_the_folder_it_is_in() -> None:
    for words, command in _every(typer.main.get_command(app)):
        for parameter in command.params:  # type: ignore[attr-defined]
            if parameter.name in ("folder", "book") and words != ("init",):
                assert not parameter.required, words


def test_tab_offers_names_that_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_book(tmp_path / "book")
    monkeypatch.setenv("COMP_WORDS", f"narrate render {tmp_path / 'book'} --chapters")
    assert [name for name, _ in completing.characters("")] == ["Narrator", "Ann", "Ben"]
    assert completing.characters("b") == [("Ben", "character")]
    assert completing.chapters("1,") == [("1,1", "Steam"), ("1,2", "Tea")]
    assert next(name for name, _ in completing.profiles("international")) == "international"
    assert [name for name, _ in completing.formats("mp3,m")] == ["mp3,m4b"]
    assert [name for name, _ in completing.presets("a")] == ["acx", "audiobookshelf"]
    assert [name for name, _ in completing.groups("mo")] == ["model", "month"]


def test_tab_offers_nothing_where_the_book_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_book(tmp_path, cast="characters: [")
    monkeypatch.chdir(tmp_path)
    assert completing.characters("") == []
    (tmp_path / "book.yaml").unlink()
    assert completing.chapters("") == []


@pytest.mark.slow
def test_bash_gets_its_words(tmp_path: Path) -> None:
    variables = {"_NARRATE_COMPLETE": "complete_bash", "COMP_WORDS": "narrate render --profile chi", "COMP_CWORD": "3"}
    said = _started(tmp_path, **variables)
    assert said.stdout.split() == ["china", "china-cosyvoice", "china-flash", "china-realtime"]


@pytest.mark.slow
def test_nothing_in_a_pipe_has_colours_or_is_cut(tmp_path: Path) -> None:
    small_book(tmp_path)
    said = _started(tmp_path, "plan", COLUMNS="40")
    assert said.returncode == 0, said.stderr
    assert "\x1b" not in said.stdout + said.stderr
    assert "Narrator" in said.stdout
    assert "…" not in said.stdout


def test_no_color_is_honoured_at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.console import Console

    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        coloured = Console(force_terminal=True, highlight=False, file=nowhere)
        with coloured.capture() as caught:
            coloured.print("[red]no[/]")
    assert "\x1b[31m" not in caught.get()


def test_lines_may_stand_behind_a_production_or_alone() -> None:
    assert folder_and_lines(["3:17", "4:2"]) == (Path(), ["3:17", "4:2"])
    assert folder_and_lines(["my-book", "3:17"]) == (Path("my-book"), ["3:17"])
    assert folder_and_lines(["3:x"]) == (Path(), ["3:x"])
    assert folder_and_lines(None) == (Path(), [])


def test_an_account_is_asked_by_the_profile_of_the_production_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert profile_or_here(None) == "sandbox"
    small_book(tmp_path, profile="china")
    assert profile_or_here(None) == "china"
    assert profile_or_here("international") == "international"


def test_a_production_that_is_not_rendered_cannot_be_checked(tmp_path: Path) -> None:
    small_book(tmp_path)
    with pytest.raises(InputError, match="narrate render"):
        finished_files(tmp_path, None)
    (tmp_path / "out").mkdir()
    assert finished_files(tmp_path, None) == (tmp_path / "out", "acx")
    assert finished_files(tmp_path / "out", "podcast") == (tmp_path / "out", "podcast")


_MISTAKES = (
    (["rendr"], "narrate --help"),
    (["voices", "lst"], "Did you mean"),
    (["render", "--profle", "x"], "--profile"),
    (["render", "nowhere"], "narrate init"),
    (["plan", "--profile", "chna"], "Did you mean `china`?"),
    (["plan", "--chapters", "9"], "narrate chapters"),
    (["plan", "--chapters", "Stem"], "narrate chapters"),
    (["deliver", "--format", "mp4"], "Did you mean"),
    (["deliver", "--preset", "podcasts"], "Did you mean"),
    (["check"], "narrate render"),
    (["voices", "choose", "Anne", "1"], "Did you mean"),
    (["voices", "choose", "Ann", "9"], "narrate audition"),
    (["voices", "play", "Ann"], "narrate"),
    (["voices", "lock", "Ann"], "narrate audition"),
    (["retake", "3:x"], "3:17"),
    (["retake"], "3:17"),
    (["retake", "9:1"], "narrate"),
    (["takes", "use", "1:1"], "narrate takes list"),
    (["takes", "use", "1:1", "x"], "narrate takes list"),
    (["signoff"], "narrate"),
    (["report"], "narrate render"),
    (["pickups", "import", "nowhere.csv"], "nowhere.csv"),
    (["usage", "--by", "moth"], "Did you mean"),
    (["init", "new", "--manuscript", "nowhere.md"], "nowhere.md"),
    (["init", "new"], "--manuscript"),
    (["nightly", "--window", "22-6"], "22:00-06:00"),
    (["nightly", "--window", "22:00-06:00", "--zone", "Vienna"], "Europe/Vienna"),
    (["serve"], "prefect server start"),
    (["render", "--budget", "-1"], "--budget"),
    (["render", "--profile", "china"], "DASHSCOPE_API_KEY"),
    (["voices", "delete", "nobody"], "narrate voices list"),
    (["voices", "migrate"], "--to"),
    (["lexicon", "import", "nowhere.pls"], "nowhere.pls"),
    (["lexicon", "export", "."], "narrate lexicon export FILE"),
    (["script", "--check", "--ask-model"], "--check"),
    (["plan", "--store", "ftp://x"], "s3://"),
    (["audition", "--character", "Bem"], "Did you mean"),
    (["plan", "--profile", "mine.toml"], "mine.toml"),
    (["usage", "--by"], "narrate usage --help"),
    (["retake", "1:99"], "narrate script"),
)


@pytest.mark.parametrize(("typed", "told"), _MISTAKES, ids=[" ".join(typed) for typed, _ in _MISTAKES])
def test_a_mistake_is_told_with_what_to_do(
    typed: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small_book(tmp_path)
    monkeypatch.chdir(tmp_path)
    code = run(typed)
    said = capsys.readouterr()
    assert code == 2, said
    assert told in said.err, said.err
    assert "Traceback" not in said.err
    assert said.out == ""
