"""Builds the status bar: generator, device, milliseconds, what was asked and measured, zoom."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QLabel, QMenu, QProgressBar, QPushButton, QStatusBar, QToolButton, QWidget

from app.engine.contract import GeneratorInfo, Measurement, Rendered
from app.engine.driving.steps import LiveStep
from app.engine.errors import EngineError
from app.engine.face.parameters import FaceEdit
from app.session import naming
from app.session.values import filled
from app.ui import i18n, icons, stages


class StatusBar(QStatusBar):
    """Always shows what computes and how long it took."""

    generator_chosen = Signal(str)
    cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self.generator = QToolButton(self)
        self.generator.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.generator.setAccessibleName(self.tr("Generator"))
        self.generator.setToolTip(self.tr("Generator: what turns the edit into a picture"))
        self._menu = QMenu(self.generator)
        self._choices = QActionGroup(self)
        self._choices.triggered.connect(self._on_chosen)
        self.generator.setMenu(self._menu)
        self.device = self._label(self.tr("Device and precision"))
        self.warning = QLabel(self)
        self._reasons: dict[str, str] = {}
        self._measured_of: tuple[int, FaceEdit] | None = None
        self.time = self._label(self.tr("Time of the last render"))
        self.measured = self._label(self.tr("Asked and measured"))
        self.activity = self._label(self.tr("Activity"))
        self.progress = QProgressBar(self)
        self.progress.setFixedWidth(140)
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName(self.tr("Progress"))
        self.cancel = QPushButton(self.tr("Cancel"), self)
        self.cancel.clicked.connect(self.cancelled)
        for widget in (self.generator, self.device, self.warning, self.time, self.measured):
            self.addWidget(widget)
        for part in (self.activity, self.progress, self.cancel):
            self.addPermanentWidget(part)
        self.warning.hide()
        self.show_activity("")

    def _label(self, name: str) -> QLabel:
        label = QLabel(self)
        label.setAccessibleName(name)
        label.setToolTip(name)
        label.setContentsMargins(6, 0, 6, 0)
        return label

    @Slot(tuple)
    def show_generators(self, infos: tuple[GeneratorInfo, ...]) -> None:
        """Fill the menu of generators; one that cannot run says what is missing."""
        self._menu.clear()
        for info in naming.offered(infos):
            title = naming.generator(info.title)
            action = self._menu.addAction(title)
            action.setCheckable(True)
            action.setData(info.name)
            if info.missing:
                action.setText(self.tr("{} — weights missing").format(title))
                action.setToolTip(i18n.sentence(info.missing))
            self._choices.addAction(action)

    @Slot(object)
    def show_generator(self, info: GeneratorInfo) -> None:
        self.generator.setText(f"{naming.generator(info.title)} ▾")
        for action in self._choices.actions():
            action.setChecked(action.data() == info.name)
        self._show_notice(info.note, "generator")

    @Slot(str)
    def show_device(self, device: str) -> None:
        self.device.setText(device)
        words = self.tr("What computes, and with how exact numbers: float32 has 7 digits, bfloat16 has 3")
        self.device.setToolTip(words)

    def show_warning(self, reason: str, about: str = "graphics card") -> None:
        """Show a badge with all present warnings, such as an unused GPU.

        about: what the warning is about; an empty reason removes its warning.
        """
        self._reasons[about] = reason
        reason = "\n".join(text for text in self._reasons.values() if text)
        self.warning.setPixmap(icons.pixmap("warning", "#e0a458", 16, self.devicePixelRatioF()))
        self.warning.setToolTip(reason)
        self.warning.setAccessibleName(reason)
        self.warning.setVisible(bool(reason))

    @Slot(object)
    def show_rendered(self, rendered: Rendered) -> None:
        total = rendered.ms.get("total", sum(rendered.ms.values()))
        words = self.tr("{:.0f} ms") if total < 1000 else self.tr("{:.1f} s")
        # nothing is drawn of an edit of nothing
        self.time.setText(filled(words, total if total < 1000 else total / 1000) if total >= 0.5 else "")
        self.time.setToolTip("\n".join([self.tr("Time of the last render"), *stages.lines(rendered.ms)]))
        if rendered.device:
            self.show_device(rendered.device)
        self._show_notice(rendered.notice, "memory")

    @Slot(object)
    def show_step(self, step: LiveStep) -> None:
        """Show what a driven portrait's step says of the device."""
        self._show_notice(step.notice, "memory")

    def _show_notice(self, notice: EngineError | None, about: str) -> None:
        self.show_warning("" if notice is None else str(i18n.in_own_language(notice)), about)

    def show_measured(self, measurement: Measurement | None, of: tuple[int, FaceEdit]) -> None:
        """Show the first angle of the pose that the edit asks, and what a fresh fit of the result finds; nothing
        where it asks none.

        of: the face, counted from 0, and the edit that was measured.
        """
        self._measured_of = of
        wanted = dict(of[1].values)
        found = {} if measurement is None else {n: measurement.measured.get(n) for n in wanted}
        name = next((n for n in ("yaw", "pitch", "roll") if found.get(n) is not None), None)
        if measurement is None or name is None:
            self.measured.clear()
            return
        words = self.tr("asked {} {:.1f}° measured {:.1f}°")
        asked = measurement.asked.get(name, wanted[name])
        degrees = (round(value, 1) + 0.0 for value in (asked, measurement.measured[name]))  # never "-0.0"
        self.measured.setText(filled(words, self.tr(name), *degrees).replace("-", "−"))

    def drop_measured_unless(self, of: tuple[int, FaceEdit]) -> None:
        """Remove the measured pose if it belongs to another face or another edit."""
        if self._measured_of != of:
            self.measured.clear()

    @Slot()
    def clear_picture(self) -> None:
        """Remove what was said about the last picture."""
        self.time.clear()
        self.measured.clear()

    @Slot(str)
    def show_activity(self, words: str, done: int = 0, total: int = 0, cancellable: bool = False) -> None:
        """Show long work with a bar; empty words remove it when the work is done."""
        self.activity.setText(words)
        self.activity.setVisible(bool(words))
        self.measured.setVisible(not words)  # both together would push Export out of a narrow window
        self.progress.setVisible(bool(words))
        self.progress.setRange(0, total)
        self.progress.setValue(done)
        self.cancel.setVisible(bool(words) and cancellable)

    @Slot(QAction)
    def _on_chosen(self, action: QAction) -> None:
        self.generator_chosen.emit(action.data())
