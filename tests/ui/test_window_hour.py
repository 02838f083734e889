"""Faults that an hour in the window found; each test failed before its fault was mended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QLocale, Qt
from PySide6.QtGui import QColor, QContextMenuEvent, QFont, QFontMetrics
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox, QPushButton
from pytestqt.qtbot import QtBot

from app.engine.contract import Measurement, Rendered
from app.engine.errors import EngineError
from app.engine.face.controls import BY_NAME
from app.session.live import Live
from app.session.session import Session
from app.session.settings import Settings
from app.ui import i18n, theme
from app.ui.dialogs.tour import Tour
from app.ui.live.control_panel import ControlPanel
from app.ui.main_window import MainWindow
from app.ui.panels.edit_panel import EditPanel
from tests.fakes import FakeEngine
from tests.session.conftest import settle


@pytest.fixture
def tour(opened: MainWindow) -> Iterator[Tour]:
    made = Tour(
        [(opened.edit_space.edit, "One", "a"), (opened.status, "Two", "b"), (None, "Three", "c")], opened
    )
    yield made
    made.end()


def test_the_tour_follows_the_windows_size(opened: MainWindow, tour: Tour, qtbot: QtBot) -> None:
    opened.resize(1400, 860)
    qtbot.waitUntil(lambda: tour.size() == opened.size())
    tour._on_next()
    opened.resize(1240, 700)
    qtbot.waitUntil(lambda: tour.size() == opened.size() and tour.rect().contains(tour.card.geometry()))
    assert tour.rect().adjusted(-4, -4, 4, 4).contains(tour._hole())


def test_every_card_of_the_tour_is_seen(opened: MainWindow, qtbot: QtBot) -> None:
    opened.helpers.show_tour()
    tour = opened.helpers.tour
    assert tour is not None
    for _ in tour._stops:
        qtbot.wait(50)  # a panel that comes forward is laid out in the next turn
        for part in (tour.heading, tour.next):
            at = part.mapTo(opened, part.rect().center())
            assert opened.childAt(at) is part, tour.heading.text()  # no panel lies over it
        assert opened.rect().contains(tour.card.geometry())
        assert tour.words.height() >= tour.words.heightForWidth(tour.words.width())
        tour.next.click()


def test_enter_goes_on_in_the_tour(tour: Tour, qtbot: QtBot) -> None:
    assert tour.count.text() == "1 / 3"
    QTest.keyClick(tour.next, Qt.Key.Key_Return)
    QTest.keyClick(tour, Qt.Key.Key_Enter)
    assert tour.count.text() == "3 / 3"


def test_the_result_belongs_to_a_face_and_a_state(opened: MainWindow, fake: FakeEngine, qtbot: QtBot) -> None:
    summary, session = opened.edit_space.result.summary, opened.session
    assert summary.text() == "Nothing is changed yet."
    fake.gate.clear()
    session.set_value("yaw", 12)
    assert summary.text() == "Measuring…" and not opened.status.measured.text()
    fake.gate.set()
    settle(session, qtbot)
    assert "identity" in summary.text() and opened.status.measured.text()
    fake.gate.clear()
    session.undo_stack.undo()
    assert summary.text() == "Nothing is changed yet." and not opened.status.measured.text()
    session.undo_stack.redo()
    assert summary.text() == "Measuring…"
    session.select_face(1)
    assert summary.text() == "Nothing is changed yet."
    fake.gate.set()
    settle(session, qtbot)


def test_a_run_of_arrow_keys_is_one_step(panel: EditPanel, session: Session, qtbot: QtBot) -> None:
    smile = panel.rows["smile"].row
    smile.setFocus()
    for _ in range(5):
        QTest.keyClick(smile, Qt.Key.Key_Right)
    assert session.undo_stack.count() == 1 and session.edit.get("smile") == pytest.approx(0.25)
    with qtbot.waitSignal(session.gesture_ended):
        pass
    QTest.keyClick(smile, Qt.Key.Key_Right)
    assert session.undo_stack.count() == 2
    smile.clearFocus()


def test_home_and_end_go_to_the_ends(panel: EditPanel, session: Session) -> None:
    row = panel.rows["yaw"].row
    row.setFocus()
    QTest.keyClick(row, Qt.Key.Key_End)
    assert session.edit.get("yaw") == BY_NAME["yaw"].upper
    QTest.keyClick(row, Qt.Key.Key_Home)
    assert session.edit.get("yaw") == BY_NAME["yaw"].lower and session.undo_stack.count() == 2


def test_the_history_never_says_that_a_value_became_itself(session: Session) -> None:
    session.set_value("smile", 0.781)
    session.set_value("smile", 0.784)
    assert "0.781 → 0.784" in session.undo_stack.text(1)


def test_the_history_says_which_face(opened: MainWindow) -> None:
    opened.session.select_face(1)
    opened.session.set_value("smile", 0.5)
    assert opened.session.undo_stack.text(0) == "Smile 0.00 → 0.50, face 2"


def test_tracks_are_long_enough_at_the_default_width(opened: MainWindow, qtbot: QtBot) -> None:
    opened.resize(1440, 900)
    qtbot.waitUntil(lambda: opened.edit_space.edit.rows["yaw"].row.track.width() >= 140)
    share = opened.edit_space.canvas.width() / opened.width()
    assert share >= 0.65


def test_the_panels_width_is_remembered(
    opened: MainWindow, photo: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    opened.resizeDocks([opened.spaces.docks["edit"]], [470], Qt.Orientation.Horizontal)
    qtbot.waitUntil(lambda: abs(opened.spaces.docks["edit"].width() - 470) < 4)
    opened.session.undo_stack.setClean()
    opened.close()
    again = MainWindow(Session(FakeEngine()), Settings())
    qtbot.addWidget(again)
    again.resize(1280, 720)  # the off-screen platform has no room for the size that was kept
    again.show()
    again.start(photo)
    qtbot.waitUntil(lambda: again.session.portrait is not None)
    qtbot.waitUntil(lambda: abs(again.spaces.docks["edit"].width() - 470) < 4)
    settle(again.session, qtbot)
    again.close()


def test_result_is_no_taller_than_its_text(opened: MainWindow, qtbot: QtBot) -> None:
    result = opened.edit_space.result
    qtbot.waitUntil(lambda: opened.spaces.docks["result"].height() <= result.sizeHint().height() + 24)


def test_zoom_to_face_fills_the_canvas_with_it(opened: MainWindow) -> None:
    canvas = opened.edit_space.canvas
    opened.actions_["zoom_face"].trigger()
    rect = canvas.active_face.rect
    corner = canvas.view.to_view(rect.topLeft())
    assert rect.height() * canvas.view.zoom == pytest.approx(0.7 * canvas.height(), rel=0.02)
    assert canvas.rect().contains(corner.toPoint())


def test_a_small_face_alone_is_gone_to_on_opening(
    qtbot: QtBot, photo: Path, window: MainWindow, fake
) -> None:
    fake._faces, fake._size = 1, (800, 600)
    window.documents.open(photo)
    qtbot.waitUntil(lambda: window.session.portrait is not None and bool(window.edit_space.canvas.faces))
    canvas = window.edit_space.canvas
    qtbot.waitUntil(lambda: canvas.active_face.rect.height() * canvas.view.zoom > 0.5 * canvas.height())
    settle(window.session, qtbot)


def test_a_right_click_offers_what_can_be_done_here(opened: MainWindow, qtbot: QtBot) -> None:
    space, asked = opened.edit_space, []
    space.canvas.menu_wanted.disconnect()
    space.canvas.menu_wanted.connect(lambda where, handle: asked.append(handle))
    at = space.canvas.view.to_view(space.canvas.active_face.point(152)).toPoint()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, space.canvas.mapToGlobal(at))
    QApplication.sendEvent(space.canvas, event)
    assert len(asked) == 1
    menu = space.menu(space.canvas.active_face.handles(50.0)[0])
    words = [action.text() for action in menu.actions()]
    assert words[0].startswith("Reset ") and "Frontalise" in words and "Zoom to face" in words


def test_a_message_does_not_change_the_zoom(opened: MainWindow, qtbot: QtBot) -> None:
    canvas = opened.edit_space.canvas
    zoom, size = canvas.view.zoom, canvas.size()
    opened.session.failed.emit(EngineError("Something went wrong.", "Do something else."))
    qtbot.waitUntil(opened.bar.isVisible)
    QApplication.processEvents()
    assert canvas.view.zoom == zoom and canvas.size() == size
    assert opened.bar.y() == 0 and opened.bar.width() == opened.centralWidget().width()


@pytest.mark.parametrize("name", ["dark", "light"])
def test_boxes_and_disabled_buttons_can_be_reported(qtbot: QtBot, name: str) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    used = theme.apply(app, name)
    box = QCheckBox("box")
    on, off = QPushButton("Record"), QPushButton("Record")
    for widget in (box, on, off):
        qtbot.addWidget(widget)
        widget.resize(120, 30)
    for button in (on, off):
        theme.make_primary(button)
    off.setEnabled(False)
    picture = box.grab().toImage()
    ground = QColor(used.panel).lightness()
    edge = max(abs(picture.pixelColor(x, 15).lightness() - ground) for x in range(16))
    assert edge > 60
    plain, faded = (widget.grab().toImage().pixelColor(8, 8) for widget in (on, off))
    assert abs(plain.lightness() - faded.lightness()) > 40
    assert theme.contrast(theme.faded(used), used.panel) < theme.contrast(used.quiet, used.panel)
    theme.apply(app, "dark")


def test_the_window_never_reports_to_type_a_command() -> None:
    from tools.texts import errors

    own = i18n.read("de", "-errors")
    commands = {"list", "models", "train", "drive"}
    for text in (*errors(), *own.values()):
        shown_text = i18n.without_commands(text)
        assert not any(f"mien {command}" in shown_text for command in commands), shown_text


def test_numbers_have_the_languages_decimal_point(panel: EditPanel, session: Session) -> None:
    before = QLocale()
    QLocale.setDefault(QLocale("de"))
    try:
        session.set_value("smile", 0.4)
        row = panel.rows["smile"].row
        assert row.number.text() == "0,40" and session.undo_stack.text(0).startswith("Smile 0,00 → 0,40")
        row.setFocus()
        row.number.start_typing("0")
        QTest.keyClicks(row.number, ",25")
        QTest.keyClick(row.number, Qt.Key.Key_Return)
        assert session.edit.get("smile") == pytest.approx(0.25)
    finally:
        QLocale.setDefault(before)


@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_no_name_of_a_slider_is_cut_in_german(session: Session, qtbot: QtBot, scale: float) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    translator = i18n.Translator(i18n.read("de"), app)
    app.installTranslator(translator)
    try:
        panel, controls = EditPanel(session), ControlPanel(Live(session))
        for widget in (panel, controls):
            qtbot.addWidget(widget)
        rows = [binding.row for binding in panel.rows.values()] + list(controls.rows.values())
        for row in rows:
            font = QFont(row.name_label.font())
            font.setPixelSize(round(font.pixelSize() * scale))
            words = QFontMetrics(font).horizontalAdvance(row.name_label.text())
            assert words <= row.name_label.width() * scale, row.name_label.text()
    finally:
        app.removeTranslator(translator)


def test_the_face_models_picture_hides_no_face_unless_asked(opened: MainWindow, qtbot: QtBot) -> None:
    space = opened.edit_space
    space.canvas.fit()
    space.canvas.zoom_by(1.0)

    def overlaps() -> bool:
        return space.nmfc.isVisible() and space._hides_face(space.nmfc.geometry())

    assert not overlaps()
    for zoom in (2.0, 2.0, 2.0, 2.0):  # together these make the faces fill the canvas
        space.canvas.zoom_by(zoom)
        assert not overlaps()
    assert not space.nmfc.isVisible()
    opened.actions_["preview"].trigger()
    opened.actions_["preview"].trigger()
    assert space.nmfc.isVisible()


def test_a_long_doubt_leaves_the_rows_of_the_result_their_height(opened: MainWindow, qtbot: QtBot) -> None:
    """Once, in a low window, the sentences about a turn's doubts pressed the rows above them together."""
    result, session = opened.edit_space.result, opened.session
    session.set_values({"yaw": 18.0, "smile": 0.6})
    settle(session, qtbot)
    pixels = np.zeros((4, 4, 3), np.uint8)
    doubts = ("The ear and hair of the side that turns into view are made up.", "The cheeks stretch.")
    session.rendered.emit(Rendered(pixels, None, 1.0, 0.1, {}, doubts=doubts))
    asked = dict(session.edit.values)
    result.show_measurement(Measurement(asked, {"yaw": 15.2, "smile": 0.76}, (0.0,) * 28, (0.0,) * 28, 0.1))
    qtbot.wait(100)
    rows = [result._grid.itemAt(k).widget() for k in range(result._grid.count())]
    assert len(rows) > 6 and all(row.height() >= row.sizeHint().height() for row in rows)
    assert result.doubts.height() >= result.doubts.heightForWidth(result.doubts.width())


def test_words_of_the_trade_are_explained_on_hover(opened: MainWindow, qtbot: QtBot) -> None:
    space = opened.edit_space
    assert "colour" in space.compare.layers["nmfc"].toolTip()
    assert "float32" in opened.status.device.toolTip()
    assert "standard deviation" in space.edit.groups["components"][0].heading.toolTip()
