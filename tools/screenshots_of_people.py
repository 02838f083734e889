"""Shows what the sample cannot: the rest found in a film, a group live, the export of a transparent photo, a
photo without a face.

`tools/screenshots.py` takes these pictures from the open media beside the checkout (`../shared/media`).
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tools.screenshots import Photographer

MEDIA = Path(__file__).resolve().parents[2] / "shared" / "media"
CLIP = MEDIA / "videos" / "a_grid_bbaf2n.mp4"
GROUP = MEDIA / "hard" / "a_group3_expedition1_nasa.jpg"
NO_FACE = MEDIA / "hard" / "a_noface_city_nasa.jpg"
PERSON = MEDIA / "images" / "a_p07_cc0.jpg"


def of_people(camera: Photographer) -> None:
    """Take every picture that needs people; the window shows a photo of one of them afterwards."""
    if not MEDIA.is_dir():
        print("without ../shared/media: no pictures of people")
        return
    window = camera.window
    window.actions_["edit_space"].trigger()
    opened(camera, PERSON)
    hands(camera)
    film(camera)
    deep_export(camera)
    opened(camera, NO_FACE)
    camera.take("no-face", window)
    opened(camera, GROUP)
    camera.take("group", window)
    live_group(camera)


def opened(camera: Photographer, photo: Path) -> None:
    """Open this photo in the window, without a question about the photo before it."""
    session = camera.window.session
    session.history.mark_saved(session.document)
    session.close()
    session.open(photo)
    camera.settle()


def hands(camera: Photographer) -> None:
    """Show a handle being held, a handle at its limit, and the menu of the canvas."""
    from PySide6.QtCore import QPoint, Qt, QTimer
    from PySide6.QtGui import QContextMenuEvent
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication, QMenu

    from app.engine.face.handles import HANDLES

    window, canvas = camera.window, camera.window.edit_space.canvas
    window.actions_["zoom_face"].trigger()
    camera.wait_for(0.3)
    handle = next(handle for handle in HANDLES if handle.name == "corner_left")
    face = canvas.active_face
    assert face is not None
    start = canvas.view.to_view(face.point(handle.landmark)).toPoint()
    QTest.mouseMove(canvas, start)
    camera.wait_for(0.2)
    camera.take("handle-hovered", window)
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QTest.mousePress(canvas, left, none, start)
    QTest.mouseMove(canvas, start + QPoint(40, -40))
    camera.settle()
    camera.take("handle-pulled", window)
    QTest.mouseRelease(canvas, left, none, start + QPoint(40, -40))
    camera.settle()
    camera.take("handle-let-go", window)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, start, canvas.mapToGlobal(start))
    QApplication.postEvent(canvas, event)

    def answer() -> None:
        menu = QApplication.activePopupWidget()
        if isinstance(menu, QMenu):
            camera.take("menu-canvas", menu)
            menu.close()

    QTimer.singleShot(300, answer)
    camera.wait_for(0.6)


def film(camera: Photographer) -> None:
    """Show the face at rest that was found in a clip, one that the user chose, and one that a performance
    contains.
    """
    from app.session.resting import RestFinder
    from app.ui.dialogs.film import FilmDialog

    finder = RestFinder(camera.window.session.jobs, camera.window)
    dialog = FilmDialog(CLIP, Path.home(), finder, camera.window)
    found: list[object] = []
    finder.found.connect(found.append)
    dialog.show()
    camera.wait_until(lambda: bool(found))
    camera.take("dialog-film-rest", dialog)
    dialog.rest.moment.setValue(1.0)
    camera.wait_until(lambda: len(found) > 1)
    camera.take("dialog-film-chosen", dialog)
    performance = next((Path(__file__).resolve().parents[1] / "assets/performances").glob("*.performance"))
    dialog.source.setText(str(performance))
    camera.wait_for(0.3)
    camera.take("dialog-film-performance", dialog)
    dialog.close()


def deep_export(camera: Photographer) -> None:
    """Show which losses the dialog names before a transparent 16-bit photo becomes a JPEG."""
    from PIL import Image

    from app.engine.imaging.reading import open_photo
    from app.ui.dialogs.export import ExportDialog

    folder = Path(tempfile.mkdtemp(prefix="mien-photos-"))
    photo = folder / "transparent.png"
    pixels = np.asarray(Image.open(PERSON).convert("RGBA")).copy()
    pixels[:100, :, 3] = 0
    Image.fromarray(pixels).save(photo)
    dialog = ExportDialog(open_photo(photo), camera.window.settings, camera.window)
    dialog.show()
    camera.wait_for(0.15)
    camera.take("dialog-export-transparent", dialog)
    at = dialog.format.format.findData(".jpg")
    dialog.format.format.setCurrentIndex(at)
    camera.wait_for(0.15)
    camera.take("dialog-export-losses", dialog)
    dialog.close()
    shutil.rmtree(folder)


def live_group(camera: Photographer) -> None:
    """Show several faces, one of them driven by a clip with a face at rest."""
    window, space = camera.window, camera.window.live_space
    window.actions_["live_space"].trigger()
    camera.wait_for(0.5)
    space.driver.choose_clip(CLIP)
    space.driver.loop.setChecked(True)
    camera.take("live-group-idle", window)
    steps: list[object] = []
    space.live.stepped.connect(steps.append)
    space.driver.start.click()
    camera.wait_until(lambda: len(steps) > 40 or not space.live.running)
    camera.take("live-group", window)
    space.controls.verticalScrollBar().setValue(0)
    camera.take("live-rest", space.controls)
    space.live.stop()
    camera.wait_until(lambda: not space.live.running)
    window.actions_["edit_space"].trigger()
