"""Writes the part of Matroska (RFC 9559) that ffmpeg needs to read raw pictures and sound with their times in a pipe.

Pictures and sound use one pipe, so they cannot wait for each other; times are in microseconds. Every element is an
identifier, a length and its content. Each block is a cluster of its own, so that no time is rounded or out of range.
"""

from __future__ import annotations

import struct

UNKNOWN_LENGTH = b"\x01\xff\xff\xff\xff\xff\xff\xff"
PICTURES, SOUND = 1, 2  # numbers of the two tracks


def header(size: tuple[int, int], frame_seconds: float, sound: tuple[int, int] | None = None) -> bytes:
    """Return the beginning of a stream.

    size: (width, height) of RGB pictures; frame_seconds: how long a picture is shown, as a hint, because blocks have
    times of their own; sound: (rate, channels) or None.
    """
    ebml = _element("1A45DFA3", _text("4282", "matroska") + _number("4287", 4) + _number("4285", 2))
    info = _element("1549A966", _number("2AD7B1", 1000) + _text("4D80", "Mien") + _text("5741", "Mien"))
    tracks = [_pictures(size, frame_seconds)] + ([_sound(*sound)] if sound else [])
    return ebml + bytes.fromhex("18538067") + UNKNOWN_LENGTH + info + _element("1654AE6B", b"".join(tracks))


def block(track: int, seconds: float, length: int, lasts: float | None = None) -> bytes:
    """Return the bytes before `length` bytes of raw data of a track.

    seconds: 0 or more, at which the data begin; lasts: seconds for which a picture is shown, None where unknown.
    """
    time = _number("E7", round(seconds * 1_000_000))
    start = bytes([0x80 | track, 0, 0, 0x80 if lasts is None else 0])  # relative time 0, key frame
    body = bytes.fromhex("A3" if lasts is None else "A1") + _length(len(start) + length) + start
    if lasts is not None:  # only a block in a group has a duration of its own
        content = _number("9B", round(lasts * 1_000_000)) + body
        body = bytes.fromhex("A0") + _length(len(content) + length) + content
    return bytes.fromhex("1F43B675") + _length(len(time) + len(body) + length) + time + body


def _pictures(size: tuple[int, int], frame_seconds: float) -> bytes:
    video = _number("B0", size[0]) + _number("BA", size[1]) + _element("2EB524", b"RGB\x18")
    duration = _number("23E383", round(frame_seconds * 1e9))
    return _track(PICTURES, 1, "V_UNCOMPRESSED", duration + _element("E0", video))


def _sound(rate: int, channels: int) -> bytes:
    audio = _element("B5", struct.pack(">d", rate)) + _number("9F", channels) + _number("6264", 32)
    return _track(SOUND, 2, "A_PCM/FLOAT/IEEE", _element("E1", audio))


def _track(number: int, kind: int, codec: str, rest: bytes) -> bytes:
    fields = _number("D7", number) + _number("73C5", number) + _number("83", kind) + _text("86", codec)
    return _element("AE", fields + _number("9C", 0) + rest)


def _element(identifier: str, content: bytes) -> bytes:
    return bytes.fromhex(identifier) + _length(len(content)) + content


def _number(identifier: str, value: int) -> bytes:
    return _element(identifier, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def _text(identifier: str, value: str) -> bytes:
    return _element(identifier, value.encode("ascii"))


def _length(value: int) -> bytes:
    """Return a length in eight bytes, a form that fits every length."""
    return (value | 1 << 56).to_bytes(8, "big")
