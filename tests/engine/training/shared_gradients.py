"""Compares, under torchrun, what `Stepper.update` does with two processes' gradients with their mean by hand."""

from __future__ import annotations

import torch

from app.engine.training.loop import Stepper, leave_processes, start_processes


def main() -> None:
    stepper = Stepper(start_processes("cpu"))
    assert stepper.world == 2
    torch.manual_seed(0)
    first, second, critic = (torch.nn.Linear(3, 3) for _ in range(3))
    optimiser = torch.optim.SGD([*first.parameters(), *second.parameters()], 1.0)
    before = first.weight.detach().clone(), second.weight.detach().clone()
    own = torch.full((1, 3), 1.0 + 2 * stepper.rank)  # the processes have 1 and 3, whose mean is 2
    twice = first(own).sum() + first(2 * own).sum()  # one network runs twice, then another runs on its output
    stepper.update(optimiser, critic(first(own)).sum() + twice, keep_graph=True)
    through = critic.weight.detach().sum(dim=0)
    wanted = (2 * through + 2 * 3)[:, None].expand(3, 3)
    assert torch.allclose(before[0] - first.weight, wanted, atol=1e-5)
    assert torch.equal(before[1], second.weight), "the loss did not reach this network"
    assert critic.weight.grad is None, "another optimiser's network"
    stepper.update(optimiser, second(own).sum())
    assert torch.allclose(before[1] - second.weight, torch.full((3, 3), 2.0), atol=1e-5)
    assert stepper.from_first(b"first" if stepper.rank == 0 else b"") == b"first"
    assert stepper.from_first(b"") == b""


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
    leave_processes()
