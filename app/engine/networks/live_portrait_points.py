"""Computes with LivePortrait's 21 points: turns, scales and places them, and moves them as a driving face moves.

Points are rows (x, y, z) in units of half the crop's side: x to the right, y down, z into the picture. They follow
the released code (Guo et al. 2024, arXiv 2407.03168, section 3.1 and equation 2).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

N_POINTS = 21  # as released
N_BINS = 66  # bins of each angle's distribution, as released
BIN_DEGREES, FIRST_DEGREES = 3.0, -97.5  # bin i stands for 3 i - 97.5 degrees


@dataclass(frozen=True, eq=False)
class Motion:
    """What the motion extractor reads off one picture, or what a picture shall show.

    degrees: (N, 3) pitch, yaw and roll, positive where the head looks down, looks to the image's left, tilts right;
    shift: (N, 3), of which x and y move the points; expression: (N, 21, 3); scale: (N, 1); canonical: (N, 21, 3), the
    person's points without pose and expression.
    """

    degrees: Tensor
    shift: Tensor
    expression: Tensor
    scale: Tensor
    canonical: Tensor

    def points(self) -> Tensor:
        """Return (N, 21, 3): the canonical points turned, moved by the expression, scaled and shifted."""
        return placed(self, rotation(self.degrees))


def degrees(logits: Tensor) -> Tensor:
    """Return the expected angles (N,) in degrees of the bins' logits (N, 66)."""
    bins = torch.arange(N_BINS, dtype=logits.dtype, device=logits.device)
    return BIN_DEGREES * (torch.softmax(logits, dim=1) * bins).sum(dim=1) + FIRST_DEGREES


def rotation(angles: Tensor) -> Tensor:
    """Return (N, 3, 3) for rows (x_c R) of (N, 3) pitch, yaw, roll in degrees: the transpose of Rz(roll) Ry(yaw)
    Rx(pitch).
    """
    radians = torch.deg2rad(angles)
    (cx, cy, cz), (sx, sy, sz) = radians.cos().unbind(1), radians.sin().unbind(1)
    rows = (
        (cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx),
        (sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx),
        (-sy, cy * sx, cy * cx),
    )
    columns = torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)
    return columns.transpose(1, 2)


def placed(motion: Motion, turn: Tensor) -> Tensor:
    """Return (N, 21, 3): s (x_c R + expression) + (t_x, t_y, 0); the expression is not turned with the head."""
    x = motion.scale[:, :, None] * (motion.canonical @ turn + motion.expression)
    return x + motion.shift[:, None] * motion.shift.new_tensor([1.0, 1.0, 0.0])


def relative(source: Motion, driving: Motion, first: Motion) -> Tensor:
    """Return (N, 21, 3): the source's points moved as `driving` has moved since `first`, another person's frames."""
    turn = rotation(driving.degrees) @ rotation(first.degrees).transpose(1, 2) @ rotation(source.degrees)
    moved = Motion(
        source.degrees,
        source.shift + driving.shift - first.shift,
        source.expression + driving.expression - first.expression,
        source.scale * driving.scale / first.scale,
        source.canonical,
    )
    return placed(moved, turn)
