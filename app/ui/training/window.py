"""Trains models, and makes films of a trained person; one job runs at a time and is watched here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QDialog, QHBoxLayout, QTabWidget, QWidget

from app.engine.errors import EngineError
from app.session.session import Session
from app.session.training import ACTIVE, Order, State, Training, sample_path
from app.ui.training.personal_page import PersonalPage
from app.ui.training.progress import ProgressView
from app.ui.training.recipe_page import RecipePage
from app.ui.training.reenact_page import ReenactPage

LEFT_PX = 420  # logical px of the form


class TrainingWindow(QDialog):
    """Stays beside the main window; a run goes on while this window is closed."""

    portrait_wanted = Signal(object, str)  # Path, engine's name

    def __init__(self, session: Session, training: Training, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setWindowTitle(self.tr("Train models"))
        self.resize(1040, 660)
        self._session, self._training = session, training
        self.personal = PersonalPage(self)
        self.recipes = RecipePage(self)
        self.reenact = ReenactPage(self)
        self.progress = ProgressView(training, self)
        self.pages = QTabWidget(self)
        self.pages.setFixedWidth(LEFT_PX)
        self.pages.setDocumentMode(True)
        self.pages.addTab(self.personal, self.tr("Personal model"))
        self.pages.addTab(self.reenact, self.tr("Reenact"))
        self.pages.addTab(self.recipes, self.tr("Other models"))
        row = QHBoxLayout(self)
        row.addWidget(self.pages)
        row.addWidget(self.progress, 1)
        for page in (self.personal, self.reenact, self.recipes):
            page.ordered.connect(self.start)
        self.personal.portrait_wanted.connect(self.portrait_wanted)
        training.stepped.connect(self.personal.take)
        training.state_changed.connect(self._on_state)
        training.finished.connect(self._on_finished)
        self._on_state(training.state)

    @Slot(object)
    def start(self, order: Order) -> None:
        """Begin a run, or go on with the run of that name."""
        self.progress.begin()
        try:
            samples = sample_path(order.name)
        except EngineError as error:
            self._training.failed.emit(error)
            return
        self._training.start(order, samples)

    @Slot(str)
    def _on_state(self, state: str) -> None:
        busy = state in (*ACTIVE, State.PAUSED)
        for page in (self.personal, self.reenact, self.recipes):
            page.set_busy(busy)

    @Slot(object)
    def _on_finished(self, result: Mapping[str, Any]) -> None:
        """Let the menus show the new model."""
        self.progress.state.setText(self._outcome(result))
        self.personal.finish(result)
        self.personal.refresh()
        self.reenact.refresh()
        self._session.ask(lambda engine: engine.generators(), self._session.take_generators)

    def _outcome(self, result: Mapping[str, Any]) -> str:
        """Return what came of the run in the window's words, because the command's words are for the
        terminal.
        """
        order = self._training.order
        if "coverage" in result:
            return self.tr("The footage is fit to train on. What it never shows is crossed out.")
        if order is None:
            return str(result["message"])
        if order.words[0] == "reenact":
            return self.tr("Wrote {}").format(order.words[order.words.index("--output") + 1])
        if "portrait" in result or order.words[1] == "headgan":
            return self.tr("“{}” is trained, and is one of the generators now.").format(order.name)
        said = {
            "completion": self.tr(
                "Trained. Heads are completed by “{}” from now on; Models can turn that off."
            ),
            "mouth": self.tr("Trained. Opened mouths are coloured by “{}” from now on."),
            "head2headfs": self.tr("“{}” is trained. Personal models can start from it."),
            "stylegan": self.tr("“{}” is trained. Its sliders are “Latent directions”: train them next."),
            "directions": self.tr("“{}” is trained, and moves StyleGAN2's sliders now."),
        }.get(order.words[1])
        return said.format(order.name) if said else str(result["message"])
