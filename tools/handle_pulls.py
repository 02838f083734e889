"""Pulls every handle of portraits through the real window: python tools/handle_pulls.py FOLDER_OR_PHOTO... [--out OUT].

Each handle is pulled by 5, 15 and 40 px of the screen in four directions at three zooms (with --few, each distance and
direction at one of the zooms in turn). The script checks that the point ends within 3 px of the pointer or
the canvas says why not; that only the controls that own the handle differ; and that the pull is one step, and
undoing it brings everything back. The flow layer says which share of the motion lies outside the handle's
region. The script writes OUT.json and a sheet OUT.png with a row for each portrait.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QPointF, Qt  # noqa: E402
from PySide6.QtTest import QTest  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402

from app.engine.engine import Engine  # noqa: E402
from app.engine.face.controls import BY_NAME  # noqa: E402
from app.engine.face.handles import HANDLES, Handle  # noqa: E402
from app.engine.face.parameters import FaceEdit  # noqa: E402
from app.session.session import Session  # noqa: E402
from app.session.settings import Settings  # noqa: E402
from app.ui import theme  # noqa: E402
from app.ui.main_window import MainWindow  # noqa: E402

DISTANCES = (5, 15, 40)  # px of the screen
WAYS = ((1, 0), (-1, 0), (0, 1), (0, -1))  # right, left, down, up
ZOOMS = (1.0, 2.0, 4.0)  # multiples of the zoom that fits the photo
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
FLOW_PX = 15  # px; the flow is measured for pulls of this length
NEAR_PX = 3.0  # px of the screen up to which the point counts as under the pointer
SHOWN = {
    "nose": (40, 0),
    "forehead": (0, 40),
    "corner_left": (15, -15),
    "lid_left": (0, 15),
    "iris_left": (8, 0),
}
SHOWN |= {"brow_left": (0, -15), "inner_brow_left": (-8, 0), "lower_lip": (0, 15), "jaw": (15, 15)}
TILE = 200  # px of a picture on the sheet
# Landmarks of the lower face, of forehead and brows, and of the eyes' surroundings.
_LOWER = (2, 50, 280, 205, 425, 132, 361, 58, 288, 172, 397, 136, 365, 150, 379, 149, 378, 148, 377, 152)
_BROWS = (70, 63, 105, 66, 107, 46, 53, 52, 65, 55, 300, 293, 334, 296, 336, 276, 283, 282, 295, 285)  # brows
_BROWS += (109, 338, 103, 332)  # the forehead's upper edge
_EYES = (33, 133, 159, 145, 70, 105, 107, 263, 362, 386, 374, 300, 334, 336, 111, 340)  # landmarks
# What a handle may move: the hull of these landmarks, grown by so many eye distances.
REGIONS = {"corner": (_LOWER, 0.2), "lower": (_LOWER, 0.7), "upper": (_LOWER, 0.7), "jaw": (_LOWER, 0.7)}
REGIONS |= {"brow": (_BROWS, 0.2), "inner": ((*_BROWS, 168), 0.2), "lid": (_EYES, 0.1), "iris": (_EYES, 0.2)}


@dataclass
class Row:
    """One pull: px of the screen between point and pointer, what the canvas said, and what else is checked."""

    photo: str
    handle: str
    px: int
    way: tuple[int, int]
    zoom: float
    off: float
    said: str
    foreign: list[str]
    one_step: bool
    undone: bool
    ms: float
    outside: float | None = None

    @property
    def good(self) -> bool:
        """Return whether the pull kept every promise."""
        there = self.off <= NEAR_PX or bool(self.said)
        return there and not self.foreign and self.one_step and self.undone and (self.outside or 0) < 0.05


class Puller:
    """A window with one portrait, in which handles are pulled."""

    def __init__(self, window: MainWindow) -> None:
        self.window, self.session, self.canvas = window, window.session, window.edit_space.canvas

    def wait(self, seconds: float = 600.0) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            QApplication.processEvents()
            time.sleep(0.005)
            if self.session.portrait is not None and self.session.scheduler.is_idle:
                return
        raise TimeoutError("the engine did not come to rest")

    def zoom_to(self, zoom: float, landmark: int) -> None:
        canvas = self.canvas
        canvas.fit()
        face = canvas.active_face
        assert face is not None
        fit = 0.7 * canvas.height() / max(face.rect.height(), 1)
        canvas.zoom_by(zoom * fit / canvas.view.zoom, canvas.view.to_view(face.point(landmark)))
        middle = QPointF(canvas.width() / 2, canvas.height() / 2)
        canvas.pan(middle - canvas.view.to_view(face.point(landmark)))

    def pull(self, handle: Handle, px: int, way: tuple[int, int], zoom: float, photo: str) -> Row | None:
        """Pull a handle; return None where the handle has no room at this zoom."""
        self.zoom_to(zoom, handle.landmark)
        canvas, session = self.canvas, self.session
        face = canvas.active_face
        assert face is not None
        start = canvas.view.to_view(face.point(handle.landmark)).toPoint()
        if canvas.handle_at(QPointF(start)) is not handle:
            return None
        before, points = session.edit, face.points.copy()
        steps = session.undo_stack.index()
        end, began = start + QPointF(*way).toPoint() * px, time.perf_counter()
        QTest.mousePress(canvas, LEFT, NONE, start)
        QTest.mouseMove(canvas, end)
        QApplication.processEvents()
        ms, said = (time.perf_counter() - began) * 1000, canvas.hint if canvas.hint != "" else ""
        said = said if "ends at" in said or "no further" in said else ""
        grip = face.point(handle.landmark) - canvas.view.to_photo(QPointF(start))
        at = canvas.view.to_view(canvas.active_face.point(handle.landmark) - grip) - QPointF(end)
        QTest.mouseRelease(canvas, LEFT, NONE, end)
        changed = {n for n, v in session.edit.values if v != before.get(n)}
        owned = {*handle.controls, *(BY_NAME[n].mirror for n in handle.controls)}
        moved = session.undo_stack.index() - steps
        outside = self.outside(handle) if px == FLOW_PX and handle.landmark != 1 and moved else None
        if moved:
            session.undo_stack.undo()
        undone = session.edit == before and np.array_equal(canvas.active_face.points, points)
        off = float(np.hypot(at.x(), at.y()))
        return Row(
            photo,
            handle.name,
            px,
            way,
            zoom,
            off,
            said,
            sorted(changed - owned),
            moved <= 1,
            undone,
            ms,
            outside,
        )

    def ask(self, call: Any) -> Any:
        """Return what the engine answers on its own thread."""
        answers: list[Any] = []
        self.session.ask(call, answers.append, answers.append)
        while not answers:
            QApplication.processEvents()
            time.sleep(0.002)
        if isinstance(answers[0], Exception):
            raise answers[0]
        return answers[0]

    def outside(self, handle: Handle) -> float | None:
        """Return the share of the flow's length outside the handle's region; None for the head, which moves whole."""
        region = REGIONS.get(handle.name.partition("_")[0])
        portrait, index, edit = self.session.portrait, self.session.document.active, self.session.edit
        if region is None or portrait is None or edit.is_identity:
            return None

        def call(engine: Engine) -> Any:
            from app.engine.contract import Target
            from app.engine.generators.mesh_warp import MeshWarp
            from app.engine.views import scaled

            assert isinstance(engine.generator, MeshWarp)
            view = engine.view(portrait, 1024)
            target = Target(scaled(engine.target(portrait, index, edit), view.scale))
            return view.scale, engine.generator.flow(engine.code(portrait, view, index), target)

        scale, (flow, corner) = self.ask(call)
        if not flow.size:
            return 0.0
        face = portrait.faces[index]
        inside = region_mask(
            flow.shape[:2], corner, face.landmarks * scale, face.params.camera.scale * scale, region
        )
        length = np.hypot(flow[..., 0], flow[..., 1])
        return float((length * ~inside).sum() / max(float(length.sum()), 1e-9))

    def picture(self, edit: FaceEdit) -> NDArray[np.uint8]:
        """Return a picture (TILE, TILE, 3) of the face."""
        from app.session.pictures import Motif, PictureWish, picture_call

        wish = PictureWish(self.session.document.active, edit, Motif.RENDER, TILE)
        return np.asarray(self.ask(picture_call(self.session.portrait, wish)))


def region_mask(
    shape: tuple[int, ...],
    corner: tuple[int, int],
    points: NDArray[Any],
    iod: float,
    region: tuple[Any, float],
) -> NDArray[np.bool_]:
    """Return (H, W), true inside the region of a flow whose first pixel is at `corner`."""
    import cv2

    landmarks, grown = region
    hull = cv2.convexHull(np.round(points[list(landmarks), :2] - corner).astype(np.int32))
    mask = np.zeros(shape, np.uint8)
    cv2.fillConvexPoly(mask, hull, 1)
    size = 2 * round(grown * iod) + 1
    return np.asarray(cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))) > 0)


def pulls(puller: Puller, photo: str, few: bool) -> list[Row]:
    """Return a row for each pull of each handle."""
    rows = []
    for number, handle in enumerate(HANDLES):
        for i, px in enumerate(DISTANCES):
            for j, way in enumerate(WAYS):
                for k, zoom in enumerate(ZOOMS):
                    if few and k != (number + i + j) % len(ZOOMS):
                        continue
                    row = puller.pull(handle, px, way, zoom, photo)
                    if row is not None:
                        rows.append(row)
    return rows


def sheet_row(puller: Puller) -> NDArray[np.uint8]:
    """Return pictures of the portrait and of each handle of SHOWN pulled at the second zoom."""
    tiles = [puller.picture(FaceEdit())]
    for name, way in SHOWN.items():
        handle = next(h for h in HANDLES if h.name == name)
        puller.zoom_to(1.0, handle.landmark)
        face, view = puller.canvas.active_face, puller.canvas.view
        assert face is not None
        to = face.point(handle.landmark) + QPointF(*way) / view.zoom
        puller.session.pull(handle, (to.x(), to.y()), FaceEdit())
        tiles.append(puller.picture(puller.session.edit))
        puller.session.reset()
    return np.hstack(tiles)


def made_window() -> MainWindow:
    app = QApplication.instance() or QApplication([])
    theme.apply(app, "dark")
    settings = Settings()
    settings.tour_seen = True
    window = MainWindow(Session(Engine), settings)
    window.resize(1440, 900)
    window.show()
    window.session.start()  # not window.start(), which would ask about what a crash left
    return window


def report(rows: list[Row]) -> str:
    """Return a line for each handle: pulls, misses, the farthest point, the largest share outside, milliseconds."""
    lines = [f"{'handle':18s} pulls  bad  there  said  foreign  outside max / median   ms median / max"]
    for handle in HANDLES:
        own = [row for row in rows if row.handle == handle.name]
        shares = [row.outside for row in own if row.outside is not None] or [0.0]
        ms = [row.ms for row in own] or [0.0]
        lines.append(
            f"{handle.name:18s} {len(own):5d} {sum(not r.good for r in own):4d}"
            f" {sum(r.off <= NEAR_PX for r in own):6d} {sum(bool(r.said) for r in own):5d}"
            f" {sum(bool(r.foreign) for r in own):8d} {max(shares):10.3f} / {np.median(shares):.3f}"
            f" {np.median(ms):12.0f} / {max(ms):.0f}"
        )
    return "\n".join(lines)


def main() -> None:
    from PIL import Image

    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "handle_pulls")
    parser.add_argument("--few", action="store_true")
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    window = made_window()
    puller, rows, sheet = Puller(window), list[Row](), list[NDArray[np.uint8]]()
    photos = [p for path in options.paths for p in (sorted(path.iterdir()) if path.is_dir() else [path])]
    for photo in photos:
        if photo.suffix.lower() not in (".jpg", ".jpeg", ".png"):
            continue
        window.session.close()
        window.session.open(photo)
        puller.wait()
        if window.session.face is None:
            print(photo.name, "no face", flush=True)
            continue
        window.session.scheduler.hold(True)  # only the pulls are of interest, not the picture after each
        rows += pulls(puller, photo.name, options.few)
        sheet.append(sheet_row(puller))
        window.session.scheduler.hold(False)
        print(photo.name, sum(not r.good for r in rows if r.photo == photo.name), "bad", flush=True)
        records = [asdict(row) | {"good": row.good} for row in rows]
        options.out.with_suffix(".json").write_text(json.dumps(records))
        Image.fromarray(np.vstack(sheet)).save(options.out.with_suffix(".png"))
    print(report(rows))
    window.session.history.mark_saved(window.session.document)
    window.close()


if __name__ == "__main__":
    main()
