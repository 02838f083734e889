"""Shows every other training: HeadGAN, the completion of heads and of mouths, Head2HeadFS's first stage, StyleGAN2
and latent directions.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QGridLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.engine.imaging.endings import CLIPS, patterns
from app.session.training import Order
from app.ui import theme
from app.ui.training.form import PathField, is_name, minutes_box


@dataclass(frozen=True)
class Recipe:
    """One `mien train` command; data: what it trains on: "folder", "clips", or "" for nothing."""

    word: str
    title: str
    about: str
    data: str
    name: str


class RecipePage(QWidget):
    """Starts any other training; the signal `ordered` asks for a run."""

    ordered = Signal(object)  # Order

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._busy = False
        self.recipe = QComboBox(self)
        self.recipe.setAccessibleName(self.tr("Model"))
        for recipe in self._recipes():
            self.recipe.addItem(recipe.title, recipe)
        self.about = QLabel(self)
        self.about.setWordWrap(True)
        theme.caption(self.about)
        self.data = PathField(self.tr("Data"), self._ask_data, self)
        self.name = QLineEdit(self)
        self.name.setAccessibleName(self.tr("Name"))
        self.minutes = minutes_box(self.tr("Time"), 60.0, self)
        self.train = QPushButton(self.tr("Train"), self)
        theme.make_primary(self.train)
        rows = {self.tr("Model"): self.recipe, "": self.about, self.tr("Data"): self.data}
        rows |= {self.tr("Name"): self.name, self.tr("Time"): self.minutes}
        grid = QGridLayout()  # a form would press its last row together where the words wrap
        for at, (title, part) in enumerate(rows.items()):
            grid.addWidget(QLabel(title, self), at, 0)
            grid.addWidget(part, at, 1)
        column = QVBoxLayout(self)
        column.addLayout(grid)
        column.addWidget(self.train)
        column.addStretch()
        self.recipe.currentIndexChanged.connect(self._on_recipe)
        self.data.changed.connect(self._enable)
        self.name.textChanged.connect(self._enable)
        self.train.clicked.connect(lambda: self.ordered.emit(self._order()))
        self._on_recipe()

    def _recipes(self) -> tuple[Recipe, ...]:
        many = self.tr("Moves a photo of anyone; learns from a folder of portraits and clips of many people.")
        heads = self.tr(
            "Paints what a photo hides of a turned head; learns from a folder of portraits and clips."
        )
        mouths = self.tr(
            "Colours the teeth that a photo does not show; learns from a folder of portraits and clips."
        )
        people = self.tr("What personal models can start from; learns from clips of several people.")
        faces = self.tr("Makes up new faces; learns from a folder of portraits.")
        sliders = self.tr("Pose and expression sliders for the newest StyleGAN2.")
        return (
            Recipe("headgan", "HeadGAN", many, "folder", "headgan"),
            Recipe("completion", self.tr("Completion of heads"), heads, "folder", "completion"),
            Recipe("mouth", self.tr("Completion of mouths"), mouths, "folder", "mouth"),
            Recipe("head2headfs", self.tr("Head2HeadFS, first stage"), people, "clips", "people"),
            Recipe("stylegan", "StyleGAN2", faces, "folder", "faces"),
            Recipe("directions", self.tr("Latent directions"), sliders, "", "directions"),
        )

    @property
    def _chosen(self) -> Recipe:
        recipe: Recipe = self.recipe.currentData()
        return recipe

    def set_busy(self, busy: bool) -> None:
        """Allow or forbid a new run, which cannot begin while another one runs."""
        self._busy = busy
        self._enable()

    def _order(self) -> Order:
        data = [str(path) for path in self.data.paths()] if self._chosen.data else []
        return Order(("train", self._chosen.word, *data), self.name.text(), self.minutes.value())

    @Slot()
    def _on_recipe(self) -> None:
        self.about.setText(self._chosen.about)
        self.data.setEnabled(bool(self._chosen.data))
        self.name.setText(self._chosen.name)
        self._enable()

    @Slot()
    def _enable(self) -> None:
        data = self.data.are_there() or not self._chosen.data
        self.train.setEnabled(data and is_name(self.name.text()) and not self._busy)

    def _ask_data(self) -> list[str]:
        if self._chosen.data == "clips":
            kinds = self.tr("Clips ({})").format(patterns(CLIPS))
            return QFileDialog.getOpenFileNames(self, self.tr("Data"), "", kinds)[0]
        folder = QFileDialog.getExistingDirectory(self, self.tr("Data"))
        return [folder] if folder else []
