"""Shows who drives: camera or clip by name, its picture with landmarks, the NMFC, the microphone."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Signal, Slot
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.engine.driving.steps import LiveStep
from app.engine.files import ASSETS
from app.engine.imaging.endings import CLIPS, PERFORMANCES, PICTURES, patterns
from app.engine.sound.audio import microphones
from app.session.live import Live
from app.session.session import Session
from app.session.values import filled
from app.ui import i18n, icons, stages, theme
from app.ui.live.cameras import Cameras
from app.ui.live.views import LevelBar, LiveView

if TYPE_CHECKING:
    from app.engine.driving.live import Driven

SIZES = ((640, 480), (1280, 720), (1920, 1080))  # px; the sizes that most cameras offer


class DriverPanel(QWidget):
    """Chooses and shows the driver, and starts and stops the animation."""

    clip_chosen = Signal(object)  # Path, or None for a camera

    def __init__(self, session: Session, live: Live, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._live = session, live
        self.clip: Path | None = None
        self.cameras = Cameras(self)
        self.cameras.changed.connect(self._fill)
        self.picture = LiveView(
            self.tr("Driver"),
            self.tr("Choose a camera or a clip, or drop a clip here, then press Start"),
            self,
        )
        self.nmfc = LiveView(self.tr("NMFC"), "", self)
        self._make_choice()
        self.setAcceptDrops(True)
        self.start = QPushButton(self)
        self.start.clicked.connect(self._on_start)
        self.loop = QCheckBox(self.tr("Loop"), self)
        self.loop.setToolTip(self.tr("Begin the clip again at its end"))
        self.loop.toggled.connect(live.set_loop)
        self.marks = QCheckBox(self.tr("Landmarks"), self)
        self.marks.setChecked(True)
        self.marks.setToolTip(self.tr("Show on the driver's picture what is followed"))
        self.marks.toggled.connect(self.picture.show_marks)
        self.obtained, self.stages = QLabel(self), QLabel(self)
        for label in (self.obtained, self.stages):
            theme.caption(label)
            label.setWordWrap(True)
        self.stages.setAccessibleName(self.tr("Time per stage"))
        self.microphone = QCheckBox(self.tr("Microphone"), self)
        self.microphone.toggled.connect(self._on_microphone)
        self.input = QComboBox(self)
        self.input.setAccessibleName(self.tr("Microphone"))
        self.level = LevelBar(self)
        self._lay_out()
        live.stepped.connect(self._on_step)
        live.started.connect(self._on_started)
        live.stopped.connect(self._on_stopped)
        live.failed.connect(self._show_state)
        live.refused.connect(self._on_refused)
        self._fill()
        self._show_state()

    def _make_choice(self) -> None:
        """Build the part that chooses the driver: camera or clip, resolution, files, and a performance to try."""
        self.source = QComboBox(self)
        self.source.setAccessibleName(self.tr("Camera or clip"))
        self.source.activated.connect(self._on_source)
        self.size_ = QComboBox(self)
        self.size_.setAccessibleName(self.tr("Resolution"))
        for width, height in SIZES:
            self.size_.addItem(f"{width} × {height}", (width, height))
        self.browse = QToolButton(self)
        icons.put(self.browse, "folder")
        self.browse.setToolTip(self.tr("Choose a clip or a performance"))
        self.browse.setAccessibleName(self.browse.toolTip())
        self.browse.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.browse.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        more = QMenu(self.browse)
        more.addAction(self.tr("Clip or performance…"), self.ask_clip)
        more.addAction(self.tr("Folder of frames…"), self.ask_folder)
        self.browse.setMenu(more)
        self.trial = QPushButton(self.tr("Try a performance"), self)
        self.trial.setToolTip(self.tr("Drive the portrait by recorded movements that come with Mien"))
        self.trial.clicked.connect(self.try_performance)

    def _lay_out(self) -> None:
        choose = QHBoxLayout()
        choose.addWidget(self.source, 1)
        choose.addWidget(self.browse)
        begin = QHBoxLayout()
        begin.addWidget(self.size_, 1)
        begin.addWidget(self.loop)
        begin.addWidget(self.start)
        sound = QHBoxLayout()
        sound.addWidget(self.microphone)
        sound.addWidget(self.input, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(8)
        column.addWidget(self.picture, 3)
        column.addWidget(self.marks)
        column.addWidget(self.trial)
        column.addWidget(self.nmfc, 2)
        column.addWidget(self.obtained)
        column.addWidget(self.stages)
        for row in (choose, begin, sound):
            column.addLayout(row)
        column.addWidget(self.level)
        self.setMinimumWidth(260)
        self.input.setMinimumContentsLength(6)
        self.source.setMinimumContentsLength(8)

    def probe(self) -> None:
        """Look for cameras and microphones now that the workspace is open, and not before."""
        self.cameras.probe()
        self._session.ask(lambda _: microphones(), self._show_microphones, lambda _: None)

    def mirror(self, mirrored: bool) -> None:
        """Show the driver's picture mirrored, or not."""
        self.picture.mirrored = mirrored
        self.picture.update()

    # -- choosing

    @Slot()
    def _fill(self) -> None:
        chosen = self.source.currentData()
        self.source.clear()
        for camera in self.cameras.all():
            self.source.addItem(camera.name, camera)
        if not self.source.count():
            self.source.addItem(self.tr("No camera found"), None)
        for performance in shipped_performances():
            name = QCoreApplication.translate("Performance", performance.stem)
            self.source.addItem(self.tr("Performance: {}").format(name), performance)
        if self.clip is not None and self.source.findData(self.clip) < 0:
            self.source.addItem(self.clip.name, self.clip)
        at = next((i for i in range(self.source.count()) if self.source.itemData(i) == chosen), 0)
        self.source.setCurrentIndex(at)
        self._show_state()

    @Slot()
    def ask_clip(self) -> None:
        endings = patterns((*CLIPS, *PERFORMANCES, *PICTURES))
        kinds = self.tr("Clips and performances ({})").format(endings) + ";;" + self.tr("All files (*)")
        chosen, _ = QFileDialog.getOpenFileName(self, self.tr("Choose a clip or a performance"), "", kinds)
        if chosen:
            self.choose_clip(Path(chosen))

    @Slot()
    def ask_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, self.tr("Choose a folder of frames"))
        if chosen:
            self.choose_clip(Path(chosen))

    def choose_clip(self, path: Path) -> None:
        """Let this file drive."""
        self.clip = path
        self._fill()
        places = [k for k in range(self.source.count()) if self.source.itemData(k) == path]
        self.source.setCurrentIndex(places[0])
        self._on_source()

    @Slot()
    def try_performance(self) -> None:
        """Drive with a performance that comes with Mien, to show what driving is without a camera or a clip."""
        self.choose_clip(shipped_performances()[0])
        self.loop.setChecked(True)  # it lasts three seconds only
        self._on_start()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if _dropped(event) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        path = _dropped(event)
        if path is not None and not self._live.running:
            event.acceptProposedAction()
            self.choose_clip(path)

    @Slot()
    def _on_source(self) -> None:
        data = self.source.currentData()
        self.clip_chosen.emit(data if isinstance(data, Path) else None)
        self._show_state()

    @Slot()
    def _on_start(self) -> None:
        if self._live.running:
            self._live.stop()
            return
        data = self.source.currentData()
        if isinstance(data, Path):
            self._live.start_clip(data)
        elif data is not None:
            self._live.start_camera(data.device, data.name, self.size_.currentData(), 30.0)

    @Slot()
    def _show_state(self) -> None:
        running = self._live.running
        self.start.setText(self.tr("Stop") if running else self.tr("Start"))
        icons.put(self.start, "stop" if running else "play")
        self.start.setEnabled(running or self.source.currentData() is not None)
        self.source.setEnabled(not running)
        is_clip = isinstance(self.source.currentData(), Path)
        self.marks.setVisible(not self._is_performance)
        self.size_.setVisible(not is_clip and self.source.currentData() is not None)
        self.loop.setVisible(is_clip)
        self.trial.setVisible(not running and self.source.currentData() is None)
        self.microphone.setEnabled(running and self.input.count() > 0)

    @property
    def _is_performance(self) -> bool:
        """Return whether the chosen driver has no pictures on which landmarks could be shown."""
        data = self.source.currentData()
        return isinstance(data, Path) and data.suffix.lower() in PERFORMANCES

    # -- what the animation reports

    @Slot()
    def _on_started(self) -> None:
        self.picture.say(self.tr("Starting…"))
        self._show_state()

    @Slot(object)
    def _on_step(self, step: LiveStep) -> None:
        driven = step.driven
        self.level.show_level(step.level)
        if driven is None:
            self.picture.say(i18n.sentence(step.message))
            return
        landmarks = driven.reading.landmarks
        self.picture.show_picture(driven.frame.pixels, landmarks)
        if driven.frame.pixels is None:
            self.picture.say(self.tr("Driven by a performance"))
        elif driven.reading.doubted:
            self.picture.say(self.tr("The face is covered, or another one: “Another person” follows it"))
        else:
            self.picture.say("" if driven.reading.found else self.tr("No face in sight"))
        self.nmfc.show_picture(step.nmfc)
        self.obtained.setText(self._obtained(driven, step.rate))
        self.stages.setText(stages.line(driven.ms))

    def _obtained(self, driven: Driven, rate: Fraction | None) -> str:
        """Return in words the size and rate that the source delivers, and how many frames were lost."""
        parts, pixels = [], driven.frame.pixels
        if pixels is not None:
            parts.append(f"{pixels.shape[1]} × {pixels.shape[0]}")
        if rate:
            parts.append(filled(self.tr("{:.1f} fps"), float(rate)))
        return " · ".join([*parts, self.tr("{} dropped").format(driven.frame.dropped)])

    @Slot()
    def _on_stopped(self) -> None:
        self.microphone.setChecked(False)
        self.level.show_level(None)
        self.picture.show_picture(None)
        self.nmfc.show_picture(None)
        self.obtained.clear()
        self.stages.clear()
        self.picture.say(self.tr("Choose a camera or a clip, or drop a clip here, then press Start"))
        self._show_state()

    @Slot(bool)
    def _on_microphone(self, on: bool) -> None:
        if self._live.running:
            self._live.listen(on, self.input.currentText())

    def _show_microphones(self, names: tuple[str, ...]) -> None:
        self.input.clear()
        self.input.addItems(names)
        self._show_state()

    @Slot(str)
    def _on_refused(self, what: str) -> None:
        if what == "microphone":
            self.microphone.setChecked(False)


def shipped_performances() -> list[Path]:
    """Return the performances that come with Mien."""
    return sorted((ASSETS / "performances").glob("*.performance"))


def _dropped(event: QDropEvent) -> Path | None:
    """Return the file or folder of a drop that can drive; None where there is none."""
    paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
    fits = [path for path in paths if path.is_dir() or path.suffix.lower() in (*CLIPS, *PERFORMANCES, ".gif")]
    return fits[0] if len(paths) == 1 and fits else None
