"""Completion adds what it learnt where the photo shows nothing, and nothing where it shows the head."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from app.engine.head.completion import (
    FILE,
    SHIPPED,
    SIDE,
    added,
    improved,
    seen_by_network,
    use_weights,
    weights,
)
from app.engine.networks.completion import Completion, CompletionConfig, InUse
from app.engine.training.completion.recipe import export
from app.engine.training.completion.samples import swapped
from app.engine.training.completion.template import other_side, template, whole

TINY = CompletionConfig((4, 4, 4, 4), 1)


def in_use(network: Completion) -> InUse:
    return InUse(network, torch.from_numpy(other_side()), torch.from_numpy(whole())).eval()


def atlas_of(dtype: type[np.generic]) -> tuple[NDArray[np.generic], NDArray[np.float32]]:
    """Return 384 texels of noise; the left half is kept from the photo."""
    rng = np.random.default_rng(0)
    top = np.iinfo(dtype).max
    planes = np.zeros((384, 384, 3), np.float32)
    planes[:, :192, 0] = 1
    return rng.integers(0, top, (384, 384, 3)).astype(dtype), planes


@pytest.fixture
def opinionated() -> Completion:
    torch.manual_seed(0)
    network = Completion(TINY).eval()
    assert network.paint.bias is not None and network.confidence.bias is not None
    torch.nn.init.constant_(network.paint.bias, 0.2)
    torch.nn.init.constant_(network.confidence.bias, 1.0)
    return network


def test_an_untrained_network_adds_nothing() -> None:
    found = in_use(Completion(TINY))(torch.rand(1, 6, SIDE, SIDE))
    assert not found.any()


@torch.no_grad()
def test_the_other_sides_mirror_image_stays_as_it_is(opinionated: Completion) -> None:
    seen = torch.rand(1, 6, SIDE, SIDE)
    seen[:, 3] = 0
    seen[:, 4, :, :90], seen[:, 4, :, 90:] = 1, 0
    found = in_use(opinionated)(seen)
    assert not found[..., :90].any() and found[..., 100:-10].abs().min() > 0


@torch.no_grad()
def test_a_head_whose_sides_are_alike_is_completed_alike_on_both() -> None:
    torch.manual_seed(0)
    network = Completion(TINY).eval()
    network.place.copy_(torch.from_numpy(template()))
    assert network.confidence.bias is not None
    network.confidence.bias.fill_(1.0)
    torch.nn.init.normal_(network.paint.weight)
    seen = torch.zeros(1, 6, SIDE, SIDE)

    def unlike(picture: torch.Tensor) -> float:
        known = whole()[None]
        sample = {"seen": seen[0].numpy(), "truth": picture[0].clamp(-1, 1).numpy(), "known": known}
        other = swapped(sample)
        sure = (other["known"] * known)[0] > 0.99
        return float(np.abs(other["truth"] - sample["truth"])[:, sure].mean())

    assert unlike(in_use(network)(seen)) < 0.2 * unlike(network(seen)[0])


@torch.no_grad()
def test_no_pattern_of_every_other_texel_is_made() -> None:
    torch.manual_seed(0)
    network = Completion(TINY).eval()
    assert network.paint.bias is not None
    network.paint.bias.copy_(torch.arange(12) % 4 - 1.5)  # what pixel shuffling would lay out as a pattern
    paint, _ = network(torch.rand(1, 6, SIDE, SIDE))
    assert paint[..., 4:-4, 4:-4].abs().max() < 1e-6


def test_nothing_is_completed_until_the_user_turns_it_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The weights were on although true views do not bear them out."""
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    assert weights() is None
    atlas, planes = atlas_of(np.uint8)
    assert improved(atlas, planes) is atlas


def test_the_shipped_weights_complete_what_the_photo_does_not_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "new"))
    use_weights(True)
    assert SHIPPED.stat().st_size < 20e6
    atlas, planes = atlas_of(np.uint8)
    found = improved(atlas, planes)
    assert np.array_equal(found[:, :192], atlas[:, :192]) and not np.array_equal(found, atlas)


def test_weights_of_the_users_own_come_back_when_completion_is_turned_on_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    (tmp_path / FILE).write_bytes(b"own")
    use_weights(True)
    use_weights(False)
    use_weights(False)
    assert weights() is None
    use_weights(True)
    own = weights()
    assert own is not None and own.read_bytes() == b"own"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_weights_of_the_users_own_are_used_where_the_photo_shows_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opinionated: Completion, dtype: type[np.generic]
) -> None:
    pytest.importorskip("onnx")
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    export(opinionated, tmp_path / FILE)
    atlas, planes = atlas_of(dtype)
    found = improved(atlas, planes)
    assert found.dtype == dtype and np.array_equal(found[:, :192], atlas[:, :192])
    seen = torch.from_numpy(seen_by_network(atlas, planes))[None]
    with torch.no_grad():
        by_torch = added(atlas, planes, in_use(opinionated)(seen)[0].numpy())
    apart = np.abs(found.astype(int) - by_torch.astype(int))
    assert apart.max() <= np.iinfo(dtype).max // 255
    free = (slice(None), slice(200, None))
    middle = np.median(found[free].astype(float) - atlas[free])
    assert middle == pytest.approx(0.1 * np.iinfo(dtype).max, rel=0.1)
