"""Gives tests a shown main window over the fake engine, which ends with the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QLocale
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.session.session import Session
from app.session.settings import Settings
from app.ui import i18n, theme
from app.ui.live import record_bar
from app.ui.live.cameras import Camera
from app.ui.live.driver_panel import shipped_performances
from app.ui.main_window import MainWindow
from app.ui.panels.edit_panel import EditPanel
from tests.fakes import FakeEngine
from tests.session.conftest import session as empty_session
from tests.session.conftest import settle

__all__ = ["empty_session"]  # this is a fixture


@pytest.fixture(autouse=True, scope="session")
def empty_clipboard() -> Iterator[None]:
    """Empty the clipboard after a test.

    On the off-screen platform Qt frees the clipboard after Python has ended, which crashes if Python made its
    content.
    """
    yield
    if isinstance(application := QApplication.instance(), QApplication):
        application.clipboard().clear()


@pytest.fixture
def fake() -> FakeEngine:
    return FakeEngine()


def ready_to_close(window: MainWindow) -> None:
    """Let closing ask no question, which nobody would answer: mark the document as saved, and end work that runs.

    A test that failed while a film was drawn held up all others.
    """
    window.session.history.mark_saved(window.session.document)
    window.documents.settle_job = lambda: True  # type: ignore[method-assign]
    window.documents.settle_run = lambda run: True  # type: ignore[method-assign]


def settings_of_a_new_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return the settings of a home folder of the test's own, whose tour was seen; the theme is dark."""
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    theme.apply(app, "dark")
    settings = Settings()
    settings.tour_seen = True
    return settings


@pytest.fixture
def window(
    fake: FakeEngine, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MainWindow]:
    settings = settings_of_a_new_home(tmp_path, monkeypatch)
    window = MainWindow(Session(fake), settings)
    crashes: list[str] = []
    monkeypatch.setattr(window, "show_crash", crashes.append)
    window.session.crashed.connect(crashes.append)
    qtbot.addWidget(window, before_close_func=ready_to_close)
    window.resize(1280, 720)
    window.show()
    qtbot.waitExposed(window)
    window.start()
    yield window
    ready_to_close(window)
    window.close()
    assert not crashes, crashes[0]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "北京 portrait.png"
    path.write_bytes(b"a photo")
    return path


@pytest.fixture
def opened(window: MainWindow, photo: Path, qtbot: QtBot) -> MainWindow:
    """Return the window with a photo of two faces."""
    with qtbot.waitSignal(window.session.portrait_opened):
        window.documents.open(photo)
    settle(window.session, qtbot)
    return window


@pytest.fixture
def session(empty_session: Session, photo: Path, qtbot: QtBot) -> Session:
    """Return a session without a window, with a photo of two faces."""
    with qtbot.waitSignal(empty_session.portrait_opened):
        empty_session.open(photo)
    return empty_session


@pytest.fixture
def panel(session: Session, qtbot: QtBot) -> EditPanel:
    panel = EditPanel(session)
    qtbot.addWidget(panel)
    panel.resize(340, 900)
    panel.show()
    settle(session, qtbot)
    return panel


@pytest.fixture
def german(qapp: QApplication) -> Iterator[None]:
    """Let the test's window speak German, with German numbers."""
    translator, before = i18n.Translator(i18n.read("de"), qapp), QLocale()
    qapp.installTranslator(translator)
    QLocale.setDefault(QLocale("de"))
    yield
    QLocale.setDefault(before)
    qapp.removeTranslator(translator)


@pytest.fixture
def german_errors(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(i18n, "_errors", i18n.ErrorCatalogue(i18n.read("de", "-errors")))
    yield


def open_live(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch, folder: Path, cameras: list[Camera]
) -> None:
    """Open the workspace Live on a machine that has these cameras; films go to the folder."""
    driver = window.live_space.driver
    monkeypatch.setattr(driver.cameras, "probe", driver.cameras.changed.emit)
    monkeypatch.setattr(driver.cameras, "all", lambda: cameras)
    monkeypatch.setattr(record_bar, "new_path", lambda suffix: folder / f"film{suffix}")
    window.actions_["live_space"].trigger()


@pytest.fixture
def live(opened: MainWindow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> MainWindow:
    """Return the window with the workspace Live open and the fake's camera as the only one."""
    live = opened.live_space.live
    monkeypatch.setattr(live, "start_camera", lambda *asked: live._start(lambda: asked))
    open_live(opened, monkeypatch, tmp_path, [Camera("Desk camera", 0)])
    return opened


@pytest.fixture
def live_without_camera(opened: MainWindow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> MainWindow:
    """Return the window with the workspace Live open, on a machine without a camera."""
    open_live(opened, monkeypatch, tmp_path, [])
    return opened


@pytest.fixture
def recording(live_without_camera: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> MainWindow:
    """Return the window while a film is recorded; ending the film asks no question."""
    window = live_without_camera
    monkeypatch.setattr(window.documents, "settle_job", lambda: True)
    space, steps = window.live_space, list[object]()
    space.driver.choose_clip(shipped_performances()[0])
    space.live.stepped.connect(steps.append)
    space.record.toggle_record()
    qtbot.waitUntil(lambda: len(steps) > 2)
    return window
