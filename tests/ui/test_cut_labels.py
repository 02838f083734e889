"""No word of the window is cut off, in German, at two scales of the screen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QTabBar, QWidget
from pytestqt.qtbot import QtBot

from tests.ui.cut_labels import cut

ROOT = Path(__file__).parents[2]
PLACES = 25  # least number of places: panels, dialogs and their pages


@pytest.mark.parametrize("scale", ["1", "1.5"])
def test_no_word_is_cut_in_german(scale: str, tmp_path: Path) -> None:
    home = {name: str(tmp_path) for name in ("MIEN_HOME", "HOME")}
    environment = {**os.environ, **home, "QT_SCALE_FACTOR": scale, "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-m", "tests.ui.cut_labels"]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    *found, count = run.stdout.splitlines()
    assert run.returncode == 0 and not found, run.stderr[-2000:]
    assert int(count.split()[0]) >= PLACES


def test_what_is_cut_is_found(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    row = QHBoxLayout(window)
    label, button, wrapped, tabs = (
        QLabel("Kiefer und Lippen"),
        QPushButton("Exportieren"),
        QLabel(),
        QTabBar(),
    )
    wrapped.setText("Ein langer Satz, der nicht in eine Zeile geht")
    wrapped.setWordWrap(True)
    tabs.addTab("Vorgaben")
    for part in (label, button, wrapped, tabs):
        row.addWidget(part)
    window.show()
    assert set(cut(window)) == set()
    label.setFixedWidth(20)
    button.setFixedWidth(20)
    wrapped.setFixedSize(60, 16)
    qtbot.waitUntil(lambda: label.width() == 20 and wrapped.height() == 16)
    assert set(cut(window)) == {label.text(), button.text(), wrapped.text()}
