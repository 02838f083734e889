"""Shows Mien's pictures to other programs as a camera, by pyvirtualcam where the system has a device for it."""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

from app.engine.errors import EngineError

REMEDIES = {
    "linux": "Load the kernel module with “sudo modprobe v4l2loopback” (Debian: package v4l2loopback-dkms).",
    "darwin": "Install OBS, start its virtual camera once, and try again.",
    "win32": "Install OBS or Unity Capture, which bring a virtual camera, and try again.",
}


class VirtualCameraOutput:
    """A virtual camera that shows pictures of one size; EngineError where the system has none."""

    def __init__(self, size: tuple[int, int], frames_per_second: float) -> None:
        remedy = REMEDIES.get(sys.platform, REMEDIES["linux"])
        try:
            import pyvirtualcam
        except ImportError as error:
            raise EngineError(
                "Sending to a virtual camera needs the package pyvirtualcam.",
                "Install it with “pip install pyvirtualcam”.",
            ) from error
        try:
            self._camera = pyvirtualcam.Camera(*size, frames_per_second)
        except RuntimeError as error:
            raise EngineError("No virtual camera was found on this computer.", remedy) from error
        self.name = str(self._camera.device)

    def send(self, picture: NDArray[np.uint8]) -> None:
        """Show a picture (H, W, 3) sRGB from now on; one of another size is fitted in, with black borders."""
        self._camera.send(_fitted(picture, (self._camera.width, self._camera.height)))

    def close(self) -> None:
        self._camera.close()


def _fitted(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    if (width, height) == size:
        return np.ascontiguousarray(picture)
    import cv2

    scale = min(size[0] / width, size[1] / height)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    x, y = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    canvas = np.zeros((size[1], size[0], 3), np.uint8)
    canvas[y : y + inner[1], x : x + inner[0]] = cv2.resize(picture, inner, interpolation=cv2.INTER_AREA)
    return canvas
