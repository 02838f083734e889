"""A recipe of milliseconds for the loop's tests; as a script it trains under torchrun or until it is killed."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

from app.engine.training.loop import Plan, leave_processes, start_processes, train


class Toy:
    """Learns y = W x with a network and, beside it, a second optimiser, dropout and an average."""

    def __init__(self, noise: float = 0.0) -> None:
        torch.manual_seed(0)
        self.net, self.other = torch.nn.Linear(4, 3), torch.nn.Linear(3, 1)
        self.config = {"noise": noise}
        self.networks = {"net": self.net, "other": self.other}
        self.optimisers = {
            "net": torch.optim.Adam(self.net.parameters(), 1e-2, betas=(0.5, 0.999)),
            "other": torch.optim.Adam(self.other.parameters(), 1e-2),
        }
        self.state = {"average": torch.zeros(3, 4)}

    def draw(self, rng):
        x = rng.normal(size=4).astype(np.float32)
        return {"x": x, "y": np.array([x.sum(), x[0] - x[1], 2 * x[3]], np.float32)}

    def step(self, batch, stepper):
        dropped = torch.nn.functional.dropout(batch["x"], self.config["noise"])
        out = self.net(dropped)
        loss = (out - batch["y"]).square().mean()
        stepper.update(self.optimisers["net"], loss, keep_graph=True)
        other = (self.other(out.detach()) - batch["y"].sum(1, keepdim=True)).abs().mean()
        stepper.update(self.optimisers["other"], other)
        self.state["average"] = 0.9 * self.state["average"] + 0.1 * self.net.weight.detach()
        return {"loss": loss, "other": other}

    def picture(self):
        return np.zeros((2, 2, 3), np.uint8)


if __name__ == "__main__":
    folder, steps, noise = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    torch.set_num_threads(1)
    device = start_processes("cpu")
    for _ in train(Toy(noise), Plan(folder, 5, batch=4, steps=steps, save_seconds=0.02), device):
        pass
    if sys.argv[4:] == ["fail"]:
        raise OSError("the disk is full after the training")
    leave_processes()
