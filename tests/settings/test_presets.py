"""Presets: what each promises, what is refused in one, and which key wins."""

from __future__ import annotations

from pathlib import Path

import pytest

from narration.errors import InputError
from narration.formats import DEFAULT_FORMATS, Encoded, Format, delivered_as, parts_of
from narration.settings.presets import LoudnessUnit, preset_names, presets_folder, read_preset
from narration.settings.settings import load_settings

ACX = (presets_folder() / "acx.toml").read_text(encoding="utf-8")


def mistakes(preset: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        load_settings("sandbox", environ={}, preset=preset)
    return [str(problem) for problem in caught.value.problems]


def written(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_packaged_presets_are_four() -> None:
    assert preset_names() == ("acx", "audiobookshelf", "none", "podcast")


@pytest.mark.parametrize("name", ["acx", "audiobookshelf", "none", "podcast"])
def test_what_a_preset_makes_keeps_its_own_rules(name: str) -> None:
    settings = load_settings("sandbox", environ={}, preset=name)
    audio, rules = settings.audio, settings.preset.rules
    assert audio.loudness_unit is settings.preset.unit
    if settings.preset.unit is not LoudnessUnit.NONE:
        assert rules.lowest_db is not None
        assert rules.highest_db is not None
        assert rules.lowest_db < audio.loudness_db < rules.highest_db
    assert rules.peak_dbtp is None or audio.peak_dbtp <= rules.peak_dbtp
    assert not rules.rates_hz or audio.rate_hz in rules.rates_hz
    assert audio.bitrate_kbps >= rules.bitrate_kbps
    for made_ms, allowed_ms in ((audio.head_ms, rules.head_ms), (audio.tail_ms, rules.tail_ms)):
        assert allowed_ms is None or allowed_ms[0] <= made_ms <= allowed_ms[1]


def test_acx_is_a_specification_and_never_a_promise() -> None:
    preset = read_preset("acx")
    assert preset.title == "ACX-spec mastering"
    assert "synthetic narration" in preset.note
    pages = [*(Path(__file__).parents[2] / "docs").glob("*.md"), *presets_folder().glob("*.toml")]
    assert not [page for page in pages if "acx-ready" in page.read_text(encoding="utf-8").lower()]


def test_single_keys_of_a_book_overrule_what_a_preset_makes_and_not_what_it_asks_for() -> None:
    settings = load_settings("sandbox", environ={}, preset="podcast", overrides={"audio": {"tail_ms": 2_500}})
    assert (settings.audio.tail_ms, settings.audio.bitrate_kbps) == (2_500, 128)
    assert settings.preset == read_preset("podcast")


def test_a_preset_of_ones_own_is_a_path(tmp_path: Path) -> None:
    path = written(tmp_path, ACX.replace("loudness_db = -20.0", "loudness_db = -21.0"))
    settings = load_settings("sandbox", environ={}, preset=path)
    assert (settings.preset.name, settings.audio.loudness_db) == ("mine", -21.0)


def test_an_unknown_preset_gets_the_nearest_name() -> None:
    (found,) = mistakes("podcasts")
    assert "Did you mean `podcast`?" in found
    assert "one of acx, audiobookshelf, none, podcast" in found


def test_every_mistake_of_a_preset_has_its_line(tmp_path: Path) -> None:
    text = ACX.replace("lowest_db = -23.0", "lowest_db = 3").replace("floor_dbfs", "flor_dbfs").replace("note", "nota")
    found = mistakes(written(tmp_path, text))
    assert len(found) == 4
    assert any("`note` is missing" in problem for problem in found)
    assert any("unknown key `nota`" in problem for problem in found)
    assert any("rules.lowest_db" in problem and "line " in problem for problem in found)
    assert any("Did you mean `floor_dbfs`?" in problem for problem in found)


def test_a_preset_that_leaves_out_a_key_is_refused(tmp_path: Path) -> None:
    (found,) = mistakes(written(tmp_path, ACX.replace("aac_kbps = 96", "")))
    assert "`aac_kbps` is missing" in found


def test_a_wrong_value_of_a_preset_is_refused_as_any_setting(tmp_path: Path) -> None:
    (found,) = mistakes(written(tmp_path, ACX.replace("rate_hz = 44100", "rate_hz = 44000", 1)))
    assert found.startswith("mine.toml, line ")
    assert "audio.rate_hz" in found


@pytest.mark.parametrize(
    ("formats", "delivered", "parts"),
    [
        (DEFAULT_FORMATS, (Encoded.MP3,), ()),
        ((Format.M4B,), (), (Encoded.M4A,)),
        ((Format.LPF, Format.MP3, Format.SRT), (Encoded.MP3,), ()),
        ((Format.LPF, Format.FLAC), (Encoded.FLAC,), (Encoded.MP3,)),
        ((Format.CUE, Format.M4B), (Encoded.MP3,), (Encoded.M4A,)),
        (tuple(Format), (Encoded.MP3, Encoded.FLAC, Encoded.OPUS), (Encoded.M4A,)),
    ],
)
def test_formats_say_which_encodings_are_made(
    formats: tuple[Format, ...], delivered: tuple[Encoded, ...], parts: tuple[Encoded, ...]
) -> None:
    assert (delivered_as(formats), parts_of(formats)) == (delivered, parts)
