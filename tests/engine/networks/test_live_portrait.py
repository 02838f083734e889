"""LivePortrait has the released names and agrees with the golden vectors; folding and sampling by hand agree
too.
"""

from __future__ import annotations

import pytest
import torch

from app.engine.networks.live_portrait import LivePortrait, LivePortraitConfig, fused
from app.engine.networks.live_portrait_points import Motion, relative, rotation
from app.engine.networks.live_portrait_warping import sample, sample_by_hand
from tests.engine.live_portrait import TABLES
from tests.engine.networks.test_stylegan2 import parity


@pytest.mark.parametrize("part", TABLES)
def test_state_dicts_have_the_released_names_and_shapes(shared, part):
    keys = parity(shared).read_keys(f"liveportrait_{part}_keys.tsv")
    with torch.device("meta"):
        state = getattr(LivePortrait(), part).state_dict()
    assert {n: tuple(v.shape) for n, v in state.items()} == {n: shape for n, (shape, _) in keys.items()}


def test_the_appearance_equals_the_released_networks(whole):
    feature = whole.seen["feature"]
    assert whole.apart("appearance_second", whole.seen["appearance_second"][:, ::7, ::5, ::5]) < 5e-5
    assert whole.apart("feature", feature[:, ::2, ::3, ::5, ::5]) < 5e-5
    stats = torch.stack([feature.mean(dim=(0, 2, 3, 4)), feature.std(dim=(0, 2, 3, 4))])
    assert whole.apart("feature_stats", stats) < 5e-5


def test_motion_and_points_equal_the_released_networks(whole):
    strides = ((4, 8), (8, 4), (16, 3), (32, 2))
    for k, (channels, side) in enumerate(strides):
        stage = whole.seen[f"motion_stage{k}"][:, ::channels, ::side, ::side]
        assert whole.apart(f"motion_stage{k}", stage) < 5e-5
    assert whole.apart("motion_pooled", whole.seen["motion_pooled"]) < 5e-5
    for name, motion in zip(("source", "driving"), whole.motions, strict=True):
        assert whole.apart(f"{name}_degrees", motion.degrees) < 2e-4
        assert whole.apart(f"{name}_R", rotation(motion.degrees)) < 1e-5
        for key, value in (("t", motion.shift), ("scale", motion.scale)):
            assert whole.apart(f"{name}_{key}", value) < 5e-5
        assert whole.apart(f"{name}_exp", motion.expression.flatten(1)) < 5e-5
        assert whole.apart(f"{name}_kp", motion.canonical.flatten(1)) < 5e-5
        assert whole.apart(f"{name}_x", motion.points()) < 1e-5


def test_the_rotation_is_the_released_one(whole):
    angles = torch.from_numpy(whole.golden["angles"])
    assert whole.apart("angles_R", rotation(angles)) < 1e-6


def test_stitching_and_retargeting_equal_the_released_networks(whole):
    source, driving = (motion.points() for motion in whole.motions)
    assert whole.apart("stitched_x", whole.network.stitched(source, driving)) < 1e-5
    ratios = {key: torch.from_numpy(whole.golden[key]) for key in ("eye_in", "lip_in")}
    assert whole.apart("eye_delta", whole.network.eyes(source, ratios["eye_in"])) < 1e-5
    assert whole.apart("lip_delta", whole.network.lips(source, ratios["lip_in"])) < 1e-5


def test_relative_motion_is_the_released_one(whole):
    golden = {key: torch.from_numpy(value) for key, value in whole.golden.items() if "moved" in key}
    source, first = whole.motions
    moved = Motion(
        golden["moved_degrees"],
        golden["moved_t"],
        golden["moved_exp"],
        golden["moved_scale"],
        first.canonical,
    )
    x = relative(source, moved, first)
    assert whole.apart("relative_x", x) < 1e-5
    assert whole.apart("relative_stitched_x", whole.network.stitched(source.points(), x)) < 1e-5


def test_warping_equals_the_released_network(whole):
    seen = whole.seen
    assert whole.apart("compress", seen["compress"][:, :, ::3, ::5, ::5]) < 5e-5
    assert whole.apart("hourglass", seen["hourglass"][:, ::6, ::5, ::7, ::7]) < 2e-4
    assert whole.apart("mask", torch.softmax(seen["mask"], 1)[:, :, ::5, ::7, ::7]) < 1e-4
    assert whole.apart("deformation", seen["deformation"][:, ::3, ::3, ::3]) < 5e-5
    assert whole.apart("occlusion", seen["occlusion"]) < 5e-5
    assert whole.apart("warped", seen["warped"][:, ::4, ::3, ::3]) < 2e-4


def test_the_picture_equals_the_released_networks(whole):
    seen = whole.seen
    for key, channels, side in (("middle0", 16, 5), ("middle5", 16, 5), ("up0", 16, 9), ("up1", 8, 17)):
        value = seen[f"generator_{key}"][:, ::channels, ::side, ::side]
        assert whole.apart(f"generator_{key}", value) < 2e-3
    assert whole.apart("image", seen["image"][:, :, ::2, ::2]) < 5e-4
    assert whole.apart("image_corner", seen["image"][:, :, 100:132, 330:362]) < 5e-4


def test_sampling_by_hand_is_torchs_own():
    rng = torch.Generator().manual_seed(0)
    volume = torch.randn(2, 3, 4, 6, 5, generator=rng)
    flow = torch.rand(2, 3, 7, 8, 3, generator=rng) * 3 - 1.5  # a good part of it leads outside
    assert torch.allclose(sample_by_hand(volume, flow), sample(volume, flow), atol=1e-6)
    assert torch.allclose(
        sample_by_hand(volume.half(), flow).float(), sample(volume.half(), flow).float(), atol=1e-3
    )


def test_a_narrow_network_has_gradients_everywhere_and_folds():
    torch.manual_seed(0)
    network = LivePortrait(LivePortraitConfig(128, 8, spectral=False)).eval()
    source, driving = torch.rand(1, 3, 128, 128), torch.rand(1, 3, 128, 128)
    image = network(source, driving)
    assert image.shape == (1, 3, 256, 256)
    with torch.inference_mode():
        assert torch.allclose(fused(network)(source, driving), image, atol=1e-5)
