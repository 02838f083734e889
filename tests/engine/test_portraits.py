"""What is kept of a portrait is used again only for exactly the same request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.engine import portraits
from app.engine.contract import Portrait
from app.engine.engine import Engine


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
