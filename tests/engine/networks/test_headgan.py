"""HeadGAN has the released names and numbers; shapes, gradients and half precision are right."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from app.engine.networks.blocks import (
    AdaINBlock,
    SpadeBlock,
    SpectralConv2d,
    fold_spectral_norm,
    warp,
)
from app.engine.networks.discriminators import MultiScaleDiscriminator, with_tiled
from app.engine.networks.fused import FusedHeadGan
from app.engine.networks.headgan import LIGHT, HeadGan, HeadGanConfig
from tests.engine.networks.released import from_head2head
from tests.engine.networks.test_stylegan2 import parity

SMALL = HeadGanConfig(width=4, hidden=8)

# The vectors were made on a machine with AVX2. Wider kernels sum in another order, and on a photo of white
# noise the last bit of the flow makes more difference than the tolerance. oneDNN reads this before torch
# starts.
GOLDEN_SCRIPT = """
import sys
import numpy as np, torch
sys.path.insert(0, sys.argv[2])
import recipe
from app.engine.networks.blocks import fold_spectral_norm
from app.engine.networks.headgan import HeadGan, HeadGanConfig
name = sys.argv[1]
weights = fold_spectral_norm(recipe.state_dict(recipe.read_keys(name + "_keys.tsv"), "public"))
network = HeadGan(HeadGanConfig(audio=name == "headgan", spectral=False)).eval()
network.load_state_dict(weights)
draw = lambda n, s, kind="uniform": recipe.tensor(n, s, "public", kind)
photo = 2 * draw("ref.rgb", (1, 3, 256, 256)) - 1
reference = torch.cat([draw("ref.nmfc", (1, 3, 256, 256)), photo], dim=1)
with torch.no_grad():
    out = network(draw("input.input", (1, 9, 256, 256)), reference, draw("audio", (1, 300), "normal"))
golden = np.load(sys.argv[2] + "/vectors/" + name + ".npz")
print(*(float(np.abs(getattr(out, key).numpy() - golden[key]).max()) for key in ("image", "warped", "flow")))
"""


@pytest.fixture(scope="module")
def small() -> HeadGan:
    torch.manual_seed(0)
    return HeadGan(SMALL).eval()


def inputs(n: int = 1, size: int = 32) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return (
        torch.rand(n, 9, size, size, generator=generator),
        torch.rand(n, 6, size, size, generator=generator),
        torch.randn(n, 300, generator=generator),
    )


@pytest.mark.parametrize("name", ["headgan", "headgan_noaudio"])
def test_state_dict_has_the_released_names_and_shapes(shared, name):
    keys = parity(shared).read_keys(f"{name}_keys.tsv")
    with torch.device("meta"):
        state = HeadGan(HeadGanConfig(audio=name == "headgan")).state_dict()
    assert {n: tuple(v.shape) for n, v in state.items()} == {n: shape for n, (shape, _) in keys.items()}


@pytest.mark.parametrize("name", ["headgan", "headgan_noaudio"])
def test_generator_equals_the_released_network(shared, name):
    answer = subprocess.run(
        [sys.executable, "-c", GOLDEN_SCRIPT, name, str(shared / "parity")],
        env={**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2"},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    image, warped, flow = (float(value) for value in answer.stdout.split())
    assert image <= 2e-4 and warped <= 2e-4 and flow <= 2e-3


@torch.no_grad()
@pytest.mark.parametrize(("name", "channels", "size"), [("D", 6, 256), ("Dm", 303, 64)])
def test_discriminators_equal_the_released_networks(shared, name, channels, size):
    recipe = parity(shared)
    network = MultiScaleDiscriminator(channels).eval()
    network.load_state_dict(recipe.state_dict(recipe.read_keys(f"headgan_{name}_keys.tsv"), "public"))
    scales = network(recipe.tensor(f"disc.{name}", (1, channels, size, size), "public"))
    golden = np.load(shared / "parity" / "vectors" / f"headgan_{name}.npz")
    for i, layers in enumerate(scales):
        for j, layer in enumerate(layers):
            wanted = golden[f"scale{i}_layer{j}"]
            step = [-(-a // b) for a, b in zip(layer.shape, wanted.shape, strict=True)]
            thinned = layer[:, :: step[1], :: step[2], :: step[3]].numpy()
            np.testing.assert_allclose(thinned, wanted, atol=2e-4)


def test_head2head_discriminator_names_map_onto_ours(shared):
    recipe = parity(shared)
    released = recipe.state_dict(recipe.read_keys("head2head_D_keys.tsv"), "public")
    network = MultiScaleDiscriminator(9, spectral=False)
    network.load_state_dict(from_head2head(released), strict=True)
    # Scale 1 is the full size there.
    assert torch.equal(network.discriminator_0.model1[0][0].weight, released["scale1_layer1.0.weight"])


@torch.no_grad()
def test_shapes_and_ranges(small):
    nmfc, reference, audio = inputs(2)
    out = small(nmfc, reference, audio)
    assert out.image.shape == out.warped.shape == (2, 3, 32, 32)
    assert out.flow.shape == (2, 2, 32, 32) and out.mask.shape == (2, 1, 32, 32)
    assert [tuple(f.shape[1:]) for f in out.features] == [(4, 32, 32), (16, 16, 16), (64, 8, 8)]
    assert out.image.abs().max() <= 1 and out.mask.min() >= 0 and out.mask.max() <= 1


def test_every_parameter_gets_a_gradient():
    torch.manual_seed(0)
    network = HeadGan(SMALL)
    out = network(*inputs(2))
    (out.image.square().mean() + out.warped.square().mean() + out.mask.mean()).backward()
    without = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    # A bias just before an instance norm cannot matter.
    assert all(n.endswith(("conv_0.bias", "conv1.bias")) for n in without), without


@torch.no_grad()
def test_half_precision_stays_near(small):
    nmfc, reference, audio = inputs()
    exact = small(nmfc, reference, audio)
    rough = copy.deepcopy(small).half()(nmfc.half(), reference.half(), audio.half())
    assert rough.image.dtype == torch.float16
    # Untrained instance norms of an 8x8 level amplify rounding; trained pictures are smoother than this.
    together = torch.stack([rough.image.float().flatten(), exact.image.flatten()])
    assert torch.corrcoef(together)[0, 1] > 0.99


@torch.no_grad()
def test_folded_weights_give_the_same_picture(small):
    folded = HeadGan(HeadGanConfig(width=4, hidden=8, spectral=False)).eval()
    folded.load_state_dict(fold_spectral_norm(small.state_dict()))
    assert torch.allclose(folded(*inputs()).image, small(*inputs()).image, atol=1e-6)


@torch.no_grad()
def test_encoding_once_equals_encoding_every_frame(small):
    nmfc, reference, audio = inputs()
    code = small.encode(reference)
    assert torch.equal(
        small.animate(code, reference[:, 3:], nmfc, audio).image, small(nmfc, reference, audio).image
    )


@pytest.mark.parametrize("device", ["cpu", "cuda", "mps"])
def test_light_network_runs_on_the_device(device):
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA GPU here")
    if device == "mps" and not torch.backends.mps.is_available():
        pytest.skip("no Apple GPU here")
    network = HeadGan(LIGHT).to(device).eval()
    nmfc, reference, _ = inputs()
    with torch.no_grad():
        assert network(nmfc.to(device), reference.to(device)).image.device.type == device


def test_spectral_norm_is_one_after_some_iterations():
    torch.manual_seed(0)
    layer = SpectralConv2d(8, 8, 3)
    for _ in range(60):
        layer(torch.zeros(1, 8, 4, 4))
    assert torch.linalg.matrix_norm(layer.weight().flatten(1), 2).item() == pytest.approx(1, abs=2e-2)
    layer.eval()
    u = layer.weight_u.clone()
    layer(torch.zeros(1, 8, 4, 4))
    assert torch.equal(layer.weight_u, u)  # evaluation leaves the vectors alone


@torch.no_grad()
def test_warp_is_a_backward_warp_in_pixels():
    picture = torch.arange(16.0).reshape(1, 1, 4, 4)
    flow = torch.zeros(1, 2, 4, 4)
    flow[:, 0] = 1
    moved = warp(picture, flow)
    assert torch.allclose(moved[..., :3], picture[..., 1:], atol=1e-5)
    assert torch.allclose(moved[..., 3], picture[..., 3], atol=1e-5)  # the border pixels repeat
    assert torch.allclose(warp(picture, torch.full_like(flow, 0.5))[0, 0, 0, 0], torch.tensor(2.5), atol=1e-5)


def test_warp_gives_the_flow_its_gradient():
    picture = torch.rand(1, 2, 6, 6, dtype=torch.float64)
    flow = (0.3 * torch.rand(1, 2, 6, 6)).requires_grad_()
    warp(picture, flow).sum().backward()
    step = 1e-2
    bumped = flow.detach().clone()
    bumped[0, 0, 2, 2] += step
    numeric = (warp(picture, bumped).sum() - warp(picture, flow.detach()).sum()) / step
    assert flow.grad is not None
    assert flow.grad[0, 0, 2, 2].item() == pytest.approx(numeric.item(), abs=1e-3)


def test_blocks_obey_their_condition():
    torch.manual_seed(0)
    x = torch.randn(1, 8, 8, 8)
    spade, adain = SpadeBlock(8, 3, 4, spectral=False), AdaINBlock(8, 5, spectral=False)
    with torch.no_grad():
        assert not torch.allclose(spade(x, torch.zeros(1, 3, 16, 16)), spade(x, torch.ones(1, 3, 16, 16)))
        assert not torch.allclose(adain(x, torch.zeros(1, 5)), adain(x, torch.ones(1, 5)))
        for last in (spade.conv_1, adain.conv2):
            last.weight.zero_()
            last.bias.zero_()
        # SPADE keeps the identity beside its branch, AdaIN does not.
        assert torch.equal(spade(x, torch.ones(1, 3, 8, 8)), x)
        assert torch.equal(adain(x, torch.ones(1, 5)), torch.zeros_like(x))


def test_with_tiled_repeats_the_vector_before_the_picture():
    joined = with_tiled(torch.tensor([[1.0, 2.0]]), torch.zeros(1, 3, 4, 4))
    assert joined.shape == (1, 5, 4, 4)
    assert torch.equal(joined[0, :, 3, 3], torch.tensor([1.0, 2.0, 0, 0, 0]))


@torch.no_grad()
@pytest.mark.parametrize("audio", [True, False])
def test_fused_network_gives_the_same_picture(audio):
    torch.manual_seed(0)
    network = HeadGan(HeadGanConfig(width=4, hidden=8, audio=audio, spectral=False)).eval()
    nmfc, reference, sound = inputs()
    fused = FusedHeadGan(network).eval()
    wanted = network(nmfc, reference, sound)
    code = fused.encode(reference)
    for _ in range(2):  # the code can be used twice
        answer = fused.animate(code, nmfc, sound)
        assert torch.allclose(answer.flow, wanted.flow, atol=1e-4)
        assert torch.allclose(answer.image, wanted.image, atol=1e-4)
        assert torch.allclose(answer.mask, wanted.mask, atol=1e-5)
