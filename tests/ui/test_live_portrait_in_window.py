"""LivePortrait goes the whole way from the network to the film.

It is fetched, verified, learnt, used by the window and by every command, chosen among two, and removed. The
five files have the released names and keys, at an eighth of the released width and with random weights: the
way is tested, and not the quality of the pictures.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pytestqt.qtbot import QtBot
from safetensors.torch import save

from app.cli import main
from app.engine.checkpoints import live_portrait_files as files
from app.engine.checkpoints.catalogue import Offer, RemoteFile, offer_named
from app.engine.checkpoints.store import models
from app.engine.contract import Rendered
from app.engine.generators import live_portrait_learning as learning
from app.engine.networks import live_portrait as network
from app.engine.points.expression import LEAST
from app.engine.sample import sample_path
from app.engine.sources.performance_files import write_performance
from app.main import make_engine
from app.session.session import Session
from app.ui.dialogs import models as dialogs
from app.ui.dialogs.models import ModelsDialog
from tests.engine.checkpoints.server import Files, serving
from tests.engine.conftest import make_performance
from tests.engine.live_portrait import SMALL, spread_out
from tests.ui.test_fetching_models import answer

LONG = 240_000  # ms
KIND = "live-portrait"
FIRST, SECOND = f"{KIND}-{KIND}", f"{KIND}-{KIND}-2"  # names of the two models as generators


def released_files(seed: int) -> dict[str, bytes]:
    """Return the five safetensors in circulation, by name."""
    torch.manual_seed(seed)
    made = spread_out(network.LivePortrait())
    found = {name: getattr(made, part).state_dict() for name, part in files.BASE.items()}
    found[files.SMALL_FILE] = {
        f"{name}_module.{key}": value
        for name, part in files.SMALL.items()
        for key, value in getattr(made, part).state_dict().items()
    }
    return {f"{name}.safetensors": save(tensors) for name, tensors in found.items()}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    released = partial(network.LivePortraitConfig, size=SMALL.size, narrow=SMALL.narrow)
    monkeypatch.setattr(network, "LivePortraitConfig", released)
    monkeypatch.setattr(learning, "PICTURES", LEAST)
    monkeypatch.setattr(learning, "PROBES", ((10.0, 0.0),))
    monkeypatch.setattr(learning, "CHECKS", {name: learning.CHECKS[name] for name in learning.EYES})
    return tmp_path


@pytest.fixture
def server(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Files]:
    with serving({f"/{name}": data for name, data in released_files(0).items()}) as server:
        brought = tuple(
            RemoteFile(server.address + path, len(data), hashlib.sha256(data).hexdigest())
            for path, data in server.files.items()
        )
        known = offer_named(KIND)
        offer = Offer(KIND, known.kind, known.title, known.licence, known.use, server.address, brought)
        monkeypatch.setattr(dialogs, "OFFERS", (offer,))
        yield server


def test_a_model_is_fetched_learnt_used_everywhere_chosen_among_two_and_removed(
    qtbot: QtBot, home: Path, server: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    second = home / "second"
    second.mkdir()
    for name, data in released_files(1).items():
        (second / name).write_bytes(data)
    pictures = in_the_window(qtbot, second, server)
    assert not np.array_equal(*pictures), "two models draw two pictures"
    by_command(home, capsys)


def in_the_window(qtbot: QtBot, second: Path, server: Files) -> list[np.ndarray]:
    """Fetch the first model by a click and import the second; return the picture that each draws."""
    session = Session(make_engine)
    crashes: list[object] = []
    session.crashed.connect(crashes.append)
    try:
        with qtbot.waitSignal(session.engine_ready, timeout=LONG):
            session.start()
        dialog = ModelsDialog(session)
        qtbot.addWidget(dialog)
        dialog.show()
        answer(yes=True)
        dialog.cards[KIND].button.click()
        qtbot.waitUntil(lambda: not session.improving and learnt(session), timeout=LONG)
        assert len(server.asked) == 5
        dialog.import_file(second)
        qtbot.waitUntil(lambda: session.improving == KIND, timeout=LONG)
        qtbot.waitUntil(lambda: not session.improving and learnt(session), timeout=LONG)
        assert {FIRST, SECOND} <= set(dialog.cards)
        with qtbot.waitSignal(session.portrait_opened, timeout=LONG):
            session.open(sample_path())
        session.set_value("yaw", 12)
        drawn = []
        for name in (FIRST, SECOND):
            drawn.append(rendered_with(session, name, qtbot))
            assert session.document.generator == name  # the project remembers this name
        assert not crashes
        return drawn
    finally:
        session.stop()


def by_command(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Verify the models; make an edit, a frontal view and a film with the first; then remove both."""
    sample, out, film = str(sample_path()), home / "out.png", home / "film.mp4"
    capsys.readouterr()
    assert main(["models", "verify"]) == 0
    capsys.readouterr()
    assert main(["models", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed["learnt"][FIRST]["pictures"] == LEAST and FIRST not in listed["notes"]
    by = ["--engine", FIRST]
    assert main(["edit", sample, "-o", str(out), *by, "--set", "yaw=12", "--set", "smile=0.5"]) == 0
    assert 0.01 < changed(out) < 0.6, "the head alone"
    assert main(["frontalise", sample, "-o", str(out), *by]) == 0
    performance = home / "a.performance"
    write_performance(make_performance(3), performance)
    assert main(["drive", sample, str(performance), "-o", str(film), *by, "--size", "192"]) == 0
    assert film.stat().st_size > 0
    for model in models(KIND):
        assert main(["models", "remove", model.name]) == 0
    capsys.readouterr()
    assert main(["edit", sample, "-o", str(out), "--engine", KIND, "--set", "yaw=12"]) == 1
    assert "five files" in capsys.readouterr().err


def changed(path: Path) -> float:
    """Return the share of the sample's pixels that differ."""
    pictures = []
    for one in (sample_path(), path):
        with Image.open(one) as picture:
            pictures.append(np.asarray(picture.convert("RGB")))
    return float((pictures[0] != pictures[1]).any(axis=2).mean())


def learnt(session: Session) -> bool:
    return any(info.name == KIND and info.learnt for info in session.generators)


def rendered_with(session: Session, name: str, qtbot: QtBot) -> np.ndarray:
    """Return the picture once this generator has drawn it."""
    seen: list[Rendered] = []

    def take(rendered: Rendered) -> None:
        if session.document.generator == name and not rendered.draft:
            seen.append(rendered)

    session.rendered.connect(take)
    session.set_generator(name)
    qtbot.waitUntil(lambda: bool(seen), timeout=LONG)
    session.rendered.disconnect(take)
    return seen[-1].pixels
