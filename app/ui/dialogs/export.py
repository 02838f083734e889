"""Where and how the edited photo is written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from PySide6.QtCore import QStandardPaths, Qt, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSlider,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.engine.imaging.photo import Photo
from app.session.settings import Settings
from app.ui import theme
from app.ui.dialogs.parts import do_or_cancel, with_choose

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".tif": "TIFF", ".webp": "WebP", ".avif": "AVIF", ".bmp": "BMP"}
LOSSY = (".jpg", ".webp", ".avif")


class FormatOptions(QWidget):
    """File format with its details, remembered as the last export's."""

    def __init__(self, remembered: dict[str, Any], suffix: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.format = QComboBox(self)
        for ending, name in FORMATS.items():
            self.format.addItem(f"{name} ({ending})", ending)
        self.format.setAccessibleName(self.tr("Format"))
        self.quality = QSlider(Qt.Orientation.Horizontal, self)
        self.quality.setAccessibleName(self.tr("Quality"))
        self.number = QSpinBox(self)
        self.number.setAccessibleName(self.tr("Quality"))
        for part in (self.quality, self.number):
            part.setRange(1, 100)
        self.quality.valueChanged.connect(self.number.setValue)
        self.number.valueChanged.connect(self.quality.setValue)
        self.srgb = QCheckBox(self.tr("Convert to sRGB (for the web)"), self)
        self.eight_bit = QCheckBox(self.tr("8 bit per channel"), self)
        self.metadata = QCheckBox(self.tr("Keep camera data and comments"), self)
        self._lay_out()
        self.format.currentIndexChanged.connect(self._on_format)
        self.number.setValue(int(remembered.get("quality", 95)))
        self.srgb.setChecked(bool(remembered.get("srgb", False)))
        self.eight_bit.setChecked(bool(remembered.get("eight_bit", False)))
        self.metadata.setChecked(bool(remembered.get("keep_metadata", True)))
        self.choose(suffix)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.quality, 1)
        row.addWidget(self.number)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.addRow(self.tr("Format"), self.format)
        form.addRow(self.tr("Quality"), row)
        for box in (self.srgb, self.eight_bit, self.metadata):
            form.addRow("", box)

    @property
    def suffix(self) -> str:
        return str(self.format.currentData())

    def choose(self, suffix: str) -> None:
        alias = {".jpeg": ".jpg", ".tiff": ".tif"}.get(suffix.lower(), suffix.lower())
        self.format.setCurrentIndex(max(0, self.format.findData(alias)))
        self._on_format()

    def options(self) -> dict[str, Any]:
        """What `save_photo` takes."""
        chosen: dict[str, Any] = {
            "srgb": self.srgb.isChecked(),
            "eight_bit": self.eight_bit.isChecked(),
            "keep_metadata": self.metadata.isChecked(),
        }
        return {**chosen, "quality": self.number.value()} if self.suffix in LOSSY else chosen

    @Slot()
    def _on_format(self) -> None:
        for part in (self.quality, self.number):
            part.setEnabled(self.suffix in LOSSY)


class ExportDialog(QDialog):
    """`path` and `options` are what was chosen once it is accepted."""

    def __init__(self, photo: Photo, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Export"))
        self.setMinimumWidth(520)
        self._settings = settings
        self._source = photo.path
        remembered = settings.export_options
        source = photo.path or Path(self.tr("portrait") + ".png")
        folder = Path(remembered.get("folder") or source.parent)
        folder = folder if folder.is_dir() else source.parent
        if not os.access(folder, os.W_OK) or "site-packages" in folder.parts:  # the sample's own place
            folder = pictures_folder()
        self.name = QLineEdit(self)
        self.name.setAccessibleName(self.tr("File"))
        self.format = FormatOptions(remembered, remembered.get("suffix") or source.suffix, self)
        self.name.setText(str(_free(folder / f"{source.stem}-mien{self.format.suffix}")))
        self.format.format.currentIndexChanged.connect(self._on_format)
        self.note = QLabel(self)
        self.note.setWordWrap(True)
        theme.caption(self.note)
        self.buttons, self.go = do_or_cancel(self, self.tr("Export"))
        self._lay_out(photo)
        self.name.textChanged.connect(self._check)
        self._check()

    def _lay_out(self, photo: Photo) -> None:
        width, height = photo.size
        depth = 8 * photo.pixels.dtype.itemsize
        size = QLabel(
            self.tr("{} × {} pixels, {} bit, the photo's own size").format(width, height, depth), self
        )
        theme.caption(size)
        column = QVBoxLayout(self)
        column.setSpacing(12)
        column.addLayout(with_choose(self.name, self._browse))
        column.addWidget(size)
        column.addWidget(self.format)
        column.addWidget(self.note)
        column.addWidget(self.buttons)

    @property
    def path(self) -> Path:
        return Path(self.name.text()).expanduser()

    @property
    def options(self) -> dict[str, Any]:
        return self.format.options()

    def accept(self) -> None:
        self._settings.export_options = {
            **self._settings.export_options,
            **self.options,
            "folder": str(self.path.parent),
            "suffix": self.format.suffix,
        }
        super().accept()

    @Slot()
    def _browse(self) -> None:
        filters = ";;".join(f"{name} (*{ending})" for ending, name in FORMATS.items())
        chosen, _ = QFileDialog.getSaveFileName(self, self.tr("Export to"), self.name.text(), filters)
        if chosen:
            path = Path(chosen)
            self.name.setText(str(path if path.suffix else path.with_suffix(self.format.suffix)))
            self.format.choose(path.suffix or self.format.suffix)

    @Slot()
    def _on_format(self) -> None:
        self.name.setText(str(self.path.with_suffix(self.format.suffix)))

    @Slot()
    def _check(self) -> None:
        """Say what stands in the way, or what will be replaced."""
        path, own = self.path, self._source is not None and self.path.absolute() == self._source.absolute()
        writable = path.suffix.lower() in (*FORMATS, ".jpeg", ".tiff") and path.parent.is_dir()
        if own:
            self.note.setText(self.tr("This is the photo itself. Choose another name."))
        elif not path.parent.is_dir():
            self.note.setText(self.tr("There is no such folder."))
        elif not writable:
            self.note.setText(self.tr("Choose a name that ends in {}.").format(", ".join(FORMATS)))
        elif path.exists():
            self.note.setText(self.tr("This file exists and will be replaced."))
        else:
            self.note.setText(self.tr("The photo itself stays as it is."))
        self.go.setEnabled(writable and not own)


def pictures_folder() -> Path:
    """Where the system keeps pictures."""
    place = Path(
        QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation) or Path.home()
    )
    return place if place.is_dir() else Path.home()


def _free(path: Path) -> Path:
    """The path, numbered if it is taken."""
    number, free = 2, path
    while free.exists():
        free = path.with_stem(f"{path.stem}-{number}")
        number += 1
    return free
