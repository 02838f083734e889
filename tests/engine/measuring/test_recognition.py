"""The read-out gives the identity by an imported recogniser."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from app.engine.checkpoints.store import import_model
from app.engine.face.parameters import FaceEdit
from app.engine.imaging.colour import to_srgb8
from app.engine.measuring.recognition import Recogniser
from tests.engine.checkpoints.test_feature_files import published


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    return tmp_path


def test_without_a_recogniser_the_shape_is_compared(home, engine, portrait):
    edit = FaceEdit.of(smile=0.4)
    rendered = engine.render(portrait, {0: edit})
    assert not Recogniser().imported
    assert 0 < engine.measure(portrait, rendered, 0, edit).identity <= 1


def test_an_imported_recogniser_reports_the_identity(home, engine, portrait):
    torch.save(published("arcface"), home / "backbone.pth")
    import_model(home / "backbone.pth")
    photo, face = to_srgb8(portrait.photo), portrait.faces[0]
    recogniser = Recogniser()
    assert recogniser.imported
    assert recogniser.likeness((photo, face), (photo, face)) == pytest.approx(1)
    other = recogniser.likeness((photo, face), (255 - photo[::-1], face))
    assert other < 0.999
    edit = FaceEdit.of(smile=0.4)
    rendered = engine.render(portrait, {0: edit})
    measured = engine.measure(portrait, rendered, 0, edit).identity
    after = engine.fit(rendered.pixels)[0]
    assert measured == pytest.approx(recogniser.likeness((photo, face), (np.asarray(rendered.pixels), after)))
