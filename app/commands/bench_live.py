"""`mien bench live` drives the sample portrait by a simulated 640 x 480 camera at the camera's own speed."""

from __future__ import annotations

import math
import os
import time
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.commands.percentiles import percentiles
from app.engine.driving.steps import LiveStep
from app.engine.face.parameters import FaceEdit
from app.engine.sample import sample_path
from app.engine.sources.frames import Frame
from app.engine.sources.pacing import PacedSource
from app.session.live import LIVE_SIDE, NMFC_SIDE

if TYPE_CHECKING:
    from app.engine.contract import Step
    from app.engine.engine import Engine

CAMERA = (640, 480)  # px; the size that cameras give by default
RATE = Fraction(30)  # frames per second that such cameras give
DRAWN = 60  # number of different frames, played forwards and backwards
WARM_UP = 1.0  # seconds at the start that are not measured, because the first frames load libraries
DEFINITION = (
    "A 640 x 480 camera of 30 frames per second, simulated from the sample, drives the portrait at 768 px with "
    "the driver, NMFC and sliders on. Latency runs from the moment a frame is due at the camera until its picture, the "
    "driver's with landmarks and the NMFC are painted in the window's own views (off screen, one after the other on "
    "one thread); fps counts painted pictures; frames that come too quickly are dropped. What the desktop takes to "
    "bring a painted window to the screen is not in it."
)


class LoopedFrames:
    """A `FrameSource` that repeats pictures in memory for `seconds`."""

    name = "simulated camera"
    live = False
    total = 0

    def __init__(self, pictures: list[NDArray[np.uint8]], seconds: float) -> None:
        self.rate: Fraction | None = RATE
        self._pictures, self._count, self._index = pictures, int(seconds * RATE), 0

    def take(self, timeout: float) -> Frame | None:
        if self.ended:
            return None
        place = self._index % (2 * len(self._pictures) - 2)
        pixels = self._pictures[min(place, 2 * len(self._pictures) - 2 - place)]
        self._index += 1
        return Frame(pixels, float((self._index - 1) / RATE), self._index - 1)

    @property
    def ended(self) -> bool:
        return self._index >= self._count

    def close(self) -> None:
        self._index = self._count


def camera_pictures(engine: Engine, count: int = DRAWN) -> list[NDArray[np.uint8]]:
    """Return `count` pictures (480, 640, 3) that a webcam would see of the sample's person moving."""
    import cv2

    portrait = engine.open(sample_path())
    camera = portrait.faces[0].params.camera
    x, y = (int(v) for v in camera.translation)
    pictures = []
    for k in range(count):
        turn = math.sin(2 * math.pi * k / count)
        edit = FaceEdit.of(
            yaw=camera.yaw + 12 * turn, pitch=camera.pitch + 6 * turn, mouth_open=max(0.0, turn)
        )
        pixels = engine.render(portrait, {0: edit}).pixels
        head = pixels[max(0, y - 100) : y + 110, x - 140 : x + 140]
        pictures.append(np.asarray(cv2.resize(head, CAMERA, interpolation=cv2.INTER_CUBIC), np.uint8))
    return pictures


class Display:
    """The three views of the Live workspace at the sizes they have in a window of 1280 x 720."""

    def __init__(self) -> None:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
        from PySide6.QtWidgets import QApplication

        from app.ui.live.views import LiveView

        self._application = QApplication.instance() or QApplication([])
        self._portrait, self._driver, self._nmfc = (LiveView(name) for name in ("portrait", "driver", "nmfc"))
        for view, size in (
            (self._portrait, (658, 438)),
            (self._driver, (284, 168)),
            (self._nmfc, (284, 112)),
        ):
            view.resize(*size)
            view.show()
        self._application.processEvents()  # nothing is painted before a window is exposed

    def show(self, step: Step) -> float:
        """Paint what a step brought; return the milliseconds that it took."""
        begun = time.perf_counter()
        if isinstance(step, LiveStep) and step.driven is not None:
            self._portrait.show_picture(step.picture)
            self._driver.show_picture(step.driven.frame.pixels, step.driven.reading.landmarks)
            self._nmfc.show_picture(step.nmfc)
            for view in (self._portrait, self._driver, self._nmfc):
                view.repaint()
        return 1000 * (time.perf_counter() - begun)


def live_report(engine: Engine, photo: Path, seconds: float) -> dict[str, Any]:
    """Return frames per second, latency and stages of a live run of `seconds` after a warm-up."""
    from app.engine.contract import DrivenFace
    from app.engine.face.retargeting import RetargetSettings

    pictures = camera_pictures(engine)
    portrait = engine.open(photo)
    source = PacedSource(LoopedFrames(pictures, seconds + WARM_UP))
    latencies: list[float] = []
    stages: dict[str, list[float]] = {}
    start, dropped = 0.0, [0, 0]
    settings = RetargetSettings(relative=True)
    steps = engine.animate(DrivenFace(portrait, 0, {0: FaceEdit.of(smile=0.3)}, settings, LIVE_SIDE), source)
    display = Display()
    for step in steps:
        if engine.animation is not None:
            engine.animation.controls.nmfc_size = NMFC_SIDE
        shown_ms = display.show(step)
        now = time.monotonic()
        start = start or now
        driven = step.driven if isinstance(step, LiveStep) else None
        if driven is None or now - start < WARM_UP:
            dropped[0] = driven.frame.dropped if driven is not None else 0
            continue
        latencies.append(1000 * (now - driven.frame.time))
        dropped[1] = driven.frame.dropped
        for stage, ms in (*driven.ms.items(), ("display", shown_ms)):
            stages.setdefault(stage, []).append(ms)
    report = {"definition": DEFINITION, "fps": round(len(latencies) / seconds, 2)}
    report |= {"dropped": dropped[1] - dropped[0], "latency": percentiles(latencies)}
    return report | {f"stage.{stage}": percentiles(times) for stage, times in stages.items()}
