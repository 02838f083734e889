"""The window fits its screen together with the frame that the system draws around it."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QMargins, QRect
from pytestqt.qtbot import QtBot

from app.ui import placing
from app.ui.main_window import MainWindow
from app.ui.placing import fit

TITLE_BAR = QMargins(1, 37, 1, 1)


@pytest.mark.parametrize(
    ("wanted", "screen"),
    [
        (QRect(0, 0, 1440, 900), QRect(0, 0, 1440, 900)),
        (QRect(0, 0, 1440, 900), QRect(0, 27, 1280, 693)),
        (QRect(2600, 300, 1200, 800), QRect(1707, 0, 1707, 960)),
        (QRect(-500, -400, 1000, 700), QRect(0, 0, 1440, 900)),
    ],
)
def test_a_window_fits_its_screen_with_its_frame(wanted: QRect, screen: QRect) -> None:
    inner = placing.within(wanted, TITLE_BAR, screen)
    assert screen.contains(inner.marginsAdded(TITLE_BAR)) and not inner.isEmpty()
    calm = QRect(screen.left() + 60, screen.top() + 60, 900, 560)
    assert placing.within(calm, TITLE_BAR, screen) == calm


def test_the_window_gives_way_to_its_title_bar(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = window.screen().availableGeometry()
    monkeypatch.setattr(placing, "frame_of", lambda _: TITLE_BAR)
    window.setMinimumSize(200, 200)
    window.setGeometry(screen)
    fit(window)
    assert screen.contains(window.geometry().marginsAdded(TITLE_BAR))


def test_the_window_gives_way_to_a_frame_that_is_reported_of_late(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames_left, fitted = [QMargins()] * 3 + [TITLE_BAR], []
    monkeypatch.setattr(
        placing, "frame_of", lambda _: frames_left.pop(0) if len(frames_left) > 1 else frames_left[0]
    )
    monkeypatch.setattr(placing, "fit", lambda _: fitted.append(len(frames_left) == 1))
    placing.fit_when_framed(window)
    qtbot.waitUntil(lambda: bool(fitted) and fitted[-1])
    qtbot.wait(3 * placing.TRY_MS)
    assert fitted == [False, False, True, True]  # the last time, the frame is known for certain
