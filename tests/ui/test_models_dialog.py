"""Help > Models has a card for every generator, and learning is a job with progress and Cancel."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.engine.checkpoints.store import Model
from app.engine.contract import GeneratorInfo, Learnt
from app.engine.errors import EngineError
from app.engine.head.completion import weights
from app.engine.measuring.speed import remember
from app.engine.training.personal.recipe import ASK, OURS
from app.session.session import Session
from app.ui import i18n
from app.ui.dialogs.generator_card import GeneratorCard
from app.ui.dialogs.models import ModelsDialog
from app.ui.main_window import MainWindow
from app.ui.status import StatusBar
from tests.fakes import MISSING, WARP, FakeEngine

IMPORT_MS = 60_000  # the first job of a process imports torch
UNLEARNT = GeneratorInfo(
    "live-portrait",
    "LivePortrait",
    512,
    ("yaw",),
    ("tiny",),
    "MIT",
    note=EngineError("No expressions yet.", "Let it learn."),
    learns=True,
)
LEARNT = replace(
    UNLEARNT, note=None, learnt=Learnt(300, 0.87, (("smile", 0.8, 0.6, 0.76), ("gaze_x", 12.0, None, None)))
)


class LearningEngine(FakeEngine):
    """Has a generator that learns."""

    def generators(self) -> tuple[GeneratorInfo, ...]:
        learnt = any(call == ("learnt",) for call in self.calls)
        return WARP, LEARNT if learnt else UNLEARNT, MISSING

    def learning(self, generator: str):
        yield from super().learning(generator)
        self._note("learnt")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))


@pytest.fixture
def engine() -> LearningEngine:
    return LearningEngine()


@pytest.fixture
def dialog(qtbot: QtBot, engine: LearningEngine) -> ModelsDialog:
    session = Session(engine)
    with qtbot.waitSignal(session.engine_ready):
        session.start()
    dialog = ModelsDialog(session)
    qtbot.addWidget(dialog)
    dialog.show()
    yield dialog
    engine.gate.set()
    session.stop()


def test_a_card_says_what_a_generator_is_and_what_it_lacks(dialog: ModelsDialog) -> None:
    words = {name: card.words for name, card in dialog.cards.items()}
    assert "512 × 512 px" in words["live-portrait"] and "MIT" in words["live-portrait"]
    assert "not measured" in words["live-portrait"] and "No expressions yet." in words["live-portrait"]
    assert "The photo's own resolution" in words["mesh-warp"]
    assert MISSING.missing is not None
    assert MISSING.missing.capitalize() in words["headgan"], "it begins as a sentence"
    assert not dialog.cards["mesh-warp"].button.isVisible()
    assert not dialog.cards["headgan"].button.isVisible()
    assert dialog.cards["live-portrait"].button.text() == "Learn expressions"


def test_speed_is_this_machine_s_own(dialog: ModelsDialog) -> None:
    remember("live-portrait", 4210.0, "CPU float32")
    remember("mesh-warp", 16.4, "CPU float32")
    remember("mesh-warp", 30.0, "CPU float32")  # a slower time says nothing
    dialog._fill()
    assert "4.2 s a picture here (CPU float32)" in dialog.cards["live-portrait"].words
    assert "16 ms a picture here" in dialog.cards["mesh-warp"].words


def test_learning_shows_progress_and_what_was_learnt(
    dialog: ModelsDialog, engine: LearningEngine, qtbot: QtBot
) -> None:
    engine.gate.clear()
    dialog.cards["live-portrait"].button.click()
    card = dialog.cards["live-portrait"]
    qtbot.waitUntil(lambda: card.bar.isVisible() and card.button.text() == "Cancel")
    engine.gate.set()
    qtbot.waitUntil(lambda: "300 pictures" in dialog.cards["live-portrait"].words, timeout=IMPORT_MS)
    card = dialog.cards["live-portrait"]
    assert "87 %" in card.words and "1 of 2" in card.words
    assert card.button.text() == "Learn again" and not card.bar.isVisible()


def test_cancel_ends_it_and_it_can_begin_again(
    dialog: ModelsDialog, engine: LearningEngine, qtbot: QtBot
) -> None:
    engine.gate.clear()
    card = dialog.cards["live-portrait"]
    card.button.click()
    qtbot.waitUntil(lambda: card.button.text() == "Cancel")
    card.button.click()
    engine.gate.set()
    qtbot.waitUntil(lambda: dialog.cards["live-portrait"].button.text() == "Learn expressions")
    assert ("learnt",) not in engine.calls


def test_what_was_imported_with_something_to_learn_learns_it_at_once(
    dialog: ModelsDialog, engine: LearningEngine, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.engine.checkpoints import store

    imported = store.Model("tiny", "live-portrait", "LivePortrait", "x", "", "", "MIT", "", "")
    monkeypatch.setattr(store, "import_model", lambda path: imported)
    dialog.import_file(Path("motion_extractor.pth"))
    qtbot.waitUntil(lambda: "300 pictures" in dialog.cards["live-portrait"].words, timeout=IMPORT_MS)


def test_every_backend_has_words_of_its_own(qtbot: QtBot) -> None:
    from app.engine.generators import backends
    from app.ui.dialogs.generator_card import about

    for name in backends():
        card = GeneratorCard(replace(WARP, name=name), None)
        qtbot.addWidget(card)
        assert about(card.info), name


def test_every_line_of_a_generators_card_begins_as_a_sentence(opened: MainWindow, qtbot: QtBot) -> None:
    from app.ui.dialogs.models import ModelsDialog

    dialog = ModelsDialog(opened.session, opened)
    qtbot.addWidget(dialog)
    cards = list(dialog.cards.values())
    assert cards and all(not line.text()[:1].islower() for card in cards for line in card.lines)


def test_completion_is_turned_on_and_off_by_the_user(dialog: ModelsDialog) -> None:
    assert not dialog.completes.isChecked() and weights() is None
    dialog.completes.click()
    assert weights() is not None
    dialog.completes.click()
    assert weights() is None


def test_completion_that_cannot_be_turned_on_says_why_and_stays_off(
    dialog: ModelsDialog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "file"))
    dialog.completes.click()
    assert not dialog.completes.isChecked() and "cannot be written to" in dialog.note.text()


def test_a_trained_model_is_listed_once_and_by_its_name(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, german_errors: None
) -> None:
    """“Personal model: weekly” stood there twice, its name nowhere in the table, and its licence was English."""
    newest, own = (
        GeneratorInfo(name, "Personal model: weekly", 64, (), ("weekly",), OURS)
        for name in ("head2head", "head2head-weekly")
    )
    session = Session(FakeEngine())
    session.generators = (WARP, newest, own)
    model = Model(
        "weekly", "head2head", "Head2Head generator of one person", "clip.mp4", "", "", OURS, ASK, ""
    )
    monkeypatch.setattr("app.ui.dialogs.models.weights.models", lambda: (model,))
    dialog = ModelsDialog(session)
    qtbot.addWidget(dialog)
    assert list(dialog.cards) == ["mesh-warp", "head2head-weekly"]
    item = dialog.models.topLevelItem(0)
    assert item is not None and item.text(1) == "weekly — clip.mp4"
    assert item.text(2) == "Ihres: hier an Ihren Aufnahmen trainiert. " + i18n.sentence(ASK)
    bar = StatusBar()
    qtbot.addWidget(bar)
    bar.show_generators(session.generators)
    assert [action.data() for action in bar._menu.actions()] == ["mesh-warp", "head2head-weekly"]
