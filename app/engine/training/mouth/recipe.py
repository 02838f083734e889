"""`mien train mouth`: portraits and clips in, a completion of the inside of mouths out (networks.mouth).

The network learns factors with which teeth, gums and tongue of the head model, drawn in a photo's own view, come to
have the photo's colours. The running mean's weights are kept, as ONNX.
"""

from __future__ import annotations

from collections.abc import Generator as Steps
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from app.engine.contract import Step
from app.engine.files import data_folder
from app.engine.networks.mouth import InUse, MouthColours
from app.engine.training.completions import DATA, as_onnx, follow, prepare_run, run_through
from app.engine.training.loop import Batch, Plan, Stepper, start_processes
from app.engine.training.mouth.data import load, prepare
from app.engine.training.mouth.samples import MouthSamples, hidden_and_shown, opened
from app.engine.training.runs import run_folder
from app.engine.warping.mouth_completion import FILE, SEEN
from app.engine.warping.teeth import GAPS, WIDTHS

# Chosen by the runs that docs/completion.md describes.
AVERAGING = 0.998  # share of the running mean of the weights that a step keeps
SMALL = 0.02  # weight of the factors' own size, which leaves what few photos show as it is drawn


@dataclass(frozen=True)
class Settings:
    """Are the settings of the training: Adam's learning rate, its decay of weights, and samples per process."""

    rate: float = 1e-3
    decay: float = 1e-2
    batch: int = 16


class MouthTraining:
    """Is the recipe for `loop.train`."""

    def __init__(self, data: Path, settings: Settings, held_out: Path | None = None, seed: int = 0) -> None:
        torch.manual_seed(seed)
        self.samples = MouthSamples(data)
        self.network = MouthColours(SEEN)
        self.networks: Mapping[str, nn.Module] = {"G": self.network}
        adam = torch.optim.AdamW(self.network.parameters(), settings.rate, weight_decay=settings.decay)
        self.optimisers: Mapping[str, torch.optim.Optimizer] = {"G": adam}
        self.config: Mapping[str, Any] = {"kind": "mouth", **asdict(settings)}
        mean = {name: value.detach().clone() for name, value in self.network.state_dict().items()}
        self.state: dict[str, Any] = {"steps": 0, "mean": mean}
        files = sorted(held_out.glob("*.npz")) if held_out is not None else []
        self.held_out = [sample for path in files for sample in hidden_and_shown(load(path))]

    def draw(self, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        return self.samples.draw(rng)

    def step(self, batch: Batch, stepper: Stepper) -> Mapping[str, Tensor]:
        """Take one step, and update the running mean of the weights, which is kept."""
        found = self.network(batch["seen"], batch["place"])
        l1, size = distance(made(batch, found), batch), SMALL * found.square().mean()
        stepper.update(self.optimisers["G"], l1 + size)
        follow(self.state, self.network, AVERAGING)
        return {"L1": l1, "unlearned": distance(made(batch, torch.zeros_like(found)), batch), "size": size}

    def meant(self) -> MouthColours:
        """Return the network with the running mean's weights."""
        network = MouthColours(SEEN)
        network.load_state_dict({name: value.cpu() for name, value in self.state["mean"].items()})
        return network.eval()

    @torch.no_grad()
    def score(self) -> dict[str, float]:
        """Return the mean L1, of 255, of people held out, unlearned and learnt, with hidden and with shown teeth."""
        rows: dict[str, list[float]] = {}
        network = self.meant()
        for k, sample in enumerate(self.held_out):
            batch = {key: torch.from_numpy(value[None]) for key, value in sample.items()}
            found, kind = network(batch["seen"], batch["place"]), ("hidden", "shown")[k % 2]
            for name, factors in (("unlearned", torch.zeros_like(found)), ("learnt", found)):
                l1 = 255 * float(distance(made(batch, factors), batch))
                rows.setdefault(f"{kind}_{name}", []).append(l1)
        return {name: round(float(np.mean(row)), 4) for name, row in rows.items()}

    @torch.no_grad()
    def picture(self) -> NDArray[np.uint8]:
        """Return rows of colours of eight mouths' pixels: unlearned, learnt, truth; those alike lie beside another."""
        rng, device = np.random.default_rng(0), next(self.network.parameters()).device
        samples = [self.samples.draw(rng) for _ in range(8)]
        batch = {k: torch.from_numpy(np.stack([s[k] for s in samples])).to(device) for k in samples[0]}
        self.network.eval()
        found = self.network(batch["seen"], batch["place"])
        rows = [made(batch, torch.zeros_like(found)), made(batch, found), batch["truth"]]
        order = batch["truth"].sum(dim=2).argsort(dim=1)[..., None].expand(-1, -1, 3)
        sheet = torch.stack([row.gather(1, order) for row in rows], dim=1).flatten(0, 1)
        strips = (255 * sheet.clamp(0, 1)).round().to(torch.uint8).cpu().numpy()
        return np.asarray(cv2.resize(strips, None, fx=3, fy=12, interpolation=cv2.INTER_NEAREST), np.uint8)


def made(batch: Batch, found: Tensor) -> Tensor:
    """Return the colours (N, P, 3), 0 to 1, that are drawn with the log of factors found (N, P, 3)."""
    lit = (batch["made"] * torch.exp(found) + batch["gloss"]) * batch["factor"]
    lit = torch.maximum(lit, batch["dark"][:, None])
    grey = lit.mean(dim=2, keepdim=True)
    return (grey + batch["colourful"][:, None] * (lit - grey)).clamp(0, 1)


def distance(picture: Tensor, batch: Batch) -> Tensor:
    """Return the mean L1 of colours (N, P, 3); each mouth counts by how sure its places are, and all count alike."""
    apart = (picture - batch["truth"]).abs().mean(dim=2, keepdim=True) * batch["weight"]
    return (apart.sum(dim=1) / batch["weight"].sum(dim=1).clamp_min(1.0)).mean()


def export(network: MouthColours, path: Path) -> None:
    """Write the network as it is used, as ONNX."""
    mouths = np.stack([opened(gap, width) for gap in GAPS for width in WIDTHS])
    in_use = InUse(network, torch.tensor([[0.0], [1.0]]), torch.from_numpy(mouths))
    as_onnx(in_use, torch.zeros(1, SEEN), "factors", path)


def train_mouth(
    folder: Path, name: str, minutes: float, settings: Settings | None = None, steps: int | None = None
) -> Steps[Step, None, Path | None]:
    """Prepare the training part of a folder, learn, and return the weights' file.

    Mouths are completed by that file from then on. The same name goes on with its run. Under torchrun only the first
    process returns the file.
    """
    settings = settings or Settings()
    run, stepper = run_folder(name), Stepper(start_processes())
    held_out = yield from prepare_run(prepare, folder, run, stepper)
    recipe = MouthTraining(run / DATA, settings, held_out)
    plan = Plan(run, minutes, settings.batch * stepper.world, steps=steps)
    if not (yield from run_through(recipe, plan, stepper)):
        return None
    export(recipe.meant(), data_folder() / FILE)
    return data_folder() / FILE
