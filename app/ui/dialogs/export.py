"""Asks where and how the edited photo is written."""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import QStandardPaths, Qt, Signal, Slot
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

from app.engine.files import free_path
from app.engine.imaging.colour import differs_from_srgb
from app.engine.imaging.endings import ALIASES, BARE, DEEP, LOSSY, OPAQUE, WRITTEN, written_ending
from app.engine.imaging.options import ExportOptions
from app.engine.imaging.photo import Photo
from app.engine.imaging.remarks import losses
from app.engine.imaging.writing import own_ending
from app.session.settings import Settings
from app.ui import i18n, theme
from app.ui.dialogs.parts import do_or_cancel, make_room, with_choose

USUAL_QUALITY = 95  # of 100; that of JPEG where none is chosen (`encoding.jpeg`)


class FormatOptions(QWidget):
    """Asks for the file format and those of its details that can matter.

    remembered: the last export's options; photo: the photo that is exported, None where it is not known yet
    and every detail can matter.
    """

    changed = Signal()

    def __init__(
        self,
        remembered: ExportOptions,
        suffix: str,
        parent: QWidget | None = None,
        photo: Photo | None = None,
    ) -> None:
        super().__init__(parent)
        self._deep = photo is None or photo.pixels.dtype.itemsize > 1
        self._coloured = photo is None or differs_from_srgb(photo.icc)
        self._has_metadata = photo is None or bool(photo.exif or photo.xmp)
        self.format = QComboBox(self)
        if photo is None:
            self.format.addItem(self.tr("As each photo"), "")
        for ending, name in WRITTEN.items():
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
        self.number.setValue(remembered.quality or USUAL_QUALITY)
        self.srgb.setChecked(remembered.srgb)
        self.metadata.setChecked(remembered.keep_metadata)
        self.choose(suffix)

    def _lay_out(self) -> None:
        self._quality_row = row = QHBoxLayout()
        row.addWidget(self.quality, 1)
        row.addWidget(self.number)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.addRow(self.tr("Format"), self.format)
        form.addRow(self.tr("Quality"), row)
        for box in (self.srgb, self.eight_bit, self.metadata):
            form.addRow("", box)
        self._form = form
        self.eight_bit.toggled.connect(self.changed)

    def line_up_with(self, form: QFormLayout) -> None:
        """Give the fields the left edge that they have in a form above."""
        items = (form.itemAt(row, QFormLayout.ItemRole.LabelRole) for row in range(form.rowCount()))
        widths = [item.sizeHint().width() for item in items if item is not None]
        self._form.labelForField(self.format).setMinimumWidth(max(widths))
        self._form.setHorizontalSpacing(form.horizontalSpacing())

    @property
    def suffix(self) -> str:
        return str(self.format.currentData())

    def choose(self, suffix: str) -> None:
        alias = ALIASES.get(suffix.lower(), suffix.lower())
        self.format.setCurrentIndex(max(0, self.format.findData(alias)))
        self._on_format()

    def options(self) -> ExportOptions:
        """Return what is chosen; the quality is None where the format has none."""
        return ExportOptions(
            self.number.value() if self._is_lossy else None,
            self.srgb.isChecked(),
            self.eight_bit.isChecked() and self._is_deep,
            self.metadata.isChecked(),
        )

    @property
    def _is_deep(self) -> bool:
        """Return whether photo and format have more than 8 bits."""
        return self._deep and self.suffix in ("", *DEEP)

    @property
    def _is_lossy(self) -> bool:
        """Return whether the format has a quality; each photo's own may have one."""
        return self.suffix in ("", *LOSSY)

    def losses(self) -> str:
        """Return what the chosen format cannot hold of any photo, in a sentence; "" where it holds everything."""
        if self.suffix in ("", *DEEP):
            return ""
        if self.suffix in OPAQUE:
            return self.tr("A {} file holds 8 bits per channel and no transparency.").format(self.suffix)
        return self.tr("A {} file holds 8 bits per channel.").format(self.suffix)

    @Slot()
    def _on_format(self) -> None:
        self._form.setRowVisible(self._quality_row, self._is_lossy)
        self._form.setRowVisible(self.eight_bit, self._is_deep)
        self._form.setRowVisible(self.srgb, self._coloured and self.suffix not in BARE)
        self._form.setRowVisible(self.metadata, self._has_metadata and self.suffix not in BARE)
        self.changed.emit()


class ExportDialog(QDialog):
    """Asks for file and format; `path` and `options` are the answers once the dialog is accepted."""

    def __init__(self, photo: Photo, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Export"))
        self.setMinimumWidth(520)
        self._settings = settings
        self._source, self._photo = photo.path, photo
        source = photo.path or Path(self.tr("portrait") + ".png")
        folder = settings.export_folder
        folder = folder if folder is not None and folder.is_dir() else source.parent
        if not os.access(folder, os.W_OK) or "site-packages" in folder.parts:  # where the sample lies
            folder = pictures_folder()
        self.name = QLineEdit(self)
        self.name.setAccessibleName(self.tr("File"))
        self.format = FormatOptions(settings.export_options, own_ending(photo), self, photo)
        self.name.setText(str(free_path(folder / f"{source.stem}-mien{self.format.suffix}")))
        self.format.format.currentIndexChanged.connect(self._on_format)
        self.note = QLabel(self)
        self.note.setWordWrap(True)
        theme.caption(self.note)
        self.buttons, self.go = do_or_cancel(self, self.tr("Export"))
        self._lay_out(photo)
        self.name.setSelection(len(self.name.text()) - len(self.path.name), len(self.path.stem))
        self.name.textChanged.connect(self._on_name)
        self.format.changed.connect(self._check)
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
    def options(self) -> ExportOptions:
        return self.format.options()

    def accept(self) -> None:
        self._settings.export_options = self.options
        super().accept()

    @Slot()
    def _browse(self) -> None:
        filters = ";;".join(f"{name} (*{ending})" for ending, name in WRITTEN.items())
        chosen, _ = QFileDialog.getSaveFileName(self, self.tr("Export to"), self.name.text(), filters)
        if chosen:
            path = Path(chosen)
            self.name.setText(str(path if path.suffix else path.with_suffix(self.format.suffix)))

    @Slot()
    def _on_format(self) -> None:
        if written_ending(self.path) != self.format.suffix:
            self.name.setText(str(self.path.with_suffix(self.format.suffix)))

    @Slot()
    def _on_name(self) -> None:
        """Set the format by the ending that was typed."""
        if written_ending(self.path) in WRITTEN:
            self.format.choose(self.path.suffix.lower())
        self._check()

    @Slot()
    def _check(self) -> None:
        """Say what prevents the export, or what it will replace."""
        path, own = self.path, self._source is not None and self.path.absolute() == self._source.absolute()
        writable = written_ending(path) in WRITTEN and path.parent.is_dir()
        if own:
            self.note.setText(self.tr("This is the photo itself. Choose another name."))
        elif not path.parent.is_dir():
            self.note.setText(self.tr("There is no such folder."))
        elif not writable:
            self.note.setText(self.tr("Choose a name that ends in {}.").format(", ".join(WRITTEN)))
        else:
            words = self.tr("The photo itself stays as it is.")
            if path.exists():
                words = self.tr("This file exists and will be replaced.")
            self.note.setText(" ".join((*self._lost(), words)))
        self.go.setEnabled(writable and not own)
        make_room(self)

    def _lost(self) -> list[str]:
        """Return what the chosen format cannot hold of the photo, one sentence each."""
        lost = losses(self._photo.pixels, self._photo.alpha, self.format.suffix, self.options.eight_bit)
        return [i18n.sentence(remark) for remark in lost]


def pictures_folder() -> Path:
    """Return where the system keeps pictures."""
    place = Path(
        QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation) or Path.home()
    )
    return place if place.is_dir() else Path.home()
