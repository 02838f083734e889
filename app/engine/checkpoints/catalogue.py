"""Lists the models that Mien can download when a user asks, with their addresses, sizes and licences.

Nothing here opens a connection. A model is listed only if its licence lets anyone pass it on.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from app.engine.checkpoints.live_portrait_files import LIVE_PORTRAIT, PUBLISHED
from app.engine.errors import EngineError


@dataclass(frozen=True)
class RemoteFile:
    """One file of a model. size: bytes; sha256: the one that its makers publish, "" where they publish none."""

    url: str
    size: int
    sha256: str = ""

    @property
    def name(self) -> str:
        return unquote(urlsplit(self.url).path.rpartition("/")[2])


@dataclass(frozen=True)
class Offer:
    """A model that can be downloaded. page: address where a person finds its files; the others are those of `Kind`."""

    name: str
    kind: str
    title: str
    licence: str
    use: str
    page: str
    files: tuple[RemoteFile, ...]

    @property
    def size(self) -> int:
        """Return the bytes of all files together."""
        return sum(file.size for file in self.files)


def _live_portrait() -> Offer:
    """Return LivePortrait's weights as safetensors, which need no unpickling, at a fixed revision."""
    page = "https://huggingface.co/Kijai/LivePortrait_safetensors"
    sizes = {
        "appearance_feature_extractor": 3_361_936,
        "motion_extractor": 112_496_256,
        "warping_module": 182_158_564,
        "spade_generator": 221_771_768,
        "stitching_retargeting_module": 911_836,
    }
    place = f"{page}/resolve/59f30f36d7b791929c25437df7461d5b0e0010b1"
    names = {f"{name}.safetensors": size for name, size in sizes.items()}
    files = tuple(RemoteFile(f"{place}/{name}", size, PUBLISHED[name]) for name, size in names.items())
    kind = LIVE_PORTRAIT
    return Offer(kind.name, kind.name, kind.title, kind.licence, kind.use, page, files)


OFFERS = (_live_portrait(),)


def offer_named(name: str) -> Offer:
    for offer in OFFERS:
        if offer.name == name:
            return offer
    known = ", ".join(offer.name for offer in OFFERS)
    raise EngineError(f"Mien does not know where “{name}” could be fetched.", f"It can get: {known}.")


def mirrored(offer: Offer, place: str) -> Offer:
    """Return the same files from another place, whose folder holds them side by side; their hashes stay."""
    base = place.rstrip("/")
    files = tuple(RemoteFile(f"{base}/{file.name}", file.size, file.sha256) for file in offer.files)
    return Offer(offer.name, offer.kind, offer.title, offer.licence, offer.use, base, files)
