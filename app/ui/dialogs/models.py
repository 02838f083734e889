"""Shows generators and trained weights: what is there, what is missing, and how to import a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QRect, QSize, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHeaderView,
    QLabel,
    QMessageBox,
    QPushButton,
    QScrollArea,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.engine.checkpoints import store as weights
from app.engine.checkpoints.catalogue import OFFERS, Offer
from app.engine.contract import GeneratorInfo, Step
from app.engine.engine_like import EngineLike
from app.engine.errors import EngineError
from app.engine.head import completion
from app.engine.measuring.speed import known_speeds
from app.session import naming
from app.session.session import Session
from app.session.worker import Answer, Crash, Job
from app.ui import i18n, icons, theme
from app.ui.dialogs.generator_card import GeneratorCard


def offer_for(info: GeneratorInfo) -> Offer | None:
    """Return what can be downloaded so that a generator can run; None where it runs already or no download is
    known.
    """
    return next((offer for offer in OFFERS if info.missing and offer.kind == info.name), None)


MOST_PX = 200  # logical px; the height of the list of models, so that the cards have the rest


class ModelsDialog(QDialog):
    """Shows a card for every generator, and the models that were imported."""

    training_wanted = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Models"))
        self.setMinimumSize(720, 560)
        self._session = session
        self.cards: dict[str, GeneratorCard] = {}
        self.generators = QScrollArea(self)
        self.generators.setWidgetResizable(True)
        self.generators.setAccessibleName(self.tr("Generators"))
        self.models = self._table([self.tr("Model"), self.tr("Kind"), self.tr("Licence and use")])
        self.models.setAccessibleName(self.tr("Models"))
        self.note = QLabel(
            self.tr("Mien works without any of these: Mesh warp needs no trained weights."), self
        )
        self.note.setWordWrap(True)
        theme.caption(self.note)
        self.completes = self._completion_box()
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        self.bring = QPushButton(self.tr("Import a file…"), self)
        icons.put(self.bring, "import")
        self.bring.clicked.connect(self._ask_import)
        self.remove = QPushButton(self.tr("Remove"), self)
        icons.put(self.remove, "trash")
        self.remove.clicked.connect(self._on_remove)
        self.train = QPushButton(self.tr("Train…"), self)
        icons.put(self.train, "performance")
        self.train.clicked.connect(self._on_train)
        for button in (self.bring, self.train, self.remove):
            buttons.addButton(button, QDialogButtonBox.ButtonRole.ActionRole)
        self.models.currentItemChanged.connect(self._on_chosen)
        column = QVBoxLayout(self)
        for widget in (QLabel(self.tr("Generators"), self), self.generators):
            column.addWidget(widget)
        column.setStretchFactor(self.generators, 1)
        column.addWidget(QLabel(self.tr("Imported and shipped models"), self))
        column.addWidget(self.models)
        column.addWidget(self.completes)
        column.addWidget(self.note)
        column.addWidget(buttons)
        session.engine_ready.connect(self._fill)
        session.jobs.stepped.connect(self._on_step)
        session.jobs.ended.connect(self._on_ended)
        self._fill()

    def _completion_box(self) -> QCheckBox:
        box = QCheckBox(self.tr("Complete turned heads by what a network has learnt"), self)
        box.setChecked(completion.weights() is not None)
        box.setToolTip(
            self.tr(
                "It is for photos opened from now on, and adds colour where neither the photo nor its mirror image "
                "shows anything. Portraits left out of training came out nearer to the truth, other views of the "
                "same person did not."
            )
        )
        box.clicked.connect(self._on_completes)
        return box

    def _table(self, headers: list[str]) -> QTreeWidget:
        table = QTreeWidget(self)
        table.setHeaderLabels(headers)
        table.setRootIsDecorated(False)
        table.setWordWrap(True)
        table.setSizeAdjustPolicy(QTreeWidget.SizeAdjustPolicy.AdjustToContents)
        table.setMaximumHeight(MOST_PX)
        table.header().sectionResized.connect(lambda *_: _make_room(table))
        table.header().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        table.setColumnWidth(0, 170)
        table.setColumnWidth(2, 180)
        return table

    @Slot()
    def _fill(self) -> None:
        self._make_cards()
        self.models.clear()
        for model in weights.models():
            kept = self.tr("shipped with Mien") if model.shipped else model.source
            licence = f"{i18n.sentence(model.licence).rstrip('.')}. {i18n.sentence(model.use)}"
            words = [i18n.sentence(model.title), f"{model.name} — {kept}", licence]
            item = QTreeWidgetItem(self.models, words)
            item.setToolTip(2, words[2])
            item.setData(0, Qt.ItemDataRole.UserRole, model)
        _make_room(self.models)
        self._on_chosen()

    def _make_cards(self) -> None:
        """Make the cards anew."""
        stack, speeds = QWidget(self), known_speeds()
        column = QVBoxLayout(stack)
        self.cards = {}
        for info in naming.offered(self._session.generators):
            card = self.cards[info.name] = GeneratorCard(info, speeds.get(info.name), offer_for(info), stack)
            card.fetch.connect(self._ask_fetch)
            card.learn.connect(self._learn)
            card.cancel.connect(self._session.cancel_job)
            column.addWidget(card)
        column.addStretch(1)
        self.generators.setWidget(stack)

    @Slot(str)
    def _learn(self, generator: str) -> None:
        if self._session.learn(generator):
            self.cards[generator].show_step(Step(0, 0))

    @Slot(object)
    def _ask_fetch(self, offer: Offer) -> None:
        """Say what would be downloaded, from where and under what licence, and ask, before any connection is
        made.
        """
        words = self.tr("Download {} MB from {}?").format(round(offer.size / 1e6), offer.page)
        box = QMessageBox(
            QMessageBox.Icon.Question, self.tr("Download {}").format(offer.title), words, parent=self
        )
        box.setInformativeText(
            self.tr("Licence: {}. {}. The files are checked against the hashes that Mien knows.").format(
                i18n.sentence(offer.licence), i18n.sentence(offer.use)
            )
        )
        go = box.addButton(self.tr("Download"), QMessageBox.ButtonRole.AcceptRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.exec()
        if box.clickedButton() is go and self._session.fetch(offer):
            self.cards[offer.kind].show_step(Step(0, 0))

    @Slot(object, object)
    def _on_step(self, job: Job, step: Step) -> None:
        card = self.cards.get(self._session.improving)
        if card is not None:
            card.show_step(step)

    @Slot(object, object)
    def _on_ended(self, job: Job, answer: Answer) -> None:
        for card in self.cards.values():
            card.show_idle()
        if answer.error is not None:
            unknown = self.tr("Mien met an error it did not expect.")
            words = unknown if isinstance(answer.error, Crash) else str(i18n.in_own_language(answer.error))
            self.note.setText(words)

    @Slot()
    def _on_chosen(self) -> None:
        item = self.models.currentItem()
        model = item.data(0, Qt.ItemDataRole.UserRole) if item else None
        self.remove.setEnabled(model is not None and not model.shipped)

    @Slot(bool)
    def _on_completes(self, wanted: bool) -> None:
        try:
            completion.use_weights(wanted)
        except EngineError as error:
            self.completes.setChecked(completion.weights() is not None)
            self.note.setText(str(i18n.in_own_language(error)))

    @Slot()
    def _on_train(self) -> None:
        self.accept()
        self.training_wanted.emit()

    @Slot()
    def _ask_import(self) -> None:
        self.note.setText(self.tr("LivePortrait is five files: choose any of them."))
        kinds = self.tr("Checkpoints ({})").format("*.pth *.pt *.ckpt *.pkl *.safetensors *.tar")
        chosen, _ = QFileDialog.getOpenFileName(
            self, self.tr("Import a model"), "", f"{kinds};;" + self.tr("All files (*)")
        )
        if chosen:
            self.import_file(Path(chosen))

    def import_file(self, path: Path) -> None:
        """Recognise and keep a checkpoint on the engine's thread; the list then shows it."""
        self.bring.setEnabled(False)
        self.note.setText(self.tr("Reading {}…").format(path.name))
        self._change(lambda: weights.import_model(path))

    @Slot()
    def _on_remove(self) -> None:
        item = self.models.currentItem()
        model = item.data(0, Qt.ItemDataRole.UserRole) if item else None
        if model is None:
            return
        question = self.tr("Remove {}? The file or the training that it came from stays.").format(model.title)
        if QMessageBox.question(self, self.tr("Remove"), question) == QMessageBox.StandardButton.Yes:
            self._change(lambda: weights.remove_model(model.name))

    def _change(self, change: Callable[[], weights.Model]) -> None:
        """Import or remove a model on the engine's thread, and show which generators can run then."""

        def call(engine: EngineLike) -> tuple[weights.Model, tuple[GeneratorInfo, ...]]:
            return change(), engine.generators()

        self._session.ask(call, self._on_changed, self._on_failed)

    def _on_changed(self, value: tuple[weights.Model, tuple[GeneratorInfo, ...]]) -> None:
        """Let an imported model that has something to learn learn it at once; Cancel leaves it for later."""
        model, generators = value
        self.bring.setEnabled(True)
        self.note.setText(self.tr("Done."))
        self._session.take_generators(generators)
        learner = next((i for i in generators if i.learns and not i.learnt and model.name in i.weights), None)
        if learner is not None and not learner.missing:
            self._learn(learner.name)

    def _on_failed(self, error: EngineError | Crash) -> None:
        self.bring.setEnabled(True)
        unread = self.tr("The file could not be read.")
        self.note.setText(unread if isinstance(error, Crash) else str(i18n.in_own_language(error)))
        self._fill()


def _make_room(table: QTreeWidget) -> None:
    """Make each row as high as its longest wrapped text, because Qt gives every row one line."""
    for row in range(table.topLevelItemCount()):
        item = table.topLevelItem(row)
        if item is None:
            continue
        heights = []
        for column in range(table.columnCount()):
            room = QRect(0, 0, max(40, table.columnWidth(column) - 16 - (20 if column == 0 else 0)), 1000)
            flags = Qt.TextFlag.TextWordWrap.value
            heights.append(table.fontMetrics().boundingRect(room, flags, item.text(column)).height())
        item.setSizeHint(0, QSize(0, max(heights) + 6))
