"""Writes HEIC files for tests: pictures that ffmpeg codes as HEVC, inside the boxes of ISO/IEC 23008-12."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.engine.sound import ffmpeg

PQ = 16  # number of PQ among the transfer characteristics of ITU-T H.273


def write_heic(path: Path, pictures: Sequence[NDArray[np.uint16]], bits: int = 10, transfer: int = 1) -> None:
    """Write (H, W, 3) uint16 pictures of one even size, lossless except for chroma; the first is the primary
    one.
    """
    coded = [_coded(picture, bits, path.with_suffix(f".{k}.mp4")) for k, picture in enumerate(pictures)]
    height, width = pictures[0].shape[:2]
    properties = [
        coded[0][0],
        _box(b"ispe", struct.pack(">III", 0, width, height)),
        _box(b"pixi", bytes([0, 0, 0, 0, 3, bits, bits, bits])),
        _box(b"colr", b"nclx" + struct.pack(">HHHB", 9, transfer, 9, 0x80)),
    ]
    count = len(coded)
    entries = [_box(b"infe", struct.pack(">IHH", 2 << 24, k + 1, 0) + b"hvc1\0") for k in range(count)]
    associated = b"".join(struct.pack(">HB4B", k + 1, 4, 0x81, 2, 3, 4) for k in range(count))
    start = 0
    for _ in range(2):  # the second time with the true length of what stands before the pictures
        places = b""
        for k, (_, data) in enumerate(coded):
            offset = start + sum(len(one) for _, one in coded[:k])
            places += struct.pack(">HHHII", k + 1, 0, 1, offset, len(data))
        meta = [
            _box(b"hdlr", struct.pack(">III", 0, 0, 0)[:8] + b"pict" + bytes(13)),
            _box(b"pitm", struct.pack(">IH", 0, 1)),
            _box(b"iinf", struct.pack(">IH", 0, count) + b"".join(entries)),
            _box(
                b"iprp",
                _box(b"ipco", b"".join(properties))
                + _box(b"ipma", struct.pack(">II", 0, count) + associated),
            ),
            _box(b"iloc", struct.pack(">IBBH", 0, 0x44, 0, count) + places),
        ]
        head = _box(b"ftyp", b"heic\0\0\0\0mif1heic") + _box(b"meta", bytes(4) + b"".join(meta))
        start = len(head) + 8
    path.write_bytes(head + _box(b"mdat", b"".join(data for _, data in coded)))


def _coded(picture: NDArray[np.uint16], bits: int, beside: Path) -> tuple[bytes, bytes]:
    """Return (hvcC box, coded picture)."""
    height, width = picture.shape[:2]
    raw, film = beside.with_suffix(".raw"), beside
    raw.write_bytes(picture.astype("<u2").tobytes())
    source = ["-f", "rawvideo", "-pix_fmt", "rgb48le", "-s", f"{width}x{height}", "-i", str(raw)]
    depth = "yuv420p" if bits == 8 else f"yuv420p{bits}le"
    scale = "scale=out_color_matrix=bt2020:out_range=full:flags=accurate_rnd+full_chroma_int"
    coder = ["-vf", scale, "-c:v", "libx265", "-x265-params", "lossless=1:log-level=none:range=full"]
    done = ffmpeg.run(
        ["-y", *source, *coder, "-pix_fmt", depth, "-frames:v", "1", "-tag:v", "hvc1", str(film)]
    )
    assert done.returncode == 0, done.stderr.decode()
    data = film.read_bytes()
    raw.unlink()
    film.unlink()
    return _found(data, b"hvcC"), _found(data, b"mdat")[8:]


def _found(data: bytes, kind: bytes) -> bytes:
    place = data.index(kind) - 4
    (length,) = struct.unpack_from(">I", data, place)
    return data[place : place + length]


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + kind + content
