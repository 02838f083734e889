"""Stores outputs of the published feature networks on a recipe's weights, to test our own definitions of
them.

Run it where torchvision, pytorch-fid, lpips and transformers are installed (none of which Mien needs):
`python tools/feature_goldens.py PYTORCH_I3D.py IRESNET.py`. The files are the network of piergiaj/pytorch-i3d
and that of InsightFace's arcface_torch. It writes outputs, and the names and shapes of the networks' weights,
to tests/engine/checkpoints/data/features.npz.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.engine.checkpoints import recipe

# Torchvision's build may be for another torch.
torch.library.register_fake = lambda *_: lambda function: function
DATA = Path(__file__).resolve().parents[1] / "tests" / "engine" / "checkpoints" / "data" / "features.npz"


def module(path: str):
    """Return a Python file, loaded as a module."""
    spec = importlib.util.spec_from_file_location("published", path)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def filled(network: torch.nn.Module) -> torch.nn.Module:
    """Return the network with a recipe's weights."""
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    network.load_state_dict(recipe.weights(shapes))
    return network.eval()


def inception() -> tuple[torch.nn.Module, object]:
    """Return pytorch-fid's network with a recipe's weights, and its output."""
    from pytorch_fid import inception as published

    published.load_state_dict_from_url = lambda *_, **__: recipe.weights(
        {
            n: tuple(v.shape)
            for n, v in published._inception_v3(num_classes=1008, aux_logits=False).state_dict().items()
        }
    )
    whole = published.fid_inception_v3()
    published.fid_inception_v3 = lambda: whole
    network = published.InceptionV3().eval()
    return whole, network(recipe.pictures(2, 64))[0][:, :, 0, 0]


def lpips_parts() -> tuple[torch.nn.Module, torch.nn.Module, object]:
    """Return LPIPS's trunk and its linear layers with a recipe's weights, and the distance of two pictures."""
    import lpips
    import torchvision

    trunk = filled(torchvision.models.alexnet(weights=None))
    network = lpips.LPIPS(pretrained=False, pnet_rand=True, verbose=False).eval()
    for name, layer in network.net.named_modules():
        if isinstance(layer, torch.nn.Conv2d):
            layer.load_state_dict(trunk.features[int(name.split(".")[-1])].state_dict())
    lins = {
        n: tuple(v.shape) for n, v in network.state_dict().items() if n.startswith("lin") and "lins" not in n
    }
    network.load_state_dict(recipe.lins(lins), strict=False)
    a, b = 2 * recipe.pictures(2, 64) - 1, 2 * recipe.pictures(2, 64, "other") - 1
    weights = SimpleNamespace(state_dict=lambda: recipe.lins(lins))
    return trunk, weights, network(a, b)[:, 0, 0, 0]


def action_units() -> tuple[torch.nn.Module, object]:
    """Return the network of action units with a recipe's weights, and its output."""
    import torchvision
    from torch import nn

    class Published(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = nn.Sequential(*list(torchvision.models.resnet18(weights=None).children())[:-1])
            last = nn.Linear(128, 12), nn.Sigmoid()
            self.classifier = nn.Sequential(
                nn.Linear(512, 128), nn.ReLU(), nn.BatchNorm1d(128), nn.Dropout(), *last
            )

    network = filled(Published())
    features = network.encoder(recipe.pictures(2, 224)).flatten(1)
    return network, network.classifier(features)


def wav2vec2() -> tuple[torch.nn.Module, object]:
    """Return a small wav2vec 2.0 with a recipe's weights, and its output."""
    from transformers import Wav2Vec2Config, Wav2Vec2ForCTC

    small = {"hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 512}
    network = filled(Wav2Vec2ForCTC(Wav2Vec2Config(vocab_size=32, **small)))
    return network, network(recipe.sound(4000)).logits


@torch.no_grad()
def main(i3d_path: str, iresnet_path: str) -> None:
    found: dict[str, object] = {}
    whole, found["inception"] = inception()
    i3d = filled(module(i3d_path).InceptionI3d())
    video = recipe.pictures(9, 224).permute(1, 0, 2, 3)[None] * 2 - 1
    found["i3d"] = i3d(video).mean(dim=2)
    arcface = filled(module(iresnet_path).iresnet18())
    found["arcface"] = arcface(recipe.pictures(2, 112) * 2 - 1)
    trunk, lins, found["lpips"] = lpips_parts()
    units, found["action_units"] = action_units()
    speech, found["wav2vec2"] = wav2vec2()
    networks = {"inception": whole, "i3d": i3d, "arcface": arcface, "alexnet": trunk, "lpips": lins}
    networks |= {"action_units": units, "wav2vec2": speech}
    arrays = {name: np.asarray(value) for name, value in found.items()}
    for name, network in networks.items():
        shapes = {n: list(v.shape) for n, v in network.state_dict().items()}
        arrays[f"{name}_shapes"] = np.array(recipe.packed(shapes))
    DATA.parent.mkdir(exist_ok=True)
    np.savez_compressed(DATA, **arrays)
    print(
        {name: (array.shape, float(np.std(array))) for name, array in arrays.items() if "shapes" not in name}
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
