"""Packs performances for streaming: HeadGAN's use of 35 floats a frame as video compression (section 4).

Every column is rounded to a step, then written as the difference from the frame before, in chunks of CHUNK frames,
column by column, through zlib. A chunk can be sent as soon as it is full. Values are rounded before the difference is
taken, so errors never add up.

The steps keep all errors comparable: each coefficient moves the landmarks by at most half a step times its sigma.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

CHUNK = 30  # frames, a second of most clips
# Steps of the columns of the table in `performance_files`: p_exp (sigmas), logarithm of the scale, quaternion,
# translation (shares of the scale), gaze (degrees), aperture, seconds between frames.
STEPS = [0.1] * 28 + [0.001] + [0.0005] * 4 + [0.001] * 2 + [0.5] * 2 + [0.01] * 2 + [1e-5]
SCALE, TRANSLATION = 28, slice(33, 35)  # columns of the scale and of the translation


def steps_for(table: NDArray[np.float32]) -> list[float]:
    """Return the steps of a table's columns, translations in pixels of its own scale."""
    steps = list(STEPS)
    pixel = float(np.median(table[:, SCALE]))
    steps[TRANSLATION] = [step * pixel for step in STEPS[TRANSLATION]]
    return steps


def encode(table: NDArray[np.float32], steps: Sequence[float]) -> bytes:
    """Return a table (N, 40) as chunks, each of a length (unsigned, 32 bits) and zlib data."""
    return b"".join(chunks(table, steps))


def chunks(table: NDArray[np.float32], steps: Sequence[float]) -> Iterator[bytes]:
    """Yield the packed chunks one by one, for a stream."""
    levels = np.round(_flat(table.astype(np.float64)) / np.asarray(steps)).astype(np.int32)
    before = np.zeros(levels.shape[1], np.int32)
    for start in range(0, len(levels), CHUNK):
        chunk = levels[start : start + CHUNK]
        changes = np.diff(np.vstack([before, chunk]), axis=0)
        before = chunk[-1]
        packed = zlib.compress(_narrow(changes.T), 9)
        yield struct.pack("<I", len(packed)) + packed


def decode(body: bytes, frames: int, columns: int, steps: Sequence[float]) -> NDArray[np.float32]:
    """Return the inverse of `encode` up to half a step; ValueError where the body is not whole."""
    levels = np.zeros((0, columns), np.int64)
    before, place = np.zeros(columns, np.int64), 0
    parts = []
    while place < len(body):
        (length,) = struct.unpack_from("<I", body, place)
        place += 4
        if place + length > len(body):
            raise ValueError("a chunk is cut off")
        changes = _wide(body[place : place + length], columns)
        part = before + np.cumsum(changes, axis=0)
        parts.append(part)
        before, place = part[-1], place + length
    levels = np.concatenate(parts) if parts else levels
    if len(levels) != frames or len(steps) != columns:
        raise ValueError(f"it holds {len(levels)} of {frames} frames")
    return np.asarray(_unflat(levels.astype(np.float64) * np.asarray(steps)), np.float32)


def _narrow(changes: NDArray[np.int32]) -> bytes:
    """Return changes (columns, frames) as bytes of 8 bits; a column that needs more gets 32 bits, and a mark for it."""
    marks = np.abs(changes).max(axis=1) > 127
    rows = [row.astype("<i4" if wide else "i1").tobytes() for row, wide in zip(changes, marks)]
    return np.packbits(marks).tobytes() + b"".join(rows)


def _wide(packed: bytes, columns: int) -> NDArray[np.int64]:
    """Return the changes (frames, columns) that `_narrow` and zlib packed."""
    limit = 4 * columns * CHUNK + columns
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(packed, limit)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    head = (columns + 7) // 8
    marks = np.unpackbits(np.frombuffer(data[:head], np.uint8), count=columns).astype(bool)
    per_frame = int(np.where(marks, 4, 1).sum())
    frames, rest = divmod(len(data) - head, per_frame)
    if rest or not 0 < frames <= CHUNK or unpacker.unconsumed_tail:
        raise ValueError("a chunk is damaged")
    rows, place = [], head
    for wide in marks:
        size = frames * (4 if wide else 1)
        rows.append(np.frombuffer(data[place : place + size], "<i4" if wide else "i1").astype(np.int64))
        place += size
    return np.stack(rows, axis=1)


def _flat(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a table with the logarithm of the scale, so that the scale's steps are shares of it."""
    flat = table.copy()
    flat[:, SCALE] = np.log(table[:, SCALE])
    return flat


def _unflat(flat: NDArray[np.float64]) -> NDArray[np.float64]:
    table = flat.copy()
    table[:, SCALE] = np.exp(flat[:, SCALE])
    return table
