"""Every backend keeps the promises of the contract: one test body runs for each backend that is found."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from app.engine.contract import Generator, Portrait, Target
from app.engine.engine import Engine
from app.engine.face.controls import BY_NAME
from app.engine.face.parameters import FaceEdit
from app.engine.generators import backends
from app.engine.views import WorkingView


@pytest.fixture(params=sorted(backends()))
def generator(request: pytest.FixtureRequest) -> Generator:
    return backends()[request.param]()


def test_info_says_what_menus_need(generator: Generator) -> None:
    info = generator.info
    assert info.name in backends() and info.title
    assert info.licence or info.missing
    assert set(info.controls) <= set(BY_NAME)
    assert info.image_size == 0 or info.image_size in (64, 128, 256, 512, 1024)
    assert len({control.name for control in info.latents}) == len(info.latents)


def test_missing_weights_are_reported(generator: Generator) -> None:
    info = generator.info
    if info.missing:
        assert info.weights, "only what needs weights can miss them"


@pytest.fixture
def ready(
    generator: Generator, portrait: Portrait, engine: Engine
) -> Iterator[tuple[Generator, object, WorkingView]]:
    if generator.info.missing:
        pytest.skip(f"{generator.info.title}: {generator.info.missing}")
    engine.select(generator.info.name)
    view = engine.view(portrait, 256)
    yield generator, engine.code(portrait, view, 0), view
    engine.select("mesh-warp")


def test_the_photos_own_parameters_give_the_photo_back(ready: tuple[Generator, object, WorkingView]) -> None:
    generator, code, view = ready
    patch = generator.generate(code, Target(view.faces[0].params))
    height, width = patch.pixels.shape[:2]
    own = view.pixels[patch.y : patch.y + height, patch.x : patch.x + width]
    assert np.array_equal(patch.pixels, own)


def test_a_turned_head_changes_a_part_of_the_photo(
    ready: tuple[Generator, object, WorkingView], portrait: Portrait, engine: Engine
) -> None:
    assert ready
    camera = portrait.faces[0].params.camera
    rendered = engine.render(portrait, {0: FaceEdit.of(yaw=camera.yaw + 10)}, 256)
    assert rendered.pixels.shape == (256, 256, 3) and rendered.pixels.dtype == portrait.photo.pixels.dtype
    assert 0.01 < rendered.changed < 1
