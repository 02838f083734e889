"""The whole thing once: the window over the real engine, from the sample portrait to an exported picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.engine.sample import sample_path
from app.main import make_engine
from app.session.session import Session
from app.session.settings import Settings
from app.ui import theme
from app.ui.main_window import MainWindow
from tests.ui.conftest import ready_to_close


def test_open_turn_frontalise_undo_and_export(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    theme.apply(app, "dark")
    settings = Settings()
    settings.tour_seen = True
    session = Session(make_engine)
    window = MainWindow(session, settings)
    monkeypatch.setattr(window, "show_crash", pytest.fail)
    session.crashed.connect(pytest.fail)
    qtbot.addWidget(window, before_close_func=ready_to_close)
    window.resize(1280, 720)
    window.show()
    window.start(sample_path())
    qtbot.waitSignal(session.portrait_opened, timeout=120_000).wait()
    measured: list[object] = []
    session.measured.connect(measured.append)
    session.set_value("yaw", 12)
    qtbot.waitUntil(lambda: bool(measured) and measured[-1] is not None, timeout=120_000)
    assert abs(measured[-1].measured["yaw"] - 12) < 3  # type: ignore[attr-defined]
    window.actions_["frontalise"].trigger()
    assert session.value("yaw") == pytest.approx(0, abs=0.5)
    window.actions_["undo"].trigger()
    window.actions_["undo"].trigger()
    session.set_value("smile", 0.5)
    out = tmp_path / "out.png"
    with qtbot.waitSignal(session.job_ended, timeout=120_000):
        session.export(out)
    with Image.open(out) as written, Image.open(sample_path()) as photo:
        now, before = np.asarray(written.convert("RGB")), np.asarray(photo.convert("RGB"))
    changed = np.any(now != before, axis=2).mean()
    assert now.shape == before.shape and 0.001 < changed < 0.3
    ready_to_close(window)
    window.close()
