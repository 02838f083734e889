"""Learn how far an outline's looseness is to be believed (app/engine/head/outline.py), from portraits of ../shared.

    python tools/build_outline.py FOLDER [--portraits N] [--minutes M]

FOLDER keeps a file for each portrait and the training's checkpoint; the weights go to assets/weights/outline.npz. Only
portraits before plain walls are of use, because their mattes are right. Each is laid before three other walls, too, and
its matte is sought again. What one half of an outline shows is to tell what the other half has in the clean photo.
Then the errors on held-out people are printed.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from app.engine.face.fitting import fit_face  # noqa: E402
from app.engine.face.landmarks import FaceTracker  # noqa: E402
from app.engine.face.morphable_model import default_model  # noqa: E402
from app.engine.files import written  # noqa: E402
from app.engine.head import outline  # noqa: E402
from app.engine.head.fit import CENTRE  # noqa: E402
from app.engine.head.outline import LEAST, NODES, SIGNS, Strip, near_node  # noqa: E402
from app.engine.imaging.colour import to_srgb8  # noqa: E402
from app.engine.imaging.matte import person_matte  # noqa: E402
from app.engine.imaging.reading import open_photo  # noqa: E402
from app.engine.training.loop import Batch, Plan, Stepper, train  # noqa: E402
from app.engine.training.people import sources  # noqa: E402

SHARED = ROOT.parent / "shared"
SIDES = (520, 900)  # px of a portrait's longer side; mattes are refined at 768
LEAST_IOD = 26.0  # px between the eyes
PLAIN = 60.0  # levels by IOD: mean slope of brightness beside the outline up to which a wall is plain
BESIDE = 0.3  # IOD from the outline to where the wall is looked at
WALLS = 3  # other walls for each portrait
NOT_PERSON = 0.02  # matte of a wall
BLURS = (0.0, 0.0, 1.0, 2.5, 5.0)  # px by which a wall is out of focus
WIDTH, DROPPED, RATE, DECAY, BATCH = 32, 0.1, 3e-3, 0.1, 64  # the network's and its training's settings
Image = NDArray[np.uint8]


def name_hash(path: Path) -> str:
    return hashlib.sha256(path.name.encode()).hexdigest()


def collect(folder: Path, count: int) -> None:
    """Write a file for each of `count` training and a quarter as many held-out portraits before plain walls."""
    portraits = SHARED / "portraits"
    train_on, held_out = (sorted(sources(portraits, part), key=name_hash) for part in ("train", "validation"))
    walls = [p for p in sources(SHARED, "train") if p.parent.name in ("images", "18f_team", "pif_fellows")]
    with FaceTracker() as tracker:
        for part, paths in (("train", train_on[:count]), ("validation", held_out[: count // 4])):
            for path in paths:
                goal = folder / f"{path.stem}.npz"
                if not goal.exists() and (made := of_portrait(path, tracker, walls)):
                    with written(goal) as beside:
                        np.savez(beside, part=part, **made)


def of_portrait(path: Path, tracker: FaceTracker, walls: list[Path]) -> dict[str, Any] | None:
    """Return matte (1 + WALLS, COLUMNS, ROWS) and colours of a portrait's strips, and which columns are known."""
    rng = np.random.default_rng(int(name_hash(path)[:8], 16))
    pixels = to_srgb8(open_photo(path))
    pixels = scaled(pixels, min(1.0, rng.uniform(*SIDES) / max(pixels.shape[:2])))
    found = tracker.detect(pixels)
    if len(found) != 1:
        return None
    face = fit_face(found[0], default_model())
    camera = face.params.camera
    if camera.scale < LEAST_IOD:
        return None
    centre = camera.unproject(face.landmarks[:468]).mean(axis=0) + np.array(CENTRE)
    matte = person_matte(pixels, face)
    strips = [outline.strip_of(camera, centre, matte, pixels)]
    if not outline.sides(strips[0].known) or unevenness(pixels, matte, camera.scale) > PLAIN:
        return None
    behind = wall_behind(pixels.astype(np.float32), matte)
    for _ in range(WALLS):
        other = other_wall(walls[rng.integers(len(walls))], matte.shape, rng)
        laid = pixels + (1 - matte[..., None]) * (other - behind) + 0.5
        laid = np.clip(laid, 0, 255).astype(np.uint8)
        strips.append(outline.strip_of(camera, centre, person_matte(laid, face), laid))
    return {
        "alpha": np.stack([np.round(255 * s.matte).astype(np.uint8) for s in strips]),
        "colour": np.stack([s.colours for s in strips]),
        "known": strips[0].known,
    }


def scaled(pixels: Image, factor: float) -> Image:
    size = (round(pixels.shape[1] * factor), round(pixels.shape[0] * factor))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def unevenness(pixels: Image, matte: NDArray[np.float32], iod: float) -> float:
    """Return the mean slope of brightness, levels by IOD, of the wall within BESIDE to twice that of the person."""
    grey = cv2.GaussianBlur(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 1.0)
    slope = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)) / 8
    away = cv2.distanceTransform((matte < NOT_PERSON).astype(np.uint8), cv2.DIST_L2, 5) / iod
    beside = (away > 0.5 * BESIDE) & (away < 2 * BESIDE)
    return float(slope[beside].mean() * iod) if beside.any() else np.inf


def wall_behind(pixels: NDArray[np.float32], matte: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a plain wall, carried on behind the person."""
    known = (matte < NOT_PERSON).astype(np.float32)
    out = np.broadcast_to(pixels[known > 0].mean(axis=0), pixels.shape).astype(np.float32)
    for sigma in (54, 18, 6, 2):
        weight = cv2.GaussianBlur(known, (0, 0), sigma)
        mean = cv2.GaussianBlur(pixels * known[..., None], (0, 0), sigma)
        near = weight > 0.05
        out = np.where(near[..., None], mean / np.maximum(weight, 1e-6)[..., None], out)
    return np.asarray(np.where(known[..., None] > 0, pixels, out), np.float32)


def other_wall(path: Path, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return (H, W, 3), a part of another photo, turned so that nobody in it is taken for a person."""
    pixels = np.ascontiguousarray(np.rot90(to_srgb8(open_photo(path)), rng.integers(1, 4)))
    fits = 1.02 * max(shape[0] / pixels.shape[0], shape[1] / pixels.shape[1])
    pixels = scaled(pixels, fits * rng.uniform(1.0, 2.5))
    y, x = (rng.integers(0, pixels.shape[k] - shape[k] + 1) for k in (0, 1))
    part = pixels[y : y + shape[0], x : x + shape[1]].astype(np.float32)
    blur = float(rng.choice(BLURS))
    return np.asarray(cv2.GaussianBlur(part, (0, 0), blur) if blur else part, np.float32)


class Outlines:
    """Holds for each half of each strip what the network sees (nodes, 3 SIGNS + 1), the truth (nodes, 4) of the
    other half, and how much of it is known (nodes,).
    """

    def __init__(self, folder: Path) -> None:
        rows = [row for path in sorted(folder.glob("*.npz")) for row in halves(path)]
        self.seen, self.truth, self.weight = (
            np.stack([r[k] for r in rows]).astype(np.float32) for k in range(3)
        )
        self.held_out = np.array([r[3] for r in rows])
        self.clean = np.array([r[4] for r in rows])


def halves(path: Path) -> list[tuple[Any, ...]]:
    with np.load(path) as file:
        data = dict(file)
    known = outline.sides(data["known"])
    if len(known) < 2:
        return []
    truth = np.log(outline.looseness(data["alpha"][0].astype(np.float32) / 255) + LEAST)
    out = []
    for k, (matte, colours) in enumerate(zip(data["alpha"], data["colour"])):
        found = outline.signs(Strip(matte.astype(np.float32) / 255, colours, data["known"]))
        for shows, other in (known, known[::-1]):
            target = np.stack([near_node(node, other) @ truth for node in NODES])
            weight = [
                (other & (np.abs(np.abs(outline.ANGLES) - node) < outline.NEAR)).any() for node in NODES
            ]
            out.append((outline.of_side(found, shows), target, weight, str(data["part"]) != "train", k == 0))
    return out


class Belief(nn.Module):
    """Returns the logarithms of looseness (N, nodes, 4) of one half from what is seen of the other."""

    def __init__(self, data: Outlines) -> None:
        super().__init__()
        size = 3 * SIGNS + 1
        own = data.seen[~data.held_out]
        self.register_buffer("mean", torch.from_numpy(own.mean(axis=(0, 1))))
        self.register_buffer("scale", torch.from_numpy(own.std(axis=(0, 1)) + 1e-3))
        self.layers = nn.ModuleList(
            [nn.Linear(size, WIDTH), nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, len(LEAST))]
        )
        usual = np.median(data.truth[~data.held_out], axis=0)
        self.usual = nn.Parameter(torch.from_numpy(usual))
        nn.init.constant_(self.layers[2].bias, 1.0)

    def forward(self, seen: torch.Tensor) -> torch.Tensor:
        x = (seen - self.mean) / self.scale
        for layer in list(self.layers)[:2]:
            x = nn.functional.silu(layer(nn.functional.dropout(x, DROPPED, self.training)))
        belief = torch.sigmoid(self.layers[2](x))
        return self.usual + belief * (seen[..., : len(LEAST)] - self.usual)


class OutlineTraining:
    """Is the recipe for `loop.train`."""

    def __init__(self, data: Outlines) -> None:
        torch.manual_seed(0)
        self.data, self.own = data, np.flatnonzero(~data.held_out)
        self.network = Belief(data)
        self.networks: Mapping[str, nn.Module] = {"belief": self.network}
        groups: list[dict[str, Any]] = [
            {"params": list(self.network.layers.parameters()), "weight_decay": DECAY},
            {"params": [self.network.usual], "weight_decay": 0.0},  # what is usual is not near 0
        ]
        self.optimisers = {"belief": torch.optim.AdamW(groups, RATE)}
        self.config = {"kind": "outline", "width": WIDTH}
        mean = {name: value.detach().clone() for name, value in self.network.state_dict().items()}
        self.state: dict[str, Any] = {"mean": mean}
        self.spread = torch.from_numpy(data.truth[~data.held_out].std(axis=(0, 1)))

    def draw(self, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        k = rng.choice(self.own)
        return {"seen": self.data.seen[k], "truth": self.data.truth[k], "weight": self.data.weight[k]}

    def step(self, batch: Batch, stepper: Stepper) -> Mapping[str, torch.Tensor]:
        self.network.train()
        away = (self.network(batch["seen"]) - batch["truth"]).abs() / self.spread
        loss = (batch["weight"][..., None] * away).sum() / (len(LEAST) * batch["weight"].sum())
        stepper.update(self.optimisers["belief"], loss)
        for name, value in self.network.state_dict().items():
            self.state["mean"][name].lerp_(value, 0.01)
        return {"away": loss.detach()}

    def picture(self) -> Image | None:
        return None


def save(mean: Mapping[str, torch.Tensor]) -> None:
    out = {name: mean[name].numpy() for name in ("mean", "scale", "usual")}
    for k in range(3):
        out[f"weight{k}"], out[f"bias{k}"] = (mean[f"layers.{k}.{n}"].numpy() for n in ("weight", "bias"))
    with written(outline.WEIGHTS) as beside:
        np.savez(beside, **out)


def report(data: Outlines) -> None:
    """Print the mean errors on held-out people of what was learnt and of simpler answers, in thousandths of an IOD."""
    usual = np.median(data.truth[~data.held_out], axis=(0, 1))
    measured = data.seen[..., : len(LEAST)]
    learnt_usual = np.load(outline.WEIGHTS)["usual"]
    answers = {
        "none (a sharp edge)": np.broadcast_to(np.log(LEAST), data.truth.shape),
        "what most people have": np.broadcast_to(usual, data.truth.shape),
        "the other half's": measured,
        "learnt": learnt_usual + outline.believed(data.seen) * (measured - learnt_usual),
    }
    for name, clean in (("plain walls", True), ("other walls", False)):
        chosen = data.held_out & (data.clean == clean)
        weight = data.weight[chosen][..., None]
        print(f"{name}, {chosen.sum()} halves: soft edge, roughness in three bands")
        for answer, value in answers.items():
            away = np.abs(np.exp(value[chosen]) - np.exp(data.truth[chosen]))
            print(f"  {answer:22}", np.round(1000 * (away * weight).sum((0, 1)) / weight.sum(), 2))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--portraits", type=int, default=700)
    parser.add_argument("--minutes", type=float, default=5.0)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    collect(given.folder, given.portraits)
    data = Outlines(given.folder)
    print(f"{(~data.held_out).sum()} halves to learn from, {data.held_out.sum()} held out")
    recipe = OutlineTraining(data)
    plan = Plan(given.folder / "run", given.minutes, batch=BATCH)
    for progress in train(recipe, plan, torch.device("cpu")):
        if progress.step % 500 == 0:
            print(progress.step, round(progress.losses["away"], 3), flush=True)
    save(recipe.state["mean"])
    report(data)


if __name__ == "__main__":
    main()
