"""Help > Models > Download asks first, then fetches as a job with progress and Cancel; then the model is
usable.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot

from app.engine.checkpoints.catalogue import Offer, RemoteFile
from app.engine.checkpoints.store import models
from app.engine.contract import GeneratorInfo
from app.session.session import Session
from app.ui.dialogs import models as dialogs
from app.ui.dialogs.models import ModelsDialog
from tests.engine.checkpoints.server import Files, serving
from tests.fakes import MISSING, WARP, FakeEngine

PATH = "/A_matrix.pt"


class WaitingEngine(FakeEngine):
    """Has a generator that can run as soon as its model is there."""

    def generators(self) -> tuple[GeneratorInfo, ...]:
        return WARP, replace(MISSING, missing=None) if models("directions") else MISSING


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Files]:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    matrix = {"linear.weight": torch.zeros(4096, 15), "linear.bias": torch.zeros(4096)}
    torch.save({"A_matrix": matrix}, tmp_path / "A_matrix.pt")
    with serving({PATH: (tmp_path / "A_matrix.pt").read_bytes()}) as server:
        yield server


@pytest.fixture
def dialog(qtbot: QtBot, server: Files, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelsDialog]:
    data = server.files[PATH]
    file = RemoteFile(server.address + PATH, len(data), hashlib.sha256(data).hexdigest())
    offer = Offer("matrix", MISSING.name, "HeadGAN", "MIT", "Free.", "https://example.org/page", (file,))
    monkeypatch.setattr(dialogs, "OFFERS", (offer,))
    session = Session(WaitingEngine())
    with qtbot.waitSignal(session.engine_ready):
        session.start()
    dialog = ModelsDialog(session)
    qtbot.addWidget(dialog)
    dialog.show()
    yield dialog
    server.ended.set()
    session.stop()


def answer(yes: bool) -> list[str]:
    """Answer the question as soon as it is asked; the returned list gets the question's words."""
    said: list[str] = []

    def look() -> None:
        box = QApplication.activeModalWidget()
        if not isinstance(box, QMessageBox):
            QTimer.singleShot(20, look)
            return
        said.append(f"{box.text()} {box.informativeText()}")
        wanted = QMessageBox.ButtonRole.AcceptRole if yes else QMessageBox.ButtonRole.RejectRole
        next(b for b in box.buttons() if box.buttonRole(b) == wanted).click()

    QTimer.singleShot(0, look)
    return said


def test_nothing_is_fetched_before_the_user_agrees(dialog: ModelsDialog, server: Files) -> None:
    card = dialog.cards[MISSING.name]
    assert card.button.isVisible() and card.button.text().startswith("Download")
    said = answer(yes=False)
    card.button.click()
    assert "example.org" in said[0] and "MIT" in said[0] and "MB" in said[0]
    assert ". The files are checked" in said[0]  # once, this sentence followed the one before without a stop
    assert not server.asked and dialog._session.job is None


def test_a_download_makes_the_generator_usable(dialog: ModelsDialog, server: Files, qtbot: QtBot) -> None:
    answer(yes=True)
    dialog.cards[MISSING.name].button.click()
    qtbot.waitUntil(lambda: not dialog.cards[MISSING.name].info.missing, timeout=20_000)
    assert server.asked and models("directions")
    assert not dialog.cards[MISSING.name].button.isVisible()


def test_a_download_shows_how_far_it_is_and_can_be_cancelled(
    dialog: ModelsDialog, server: Files, qtbot: QtBot
) -> None:
    server.faults[PATH] = ["slow"]
    answer(yes=True)
    card = dialog.cards[MISSING.name]
    card.button.click()
    qtbot.waitUntil(lambda: "MB" in card.progress.text(), timeout=10_000)
    assert card.button.text() == "Cancel" and card.bar.isVisible()
    card.button.click()
    qtbot.waitUntil(lambda: dialog._session.job is None, timeout=10_000)
    assert not models("directions")
    qtbot.waitUntil(lambda: dialog.cards[MISSING.name].button.text().startswith("Download"))


def test_a_refusal_is_reported_in_the_dialog(dialog: ModelsDialog, server: Files, qtbot: QtBot) -> None:
    server.faults[PATH] = ["404"]
    answer(yes=True)
    dialog.cards[MISSING.name].button.click()
    qtbot.waitUntil(lambda: "404" in dialog.note.text(), timeout=10_000)
    assert "by hand" in dialog.note.text()
