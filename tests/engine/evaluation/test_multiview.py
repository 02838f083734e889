"""Heads that are turned between true views are measured."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from app.cli import main
from app.engine.contract import Portrait
from app.engine.engine import Engine
from app.engine.errors import EngineError
from app.engine.evaluation.multiview import head_mask, in_all, judged, multiview, pairs
from app.engine.imaging.colour import to_srgb8

HEADER = "file,person,expression,view\n"


def folder_of(tmp_path: Path, people: tuple[str, ...]) -> Path:
    rows = []
    for person in people:
        for view, short in (("front", "f"), ("left_3quarter", "l"), ("right_3quarter", "r")):
            name = f"{person}_{short}.jpg"
            (tmp_path / name).write_bytes(b"")
            rows.append(f"{name},{person},neutral,{view}\n")
    (tmp_path / "metadata.csv").write_text(HEADER + "".join(rows), encoding="utf-8")
    return tmp_path


def test_sides_take_turns_from_person_to_person(tmp_path: Path) -> None:
    found = pairs(folder_of(tmp_path, ("01", "02", "03")))
    assert [pair.side.name for pair in found] == ["01_l.jpg", "02_r.jpg", "03_l.jpg"]
    assert all(pair.front.name == f"{pair.person}_f.jpg" for pair in found)


def test_a_folder_without_its_table_says_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"metadata\.csv"):
        pairs(tmp_path)


def test_the_same_picture_is_perfect_and_a_blurred_one_lacks_edges(portrait: Portrait) -> None:
    photo, face = to_srgb8(portrait.photo), portrait.faces[0]
    same = judged(photo, photo, face)
    assert same == pytest.approx({"l1": 0, "ssim": 1, "edges": 1, "detail": 1})
    blurred = judged(np.asarray(cv2.GaussianBlur(photo, (0, 0), 3), np.uint8), photo, face)
    assert blurred["edges"] < 0.5 and blurred["detail"] < 0.5
    assert blurred["ssim"] < 0.95 and blurred["l1"] > 1


def test_a_misplaced_outline_is_no_detail(portrait: Portrait) -> None:
    """Once, a blurred head before a bright background counted as sharp, because its outline lay inside the true one."""
    photo, face = to_srgb8(portrait.photo), portrait.faces[0]
    head = head_mask(photo, face)
    small = cv2.erode(head.astype(np.uint8), np.ones((25, 25), np.uint8)) > 0
    made = np.where(small[..., None], cv2.GaussianBlur(photo, (0, 0), 2), 255).astype(np.uint8)
    found = judged(made, photo, face)
    assert found["edges"] > 1 and found["detail"] < 0.6


def test_the_head_is_the_person_above_the_chin(portrait: Portrait) -> None:
    face = portrait.faces[0]
    head = head_mask(to_srgb8(portrait.photo), face)
    rows = np.flatnonzero(head.any(axis=1))
    columns = face.landmarks[[10, 1, 13], :2].round().astype(int)
    assert head[columns[:, 1], columns[:, 0]].all()
    assert rows.max() <= face.landmarks[152, 1] + 0.2 * face.params.camera.scale
    assert not head[5, 5]


def test_nothing_or_both_to_evaluate_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate"]) == 1
    assert "Name clips" in capsys.readouterr().err
    assert main(["evaluate", "clip.mp4", "--multiview", str(tmp_path)]) == 1


def test_one_person_is_turned_both_ways(engine: Engine, shared: Path, tmp_path: Path) -> None:
    views = shared / "media" / "multiview"
    table = (views / "metadata.csv").read_text(encoding="utf-8").splitlines()
    for line in table[1:]:
        name = line.split(",")[0]
        if name.startswith("018_n"):
            (tmp_path / name).write_bytes((views / name).read_bytes())
    (tmp_path / "metadata.csv").write_text("\n".join(table), encoding="utf-8")
    (result,) = multiview(engine, tmp_path)
    assert 30 < result.angle < 50
    for turn, found in in_all([result]).items():
        assert found["l1"] < 70 and found["ssim"] > 0.3 and found["edges"] > 0.5, turn
        assert found["detail"] > 0.5, turn
