"""Head2Head++ and Head2HeadFS: released names, recurrence, and the conversion to one person."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from app.engine.networks.discriminators import MultiScaleDiscriminator
from app.engine.networks.head2head import Head2Head, next_state, rollout, start_state
from app.engine.networks.head2headfs import (
    AdaIN,
    Head2HeadFS,
    IdentityEmbedder,
    Projection,
    embedding_match,
    rgb_and_mask,
)
from tests.engine.networks.released import from_head2head
from tests.engine.networks.test_stylegan2 import parity

LIGHT = {"width": 8, "n_down": 2, "n_blocks": 3}


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def test_state_dict_has_the_released_names_but_for_copies_and_unused_statistics(shared):
    keys = parity(shared).read_keys("head2head_keys.tsv")
    used = {
        name: shape
        for name, (shape, _) in keys.items()
        if ".conv_block." not in name
        and not name.endswith(("running_mean", "running_var", "num_batches_tracked"))
    }
    with torch.device("meta"):
        state = Head2Head().state_dict()
    assert {n: tuple(v.shape) for n, v in state.items()} == used


def test_frames_follow_one_another_from_zeros():
    generator = Head2Head(**LIGHT)
    conditions = torch.rand(3, 18, 32, 48)
    frames = rollout(generator, conditions)
    assert frames.shape == (3, 3, 32, 48) and frames.abs().max() <= 1
    state = start_state(conditions[:1])
    assert not state.any()
    first = generator(conditions[:1], state)
    second = generator(conditions[1:2], next_state(state, first))
    torch.testing.assert_close(frames[0], first[0])
    torch.testing.assert_close(frames[1], second[0])
    assert (generator(conditions[1:2], state) - second).abs().max() > 1e-4, "the past does not matter"


def test_the_state_holds_the_two_newest_frames_oldest_first():
    a, b, c = (torch.full((1, 4, 4, 4), float(k)) for k in (1, 2, 3))
    state = next_state(next_state(next_state(torch.zeros(1, 6, 4, 4), a), b), c)
    assert torch.equal(state[0, :, 0, 0], torch.tensor([2.0, 2, 2, 3, 3, 3]))


def test_gradients_reach_every_parameter_through_time():
    generator = Head2Head(**LIGHT)
    rollout(generator, torch.rand(2, 18, 16, 16)).square().mean().backward()
    # A bias before instance normalisation has no effect, so only weights must see a gradient.
    assert all(
        p.grad is not None and p.grad.abs().max() > 0
        for n, p in generator.named_parameters()
        if n.endswith("weight")
    )


def random_fs() -> Head2HeadFS:
    generator = Head2HeadFS(**LIGHT)
    for layer in generator.modules():
        if isinstance(layer, AdaIN):  # leave the start values: gamma about 1, beta about 0
            torch.nn.init.normal_(layer.gamma.weight, 0, 0.05)
            torch.nn.init.normal_(layer.beta.weight, 0, 0.05)
    return generator


def test_every_normalisation_takes_the_identity():
    generator = random_fs()
    adaptive = [n for n, m in generator.named_modules() if isinstance(m, AdaIN)]
    assert not [n for n, m in generator.named_modules() if isinstance(m, torch.nn.InstanceNorm2d)]
    for part in ("model_down_seg", "model_down_img", "model_res_img", "model_up_img"):
        assert any(name.startswith(part) for name in adaptive)


def test_conversion_to_one_person_changes_nothing_before_the_first_step():
    generator, h = random_fs().eval(), torch.randn(1, 512)
    conditions, previous = torch.rand(2, 9, 32, 32), torch.rand(2, 6, 32, 32) * 2 - 1
    person = generator.personalised(h)
    assert not [m for m in person.modules() if isinstance(m, AdaIN)]
    with torch.no_grad():
        expected, got = generator(conditions, previous, h), person(conditions, previous)
        other = generator(conditions, previous, torch.randn(1, 512))
    assert (got - expected).abs().max() < 1e-5
    assert (other - expected).abs().max() > 1e-2, "the identity does not matter"


def test_adain_is_equation_6():
    layer, x, h = AdaIN(4, 8), torch.randn(2, 4, 5, 5) * 3 + 1, torch.randn(1, 8)
    mean, std = x.mean((2, 3), keepdim=True), x.var((2, 3), unbiased=False, keepdim=True).add(1e-5).sqrt()
    gamma, beta = (h @ p.weight.T for p in (layer.gamma, layer.beta))
    expected = gamma[..., None, None] * (x - mean) / std + beta[..., None, None]
    torch.testing.assert_close(layer(x, h), expected, atol=1e-5, rtol=1e-5)


def test_the_embedder_averages_over_frames_in_any_order():
    embedder, frames = IdentityEmbedder(width=8), torch.rand(3, 3, 64, 64) * 2 - 1
    h = embedder(frames)
    assert h.shape == (1, 512)
    torch.testing.assert_close(h, embedder(frames.flip(0)), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(h[0], embedder.each(frames).mean(0))


def test_output_splits_into_colour_and_mask():
    rgb, mask = rgb_and_mask(torch.tensor([-1.0, 0.0, 1.0, -1.0]).view(1, 4, 1, 1))
    assert rgb.flatten().tolist() == [-1, 0, 1] and mask.item() == 0


def test_projection_is_equation_7_and_becomes_one_persons():
    projection, d = Projection(5), torch.randn(2, 512, 3, 3)
    projection.bias.data.fill_(0.7)
    scores = projection(d, torch.tensor([1, 4]))
    assert scores.shape == (2, 1, 3, 3)
    expected = d[1, :, 2, 0] @ (projection.rows.weight[4] + projection.common) + 0.7
    torch.testing.assert_close(scores[1, 0, 2, 0], expected, atol=1e-4, rtol=1e-4)
    h = torch.randn(1, 512)
    person = projection.personalised(h)
    row = h[0] / h.norm() * projection.rows.weight.norm(dim=1).mean()
    expected = d[0, :, 0, 0] @ (row + projection.common) + 0.7
    torch.testing.assert_close(
        person(d, torch.zeros(2, dtype=torch.int64))[0, 0, 0, 0], expected, atol=1e-4, rtol=1e-4
    )


def test_embedding_match_is_zero_at_the_persons_row_and_pulls_only_h():
    projection, person = Projection(3), torch.tensor([2])
    h = (2 * projection.rows.weight[2:3]).detach().requires_grad_()
    assert embedding_match(h, projection, person).item() == pytest.approx(0, abs=1e-5)
    embedding_match(torch.randn(1, 512, requires_grad=True), projection, person).backward()
    assert projection.rows.weight.grad is None


@torch.no_grad()
@pytest.mark.parametrize(("name", "inputs"), [("D", 9), ("D_T", 13)])
def test_discriminators_equal_the_released_ones(shared, name, inputs):
    recipe = parity(shared)
    golden = np.load(shared / "parity" / "vectors" / f"head2head_{name}.npz")
    network = MultiScaleDiscriminator(inputs, spectral=False).eval()
    weights = recipe.state_dict(recipe.read_keys(f"head2head_{name}_keys.tsv"), "public")
    network.load_state_dict(from_head2head(weights))
    outputs = network(recipe.tensor(f"disc.{name}", (1, inputs, 256, 256), "public"))
    for scale in range(2):
        for layer in range(5):
            expected = golden[f"scale{scale}_layer{layer}"]
            found = outputs[scale][layer].numpy()
            if layer < 4:  # the vectors hold every eighth channel and every fourth pixel of the features
                found = found[:, ::8, ::4, ::4]
            assert np.abs(found - expected).max() < 2e-4


@pytest.mark.slow
def test_three_recurrent_frames_equal_the_released_networks(shared, tmp_path):
    """The command runs in a process of its own.

    Zeros make the second encoder's features constant, and instance normalisation enlarges their rounding
    error to full size. So the first frame depends on the convolution kernels, which the command fixes.
    """
    recipe = parity(shared)
    golden = np.load(shared / "parity" / "vectors" / "head2head_rollout.npz")["frames"]
    weights = recipe.state_dict(recipe.read_keys("head2head_keys.tsv"), "public")
    torch.save(weights, tmp_path / "latest_net_G.pth")
    frames = recipe.tensor("input.rollout", (3, 18, 256, 256), "public", "uniform")
    np.savez(tmp_path / "in.npz", input=frames.numpy())
    environment = {**os.environ, "MIEN_HOME": str(tmp_path / "home")}
    environment.pop("ONEDNN_MAX_CPU_ISA", None)
    for command in (["import", "latest_net_G.pth"], ["run", "head2head", "in.npz", "-o", "out.npz"]):
        arguments = [sys.executable, "-m", "app.cli", "models", *command]
        path = {**environment, "PYTHONPATH": str(Path(__file__).parents[3])}
        subprocess.run(arguments, cwd=tmp_path, env=path, check=True, capture_output=True)
    found = np.load(tmp_path / "out.npz")["frames"]
    assert np.abs(found[:, :, ::2, ::2] - golden).max() < 2e-4


def test_a_mask_that_is_all_foreground_can_unlearn_it():
    """Under a tanh, the gradient would vanish there."""
    network = Head2HeadFS(4, 2, 2, personal=True)
    with torch.no_grad():
        network.model_final_img[1].bias[3] = 40.0
    output = network(torch.rand(1, 9, 16, 16), torch.zeros(1, 6, 16, 16))
    mask = rgb_and_mask(output)[1]
    assert mask.min() == mask.max() == 1
    mask.mean().backward()
    assert network.model_final_img[1].bias.grad[3] == pytest.approx(0.5)
