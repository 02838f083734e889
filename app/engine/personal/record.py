"""What a personal model remembers of its person, stored as tensors beside its weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.engine.face.parameters import Camera, Identity

if TYPE_CHECKING:
    from torch import Tensor

SIZE = 256  # of the released models
USUAL_CAMERA = Camera(55.0, translation=(128.0, 132.0))  # of a face in the released crop, with its margin


@dataclass(frozen=True, eq=False)
class Person:
    """size: the square's side in pixels; camera: mean scale and place of the face in it; identity: p_id of the
    footage; portrait: (size, size, 3) uint8, the best frame. A released model knows none but its size."""

    size: int = SIZE
    camera: Camera = USUAL_CAMERA
    identity: Identity | None = None
    portrait: NDArray[np.uint8] | None = None

    def as_tensors(self) -> dict[str, Tensor]:
        """For `Found.extras`."""
        import torch

        assert self.identity is not None and self.portrait is not None
        return {
            "camera": torch.from_numpy(self.camera.as_array()).float(),
            "identity": torch.tensor(self.identity.coefficients),
            "portrait": torch.from_numpy(self.portrait.copy()),
        }

    @classmethod
    def of_tensors(cls, extras: dict[str, Tensor]) -> Person:
        """From a model's extras; the released models' usual crop where there are none."""
        if "portrait" not in extras:
            return cls()
        portrait = extras["portrait"].numpy()
        identity = Identity(tuple(extras["identity"].tolist()))
        return cls(len(portrait), Camera.from_array(extras["camera"].tolist()), identity, portrait)
