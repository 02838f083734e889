"""Reads curves and primaries of ICC profiles (ICC.1:2022), because littleCMS in Pillow works in 8 bits only."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float64]  # (n,) samples of a tone curve over [0, 1]

# Its columns are the XYZ, adapted to D50, of sRGB's red, green and blue (IEC 61966-2-1, Bradford).
SRGB_TO_XYZ = np.array(
    [
        [0.4360657, 0.3851515, 0.1430784],
        [0.2224932, 0.7168870, 0.0606169],
        [0.0139160, 0.0970764, 0.7140961],
    ]
)


@dataclass(frozen=True, eq=False)
class MatrixProfile:
    """A display profile: three tone curves to linear light, then a (3, 3) matrix to XYZ (D50)."""

    curves: tuple[Curve, Curve, Curve]
    to_xyz: NDArray[np.float64]


def colour_space(icc: bytes) -> str:
    """Return the space of the profile's device side: "RGB", "GRAY", "CMYK", ... or "" where it is no profile."""
    return icc[16:20].decode("ascii", "replace").strip() if icc[36:40] == b"acsp" else ""


def matrix_profile(icc: bytes, samples: int) -> MatrixProfile | None:
    """Return the profile as curves and a matrix, or None where it is of another kind or damaged."""
    try:
        tags = _tags(icc)
        red, green, blue = (_curve(tags[f"{c}TRC"], samples) for c in "rgb")
        matrix = np.stack([_xyz(tags[f"{c}XYZ"]) for c in "rgb"], axis=1)
        # A profile with tables means them to be used rather than its curves.
        return None if "A2B0" in tags or "A2B1" in tags else MatrixProfile((red, green, blue), matrix)
    except (KeyError, ValueError, struct.error):
        return None


def grey_curve(icc: bytes, samples: int) -> Curve | None:
    """Return (samples,) linear light of a grey profile's codes, or None where it has no such curve."""
    try:
        return _curve(_tags(icc)["kTRC"], samples) if icc[20:24] == b"XYZ " else None
    except (KeyError, ValueError, struct.error):
        return None


def srgb_encoded(linear: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the sRGB codes in [0, 1] of linear light in [0, 1], of any shape (IEC 61966-2-1)."""
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def _tags(icc: bytes) -> dict[str, bytes]:
    count = struct.unpack_from(">I", icc, 128)[0]
    if count > 256:
        raise ValueError("not a table of tags")
    entries = (struct.unpack_from(">4sII", icc, 132 + 12 * i) for i in range(count))
    return {name.decode("latin-1"): icc[start : start + size] for name, start, size in entries}


def _xyz(tag: bytes) -> NDArray[np.float64]:
    return np.array(struct.unpack_from(">3i", tag, 8)) / 65536


def _curve(tag: bytes, samples: int) -> Curve:
    x = np.linspace(0, 1, samples)
    if tag[:4] == b"para":
        return _parametric(tag, x)
    if tag[:4] != b"curv":
        raise ValueError("no tone curve")
    count = struct.unpack_from(">I", tag, 8)[0]
    if count == 0:
        return x
    table = np.frombuffer(tag, ">u2", count, 12)
    if count == 1:
        return x ** (float(table[0]) / 256)
    return np.interp(x, np.linspace(0, 1, count), table / 65535)


def _parametric(tag: bytes, x: NDArray[np.float64]) -> Curve:
    """Return a parametric curve at x (ICC.1:2022, 10.18, table 68).

    All five kinds are one formula, in which some have fewer parameters.
    """
    kind = struct.unpack_from(">H", tag, 8)[0]
    if kind > 4:
        raise ValueError("unknown kind of curve")
    given = [v / 65536 for v in struct.unpack_from(f">{(1, 3, 4, 5, 7)[kind]}i", tag, 12)]
    g, a, b, c, d, e, f = given[0], 1.0, 0.0, 0.0, 0.0, 0.0, 0.0
    if kind in (1, 2):
        a, b = given[1:3]
        d = -b / a
        e = f = given[3] if kind == 2 else 0.0
    elif kind >= 3:
        a, b, c, d = given[1:5]
        e, f = given[5:7] if kind == 4 else (0.0, 0.0)
    power = np.maximum(a * x + b, 0) ** g + e
    return np.clip(np.where(x >= d, power, c * x + f), 0, 1)
