"""Reads published networks that metrics and losses use, and that users may import.

Inception (FID), I3D (FVD), ArcFace (CSIM, MMD^2, Head2Head++'s FID), AlexNet and LPIPS's weights (LPIPS), LibreFace
(AU-H), VGG19 (the perceptual loss). Parts of a file that the features do not need are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.engine.checkpoints.kinds import Config, Found, Kind, Tensors, check_names, tensors_only
from app.engine.errors import EngineError

if TYPE_CHECKING:
    from torch import nn

MEASURING = "For training and measuring; what is measured with it does not contain it."
IMAGENET = "trained on ImageNet, whose pictures are for non-commercial research"
Content = Mapping[str, Any]


@dataclass(frozen=True)
class Feature:
    """One such network: the names that mark its files, where in a file it lies, and how it is built from a config."""

    marks: tuple[str, ...]
    build: Callable[..., nn.Module]
    what: str
    inside: str = ""  # the key under which the file keeps the weights
    config: Callable[[Tensors], Config] = lambda weights: {}
    # Says why a file of this kind does not serve, else "".
    refuse: Callable[[Tensors], str] = lambda weights: ""

    def read(self, content: Content) -> Found | None:
        import torch

        inner = content.get(self.inside)
        content = inner if isinstance(inner, Mapping) else content
        if any(mark not in content for mark in self.marks):
            return None
        weights = tensors_only(content)
        if reason := self.refuse(weights):
            raise EngineError(
                f"The file holds {self.what}, but {reason}.", "Import the file that is named there."
            )
        config = self.config(weights)
        with torch.device("meta"):
            wanted = self.build(**config)
        weights = of_network(weights, wanted)
        check_names(weights, wanted, self.what)
        return Found(weights, config)

    def network(self, config: Config) -> nn.Module:
        return self.build(**config)


def of_network(weights: Tensors, wanted: nn.Module) -> Tensors:
    """Return those weights that the network has, and add the counters of batch norms, which older files lack."""
    import torch

    names = wanted.state_dict().keys()
    counters = {
        name: torch.zeros((), dtype=torch.int64) for name in names if name.endswith("num_batches_tracked")
    }
    return {**counters, **{name: value for name, value in weights.items() if name in names}}


def inception(**config: Any) -> nn.Module:
    from app.engine.networks.inception import Inception3

    return Inception3()


def i3d(**config: Any) -> nn.Module:
    from app.engine.networks.i3d import I3D

    return I3D()


def arcface(blocks: list[int]) -> nn.Module:
    from app.engine.networks.arcface import IResNet

    return IResNet(tuple(blocks))


def alexnet(**config: Any) -> nn.Module:
    from app.engine.networks.lpips import AlexNetFeatures

    return AlexNetFeatures()


def lpips(**config: Any) -> nn.Module:
    from app.engine.networks.lpips import LpipsWeights

    return LpipsWeights()


def action_units(**config: Any) -> nn.Module:
    from app.engine.networks.action_units import ActionUnits

    return ActionUnits()


def vgg19(**config: Any) -> nn.Module:
    from app.engine.networks.vgg import Vgg19

    return Vgg19()


def arcface_blocks(weights: Tensors) -> Config:
    """Return the number of blocks of each level, counted in the weights' names: for a depth of 50, 100 or any other."""
    levels = ("layer1", "layer2", "layer3", "layer4")
    return {"blocks": [len({n.split(".")[1] for n in weights if n.startswith(f"{k}.")}) for k in levels]}


def not_fid(weights: Tensors) -> str:
    from app.engine.networks.inception import CLASSES

    classes = weights["fc.weight"].shape[0]
    return (
        ""
        if classes == CLASSES
        else "FID is measured with pt_inception-2015-12-05-6726825d.pth of pytorch-fid"
    )


def not_alex(weights: Tensors) -> str:
    from app.engine.networks.lpips import CHANNELS

    same = weights["lin1.model.1.weight"].shape[1] == CHANNELS[1]
    return "" if same else "for another trunk: LPIPS is measured with alex.pth"


FEATURES = {
    "inception": Feature(
        ("Mixed_7c.branch3x3dbl_3b.conv.weight", "fc.weight"), inception, "Inception v3", "", refuse=not_fid
    ),
    "i3d": Feature(("Conv3d_1a_7x7.conv3d.weight", "logits.conv3d.weight"), i3d, "I3D of Kinetics-400"),
    "arcface": Feature(
        ("layer1.0.prelu.weight", "features.running_mean"), arcface, "ArcFace", "", arcface_blocks
    ),
    "vgg19": Feature(("features.0.weight", "features.34.weight"), vgg19, "VGG19"),
    "alexnet": Feature(
        ("features.0.weight", "features.10.weight", "classifier.6.weight"), alexnet, "AlexNet"
    ),
    "lpips": Feature(
        ("lin0.model.1.weight", "lin1.model.1.weight"), lpips, "LPIPS's weights", "", refuse=not_alex
    ),
    "action-units": Feature(
        ("encoder.7.1.bn2.weight", "classifier.4.weight"), action_units, "LibreFace", "model"
    ),
}


def run_picture(module: nn.Module, extras: Tensors, inputs: Tensors) -> Tensors:
    """Return the network's features of image (N, 3, H, W), in the range that the network takes."""
    return {"features": module(inputs["image"])}


def run_video(module: nn.Module, extras: Tensors, inputs: Tensors) -> Tensors:
    """Return logits (N, 400) of video (N, 3, T, H, W) in [-1, 1]."""
    return {"logits": module(inputs["video"])}


def run_levels(module: nn.Module, extras: Tensors, inputs: Tensors) -> Tensors:
    """Return relu1 to relu5 of image (N, 3, H, W)."""
    return {f"relu{k}": value for k, value in enumerate(module(inputs["image"]), 1)}


def run_lpips(module: nn.Module, extras: Tensors, inputs: Tensors) -> Tensors:
    """Return the distance (N,) of two pictures of which a1 to a5 and b1 to b5 are AlexNet's levels."""
    a, b = ([inputs[f"{name}{k}"] for k in range(1, 6)] for name in "ab")
    return {"distance": module(a, b)}


def kind(name: str, title: str, licence: str, run: Callable[..., Tensors]) -> Kind:
    feature = FEATURES[name]
    return Kind(name, title, licence, MEASURING, feature.read, feature.network, run)


KINDS = (
    kind(
        "inception", "Inception v3 for FID", f"Apache-2.0 (TensorFlow; pytorch-fid); {IMAGENET}", run_picture
    ),
    kind("i3d", "I3D for FVD", "Apache-2.0 (kinetics-i3d; pytorch-i3d); trained on Kinetics-400", run_video),
    kind("arcface", "ArcFace recogniser", "Non-commercial research only (InsightFace's models)", run_picture),
    kind(
        "vgg19",
        "VGG19 features for the perceptual loss",
        f"BSD-3-Clause (torchvision); {IMAGENET}",
        run_levels,
    ),
    kind("alexnet", "AlexNet features for LPIPS", f"BSD-3-Clause (torchvision); {IMAGENET}", run_levels),
    kind("lpips", "LPIPS's weights on AlexNet", "BSD-2-Clause (PerceptualSimilarity)", run_lpips),
    kind("action-units", "LibreFace action units", "USC Research License: non-commercial only", run_picture),
)
