"""LivePortrait in the window over the real engine: imported, learnt, chosen among two, edited with, removed.

Small random weights: what is proven is the path.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.engine.checkpoints.store import remove_model, write_weights
from app.engine.contract import Rendered
from app.engine.generators import live_portrait_learning as learning
from app.engine.points.expression import LEAST
from app.engine.sample import sample_path
from app.main import make_engine
from app.session.session import Session
from app.ui.dialogs.models import ModelsDialog
from tests.engine.live_portrait import small_weights

LONG = 240_000  # ms


@pytest.fixture
def quick_learning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "PICTURES", LEAST)
    monkeypatch.setattr(learning, "PROBES", ((10.0, 0.0),))
    monkeypatch.setattr(learning, "CHECKS", {name: learning.CHECKS[name] for name in learning.EYES})


@pytest.mark.usefixtures("quick_learning")
def test_two_models_are_imported_and_each_draws_until_it_is_removed(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    session = Session(make_engine)
    session.crashed.connect(pytest.fail)
    try:
        with qtbot.waitSignal(session.engine_ready, timeout=LONG):
            session.start()
        dialog = ModelsDialog(session)
        qtbot.addWidget(dialog)
        for seed, name in enumerate(("first", "second")):
            path = tmp_path / f"{name}.safetensors"
            write_weights(small_weights(seed), "live-portrait", path)
            dialog.import_file(path)
            qtbot.waitUntil(lambda: session.improving == "live-portrait", timeout=LONG)
            qtbot.waitUntil(lambda: not session.improving and learnt(session), timeout=LONG)
        assert {"live-portrait-live-portrait", "live-portrait-live-portrait-2"} <= set(dialog.cards)
        with qtbot.waitSignal(session.portrait_opened, timeout=LONG):
            session.open(sample_path())
        pictures = []
        session.set_value("yaw", 12)
        for name in ("live-portrait-live-portrait", "live-portrait-live-portrait-2"):
            pictures.append(rendered_with(session, name, qtbot))
            assert session.document.generator == name  # what the project remembers
        assert not np.array_equal(*pictures)
        for name in ("live-portrait", "live-portrait-2"):
            remove_model(name)
    finally:
        session.stop()


def learnt(session: Session) -> bool:
    return any(info.name == "live-portrait" and info.learnt for info in session.generators)


def rendered_with(session: Session, name: str, qtbot: QtBot) -> np.ndarray:
    """The picture once this generator has drawn it."""
    seen: list[Rendered] = []

    def take(rendered: Rendered) -> None:
        if session.document.generator == name and not rendered.draft:
            seen.append(rendered)

    session.rendered.connect(take)
    session.set_generator(name)
    qtbot.waitUntil(lambda: bool(seen), timeout=LONG)
    session.rendered.disconnect(take)
    return seen[-1].pixels
