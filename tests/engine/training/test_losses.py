"""The losses agree with their formulas."""

from __future__ import annotations

import pytest
import torch

from app.engine.networks.vgg import Vgg19
from app.engine.training import losses


def scores(*values: float) -> list[list[torch.Tensor]]:
    """Return, for each scale, one feature of 0 and a score."""
    return [[torch.zeros(1, 2, 2, 2), torch.full((1, 1, 2, 2), value)] for value in values]


def test_hinge():
    assert losses.hinge_discriminator(scores(0.5, 2.0), scores(-3.0, 0.0)).item() == pytest.approx(
        ((0.5 + 0) + (0 + 1)) / 2
    )
    assert losses.hinge_generator(scores(0.5, 2.0)).item() == pytest.approx(-1.25)


def test_least_squares():
    value = losses.least_squares_discriminator(scores(0.5), scores(2.0)).item()
    assert value == pytest.approx((0.25 + 4) / 2)
    assert losses.least_squares_generator(scores(0.5, 1.0)).item() == pytest.approx(0.125)


def test_feature_matching_leaves_out_the_score_and_the_real_side_s_gradient():
    real = [[torch.ones(1, 2, 2, 2, requires_grad=True)] * 4 + [torch.zeros(1)] for _ in range(2)]
    fake = [[torch.zeros(1, 2, 2, 2, requires_grad=True)] * 4 + [torch.full((1,), 9.0)] for _ in range(2)]
    value = losses.feature_matching(real, fake)
    assert value.item() == pytest.approx(4 * 0.8)  # released: 4 / 5 for each of four layers, mean over scales
    value.backward()
    assert real[0][0].grad is None and fake[0][0].grad is not None


def test_masked_l1_counts_all_pixels():
    mask = torch.zeros(1, 1, 2, 2)
    mask[..., 0, 0] = 1
    value = losses.masked_l1(torch.ones(1, 3, 2, 2), torch.full((1, 3, 2, 2), -1.0), mask)
    assert value.item() == pytest.approx(2 / 4)
    nmfc = torch.zeros(1, 3, 2, 2)
    nmfc[0, 2, 1, 1] = 0.5
    assert losses.face_mask(nmfc).flatten().tolist() == [0, 0, 0, 1]


def test_temporal_sums_over_levels():
    before = [torch.zeros(1, 1, 4, 4), torch.zeros(1, 2, 2, 2)]
    now = [torch.ones(1, 1, 4, 4), torch.full((1, 2, 2, 2), 2.0)]
    assert losses.temporal(before, now).item() == pytest.approx(3)


def test_perceptual_weighs_deep_layers_most():
    def features(picture):
        return [picture * 0, picture * 0, picture * 0, picture * 0, picture]

    def shallow(picture):
        return [picture, picture * 0, picture * 0, picture * 0, picture * 0]

    a, b = torch.ones(1, 3, 2, 2), torch.zeros(1, 3, 2, 2)
    assert losses.perceptual(features, a, b).item() == pytest.approx(1)
    assert losses.perceptual(shallow, a, b).item() == pytest.approx(1 / 32)


def test_vgg_has_torchvision_s_names_and_taps():
    with torch.device("meta"):
        network = Vgg19()
    names = {name.rsplit(".", 1)[0] for name in network.state_dict()}
    convolutions = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28)
    assert names == {f"features.{k}" for k in convolutions}
    shapes = [tuple(f.shape[1:]) for f in network(torch.zeros(1, 3, 64, 64, device="meta"))]
    assert shapes == [(64, 64, 64), (128, 32, 32), (256, 16, 16), (512, 8, 8), (512, 4, 4)]
