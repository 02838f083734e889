"""Opens, saves and exports: it asks the user for files, and what shall become of unsaved work."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData, QObject, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from app.engine.errors import EngineError, Remark
from app.engine.files import data_folder
from app.engine.imaging.endings import CLIPS, PERFORMANCES, PICTURES
from app.engine.sample import sample_path
from app.session.autosave import Autosave
from app.session.batch import photos_among
from app.session.files import make_folder
from app.session.opening import Opened
from app.session.presets import PresetLibrary
from app.session.project import SUFFIX, Project
from app.session.session import Session
from app.session.settings import Settings
from app.session.training import Training
from app.ui import i18n, thumbnails
from app.ui.dialogs.batch import BatchDialog
from app.ui.dialogs.export import ExportDialog, pictures_folder
from app.ui.dialogs.parts import agrees
from app.ui.dialogs.recovery import RecoveryDialog
from app.ui.error_bar import ErrorBar

DRIVERS = {*CLIPS, *PERFORMANCES} - {".gif"}  # endings of what only drives; a .gif can be a still picture


class Documents(QObject):
    """Does the File menu's work for one session."""

    driver_given = Signal(
        object
    )  # Path of a clip or performance that was dropped or opened beside a portrait

    def __init__(
        self, session: Session, settings: Settings, autosave: Autosave, bar: ErrorBar, window: QWidget
    ) -> None:
        super().__init__(window)
        self._session, self._settings, self._autosave = session, settings, autosave
        self._bar, self._window = bar, window
        self.batch: BatchDialog | None = None
        session.portrait_opened.connect(self._on_opened)
        session.project_changed.connect(self._on_project)
        session.photo_missing.connect(self._on_photo_missing)
        session.replacing_unsaved.connect(self._on_replacing_unsaved)
        session.exported.connect(self._on_exported)

    # -- opening

    def open(self, path: Path) -> None:
        """Open a photo, a project, or a folder for a batch, after asking about unsaved work."""
        if path.is_dir():
            self.show_batch((path,))
        elif path.suffix.lower() in DRIVERS and self._session.face is not None:
            self.driver_given.emit(path)
        elif path.suffix.lower() in DRIVERS:
            what = self.tr("{} drives a portrait; it is none itself.").format(path.name)
            remedy = self.tr("Open a portrait first, then open or drop it again.")
            self._session.failed.emit(EngineError(what, remedy, "open"))
        else:
            self._replace_by(path)

    def _replace_by(self, path: Path) -> None:
        with self._session.held():
            if not self.settle(lambda: self.open(path)):
                return
            if path.suffix.lower() == SUFFIX:
                self._session.open_project(path)
            else:
                self._session.open(path)

    @Slot()
    def ask_open(self) -> None:
        photos = " ".join(f"*{ending}" for ending in PICTURES)
        kinds = (
            self.tr("Photos and projects ({} *{})").format(photos, SUFFIX) + ";;" + self.tr("All files (*)")
        )
        own = [path for path in self._settings.recent if path != self._sample()]
        start = own[0].parent if own else Path.home()  # nobody's photos lie beside the sample
        chosen, _ = QFileDialog.getOpenFileName(self._window, self.tr("Open"), str(start), kinds)
        if chosen:
            self.open(Path(chosen))

    @staticmethod
    def _sample() -> Path | None:
        try:
            return sample_path()
        except EngineError:
            return None

    @Slot()
    def open_sample(self) -> None:
        try:
            self.open(sample_path())
        except EngineError as error:
            self._bar.show_error(error)

    @Slot()
    def paste(self) -> None:
        """Open the clipboard's file or picture."""
        if not self._open_data(QGuiApplication.clipboard().mimeData()):
            what = self.tr("There is no picture on the clipboard.")
            self._bar.show_error(EngineError(what, self.tr("Copy a picture or a picture file first.")))

    def can_open(self, data: QMimeData) -> bool:
        """Return whether something dropped or pasted can be opened."""
        return data.hasUrls() or data.hasImage()

    def open_dropped(self, data: QMimeData) -> None:
        """Open what was dropped; several files are a batch."""
        if not self._open_data(data):
            what = self.tr("What was dropped is no picture and no file of this computer.")
            remedy = self.tr("Save a web page's picture first, and drop its file.")
            self._bar.show_error(EngineError(what, remedy))

    def _open_data(self, data: QMimeData | None) -> bool:
        """Open what was dropped or pasted, and return whether it holds a file or a picture."""
        paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()] if data else []
        photos = photos_among(paths)
        if len(paths) > 1 and len(photos) > 1:
            self.show_batch(paths)
        elif paths:
            self.open(
                next((path for path in paths if path in photos or path.suffix.lower() == SUFFIX), paths[0])
            )
        elif data is not None and data.hasImage():
            self._open_picture(QImage(data.imageData()))
        else:
            return False
        return True

    def _open_picture(self, image: QImage) -> None:
        try:
            self.open(_saved_picture(image))
        except EngineError as error:
            self._bar.show_error(error)

    @Slot()
    def close_photo(self) -> None:
        with self._session.held():
            if self.settle(self.close_photo):
                self._session.close()

    @Slot()
    def revert(self) -> None:
        name = (self._session.project or self._session.document.photo or Path()).name
        question = self.tr("Go back to {} as it was saved? What was changed since is lost.").format(name)
        with self._session.held():
            if not self._session.is_dirty or self._confirm(question, self.tr("Revert")):
                self._session.revert()

    def offer_recovery(self) -> bool:
        """Offer to open again what a crash left unsaved; return whether there was anything."""
        left = self._autosave.left_behind()
        if not left:
            return False
        dialog = RecoveryDialog(left, self._window)
        if dialog.exec():
            chosen = dialog.chosen()
            self._session.restore(chosen)
            self._autosave.mark_reopened(chosen)
        elif dialog.discarded:
            for recovered in left:
                self._autosave.discard(recovered)
        return True

    @Slot(object)
    def _on_opened(self) -> None:
        self._remember(self._session.project or self._session.document.photo)

    @Slot(object)
    def _on_project(self, path: Path | None) -> None:
        self._autosave.origin = path
        self._autosave.save()
        self._remember(path)

    def _remember(self, path: Path | None) -> None:
        """Put the file among the recent files, with a picture."""
        portrait = self._session.portrait
        if path is not None and portrait is not None:
            self._settings.add_recent(path)
            thumbnails.keep(path, portrait.photo, self._settings.recent)

    @Slot(object)
    def _on_photo_missing(self, project: Project) -> None:
        """Ask where the photo is, because it is not where it was."""
        name = project.places[-1].name if project.places else "?"
        words = self.tr("The project's photo {} is not where it was, or has changed. Where is it now?")
        if not self._confirm(words.format(name), self.tr("Find the photo…")):
            return
        photos = self.tr("Photos ({})").format(" ".join(f"*{ending}" for ending in PICTURES))
        chosen, _ = QFileDialog.getOpenFileName(self._window, self.tr("Find {}").format(name), "", photos)
        if chosen:
            self._session.relink(project, Path(chosen))

    # -- saving

    @Slot()
    def save(self, then: Callable[[], object] | None = None) -> None:
        """Write the project to its file, or ask for one; `then` is called once it is saved."""
        if self._session.project is not None:
            self._session.save(then)
        else:
            self.save_as(then)

    @Slot()
    def save_as(self, then: Callable[[], object] | None = None) -> None:
        photo = self._session.document.photo
        if photo is None:
            return
        beside = photo if "site-packages" not in photo.parts else pictures_folder() / photo.name
        start = self._session.project or beside.with_suffix(SUFFIX)
        linked = self.tr("Project, photo beside it (*{})").format(SUFFIX)
        inside = self.tr("Project with the photo inside (*{})").format(SUFFIX)
        with self._session.held():
            chosen, kind = QFileDialog.getSaveFileName(
                self._window, self.tr("Save project"), str(start), f"{linked};;{inside}"
            )
            if chosen:
                path = Path(chosen)
                path = path if path.suffix.lower() == SUFFIX else path.with_name(path.name + SUFFIX)
                self._session.save_project(path, kind == inside, then)

    def settle_job(self) -> bool:
        """Return True when no work is running that its user waits for; else ask, and end the work if the user
        agrees.
        """
        job = self._session.job
        if job is None or job.gives_way():
            return True
        question = self.tr("“{}” is not finished yet. End it now?").format(job.words)
        if not self._confirm(question, self.tr("End it")):
            return False
        self._session.cancel_job()
        return True

    def settle_run(self, run: Training | None) -> bool:
        """Return True when no training or film of a person is at work, or when the user lets it end with Mien."""
        if run is None or not run.active:
            return True
        question = self.tr(
            "What “Train models” does is not finished yet. End it now? A training can go on later."
        )
        return self._confirm(question, self.tr("End it"))

    def settle(self, then: Callable[[], object]) -> bool:
        """Return True when there is no unsaved work, or when the user gives it up after being asked.

        Else return False; where the user saves the work, `then` is called once it is saved.
        """
        with self._session.held():
            return not self._session.is_dirty or self._ask_to_save(then)

    def _ask_to_save(self, then: Callable[[], object]) -> bool:
        box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.Question)
        name = (self._session.project or self._session.document.photo or Path("?")).name
        box.setText(self.tr("Save the changes to {}?").format(name))
        box.setInformativeText(self.tr("A project keeps every value, so that you can go on later."))
        save = box.addButton(self.tr("Save project"), QMessageBox.ButtonRole.AcceptRole)
        discard = box.addButton(self.tr("Don't save"), QMessageBox.ButtonRole.DestructiveRole)
        box.addButton(self.tr("Cancel"), QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(save)
        box.exec()
        if box.clickedButton() is discard:
            return True
        if box.clickedButton() is save:
            self.save(then)
        return False

    @Slot(object)
    def _on_replacing_unsaved(self, opened: Opened) -> None:
        """Ask what to do with edits that were made while another photo was being opened."""
        with self._session.held():
            if self.settle(lambda: self._session.take_opened(opened)):
                self._session.take_opened(opened)

    def _confirm(self, question: str, verb: str) -> bool:
        return agrees(self._window, self.tr("Mien"), question, verb)

    # -- exporting

    @Slot()
    def export(self) -> None:
        if self._session.portrait is None:
            return
        with self._session.held():
            dialog = ExportDialog(self._session.portrait.photo, self._settings, self._window)
            if dialog.exec():
                self._session.export(dialog.path, dialog.options)

    @Slot()
    def ask_batch(self) -> None:
        self.show_batch(())

    def show_batch(self, paths: Sequence[Path]) -> None:
        """Show the dialog for many photos, with a folder or those photos filled in."""
        presets = PresetLibrary(data_folder() / "presets").all()
        self.batch = BatchDialog(self._session, self._settings, presets, self._window)
        if len(paths) == 1 and paths[0].is_dir():
            self.batch.source.setText(str(paths[0]))
        elif paths:
            self.batch.choose(photos_among(paths))
        self.batch.show()

    @Slot(object, object)
    def _on_exported(self, path: Path, remarks: Sequence[Remark]) -> None:
        self._settings.export_folder = path.parent
        url = QUrl.fromLocalFile(str(path.parent))
        words = " ".join([self.tr("Exported {}.").format(path), *(i18n.sentence(one) for one in remarks)])
        verb = self.tr("Open folder")
        self._bar.show_note(words, verb, lambda: QDesktopServices.openUrl(url))


def _saved_picture(image: QImage) -> Path:
    """Return a pasted picture as a file, named by its content, so that a project can refer to it; EngineError where
    the data folder cannot be written to.
    """
    folder = data_folder() / "photos"
    make_folder(folder)
    plain = image.convertToFormat(QImage.Format.Format_RGBA8888)
    name = hashlib.sha256(bytes(plain.constBits())).hexdigest()[:16]
    path = folder / f"pasted-{name}.png"
    if not path.exists():
        image.save(str(path))
    return path
