"""The canvas obeys mouse, wheel and keys, with a face of known landmarks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColorSpace,
    QImage,
    QInputDevice,
    QNativeGestureEvent,
    QPainter,
    QPointingDevice,
    QWheelEvent,
)
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QGestureEvent, QPinchGesture

from app.engine.face.handles import HANDLES
from app.engine.imaging.photo import Photo
from app.ui.canvas.canvas import Canvas
from app.ui.canvas.display import DisplayMaker, to_display
from app.ui.canvas.handles import CanvasFace
from tests.ui.hands import CTRL, LEFT, NONE, SHIFT, move

PAD = (QPointingDevice.PointerType.Finger, QInputDevice.Capability.PixelScroll, 5, 0)
MIDDLE = Qt.MouseButton.MiddleButton


def face(x: float = 100, y: float = 80) -> CanvasFace:
    """Return an oval of landmarks, 100 px wide, with the handles' points set apart from each other."""
    turn = np.linspace(0, 2 * np.pi, 478)
    points = np.stack([x + 50 + 50 * np.cos(turn), y + 60 + 60 * np.sin(turn)], axis=1)
    for at, landmark in enumerate((61, 291, 0, 17, 159, 386, 151, 105, 334, 107, 336, 152, 1, 468, 473)):
        points[landmark] = x + 20 + 20 * (at % 4), y + 25 + 20 * (at // 4)
    return CanvasFace((x, y, 100, 120), points, points, np.zeros(468))


@pytest.fixture
def canvas(qtbot: Any) -> Canvas:
    made = Canvas()
    qtbot.addWidget(made)
    made.resize(800, 600)
    pixels = np.zeros((300, 400, 3), np.uint8)
    pixels[:, 200:] = 200
    made.set_photo(Photo(pixels))
    made.set_faces((face(), face(260, 100)), 0)
    made.show()
    return made


def at(canvas: Canvas, landmark: int) -> QPoint:
    active = canvas.active_face
    assert active is not None
    return canvas.view.to_view(active.point(landmark)).toPoint()


def wheel(canvas: Canvas, where: QPointF, notches: int) -> None:
    event = QWheelEvent(
        where,
        where,
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        NONE,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(canvas, event)


def emissions(signal: Any) -> list[tuple[Any, ...]]:
    heard: list[tuple[Any, ...]] = []
    signal.connect(lambda *args: heard.append(args))
    return heard


def test_the_photo_is_fitted_and_stays_so_when_the_window_grows(canvas: Canvas) -> None:
    assert QRectF(canvas.rect()).contains(canvas.view.rect)
    before = canvas.view.zoom
    canvas.resize(1000, 800)
    assert canvas.view.zoom > before and QRectF(canvas.rect()).contains(canvas.view.rect)


def touch_pad(canvas: Canvas, kind: Any, where: QPointF, value: float) -> None:
    pad = QPointingDevice("pad", 1, QPointingDevice.DeviceType.TouchPad, *PAD)
    event = QNativeGestureEvent(kind, pad, 2, where, where, where, value, QPointF())
    QApplication.sendEvent(canvas, event)


def test_pinching_the_touch_pad_zooms_about_the_pointer(canvas: Canvas) -> None:
    where, before = QPointF(300, 200), canvas.zoom
    fixed = canvas.view.to_photo(where)
    for _ in range(3):
        touch_pad(canvas, Qt.NativeGestureType.ZoomNativeGesture, where, 0.1)
    assert canvas.zoom == pytest.approx(before * 1.1**3)
    assert (canvas.view.to_photo(where) - fixed).manhattanLength() < 2


def test_a_double_tap_goes_to_full_size_and_back(canvas: Canvas) -> None:
    fitted = canvas.zoom
    touch_pad(canvas, Qt.NativeGestureType.SmartZoomNativeGesture, QPointF(300, 200), 0)
    assert canvas.zoom == pytest.approx(1.0) != fitted
    touch_pad(canvas, Qt.NativeGestureType.SmartZoomNativeGesture, QPointF(300, 200), 0)
    assert canvas.zoom == pytest.approx(fitted)


def test_two_fingers_on_the_touch_pad_pan(canvas: Canvas) -> None:
    canvas.zoom_by(3)
    pad = QPointingDevice("pad", 1, QPointingDevice.DeviceType.TouchPad, *PAD)
    before, zoom, at = QPointF(canvas.view.offset), canvas.zoom, QPointF(300, 200)
    phase, source = Qt.ScrollPhase.ScrollUpdate, Qt.MouseEventSource.MouseEventNotSynthesized
    button = Qt.MouseButton.NoButton
    event = QWheelEvent(at, at, QPoint(-12, 7), QPoint(-96, 56), button, NONE, phase, False, source, pad)
    QApplication.sendEvent(canvas, event)
    assert canvas.view.offset - before == QPointF(-12, 7) and canvas.zoom == zoom


def test_pinching_the_screen_zooms_and_moves_with_the_fingers(canvas: Canvas) -> None:
    pinch = QPinchGesture()
    start, end = QPointF(300, 200), QPointF(320, 210)
    pinch.setLastCenterPoint(QPointF(canvas.mapToGlobal(start)))
    pinch.setCenterPoint(QPointF(canvas.mapToGlobal(end)))
    pinch.setScaleFactor(1.5)
    held, before = canvas.view.to_photo(start), canvas.zoom
    QApplication.sendEvent(canvas, QGestureEvent([pinch]))
    assert canvas.zoom == pytest.approx(1.5 * before)
    assert (canvas.view.to_photo(end) - held).manhattanLength() < 2


def test_the_wheel_zooms_about_the_pointer(canvas: Canvas) -> None:
    where = QPointF(300, 200)
    fixed, before = canvas.view.to_photo(where), canvas.zoom
    wheel(canvas, where, 3)
    assert canvas.zoom > 1.5 * before
    assert (canvas.view.to_photo(where) - fixed).manhattanLength() < 1.0
    canvas.fit()
    assert canvas.zoom == pytest.approx(before)


def test_hundred_percent_is_one_device_pixel(canvas: Canvas) -> None:
    canvas.actual_size()
    assert canvas.zoom == pytest.approx(1.0)
    assert canvas.view.zoom == pytest.approx(1 / canvas.devicePixelRatioF())


def test_space_or_the_middle_button_pans(canvas: Canvas) -> None:
    canvas.zoom_by(4)
    start = canvas.view.offset
    turned = emissions(canvas.gesture_started)
    canvas.setFocus()
    QTest.keyPress(canvas, Qt.Key.Key_Space)
    QTest.mousePress(canvas, LEFT, NONE, QPoint(400, 300))
    move(canvas, QPoint(430, 312))
    QTest.mouseRelease(canvas, LEFT, NONE, QPoint(1, 1))
    QTest.keyRelease(canvas, Qt.Key.Key_Space)
    assert canvas.view.offset - start == QPointF(30, 12) and not turned
    start = canvas.view.offset
    QTest.mousePress(canvas, MIDDLE, NONE, QPoint(400, 300))
    move(canvas, QPoint(390, 300))
    QTest.mouseRelease(canvas, MIDDLE, NONE, QPoint(390, 300))
    assert canvas.view.offset - start == QPointF(-10, 0)


def test_dragging_a_mouth_corner_asks_for_the_pointers_place(canvas: Canvas) -> None:
    dragged, steps = emissions(canvas.pulled), []
    canvas.gesture_started.connect(lambda: steps.append("start"))
    canvas.gesture_ended.connect(lambda: steps.append("end"))
    start = at(canvas, 61)
    QTest.mousePress(canvas, LEFT, NONE, start)
    for i in range(1, 21):
        move(canvas, start + QPoint(i, -i))
    QTest.mouseRelease(canvas, LEFT, NONE, start + QPoint(20, -20))
    wanted = canvas.view.to_photo(QPointF(start + QPoint(20, -20)))
    handle, to, turning, snapping = dragged[-1]
    assert handle.name == "corner_right" and not turning and not snapping
    assert (to.x(), to.y()) == pytest.approx((wanted.x(), wanted.y()), abs=1.5)
    assert steps == ["start", "end"]


def test_escape_cancels_the_drag(canvas: Canvas) -> None:
    cancelled, dragged = emissions(canvas.gesture_cancelled), emissions(canvas.pulled)
    start = at(canvas, 17)
    QTest.mousePress(canvas, LEFT, NONE, start)
    move(canvas, start + QPoint(10, 10))
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    before = len(dragged)
    move(canvas, start + QPoint(20, 20))
    QTest.mouseRelease(canvas, LEFT, NONE, start)
    assert len(cancelled) == 1 and len(dragged) == before


def test_a_click_without_a_move_changes_nothing(canvas: Canvas) -> None:
    started = emissions(canvas.gesture_started)
    QTest.mouseClick(canvas, LEFT, NONE, at(canvas, 61))
    assert not started


def test_the_face_held_anywhere_is_the_head_and_shift_rolls_it(canvas: Canvas) -> None:
    pulled = emissions(canvas.pulled)
    # This point is on the face, away from every handle.
    centre = canvas.view.to_view(QPointF(112, 140)).toPoint()
    assert canvas.handle_at(QPointF(centre)) is None
    QTest.mousePress(canvas, LEFT, NONE, centre)
    move(canvas, centre + QPoint(20, -10))
    assert pulled[-1][0].controls == ("yaw", "pitch") and not pulled[-1][2]
    move(canvas, centre + QPoint(20, -40), SHIFT)
    QTest.mouseRelease(canvas, LEFT, SHIFT, centre)
    assert pulled[-1][0].turned == ("roll",) and pulled[-1][2]


def test_shift_pulls_finely_and_control_snaps(canvas: Canvas) -> None:
    pulled, start = emissions(canvas.pulled), at(canvas, 468)
    began = canvas.active_face.point(468)
    QTest.mousePress(canvas, LEFT, NONE, start)
    move(canvas, start + QPoint(20, 0), SHIFT)
    assert (pulled[-1][1].x() - began.x()) * canvas.view.zoom == pytest.approx(2, abs=1)
    assert not pulled[-1][2]
    move(canvas, start + QPoint(30, 0), CTRL)
    QTest.mouseRelease(canvas, LEFT, NONE, start)
    assert pulled[-1][3] and (pulled[-1][1].x() - began.x()) * canvas.view.zoom == pytest.approx(12, abs=1)


def test_a_double_click_on_a_handle_asks_for_its_reset(canvas: Canvas) -> None:
    reset = emissions(canvas.reset_wanted)
    QTest.mouseDClick(canvas, LEFT, NONE, at(canvas, 334))
    assert [handle.name for (handle,) in reset] == ["brow_left"]


def test_the_end_of_a_range_is_said_while_the_handle_is_held(canvas: Canvas) -> None:
    hints, start = emissions(canvas.hint_changed), at(canvas, 1)
    canvas.pulled.connect(lambda *_: canvas.show_limit("Yaw ends at 60°"))
    QTest.mousePress(canvas, LEFT, NONE, start)
    move(canvas, start + QPoint(20, 0))
    assert canvas.hint == "Yaw ends at 60°" and hints[-1] == ("Yaw ends at 60°",)
    QTest.mouseRelease(canvas, LEFT, NONE, start)
    assert "60" not in canvas.hint


def test_a_handle_without_room_takes_its_other_side_along_and_says_zoom_in(canvas: Canvas) -> None:
    crowded = face()
    crowded.points[386] = crowded.points[334] + (2, 0)  # the left lid on the left brow
    canvas.set_faces((crowded,), 0)
    names = {handle.name for handle in crowded.handles(canvas.view.zoom)}
    assert ("lid_left" in names) == ("lid_right" in names) and len(names) < len(HANDLES)
    move(canvas, canvas.view.to_view(QPointF(112, 140)).toPoint())
    assert "Zoom in" in canvas.hint


def test_a_pen_that_presses_at_once_is_told_which_handle_it_holds(canvas: Canvas) -> None:
    """Once, a press where no pointer had moved before said what the last place that was hovered would do."""
    hints = emissions(canvas.hint_changed)
    move(canvas, at(canvas, 152))
    QTest.mousePress(canvas, LEFT, NONE, at(canvas, 291))
    assert "Mouth corner left" in canvas.hint and "Mouth corner left" in hints[-1][0]
    QTest.mouseRelease(canvas, LEFT, NONE, at(canvas, 291))


def test_handles_say_what_they_do(canvas: Canvas) -> None:
    hints = emissions(canvas.hint_changed)
    move(canvas, at(canvas, 291))
    assert "Mouth corner left" in hints[-1][0] and canvas.cursor().shape() == Qt.CursorShape.SizeAllCursor
    move(canvas, at(canvas, 159))
    assert canvas.cursor().shape() == Qt.CursorShape.SizeVerCursor
    move(canvas, QPoint(5, 5))
    assert hints[-1][0] == ""


def test_click_or_tab_chooses_a_face(canvas: Canvas) -> None:
    chosen = emissions(canvas.face_chosen)
    other = canvas.view.to_view(QPointF(310, 160)).toPoint()
    QTest.mouseClick(canvas, LEFT, NONE, other)
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_Tab)
    assert chosen == [(1,), (1,)]


def test_the_divider_follows_the_pointer_and_shows_both_pictures(canvas: Canvas) -> None:
    canvas.set_render(np.full((300, 400, 3), 90, np.uint8), None)
    canvas.set_faces((), 0)
    canvas.set_mode("split")
    QTest.mousePress(canvas, LEFT, NONE, QPoint(400, 300))
    move(canvas, QPoint(600, 300))
    QTest.mouseRelease(canvas, LEFT, NONE, QPoint(600, 300))
    assert canvas.split == pytest.approx(0.75)
    shown = canvas.grab().toImage()
    ratio = canvas.devicePixelRatioF()
    assert shown.pixelColor(int(500 * ratio), int(100 * ratio)).red() == 200  # the picture before the edit
    assert shown.pixelColor(int(700 * ratio), int(100 * ratio)).red() == 90  # the picture after the edit


def test_nothing_is_grabbed_on_the_before_side(canvas: Canvas) -> None:
    canvas.set_mode("split")
    canvas.set_split(at(canvas, 61).x() / canvas.width() + 0.05)
    assert canvas.handle_at(QPointF(at(canvas, 61))) is None
    canvas.set_split(at(canvas, 61).x() / canvas.width() - 0.05)
    assert canvas.handle_at(QPointF(at(canvas, 61))) is not None


def test_handles_too_close_to_each_other_give_way(canvas: Canvas) -> None:
    face_ = canvas.active_face
    assert face_ is not None and len(face_.handles(2.0)) == len(HANDLES)
    few = {handle.name for handle in face_.handles(0.1)}
    assert "nose" in few and len(few) < 8


def test_before_hides_the_render_and_its_handles(canvas: Canvas) -> None:
    canvas.set_render(np.full((300, 400, 3), 90, np.uint8), None)
    canvas.toggle_before()
    assert canvas.mode == "before" and canvas.handle_at(QPointF(at(canvas, 61))) is None
    assert canvas.grab().toImage().pixelColor(500, 100).red() == 200
    canvas.toggle_before()
    assert canvas.grab().toImage().pixelColor(500, 100).red() == 90


def test_a_box_drawn_by_hand_comes_out_in_the_photos_pixels(canvas: Canvas) -> None:
    boxes = emissions(canvas.box_drawn)
    canvas.set_drawing_box(True)
    corners = [canvas.view.to_view(QPointF(*p)).toPoint() for p in ((50, 60), (150, 200))]
    QTest.mousePress(canvas, LEFT, NONE, corners[0])
    move(canvas, corners[1])
    QTest.mouseRelease(canvas, LEFT, NONE, corners[1])
    assert boxes[0][0] == pytest.approx((50, 60, 100, 140), abs=1.5)


def test_transparent_pixels_show_the_checkerboard(canvas: Canvas) -> None:
    alpha = np.zeros((64, 64), np.uint8)
    canvas.set_photo(Photo(np.zeros((64, 64, 3), np.uint8), alpha))
    image = canvas.grab().toImage()
    middle = image.rect().center()
    colours = {image.pixelColor(middle.x() + 8 * i, middle.y()).red() for i in range(4)}
    assert colours == {128, 160}


def test_layers_draw_over_the_face(canvas: Canvas) -> None:
    bare = canvas.grab().toImage()
    canvas.set_face_mesh(np.array([[0, 100, 250]], np.int32), np.array([[1.0, 0, 0]]))
    canvas.set_layer("nmfc", True)
    coloured = canvas.grab().toImage()
    assert coloured != bare
    canvas.set_layer("nmfc", False)
    canvas.set_layer("mesh", True)
    assert canvas.grab().toImage() not in (bare, coloured)


def colour(image: QImage) -> tuple[int, int, int]:
    return image.pixelColor(1, 1).getRgb()[:3]  # type: ignore[index,return-value]


def test_the_photos_profile_is_honoured(qapp: object) -> None:
    profile = bytes(QColorSpace(QColorSpace.NamedColorSpace.AdobeRgb).iccProfile().data())
    pixels = np.full((4, 4, 3), (120, 200, 60), np.uint8)
    plain = colour(to_display(pixels, None, None).levels[0])
    managed = colour(to_display(pixels, None, profile).levels[0])
    assert plain == (120, 200, 60)
    assert managed[1] >= 200 and managed[0] < 110  # the same green in the smaller gamut


def test_sixteen_bits_are_shown_as_bright_as_eight(qapp: object) -> None:
    eight = np.full((4, 4, 3), (10, 128, 250), np.uint8)
    sixteen = eight.astype(np.uint16) * 257
    assert colour(to_display(sixteen, None, None).levels[0]) == (10, 128, 250)


def test_a_big_picture_is_made_off_the_gui_thread_and_the_newest_wins(qtbot: Any) -> None:
    maker = DisplayMaker()
    made = emissions(maker.ready)
    for value in (10, 20, 30):
        maker.make(np.full((1200, 1200, 3), value, np.uint8), None, None)
    assert not made  # nothing was converted here
    qtbot.waitUntil(lambda: bool(made))
    qtbot.wait(50)
    assert len(made) == 1 and colour(made[0][0].levels[0]) == (30, 30, 30)


def test_a_level_near_the_screens_size_is_drawn(qapp: object) -> None:
    stripes = np.zeros((2048, 2048, 3), np.uint8)
    stripes[:, ::2] = 255
    target = QImage(256, 256, QImage.Format.Format_RGB32)
    painter = QPainter(target)
    to_display(stripes, None, None).draw(painter, QRectF(0, 0, 256, 256), 1.0)
    painter.end()
    assert 120 <= target.pixelColor(100, 100).red() <= 135  # pixels are averaged, not sampled
