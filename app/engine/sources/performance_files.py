"""Reads and writes performance files: `.performance` (plain or packed) and `.csv`, chosen by the file's ending.

A `.performance` file, all little-endian:

    8 bytes   MIENPERF
    4 bytes   length of the header, unsigned
    header    JSON in UTF-8: version, frames, columns, rate "30000/1001", size, identity, neutral, source
    body      version 1: frames x 40 float32: p_exp 1..28, scale, quaternion w x y z, translation x y,
              gaze x y, aperture left right, and the seconds since the frame before (0 for the first)

A packed file has `"packed"` in its header and the body that `packing` describes. Nothing is pickled.
"""

from __future__ import annotations

import csv
import io
import json
import math
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine import files
from app.engine.errors import EngineError
from app.engine.face.parameters import N_EXPRESSION, Camera, Expression, FaceParams, Identity
from app.engine.files import unwritable, write_whole
from app.engine.sources import packing
from app.engine.sources.frames import FOLDER_RATE
from app.engine.sources.performance import N_FRAME, Performance

MAGIC = b"MIENPERF"
VERSION = 1  # version of the packed file's layout
N_COLUMNS = N_FRAME + 5  # gaze, two apertures and time follow
LARGEST_HEADER = 1 << 20  # bytes; a longer one is no performance
EXPRESSION_COLUMNS = tuple(f"exp{k}" for k in range(1, N_EXPRESSION + 1))
CSV_COLUMNS = (
    *("time", "yaw", "pitch", "roll", "scale", "tx", "ty"),
    *("gaze_x", "gaze_y", "aperture_left", "aperture_right"),
    *EXPRESSION_COLUMNS,
)
REST = Expression()  # gives gaze and apertures to a CSV without them
NEEDED = (*CSV_COLUMNS[:7], *EXPRESSION_COLUMNS)


def write_performance(performance: Performance, path: Path, packed: bool = False) -> None:
    """Write a performance, whole or not at all; packed: in a smaller `.performance`, with the errors of `packing`."""
    check_place(path)
    data = _to_csv(performance) if path.suffix.lower() == ".csv" else to_bytes(performance, packed)
    try:
        write_whole(path, data)
    except OSError as error:
        raise unwritable(path, error) from error


def check_place(path: Path) -> None:
    """Raise EngineError where no performance can be written, so that users know before a long clip is tracked."""
    if path.suffix.lower() not in (".performance", ".csv"):
        raise EngineError(
            f"A performance cannot be written as “{path.suffix or path.name}”.",
            "Use .performance or .csv as ending.",
        )
    files.check_place(path)


def read_performance(path: Path) -> Performance:
    """Return the performance of a `.performance` or `.csv`; EngineError where it is neither, damaged or newer."""
    try:
        data = path.read_bytes()
        if path.suffix.lower() == ".csv":
            return _from_csv(data.decode("utf-8-sig"), path.name)
        return from_bytes(data)
    except OSError as error:
        raise EngineError(f"{path} cannot be read: {error.strerror}.", "Check the path.") from error
    except (ValueError, KeyError, TypeError, IndexError, OverflowError, struct.error) as error:
        raise EngineError(
            f"{path.name} is not a whole performance file: {error}.", "Track the clip again, or use a copy."
        ) from error


def to_bytes(performance: Performance, packed: bool = False) -> bytes:
    """Return a `.performance` file's content."""
    header: dict[str, Any] = {
        "version": VERSION,
        "frames": len(performance),
        "columns": N_COLUMNS,
        "rate": str(performance.rate),
        "size": performance.size,
        "identity": performance.identity.coefficients,
        "neutral": _params_to_json(performance.neutral),
        "source": performance.source,
    }
    table = _table(performance)
    body = table.astype("<f4").tobytes()
    if packed:
        header["packed"] = packing.steps_for(table)
        body = packing.encode(table, header["packed"])
    words = json.dumps(header, ensure_ascii=False, allow_nan=False).encode("utf-8")
    return MAGIC + struct.pack("<I", len(words)) + words + body


def from_bytes(data: bytes) -> Performance:
    """Return the performance of a content that `to_bytes` made; ValueError or KeyError for anything else."""
    if data[:8] != MAGIC:
        raise ValueError("it does not start like one")
    (length,) = struct.unpack_from("<I", data, 8)
    if length > min(LARGEST_HEADER, len(data) - 12):
        raise ValueError("its header is cut off")
    header = json.loads(data[12 : 12 + length])
    if header["version"] > VERSION:
        raise EngineError("The performance was made by a later version of Mien.", "Update Mien.")
    if header["columns"] != N_COLUMNS:
        raise ValueError(f"it has {header['columns']} columns, not {N_COLUMNS}")
    body, count = data[12 + length :], int(header["frames"])
    if "packed" in header:
        table = packing.decode(body, count, N_COLUMNS, header["packed"])
    elif len(body) != count * N_COLUMNS * 4:
        raise ValueError("its frames are cut off")
    else:
        table = np.frombuffer(body, "<f4").reshape(count, N_COLUMNS)
    return _performance(table, header)


def _table(performance: Performance) -> NDArray[np.float32]:
    steps = np.diff(performance.times, prepend=performance.times[:1])
    columns: list[NDArray[Any]] = [performance.frames, performance.gaze, performance.aperture, steps[:, None]]
    return np.asarray(np.hstack(columns), np.float32)


def _performance(table: NDArray[np.float32], header: dict[str, Any]) -> Performance:
    width, height = header["size"]
    return Performance(
        frames=np.array(table[:, :N_FRAME]),
        times=np.cumsum(table[:, N_FRAME + 4], dtype=np.float64),
        gaze=np.array(table[:, N_FRAME : N_FRAME + 2]),
        aperture=np.array(table[:, N_FRAME + 2 : N_FRAME + 4]),
        identity=_identity(header["identity"]),
        neutral=_params_from_json(header["neutral"]),
        rate=_rate(header["rate"]),
        size=(int(width), int(height)),
        source=str(header["source"]),
    )


def _rate(text: str) -> Fraction:
    rate = Fraction(str(text))
    if not 0 < rate <= 1000:
        raise ValueError(f"its rate is {text}")
    return rate


def _identity(values: Any) -> Identity:
    return Identity(tuple(float(value) for value in values))


def _params_to_json(params: FaceParams | None) -> dict[str, Any] | None:
    if params is None:
        return None
    return {
        "identity": params.identity.coefficients,
        "expression": params.expression.coefficients,
        "gaze": params.expression.gaze,
        "aperture": params.expression.aperture,
        "camera": params.camera.as_array().tolist(),
    }


def _params_from_json(values: dict[str, Any] | None) -> FaceParams | None:
    if values is None:
        return None
    gaze_x, gaze_y = (float(value) for value in values["gaze"])
    left, right = (float(value) for value in values["aperture"])
    coefficients = tuple(float(value) for value in values["expression"])
    expression = Expression(coefficients, (gaze_x, gaze_y), (left, right))
    return FaceParams(_identity(values["identity"]), expression, Camera.from_array(values["camera"]))


def _to_csv(performance: Performance) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for index, time in enumerate(performance.times):
        params = performance.params(index)
        camera, expression = params.camera, params.expression
        row = [time, *camera.angles, camera.scale, *camera.translation]
        row += [*expression.gaze, *expression.aperture, *expression.coefficients]
        writer.writerow([f"{value:.7g}" for value in row])
    return text.getvalue().encode("utf-8")


def _from_csv(text: str, name: str) -> Performance:
    """Return the performance of a CSV, which holds no identity; gaze and aperture may be absent.

    Columns are found by name, in any order. Commas, semicolons or tabs separate them; with semicolons, a comma may
    stand for the decimal point.
    """
    first = text.split("\n", 1)[0]
    divider = max(",;\t", key=first.count)
    reader = csv.DictReader(io.StringIO(text), delimiter=divider)
    absent = [column for column in NEEDED if column not in (reader.fieldnames or ())]
    if absent:
        raise ValueError(f"it has no column {', '.join(absent[:4])}{' …' if len(absent) > 4 else ''}")
    params: list[FaceParams] = []
    times: list[float] = []
    for row in reader:
        values = {
            column: _number(row, column, reader.line_num, divider == ";")
            for column in CSV_COLUMNS
            if column in NEEDED or row.get(column) not in (None, "")
        }
        (x, y), (left, right) = REST.gaze, REST.aperture
        gaze = (values.get("gaze_x", x), values.get("gaze_y", y))
        aperture = (values.get("aperture_left", left), values.get("aperture_right", right))
        expression = Expression(tuple(values[column] for column in EXPRESSION_COLUMNS), gaze, aperture)
        if values["scale"] <= 0:
            raise ValueError(f"line {reader.line_num}, column scale: {values['scale']:g} is not above 0")
        if times and values["time"] <= times[-1]:
            raise ValueError(
                f"line {reader.line_num}, column time: {values['time']:g} does not come after the line before"
            )
        camera = Camera.from_angles(
            values["yaw"], values["pitch"], values["roll"], values["scale"], (values["tx"], values["ty"])
        )
        params.append(FaceParams(Identity(), expression, camera))
        times.append(values["time"])
    if not params:
        raise ValueError("it has no rows")
    rate = FOLDER_RATE
    if len(times) > 1:
        rate = Fraction(1 / float(np.median(np.diff(times)))).limit_denominator(1001)
    return Performance.of(params, times, rate=rate, source=name)


def _number(row: dict[str, Any], column: str, line: int, comma: bool) -> float:
    """Return a cell's number; ValueError, which names line and column, where it is none."""
    text = row.get(column)
    if text in (None, ""):
        raise ValueError(f"line {line} has no {column}")
    try:
        value = float(str(text).replace(",", ".") if comma else str(text))
    except ValueError:
        raise ValueError(f"line {line}, column {column}: “{text}” is no number") from None
    if not math.isfinite(value):
        raise ValueError(f"line {line}, column {column}: {text} is no number")
    return value
