"""Shows one generator in a few lines: what it is good at, resolution, speed here, licence, and what is
missing.
"""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from app.engine.checkpoints.catalogue import Offer
from app.engine.contract import GeneratorInfo, Learnt, Step
from app.engine.measuring.speed import Speed
from app.session import naming
from app.session.values import filled
from app.ui import i18n, icons, theme


class GeneratorCard(QFrame):
    """A card of one generator.

    The signals `learn`, `fetch` and `cancel` ask for work; `show_step` and `show_idle` show its progress.
    """

    learn = Signal(str)  # the generator's name
    cancel = Signal()
    fetch = Signal(object)  # the Offer

    def __init__(
        self,
        info: GeneratorInfo,
        speed: Speed | None,
        offer: Offer | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.info, self.offer = info, offer
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setAccessibleName(naming.generator(info.title))
        mark = QLabel(self)
        mark.setPixmap(icons.icon("warning" if info.missing else "check", "quiet").pixmap(16, 16))
        title = QLabel(f"<b>{naming.generator(info.title)}</b>", self)
        head = QHBoxLayout()
        head.addWidget(mark)
        head.addWidget(title, 1)
        self.button = QPushButton(self)
        self.button.clicked.connect(self._on_button)
        head.addWidget(self.button)
        self.bar = QProgressBar(self)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(6)
        column = QVBoxLayout(self)
        column.addLayout(head)
        self.lines = [
            self._line(words) for words in (about(info), self._figures(speed), self._state()) if words
        ]
        for line in self.lines:
            column.addWidget(line)
        column.addWidget(self.bar)
        self.progress = self._line("")
        column.addWidget(self.progress)
        self.show_idle()

    @property
    def words(self) -> str:
        """Return all lines of the card, from top to bottom."""
        return "\n".join(line.text() for line in self.lines)

    @Slot()
    def show_idle(self) -> None:
        """Show that nothing is being learnt or fetched."""
        self._busy = False
        self.bar.hide()
        self.progress.hide()
        if self.offer is not None:
            size = self.tr("Download… ({} MB)").format(round(self.offer.size / 1e6))
            self.button.setText(size)
            self.button.show()
            return
        again = self.info.learnt is not None
        self.button.setText(self.tr("Learn again") if again else self.tr("Learn expressions"))
        self.button.setVisible(self.info.learns and not self.info.missing)

    def show_step(self, step: Step) -> None:
        """Show how far learning or fetching is."""
        self._busy = True
        self.progress.setText(i18n.sentence(step.message))
        self.progress.setVisible(bool(step.message))
        self.button.setText(self.tr("Cancel"))
        self.bar.setRange(0, step.total)
        self.bar.setValue(step.done)
        self.bar.show()

    @Slot()
    def _on_button(self) -> None:
        if self._busy:
            self.cancel.emit()
        elif self.offer is not None:
            self.fetch.emit(self.offer)
        else:
            self.learn.emit(self.info.name)

    def _line(self, words: str) -> QLabel:
        line = QLabel(words[:1].upper() + words[1:], self)
        line.setWordWrap(True)
        theme.caption(line)
        return line

    def _figures(self, speed: Speed | None) -> str:
        info = self.info
        size = self.tr("{} × {} px").format(info.image_size, info.image_size)
        parts = [size if info.image_size else self.tr("the photo's own resolution"), duration_in_words(speed)]
        return " · ".join([*parts, i18n.sentence(info.licence)] if info.licence else parts)

    def _state(self) -> str:
        info = self.info
        if info.missing:
            return i18n.sentence(info.missing)
        lines = [] if info.note is None else [str(i18n.in_own_language(info.note))]
        return "\n".join([*lines, *([in_words(info.learnt)] if info.learnt else [])])


def about(info: GeneratorInfo) -> str:
    """Return what a generator is good at."""
    translate = QCoreApplication.translate
    kinds = {
        "mesh-warp": translate(
            "Generators",
            "Any photo, at once and with all its detail; what a large turn uncovers is filled in.",
        ),
        "live-portrait": translate(
            "Generators",
            "Head, expression and shoulders repainted by a network that everyone can get.",
        ),
        "headgan": translate("Generators", "Heads repainted from a 3D face, also by speech."),
        "stylegan": translate(
            "Generators",
            "Faces found in a network and moved along its own directions; finding one takes minutes.",
        ),
        "head2head": translate("Generators", "One person, trained from footage of them."),
    }
    return next((words for name, words in kinds.items() if info.name.startswith(name)), "")


def duration_in_words(speed: Speed | None) -> str:
    """Return how long a picture takes here, in words."""
    translate = QCoreApplication.translate
    if speed is None:
        return translate("Generators", "speed not measured yet")
    if speed.ms < 1000:
        return translate("Generators", "{} ms a picture here ({})").format(round(speed.ms), speed.device)
    return filled(translate("Generators", "{:.1f} s a picture here ({})"), speed.ms / 1000, speed.device)


def in_words(learnt: Learnt) -> str:
    """Return what the generator learnt and how well, in words."""
    words = QCoreApplication.translate(
        "Generators",
        "Expressions learnt from {} pictures, which explain {} % of its movement; {} of {} controls were read back.",
    )
    told = words.format(learnt.pictures, round(100 * learnt.explained), learnt.read, len(learnt.readings))
    if learnt.error is None:
        return told
    left = QCoreApplication.translate(
        "Generators", "What is read differs by {} % of what is asked on average."
    )
    return f"{told} {left.format(round(100 * learnt.error))}"
