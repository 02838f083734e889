"""Reads a camera on a thread that keeps only the newest frame, and opens a lost camera again."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.errors import EngineError
from app.engine.sources.frames import Frame

# These values were chosen for cameras of 30 frames a second.
RETRY_SECONDS = 1.0  # seconds between two attempts to open a lost camera
RATE_WINDOW = 30  # frames over which the obtained rate is measured

Opener = Callable[[int | str], Any]  # returns an object like cv2.VideoCapture


def open_device(device: int | str) -> Any:
    """Return the cv2.VideoCapture of an index or a device path, opened by the platform's own interface."""
    # OpenCV's Media Foundation backend takes half a minute to open many cameras otherwise.
    os.environ.setdefault("OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS", "0")
    import cv2

    backends = {"linux": cv2.CAP_V4L2, "darwin": cv2.CAP_AVFOUNDATION, "win32": cv2.CAP_MSMF}
    return cv2.VideoCapture(device, backends.get(sys.platform, cv2.CAP_ANY))


class CameraSource:
    """A camera as a live source, whose times are seconds of the monotonic clock.

    The camera is asked for `size` (width, height) px and `frames_per_second`; `size` and `rate` are then those that it
    delivers. `lost` is true while the camera is gone; it is tried again every second.
    """

    live = True
    total = 0

    def __init__(
        self,
        device: int | str,
        name: str = "",
        size: tuple[int, int] = (640, 480),
        frames_per_second: float = 30.0,
        opener: Opener = open_device,
    ) -> None:
        self.name = name or f"Camera {device}"
        self._device, self._wanted, self._opener = device, (*size, frames_per_second), opener
        self._capture = self._open()
        if self._capture is None:
            raise EngineError(
                f"{self.name} cannot be opened.",
                "Plug it in, close other programs that use it, and allow access to it in the system settings.",
            )
        self.size: tuple[int, int] = (0, 0)
        self.lost = False
        self._times: list[float] = []
        self._newest: Frame | None = None
        self.captured = self._dropped = 0  # numbers of frames
        self._news = threading.Condition()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"camera {device}", daemon=True)
        self._thread.start()

    @property
    def rate(self) -> Fraction | None:
        """Return the frames per second that the camera delivers, None before there are two frames."""
        times = self._times
        if len(times) < 2 or times[-1] <= times[0]:
            return None
        return Fraction((len(times) - 1) / (times[-1] - times[0])).limit_denominator(1000)

    def take(self, timeout: float) -> Frame | None:
        with self._news:
            if self._newest is None:
                self._news.wait(timeout)
            frame, self._newest = self._newest, None
            return frame

    @property
    def ended(self) -> bool:
        return self._stop.is_set()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(timeout=5)

    def _open(self) -> Any:
        import cv2

        capture = self._opener(self._device)
        if not capture.isOpened():
            capture.release()
            return None
        width, height, rate = self._wanted
        for setting, value in (
            (cv2.CAP_PROP_FRAME_WIDTH, width),
            (cv2.CAP_PROP_FRAME_HEIGHT, height),
            (cv2.CAP_PROP_FPS, rate),
            (cv2.CAP_PROP_BUFFERSIZE, 1),
        ):
            capture.set(setting, value)
        return capture

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                pixels = self._read()
                if pixels is None:
                    self._reconnect()
                else:
                    self._put(pixels, time.monotonic())
        finally:
            self._release()

    def _read(self) -> NDArray[np.uint8] | None:
        """Return the next picture; None where the camera delivers none, also where its driver raises, as lost devices
        may do.
        """
        if self._capture is None:
            return None
        with contextlib.suppress(Exception):
            good, pixels = self._capture.read()
            return pixels if good else None
        return None

    def _release(self) -> None:
        capture, self._capture = self._capture, None
        if capture is not None:
            with contextlib.suppress(Exception):  # as above
                capture.release()

    def _put(self, bgr: NDArray[np.uint8], now: float) -> None:
        rgb = np.ascontiguousarray(bgr[..., ::-1])
        self._times = [*self._times[-RATE_WINDOW:], now]
        self.size = (rgb.shape[1], rgb.shape[0])
        self.lost = False
        with self._news:
            self._dropped += self._newest is not None
            self._newest = Frame(rgb, now, self.captured, self._dropped)
            self.captured += 1
            self._news.notify()

    def _reconnect(self) -> None:
        self.lost, self._times = True, []
        self._release()
        if not self._stop.wait(RETRY_SECONDS):
            with contextlib.suppress(Exception):  # as above
                self._capture = self._open()
