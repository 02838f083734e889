"""A recorded film is shown frame by frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.engine.film.recorder import Recorder
from app.ui.live.film_player import KEPT, FilmPlayer


def test_a_film_is_shown_frame_by_frame(qtbot: QtBot, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "a.mp4", live=False)
    for k in range(70):
        recorder.write(np.full((64, 48, 3), 3 * k, np.uint8), k / 25, 0.04)
    player = FilmPlayer(recorder.stop().path)
    qtbot.addWidget(player)
    player.show()
    assert player.playing
    qtbot.waitUntil(lambda: player.at >= 2)
    player.toggle()
    player.go_to(60)
    assert "frame 61 of 70 · 2.4 s" in player.words.text()

    def level() -> float:
        assert player.picture._pixels is not None
        return float(player.picture._pixels.mean())

    assert level() == pytest.approx(180, abs=4)
    qtbot.keyClick(player, Qt.Key.Key_Left)
    assert player.at == 59 and level() == pytest.approx(177, abs=4) and not player.playing
    player.slider.setValue(3)  # this is further back than what is kept
    assert player.at == 3 and level() == pytest.approx(9, abs=4)
    player.go_to(500)
    assert player.at == 69
    for button in player.findChildren(QPushButton):
        assert button.accessibleName()
    player.reject()


def test_a_film_recorded_live_has_as_many_frames_as_were_recorded(qtbot: QtBot, tmp_path: Path) -> None:
    """Once, 49 frames in 14.8 s were shown as 444."""
    recorder = Recorder(tmp_path / "a.mp4", live=False)
    for k in range(49):
        recorder.write(np.full((48, 64, 3), 5 * k, np.uint8), 0.3 * k + 0.01 * (k % 5))
    player = FilmPlayer(recorder.stop().path)
    qtbot.addWidget(player)
    assert "of 49" in player.words.text() and player.slider.maximum() == 48
    player.reject()


def test_a_film_that_has_gone_is_reported_in_the_windows_language(
    qtbot: QtBot, tmp_path: Path, german_errors: None
) -> None:
    recorder = Recorder(tmp_path / "a.mp4", live=False)
    for k in range(KEPT + 9):
        recorder.write(np.full((48, 64, 3), k, np.uint8), k / 25, 0.04)
    path = recorder.stop().path
    player = FilmPlayer(path)
    qtbot.addWidget(player)
    player.go_to(KEPT + 5)
    path.unlink()
    player.go_to(1)
    assert "gibt es nicht" in player.picture._words
    player.reject()
