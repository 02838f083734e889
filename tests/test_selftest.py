"""The self-test makes what it promises, and fails where something is wrong."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app import selftest


def test_it_makes_pictures_and_a_film_and_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "out put é"
    assert selftest.main([str(folder)]) == 0
    assert {path.name for path in folder.iterdir()} == {
        "edited.png",
        "frontal.png",
        "driven.performance",
        "driven.mp4",
    }
    edited = np.asarray(Image.open(folder / "edited.png"))
    assert edited.shape == (512, 512, 3)
    assert b"ftyp" in (folder / "driven.mp4").read_bytes()[:16]
    assert "passed" in capsys.readouterr().err


def test_a_fault_is_reported_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from app.engine.face.landmarks import FaceTracker

    monkeypatch.setattr(FaceTracker, "detect", lambda self, pixels: ())
    assert selftest.main([]) == 1
    assert "0 faces" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert selftest.main([str(tmp_path / "file" / "out")]) == 1
