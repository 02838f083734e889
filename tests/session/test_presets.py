"""Presets: the ones that come with Mien, how they blend, and how they are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.engine.errors import EngineError
from app.engine.face.controls import BY_NAME
from app.engine.face.parameters import FaceEdit
from app.session.presets import SHIPPED, Preset, PresetLibrary, blend, read_presets, write_presets
from tests.fakes import fake_face

SMILE = Preset("Smile", (("smile", 0.8),))
LEFT = Preset("Left", (("smile", 0.2), ("yaw", -20.0)))


def test_a_dozen_good_ones_ship_within_their_safe_ranges() -> None:
    presets = [p for path in sorted(SHIPPED.glob("*.json")) for p in read_presets(path)]
    assert len(presets) >= 12 and len({p.name for p in presets}) == len(presets)
    for preset in presets:
        for name, value in preset.values:
            low, high = BY_NAME[name].safe
            assert low <= value <= high, (preset.name, name)


def test_relative_controls_add_and_absolute_ones_go_their_share_of_the_way() -> None:
    face = fake_face(0, 0, 60, yaw=10)
    mixed = blend([(SMILE, 0.5), (LEFT, 0.5)], face)
    assert mixed == {"smile": pytest.approx(0.5), "yaw": pytest.approx(-5.0)}
    assert blend([(LEFT, 0.0)], face)["yaw"] == pytest.approx(10.0)


def test_a_blend_stays_within_what_can_be_asked() -> None:
    assert blend([(SMILE, 4.0)], None)["smile"] == BY_NAME["smile"].upper


def test_a_library_keeps_names_that_no_file_could_have(tmp_path: Path) -> None:
    library = PresetLibrary(tmp_path / "own", tmp_path / "none")
    for name in ("a/b", "a:b", "Lächeln 😀", ".."):
        library.save(Preset.of(name, FaceEdit.of(smile=0.3)))
    assert {p.name for p in library.all()} == {"a/b", "a:b", "Lächeln 😀", ".."}
    library.delete("a/b")
    assert {p.name for p in library.all()} == {"a:b", "Lächeln 😀", ".."}


def test_a_preset_leaves_out_where_the_face_is() -> None:
    assert Preset.of("x", FaceEdit.of(smile=0.3, tx=400, scale=80)).values == (("smile", 0.3),)


def test_exported_presets_come_back_by_import(tmp_path: Path) -> None:
    write_presets(tmp_path / "two.json", [SMILE, LEFT])
    library = PresetLibrary(tmp_path / "own", tmp_path / "none")
    assert library.load(tmp_path / "two.json") == (SMILE, LEFT)
    assert set(library.all()) == {SMILE, LEFT}


def test_an_imported_preset_never_replaces_one_of_the_same_name(tmp_path: Path) -> None:
    library = PresetLibrary(tmp_path / "own", tmp_path / "none")
    library.save(SMILE)
    other = Preset(SMILE.name, (("smile", 0.1),))
    write_presets(tmp_path / "theirs.json", [other, SMILE])
    for _ in range(2):  # those that are there already are not added again
        library.load(tmp_path / "theirs.json")
        assert set(library.all()) == {SMILE, Preset(f"{SMILE.name} 2", other.values)}


@pytest.mark.parametrize(
    "content",
    [
        "{}",
        "nonsense",
        '{"format": "mien-presets", "schema": "x", "presets": []}',
        '{"format": "mien-presets", "schema": 1, "presets": [{"name": "x", "values": {"smile": NaN}}]}',
        '{"format": "mien-presets", "schema": 1, "presets": [{"name": "x", "values": {"smile": Infinity}}]}',
        '{"format": "mien-presets", "schema": 9, "presets": []}',
        '{"format": "mien-presets", "schema": 1, "presets": [{"name": "x", "values": {"nose": 1}}]}',
    ],
)
def test_what_is_no_preset_is_reported(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(EngineError):
        read_presets(tmp_path / "x.json")
