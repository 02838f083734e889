"""Says which colours teeth have, by what a photo shows around its mouth and in it.

One small network for both rows of teeth: it takes a row and a summary of the photo, and gives factors of red, green and
blue on the colours that are drawn there. Its last layer starts at zero, so an untrained network gives 1.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PLACE = 1  # numbers that describe a place: whether the jaw moves it
OPENED = 2  # numbers that describe how far the mouth is open and how wide it is drawn
MOST = 1.5  # log of the greatest factor that is given


class MouthColours(nn.Module):
    """Takes seen (N, S) and place (N, P, PLACE + OPENED), gives (N, P, 3) the log of factors.

    Lower teeth have the hue of the upper ones: in photos that smile it is often the lower lip that lies in their place.
    """

    def __init__(self, seen: int, code: int = 32, width: int = 64) -> None:
        super().__init__()
        self.summary = nn.Sequential(nn.Linear(seen, 2 * code), nn.ReLU(), nn.Linear(2 * code, code))
        self.lean = nn.Dropout(0.1)
        self.place = nn.Linear(PLACE + OPENED, width)
        self.photo = nn.Linear(code, width, bias=False)
        self.inner = nn.Linear(width, width)
        self.last = nn.Linear(width, 3)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, seen: Tensor, place: Tensor) -> Tensor:
        photo: Tensor = self.photo(self.summary(self.lean(seen)))
        upper = torch.cat([torch.zeros_like(place[:, :1, :PLACE]), place[:, :1, PLACE:]], dim=2)
        found, hue = self._at(photo, place), self._at(photo, upper)
        return found.mean(dim=2, keepdim=True) + hue - hue.mean(dim=2, keepdim=True)

    def _at(self, photo: Tensor, place: Tensor) -> Tensor:
        x = F.relu(self.place(place) + photo[:, None])
        return MOST * torch.tanh(self.last(F.relu(self.inner(x))))


class InUse(nn.Module):
    """Is exported: takes seen (1, S) and gives factors (K, P, 3) at P places of K mouths.

    places: (P, PLACE); opened: (K, OPENED).
    """

    places: Tensor
    opened: Tensor

    def __init__(self, network: MouthColours, places: Tensor, opened: Tensor) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("places", places)
        self.register_buffer("opened", opened)

    def forward(self, seen: Tensor) -> Tensor:
        count, mouths = len(self.places), len(self.opened)
        places = self.places.expand(mouths, -1, -1)
        opened = self.opened[:, None].expand(-1, count, -1)
        return torch.exp(self.network(seen.expand(mouths, -1), torch.cat([places, opened], dim=2)))
