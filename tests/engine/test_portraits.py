"""What is kept of a portrait is used again only for exactly the same request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.engine import portraits
from app.engine.contract import Portrait
from app.engine.engine import Engine
from app.engine.face.parameters import FaceEdit


class Counting:
    """A generator that counts how often it encoded."""

    def __init__(self, info: object) -> None:
        self.info, self.encoded = info, 0

    def encode(self, source: object) -> object:
        self.encoded += 1
        return source


@pytest.fixture
def counted(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Engine, Counting]]:
    """Yield the engine with a counting generator that uses one trained model."""
    generator = Counting(replace(engine.generator.info, weights=("mine",)))
    monkeypatch.setitem(engine._generators, "mesh-warp", generator)
    yield engine, generator


def test_a_code_depends_on_the_photos_other_faces(
    counted: tuple[Engine, Counting], portrait: Portrait
) -> None:
    engine, generator = counted
    face = portrait.faces[0]
    aside = replace(face, params=replace(face.params, camera=face.params.camera.scaled(0.5)))
    engine.code(portrait, engine.view(portrait), 0)
    engine.code(portrait, engine.view(portrait), 0)
    assert generator.encoded == 1
    two = replace(portrait, faces=(face, aside))
    code = engine.code(two, engine.view(two), 0)
    assert generator.encoded == 2 and len(code.others) == 1  # type: ignore[attr-defined]


def test_a_code_depends_on_the_weights_that_made_it(
    counted: tuple[Engine, Counting], portrait: Portrait, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, generator = counted
    for sha256, encoded in (("old", 1), ("old", 1), ("trained again", 2)):
        monkeypatch.setattr(portraits, "hashes", lambda names, sha256=sha256: (sha256,))
        engine.code(portrait, engine.view(portrait), 0)
        assert generator.encoded == encoded


def test_a_turned_heads_brows_are_read_as_raised_alike(engine: Engine, portrait: Portrait) -> None:
    """They were compared with the photo's, and a turn by 20 degrees alone was read as 0.4 of a raise on one side."""
    edit = FaceEdit.of(yaw=portrait.faces[0].params.camera.yaw + 20, brow_left=0.6, brow_right=0.6)
    measured = engine.measure(portrait, engine.render(portrait, {0: edit}), 0, edit).measured
    assert abs(measured["brow_left"] - measured["brow_right"]) < 0.25
    assert abs(measured["yaw"] - edit.values[-1][1]) < 3
