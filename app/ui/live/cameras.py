"""Lists cameras by the names that Qt knows, and follows them while they come and go."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal


@dataclass(frozen=True)
class Camera:
    """A camera and its name.

    device: what OpenCV opens: a path on Linux, elsewhere the index in the system's list.
    """

    name: str
    device: int | str


class Cameras(QObject):
    """The list is empty until `probe`, so that no camera's light goes on while a photo is edited."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._devices: QObject | None = None

    def probe(self) -> None:
        """Look for cameras, and watch for new ones from now on."""
        if self._devices is None:
            from PySide6.QtMultimedia import QMediaDevices

            devices = QMediaDevices(self)
            devices.videoInputsChanged.connect(self.changed)
            self._devices = devices
        self.changed.emit()

    def all(self) -> list[Camera]:
        if self._devices is None:
            return []
        from PySide6.QtMultimedia import QMediaDevices

        found = []
        for place, device in enumerate(QMediaDevices.videoInputs()):
            path = bytes(device.id().data()).decode(errors="replace")
            found.append(Camera(device.description(), path if path.startswith("/dev/") else place))
        return found
