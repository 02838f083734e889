"""Cameras by the names that Qt knows, kept up to date while they come and go."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal


@dataclass(frozen=True)
class Camera:
    """device: what OpenCV opens: a path on Linux, elsewhere the place in the system's list."""

    name: str
    device: int | str


class Cameras(QObject):
    """Empty until `probe`: nobody's camera light goes on because a photo is edited."""

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
