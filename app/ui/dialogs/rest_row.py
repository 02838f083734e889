"""Shows the frame of a clip that is taken for its driver's face at rest, with its certainty, and offers
another.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QPushButton, QWidget

from app.engine.driving.steps import RestStep
from app.engine.errors import EngineError
from app.session.resting import RestFinder
from app.ui import i18n
from app.ui.rest_face import RestFace

PICTURE_PX = 72  # logical px of either side
PAUSE_MS = 400  # from the last change of a moment or a name until the clip is looked through


class RestRow(QWidget):
    """Shows the frame at rest; `at` is the second that the user chose, None where Mien seeks it."""

    changed = Signal()

    def __init__(self, finder: RestFinder, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._finder = finder
        self._clip: Path | None = None
        self.at: float | None = None
        self.usable = True  # False once the chosen moment has proved to show no face
        self.face = RestFace(PICTURE_PX, self)
        self.words = self.face.words
        self.moment = QDoubleSpinBox(self)
        self.moment.setAccessibleName(self.tr("Moment of the face at rest"))
        self.moment.setToolTip(
            self.tr("Choose another moment of the clip at which the driver's face is at rest")
        )
        self.moment.setSuffix(" s")
        self.moment.setDecimals(2)
        self.moment.setSingleStep(0.1)
        self.again = QPushButton(self.tr("Seek it"), self)
        self.again.setToolTip(self.tr("Let Mien find the most relaxed face of the clip"))
        self._timer = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._lay_out()
        self.moment.valueChanged.connect(self._on_moment)
        self.again.clicked.connect(self._seek_anew)
        self._timer.timeout.connect(self._seek)
        finder.begun.connect(self._on_begun)
        finder.found.connect(self._on_found)
        finder.failed.connect(self._on_failed)
        finder.abandoned.connect(self._on_abandoned)

    def _lay_out(self) -> None:
        choice = QHBoxLayout()
        choice.addWidget(self.moment)
        choice.addWidget(self.again)
        choice.addStretch(1)
        self.face.beside.addLayout(choice)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.face)

    def show_clip(self, clip: Path) -> None:
        """Seek the face at rest in this clip."""
        self._begin(clip, length=None)
        self._timer.start()

    def show_performance(self, length: float, brings: bool) -> None:
        """Say where a performance's face at rest comes from, because a performance has no pictures.

        length: seconds; brings: whether the performance contains its face at rest.
        """
        self._begin(None, length)
        own = self.tr("The performance brings its own face at rest.")
        self.words.setText(own if brings else self.tr("The calmest frames are taken for rest."))

    def clear(self) -> None:
        """Show nothing, because nothing drives."""
        self._begin(None, length=None)

    def _begin(self, clip: Path | None, length: float | None) -> None:
        self._timer.stop()
        self._finder.stop()
        self._clip, self.at, self.usable = clip, None, True
        self.face.clear()
        self._set_moment(0.0, length or 0.0)
        self.moment.setEnabled(bool(length))
        self.again.setEnabled(False)

    def _set_moment(self, seconds: float, length: float) -> None:
        self.moment.blockSignals(True)
        self.moment.setRange(0.0, length)
        self.moment.setValue(seconds)
        self.moment.blockSignals(False)

    @Slot()
    def _seek(self) -> None:
        if self._clip is not None:
            self._finder.seek(self._clip, self.at)

    @Slot(float)
    def _on_moment(self, seconds: float) -> None:
        self.at, self.usable = seconds, True
        self.again.setEnabled(True)
        self.words.setText(self.tr("At rest, as you chose"))
        self._timer.start()
        self.changed.emit()

    @Slot()
    def _seek_anew(self) -> None:
        self.at, self.usable = None, True
        self.again.setEnabled(False)
        self.words.setText(self.tr("The calmest frames are taken for rest."))
        self._seek()
        self.changed.emit()

    # -- answers

    @Slot()
    def _on_begun(self) -> None:
        self.words.setText(self.tr("Looking for the face at rest…"))

    @Slot(object)
    def _on_found(self, rest: RestStep) -> None:
        self.face.show_rest(rest.face, rest.sure)
        self._set_moment(rest.seconds or 0.0, max(rest.length, rest.seconds or 0.0))
        self.moment.setEnabled(True)

    @Slot(object)
    def _on_failed(self, error: EngineError) -> None:
        self.usable = False
        self.face.picture.hide()
        own = i18n.in_own_language(error)
        self.words.setText(f"{own.message} {own.remedy}")
        self.changed.emit()

    @Slot()
    def _on_abandoned(self) -> None:
        self.words.setText(self.tr("The face at rest is sought when the film is made."))
