"""The refiner on top of mesh-warp: nothing of its own until it has learnt something."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from app.engine import device
from app.engine.checkpoints.kinds import Found
from app.engine.checkpoints.registry import kind_named
from app.engine.checkpoints.store import models, remove_model, save_model
from app.engine.contract import Patch, Portrait, SourceImage, Target
from app.engine.errors import EngineError
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import FaceEdit
from app.engine.face.semantic import resolve
from app.engine.generators import refined_warp
from app.engine.generators.mesh_warp import MeshWarp, resized
from app.engine.generators.refined_warp import Additions, RefinedCode, RefinedWarp, applied
from app.engine.imaging.matte import person_matte
from app.engine.networks.refiner import Refiner, RefinerConfig
from app.engine.squares.crop import Square
from app.engine.warping.evidence import portrait_layers

TINY = RefinerConfig((8, 8, 8, 8), 1, flow=True)
EDITS = ({"yaw": 12.0}, {"mouth_open": 1.0}, {"blink_left": 1.0}, {"yaw": -20.0, "smile": 0.8})


@pytest.fixture(scope="module")
def source(portrait: Portrait) -> SourceImage:
    face = portrait.faces[0]
    matte = person_matte(portrait.photo.pixels, face)
    return resized(SourceImage(portrait.photo.pixels, None, face, matte), 0.5)


@pytest.fixture
def keep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Refiner], RefinedWarp]:
    """Makes a refiner the user's model."""
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))

    def kept(network: Refiner) -> RefinedWarp:
        for model in models("refiner"):
            if not model.shipped:
                remove_model(model.name)
        weights = {name: value.half() for name, value in network.state_dict().items()}
        config = asdict(network.config)
        save_model(Found(weights, config), kind_named("refiner"), "refiner", "test")
        return RefinedWarp()

    return kept


def opinionated() -> Refiner:
    """A network that paints everything and moves it."""
    torch.manual_seed(0)
    network = Refiner(TINY)
    with torch.no_grad():
        for layer, value in ((network.confidence, 0.5), (network.paint, 0.4), (network.flow, 2.0)):
            assert layer.bias is not None
            layer.bias.fill_(value)
    return network


def code_of(source: SourceImage) -> RefinedCode:
    code = MeshWarp().encode_layers(source)
    return RefinedCode(code, portrait_layers(code.face, code.layers.texture))


def target(source: SourceImage, **values: float) -> Target:
    edit = FaceEdit.of(**values)
    return Target(resolve(edit, source.face, default_model()))


@pytest.mark.parametrize("asked", EDITS)
def test_an_untrained_refiner_is_mesh_warp_bit_by_bit(
    keep: Callable[[Refiner], RefinedWarp], source: SourceImage, asked: dict[str, float]
) -> None:
    refined, code = keep(Refiner(TINY)), code_of(source)
    wanted = MeshWarp().generate(code.warp, target(source, **asked))
    found = refined.generate(code, target(source, **asked))
    assert (found.x, found.y) == (wanted.x, wanted.y)
    assert wanted.pixels.size and np.array_equal(found.pixels, wanted.pixels)


def test_a_trained_one_changes_what_moves_and_nothing_else(
    keep: Callable[[Refiner], RefinedWarp], source: SourceImage
) -> None:
    refined, code = keep(opinionated()), code_of(source)
    wanted = MeshWarp().generate(code.warp, target(source, yaw=12.0))
    found = refined.generate(code, target(source, yaw=12.0))
    changed = (found.pixels != wanted.pixels).any(axis=2)
    assert 0.1 < changed.mean() < 1
    same = refined.generate(code, Target(source.face.params))
    height, width = same.pixels.shape[:2]
    own = source.pixels[same.y : same.y + height, same.x : same.x + width]
    assert np.array_equal(same.pixels, own), "the photo's own parameters give the photo"


def test_flow_and_trust_are_used_as_the_model_says(
    keep: Callable[[Refiner], RefinedWarp], source: SourceImage
) -> None:
    code, asked = code_of(source), target(source, yaw=12.0)
    plain = MeshWarp().generate(code.warp, asked).pixels.astype(int)
    found = {}
    for config in (
        replace(TINY, flow=False, trust=0.5),
        replace(TINY, flow=False, trust=1.0),
        replace(TINY, trust=0),
    ):
        network = opinionated()
        network.config = config
        found[config.trust] = keep(network).generate(code, asked).pixels - plain
    assert found[1.0].mean() == pytest.approx(2 * found[0.5].mean(), rel=0.1), (
        "half the trust, half the paint"
    )
    network = opinionated()
    network.config = replace(TINY, flow=False, trust=2.0, doubt=0.5)
    assert np.array_equal(keep(network).generate(code, asked).pixels, plain), "in doubt, nothing is painted"
    assert found[0].any() and abs(found[0].mean()) < 0.2 * found[1.0].mean(), "only moved"


def test_without_a_model_it_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: SourceImage
) -> None:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    monkeypatch.setattr("app.engine.checkpoints.store.SHIPPED", tmp_path / "none")
    refined = RefinedWarp()
    assert refined.info.missing and refined.info.weights
    with pytest.raises(EngineError, match="no refiner"):
        refined.generate(code_of(source), target(source, yaw=12.0))


def test_a_card_that_fills_while_painting_hands_over_to_the_processor(
    keep: Callable[[Refiner], RefinedWarp], source: SourceImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = device.Device("cpu", "float32", "Pretended card")
    monkeypatch.setattr(device, "card", lambda: card)
    monkeypatch.setattr(device, "_fallen", 0)
    refined, code, asked = keep(opinionated()), code_of(source), target(source, yaw=12.0)
    expected = refined.generate(code, asked).pixels
    plain = refined_warp.network_additions

    def limited(network: Refiner, where: device.Device, *rest: Any) -> Additions:
        if where != device.CPU:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return plain(network, where, *rest)

    monkeypatch.setattr(refined_warp, "network_additions", limited)
    assert np.array_equal(refined.generate(code, asked).pixels, expected)
    assert device.best_device() == device.CPU and device.notice() is not None


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_additions_keep_to_their_place_and_size(dtype: type[np.uint8] | type[np.uint16]) -> None:
    top = int(np.iinfo(dtype).max)
    photo = np.full((300, 400, 3), top // 2, dtype)
    patch = Patch(photo[100:250, 50:350].copy(), 50, 100)
    paint = np.zeros((256, 256, 3), np.float32)
    paint[96:160, 96:160] = 0.5
    square = Square(100, 40, 128)  # half the network's size: the painted middle is 32 px wide
    found = applied(photo, patch, Additions(np.zeros((256, 256, 2), np.float32), paint, square))
    changed = (found != patch.pixels).any(axis=2)
    ys, xs = np.nonzero(changed)
    assert abs((xs.min() + xs.max()) / 2 - (164 - 50)) <= 1 and 32 <= np.ptp(xs) + 1 <= 36
    assert ys.min() == 0, "the square's upper part lies above the patch"
    assert found[10, 164 - 50, 0] == pytest.approx(top // 2 + top / 4, abs=1)


def test_the_residual_flow_fetches_the_photos_own_detail() -> None:
    x = np.tile(np.arange(128, dtype=np.uint8), (128, 1))
    photo = np.dstack([x] * 3)
    flow = np.zeros((256, 256, 2), np.float32)
    flow[..., 0] = 6.0  # of the square at 256: 3 px of the photo
    additions = Additions(flow, np.zeros((256, 256, 3), np.float32), Square(0, 0, 128))
    found = applied(photo, Patch(photo.copy(), 0, 0), additions)
    assert np.array_equal(found[:, 4:120, 0], photo[:, 7:123, 0])
    cut_out = replace(Patch(photo.copy(), 0, 0), alpha=photo[..., 0])
    assert np.array_equal(applied(photo, cut_out, additions), photo), "an outline stays that of its alpha"
