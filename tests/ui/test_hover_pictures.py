"""Two small pictures beside a row show what its control does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QRect
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.engine.face.controls import BY_NAME
from app.session.session import Session
from app.ui.main_window import MainWindow
from app.ui.panels.edit_panel import EditPanel
from app.ui.panels.hover_pictures import HoverPictures, ends
from app.ui.widgets.parameter_slider import ParameterSlider
from tests.fakes import FakeEngine


def test_hovering_shows_what_a_control_does(qtbot: Any, panel: EditPanel, fake: FakeEngine) -> None:
    smile = panel.rows["smile"].row
    smile.pictures_wanted.emit(True)
    card = panel._pictures._card
    qtbot.waitUntil(card.isVisible)
    assert all(not p.pixmap().isNull() for p in card._pictures)
    asked = [call[2].get("smile") for call in fake.calls if call[0] == "nmfc"]
    # Two sigmas of the model's statistics either way, which is more than a full smile.
    from app.engine.face.morphable_model import default_model
    from app.engine.face.semantic import directions

    reach = 2 / float(np.linalg.norm(directions(default_model())["smile"]))
    assert asked[-2:] == [pytest.approx(-reach), pytest.approx(reach)] and 1 < reach < 1.5
    assert [label.text() for label in card._captions] == [f"−{reach:.2f} · −2.0 σ", f"{reach:.2f} · 2.0 σ"]
    smile.pictures_wanted.emit(False)
    assert not card.isVisible()


@pytest.mark.parametrize("close", [False, True])
def test_pictures_of_another_face_are_not_left_open(
    qtbot: Any, panel: EditPanel, session: Session, close: bool
) -> None:
    """They stayed over the panel of a photo without a face, for as long as the pointer rested there."""
    panel.rows["smile"].row.pictures_wanted.emit(True)
    qtbot.waitUntil(panel._pictures._card.isVisible)
    session.close() if close else session.select_face(1)
    assert not panel._pictures._card.isVisible() and not panel._pictures._kept


def test_components_show_two_sigmas_either_way(qtbot: Any, panel: EditPanel, fake: FakeEngine) -> None:
    panel.rows["exp3"].row.pictures_wanted.emit(True)
    qtbot.waitUntil(lambda: {c[2].get("exp3") for c in fake.calls if c[0] == "nmfc"} >= {-2.0, 2.0})


def test_pose_is_shown_at_its_safe_ends_and_a_shut_eye_no_further_than_it_goes(session: Session) -> None:
    face = session.face
    assert face is not None
    assert ends(BY_NAME["yaw"], face) == BY_NAME["yaw"].safe
    low, high = ends(BY_NAME["blink_left"], face)
    assert low >= BY_NAME["blink_left"].lower and 0 < high <= 1


def test_the_pictures_of_a_row_open_in_the_panel_and_never_while_it_is_dragged(
    opened: MainWindow, qtbot: QtBot
) -> None:
    panel = opened.edit_space.edit
    row = panel.rows["yaw"].row
    pictures = panel.findChild(HoverPictures)
    assert pictures is not None
    card = pictures._card
    row.pictures_wanted.emit(True)
    qtbot.waitUntil(lambda: card.isVisible() or card.complete)
    for side in (0, 1):
        card.show_picture(side, QPixmap(8, 8))
    pictures._show_card()
    canvas = opened.edit_space.canvas
    over = QRect(canvas.mapToGlobal(QPoint(0, 0)), canvas.size())
    assert card.isVisible() and not over.intersects(card.geometry())
    QApplication.sendEvent(opened, QEvent(QEvent.Type.WindowDeactivate))
    assert not card.isVisible(), "it stayed over the training window that was opened by a key"
    pictures._show(row)
    assert card.isVisible()
    row._start()
    assert not card.isVisible()
    row._hover.timeout.emit()
    assert not card.isVisible()
    row._end()


def test_an_empty_card_is_not_shown(session: Session, qtbot: QtBot) -> None:
    from app.engine.face.controls import BY_NAME

    session.stop()  # from here on, nobody draws the pictures
    row = ParameterSlider(BY_NAME["yaw"])
    qtbot.addWidget(row)
    pictures = HoverPictures(session, row)
    pictures.watch(row)
    row.pictures_wanted.emit(True)
    assert not pictures._card.isVisible()
