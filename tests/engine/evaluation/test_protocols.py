"""The protocols run end to end on a clip of the sample portrait's own edits."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from app.cli import main
from app.engine.engine import Engine
from app.engine.errors import EngineError
from app.engine.evaluation.cross_reenactment import reenactment
from app.engine.evaluation.frontalisation import frontalisation
from app.engine.evaluation.protocols import ClipResult, self_reenactment
from app.engine.evaluation.report import as_json, as_markdown, save_sheet
from app.engine.face.parameters import FaceEdit
from app.engine.film.recorder import Recorder
from app.engine.imaging.photo import Photo

MEASURED = Path(__file__).parents[3] / "docs" / "measured.md"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, engine: Engine, astronaut: NDArray[np.uint8]) -> Path:
    """Return a clip in which the astronaut's head turns by 20 degrees in five frames; back.mp4 beside it
    turns back.
    """
    portrait = engine.portrait(Photo(np.ascontiguousarray(astronaut[:240, 110:350]), key="head"))
    yaw = portrait.faces[0].params.camera.yaw
    folder = tmp_path_factory.mktemp("clip")
    frames = [engine.render(portrait, {0: FaceEdit.of(yaw=yaw + 5 * k)}).pixels for k in range(5)]
    for name, ordered in (("turn.mp4", frames), ("back.mp4", frames[::-1])):
        recorder = Recorder(folder / name, rate=Fraction(25), live=False)
        for k, frame in enumerate(ordered):
            recorder.write(frame, k / 25)
        recorder.stop()
    return folder / "turn.mp4"


@pytest.fixture(scope="module")
def result(engine: Engine, clip: Path) -> ClipResult:
    (result,) = self_reenactment(engine, [clip], 5)
    return result


def test_self_reenactment_beats_the_unedited_frame(result: ClipResult) -> None:
    assert result.frames == 4 and result.metrics["detected"] == 1
    for name in ("face_l1", "l1"):
        assert result.metrics[name] < 0.8 * result.baselines["unedited"][name]
    assert result.metrics["ard"] < 0.7 * result.rotation
    wanted = {"psnr", "ssim", "apd", "mapd", "are", "aed", "dai", "aeld", "nme", "fold_overs"}
    assert wanted <= set(result.metrics)


def test_the_report_is_json_a_table_and_a_sheet(result: ClipResult, tmp_path: Path) -> None:
    report = json.loads(json.dumps(as_json([result]), allow_nan=False))
    assert report["mean"]["l1"] == pytest.approx(report["clips"]["turn.mp4"]["l1"])
    assert set(as_json([result, result])["clips"]) == {"turn.mp4", "turn.mp4 (2)"}
    assert "csim" in report["unavailable"] and set(report["baselines"]) == {"unedited", "tps"}
    assert f"{result.metrics['l1']:.2f} / {result.metrics['psnr']:.2f}" in as_markdown([result], "mesh-warp")
    save_sheet([result], tmp_path / "sheet.png")
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]


def test_frontalisation_turns_every_frame_to_the_viewer(engine: Engine, clip: Path) -> None:
    (result,) = frontalisation(engine, [clip], 3)
    assert result.metrics["detected"] == 1 and result.metrics["are"] < 3 < result.rotation


def test_reenactment_follows_the_other_clips_pose(engine: Engine, clip: Path) -> None:
    with pytest.raises(EngineError, match="two clips"):
        next(reenactment(engine, [clip]))
    first, _ = reenactment(engine, [clip, clip.with_name("back.mp4")], 4)
    assert first.name == "turn.mp4 by back.mp4" and first.frames == 4
    assert first.metrics["detected"] == 1 and first.metrics["identity"] > 0.5
    assert first.metrics["ard"] < 0.7 * first.rotation


def test_a_sheet_that_cannot_be_written_is_reported(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(clip), "--frames", "2", "--sheet", str(tmp_path), "--json"]) == 1
    captured = capsys.readouterr()
    assert captured.out == "" and "is a folder" in captured.err


def table(text: str) -> dict[str, list[float]]:
    """Return clip -> frames, rotation, every L1 and PSNR, and the fold-overs, of a self-reenactment table's
    rows.
    """
    rows = (line.strip("|").split("|") for line in text.splitlines() if line.startswith("|"))
    numbers = {name.strip(): re.findall(r"[\d.]+", " ".join(cells)) for name, *cells in rows}
    return {name: [float(text) for text in (*row[:14], row[-1])] for name, row in numbers.items() if row}


def test_two_public_clips_give_the_documented_table(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ("a_grid_swiz3n.mp4", "a_headpose_female.mp4")
    assert main(["evaluate", *(str(shared / "media" / "videos" / name) for name in names)]) == 0
    found = table(capsys.readouterr().out)
    section = MEASURED.read_text(encoding="utf-8").partition("## Self-reenactment")[2].partition("\n## ")[0]
    for name in names:
        assert found[name] == pytest.approx(table(section)[name], rel=0.03, abs=0.1), name
