"""Computes the papers' metrics that compare features of imported networks: FID, FVD, MMD^2, CSIM, LPIPS, AU-H.

Each is measured only where its networks are imported. Sets are compared within a clip and, as the papers do, over
all clips together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.engine.checkpoints.store import load_model, models, newest
from app.engine.device import best_device
from app.engine.face.parameters import FittedFace
from app.engine.measuring.aligned import action_unit_crop, arcface_crop
from app.engine.measuring.distances import Features, cosine_similarity, frechet, hamming, mmd2
from app.engine.measuring.needs import NEEDS

if TYPE_CHECKING:
    from torch import Tensor, nn

Image = NDArray[np.uint8]
Seen = tuple[Image, FittedFace]  # a picture (h, w, 3) sRGB and a face in its pixels
BATCH = 8  # pictures that a network takes at once; chosen for small memories
VIDEO, HOP = 16, 8  # frames of a video that I3D sees, and frames from the start of one video to the next
FEWEST = 9  # least number of frames of a video, for which I3D's strides leave an output
# Torchvision's normalisation of its released networks.
IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True, eq=False)
class Compared:
    """One frame to compare: the square crops of the made and the true picture, and faces in whole pictures.

    same: the face whose identity the made face should have; acted: the face whose expression it should have.
    """

    made: Image
    truth: Image
    face: Seen | None
    same: Seen
    acted: Seen


Networks = Mapping[str, "nn.Module"]
Sets = dict[str, tuple[Features, Features]]  # by network, the features of the made and of the true pictures


def feature_networks() -> dict[str, nn.Module]:
    """Return the imported networks that metrics need, by kind, on the best device in float32."""
    wanted = sorted({kind for need in NEEDS.values() for kind in need.kinds})
    chosen = {kind: model.name for kind in wanted if (model := newest(models(kind))) is not None}
    if not chosen:  # torch need not be loaded
        return {}
    device = best_device().torch_device
    return {kind: load_model(name).network.to(device) for kind, name in chosen.items()}


def measured(networks: Networks, frames: Sequence[Compared]) -> tuple[dict[str, float], Sets]:
    """Return a clip's metrics, and its features for the comparison of all clips together."""
    found = [frame for frame in frames if frame.face is not None]
    sets: Sets = {}
    values: dict[str, float] = {}
    if "inception" in networks and frames:
        made, truth = (features(networks["inception"], side, lambda x: x) for side in _sides(frames))
        sets["inception"] = made, truth
    if "i3d" in networks and len(frames) >= FEWEST:
        made, truth = (_videos(networks["i3d"], side) for side in _sides(frames))
        sets["i3d"] = made, truth
    if "arcface" in networks and found:
        made, same = (
            embeddings(networks["arcface"], faces)
            for faces in ([f.face for f in found if f.face], [f.same for f in found])
        )
        sets["arcface"] = made, same
        values["csim"] = cosine_similarity(made, same)
    if {"alexnet", "lpips"} <= networks.keys() and frames:
        values["lpips"] = _lpips(networks, frames)
    if "action-units" in networks and found:
        made, acted = (
            features(networks["action-units"], [action_unit_crop(*part) for part in parts], _imagenet)
            for parts in ([f.face for f in found if f.face], [f.acted for f in found])
        )
        values["au_h"] = hamming(made, acted)
    return {**values, **set_distances(sets)}, sets


def set_distances(sets: Sets) -> dict[str, float]:
    """Return FID, FVD, ArcFace's FID (Head2Head++) and MMD^2 of those sets that have two samples or more."""
    values = {}
    for network, name in (("inception", "fid"), ("i3d", "fvd"), ("arcface", "fid_arcface")):
        if network in sets and min(map(len, sets[network])) > 1:
            values[name] = frechet(*sets[network])
    if "arcface" in sets and min(map(len, sets["arcface"])) > 1:
        values["mmd2"] = mmd2(*sets["arcface"])
    return values


def together(clips: Sequence[Sets]) -> Sets:
    """Return the features of all clips joined to one pair of sets for each network."""
    names = dict.fromkeys(name for sets in clips for name in sets)

    def joined(name: str, side: int) -> Features:
        return np.concatenate([sets[name][side] for sets in clips if name in sets])

    return {name: (joined(name, 0), joined(name, 1)) for name in names}


def _sides(frames: Sequence[Compared]) -> tuple[list[Image], list[Image]]:
    return [frame.made for frame in frames], [frame.truth for frame in frames]


def features(
    network: nn.Module, pictures: Sequence[Image], normalised: Callable[[Tensor], Tensor]
) -> Features:
    """Return a network's features (N, D) of N pictures of one size, computed in batches."""
    import torch

    device = next(network.parameters()).device
    rows = []
    for start in range(0, len(pictures), BATCH):
        batch = _tensor(pictures[start : start + BATCH]).to(device)
        with torch.inference_mode():
            rows.append(network(normalised(batch)).cpu().numpy())
    return np.asarray(np.concatenate(rows), np.float64)


def embeddings(arcface: nn.Module, faces: Sequence[Seen]) -> Features:
    """Return ArcFace's embeddings (N, 512) of N faces."""
    return features(arcface, [arcface_crop(*seen) for seen in faces], lambda pictures: 2 * pictures - 1)


def _videos(network: nn.Module, frames: Sequence[Image]) -> Features:
    """Return (videos, 400): the features of every stretch of 16 frames, or of all frames where there are fewer."""
    import torch

    starts = range(0, max(1, len(frames) - VIDEO + 1), HOP)
    device = next(network.parameters()).device
    rows = []
    for start in starts:
        video = _tensor(frames[start : start + VIDEO]).permute(1, 0, 2, 3)[None].to(device)
        with torch.inference_mode():
            rows.append(network(2 * video - 1).cpu().numpy())
    return np.asarray(np.concatenate(rows), np.float64)


def _lpips(networks: Networks, frames: Sequence[Compared]) -> float:
    """Return the mean LPIPS distance of the crops (GAN directions, section 4.1)."""
    import torch

    from app.engine.networks.lpips import distance

    trunk, weights = networks["alexnet"], networks["lpips"]
    device = next(trunk.parameters()).device
    values = []
    for start in range(0, len(frames), BATCH):
        a, b = (2 * _tensor(side[start : start + BATCH]).to(device) - 1 for side in _sides(frames))
        with torch.inference_mode():
            values.append(distance(trunk, weights, a, b).cpu().numpy())
    return float(np.concatenate(values).mean())


def _tensor(pictures: Sequence[Image]) -> Tensor:
    """Return pictures as one tensor (N, 3, H, W), float32 in [0, 1]."""
    import torch

    return torch.from_numpy(np.stack(pictures).astype(np.float32) / 255).permute(0, 3, 1, 2).contiguous()


def _imagenet(pictures: Tensor) -> Tensor:
    import torch

    mean, deviation = (
        torch.tensor(v, device=pictures.device)[:, None, None] for v in (IMAGENET_MEAN, IMAGENET_DEVIATION)
    )
    return (pictures - mean) / deviation
