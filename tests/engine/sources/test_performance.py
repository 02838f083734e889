"""Performance files survive round trips exactly, pack small, and are refused with a reason when hostile."""

from __future__ import annotations

import contextlib
import json
import struct
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.errors import EngineError
from app.engine.face.parameters import N_EXPRESSION, Camera, Expression, FaceParams, Identity
from app.engine.sources import packing
from app.engine.sources.opening import open_source
from app.engine.sources.performance import Performance, PerformanceSource
from app.engine.sources.performance_files import (
    CSV_COLUMNS,
    MAGIC,
    from_bytes,
    read_performance,
    to_bytes,
    write_performance,
)
from tests.engine.conftest import make_performance


def same(a: Performance, b: Performance, tolerance: float) -> None:
    for name in ("frames", "times", "gaze", "aperture"):
        assert np.allclose(getattr(a, name), getattr(b, name), atol=tolerance), name


def test_a_file_gives_back_all_of_it(tmp_path: Path, performance: Performance) -> None:
    path = tmp_path / "Auftritt ä.performance"
    write_performance(performance, path)
    again = read_performance(path)
    assert np.array_equal(again.frames, performance.frames)
    same(again, performance, 1e-6)
    assert again.identity == performance.identity and again.rate == performance.rate
    assert again.size == (320, 240) and again.source == "made by hand"
    assert again.neutral is not None and performance.neutral is not None
    assert again.neutral.expression == performance.neutral.expression
    assert again.params(7).camera.angles == pytest.approx(performance.params(7).camera.angles, abs=1e-4)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_the_layout_is_as_written_down(performance: Performance) -> None:
    """The file is read with struct and json alone, as another program would do."""
    data = to_bytes(performance)
    assert data[:8] == b"MIENPERF"
    (length,) = struct.unpack_from("<I", data, 8)
    header = json.loads(data[12 : 12 + length])
    assert header["version"] == 1 and header["frames"] == 50 and header["rate"] == "25"
    row = struct.unpack_from("<40f", data, 12 + length + 40 * 4)
    params = performance.params(1)
    assert row[:28] == pytest.approx(params.expression.coefficients, abs=1e-6)
    assert row[28:35] == pytest.approx(params.camera.as_array(), rel=1e-6)
    assert row[35:39] == pytest.approx([*params.expression.gaze, *params.expression.aperture], abs=1e-6)
    assert row[39] == pytest.approx(0.04) and len(data) == 12 + length + 50 * 160


def test_an_hour_of_steps_adds_up() -> None:
    count = 30 * 3600
    one = make_performance(2, Fraction(30000, 1001))
    long = Performance(
        np.repeat(one.frames[:1], count, axis=0),
        np.arange(count) * 1001 / 30000,
        np.zeros((count, 2), np.float32),
        np.zeros((count, 2), np.float32),
        one.identity,
    )
    assert np.abs(from_bytes(to_bytes(long)).times - long.times).max() < 1e-3


def test_csv_has_its_columns_and_comes_back(tmp_path: Path, performance: Performance) -> None:
    path = tmp_path / "a.csv"
    write_performance(performance, path)
    lines = path.read_text().splitlines()
    assert tuple(lines[0].split(",")) == CSV_COLUMNS and len(CSV_COLUMNS) == 39
    assert lines[0].startswith(
        "time,yaw,pitch,roll,scale,tx,ty,gaze_x,gaze_y,aperture_left,aperture_right,exp1,"
    )
    assert float(lines[3].split(",")[1]) == pytest.approx(performance.params(2).camera.yaw, abs=1e-4)
    again = read_performance(path)
    same(again, performance, 1e-4)
    assert again.rate == 25


def test_csv_columns_may_come_in_any_order(tmp_path: Path) -> None:
    columns = ["exp2", "scale", "time", "ty", "tx", "yaw", "pitch", "roll", "note"]
    columns += [f"exp{k}" for k in range(1, 29) if k != 2]
    row = ["0.5", "50", "0", "20", "10", "15", "0", "0", "hello"] + ["0"] * 27
    path = tmp_path / "a.csv"
    path.write_text(";".join(columns).replace(";", ",") + "\n" + ",".join(row) + "\n", encoding="utf-8-sig")
    params = read_performance(path).params(0)
    assert params.expression.coefficients[1] == 0.5 and params.camera.yaw == pytest.approx(15, abs=1e-4)
    assert params.camera.translation == (10, 20)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "damage",
    [
        lambda d: b"",
        lambda d: b"GIF89a" + d[6:],
        lambda d: d[:10],
        lambda d: d[:200],
        lambda d: d[:-7],
        lambda d: d[:8] + struct.pack("<I", 1 << 31) + d[12:],
        lambda d: d.replace(b'"version": 1', b'"version": {'),
        lambda d: d.replace(b'"frames": 50', b'"frames": 51'),
        lambda d: d.replace(b'"frames": 50', b'"frames": -1'),
        lambda d: d.replace(b'"rate": "25"', b'"rate": "00"'),
        lambda d: d.replace(b'"columns": 40', b'"columns": 41'),
        lambda d: d[:-160] + bytes([255, 255, 255, 127]) * 40,  # not-a-number in the last frame
    ],
)
def test_damaged_files_are_reported(tmp_path: Path, performance: Performance, damage, packed: bool) -> None:
    path = tmp_path / "a.performance"
    path.write_bytes(damage(to_bytes(performance, packed)))
    with pytest.raises(EngineError) as raised:
        read_performance(path)
    assert raised.value.remedy


@settings(max_examples=150, deadline=None)
@given(place=st.integers(0, 4000), value=st.integers(0, 255))
def test_one_wrong_byte_is_reported_or_read(place: int, value: int) -> None:
    data = bytearray(to_bytes(make_performance(12), packed=True))
    data[place % len(data)] = value
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.performance"
        path.write_bytes(data)
        with contextlib.suppress(EngineError):
            assert len(read_performance(path)) > 0


def test_later_versions_and_other_endings_are_reported(tmp_path: Path, performance: Performance) -> None:
    path = tmp_path / "a.performance"
    path.write_bytes(to_bytes(performance).replace(b'"version": 1', b'"version": 9'))
    with pytest.raises(EngineError, match="later version"):
        read_performance(path)
    with pytest.raises(EngineError, match="txt"):
        write_performance(performance, tmp_path / "a.txt")
    with pytest.raises(EngineError, match="cannot be read"):
        read_performance(tmp_path / "absent.performance")
    with pytest.raises(EngineError, match="no folder"):
        write_performance(performance, tmp_path / "absent" / "a.csv")


@pytest.mark.parametrize("text", ["", "time,yaw\n", "time,yaw\n0,1\n", "time,exp1\n0,much\n", "\0\0"])
def test_wrong_csv_is_reported(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(EngineError, match=r"a\.csv"):
        read_performance(path)


def test_a_wrong_cell_is_named_by_line_and_column(tmp_path: Path, performance: Performance) -> None:
    path = tmp_path / "a.csv"
    write_performance(performance, path)
    lines = path.read_text().splitlines()
    cells = lines[4].split(",")
    place = CSV_COLUMNS.index("exp7")

    def refused(changed: list[str]) -> str:
        path.write_text("\n".join([*lines[:4], ",".join(changed), *lines[5:]]))
        with pytest.raises(EngineError, match=r"a\.csv") as raised:
            read_performance(path)
        return raised.value.message

    assert "line 5, column exp7: nan is no number" in refused([*cells[:place], "nan", *cells[place + 1 :]])
    assert "line 5, column exp7: “a lot” is no number" in refused(
        [*cells[:place], "a lot", *cells[place + 1 :]]
    )
    assert "line 5 has no exp7" in refused(cells[:place])
    assert "line 5, column time" in refused(["0", *cells[1:]])
    assert "line 5, column scale" in refused([*cells[:4], "-3", *cells[5:]])
    path.write_text("\n".join(",".join(line.split(",")[1:-1]) for line in lines))
    with pytest.raises(EngineError, match="no column time, exp28"):
        read_performance(path)


@pytest.mark.parametrize("comma", [",", "."])
def test_a_csv_of_semicolons_is_read_with_either_decimal_point(
    tmp_path: Path, performance: Performance, comma: str
) -> None:
    path = tmp_path / "a.csv"
    write_performance(performance, path)
    text = path.read_text().replace(",", ";").replace(".", comma)
    path.write_text(text, encoding="utf-8-sig")
    same(read_performance(path), performance, 1e-4)


def test_a_frame_without_a_number_is_named(performance: Performance) -> None:
    for name, column, said in (("frames", 6, "exp7"), ("frames", 28, "scale"), ("gaze", 1, "gaze_y")):
        values = getattr(performance, name).copy()
        values[11, column] = np.nan
        fields = {n: getattr(performance, n) for n in ("frames", "times", "gaze", "aperture", "identity")}
        with pytest.raises(EngineError, match=f"Frame 12 of the performance holds no number as {said}"):
            Performance(**{**fields, name: values})


def test_packing_errs_by_half_a_step_and_never_adds_up() -> None:
    long = make_performance(400)
    again = from_bytes(to_bytes(long, packed=True))
    error = np.abs(again.frames - long.frames)
    assert error[:, :N_EXPRESSION].max() <= packing.STEPS[0] / 2 + 1e-5
    assert error[-50:, :N_EXPRESSION].mean() < 1.3 * error[:50, :N_EXPRESSION].mean()
    assert (error[:, 28] / long.frames[:, 28]).max() < 0.001
    assert error[:, 33:35].max() <= 0.0006 * long.frames[:, 28].max()
    assert np.abs(again.times - long.times).max() < 1e-4
    assert len(to_bytes(long, packed=True)) < 0.3 * len(to_bytes(long))


def test_packing_survives_jumps_and_streams_by_the_second(performance: Performance) -> None:
    frames = performance.frames.copy()
    frames[20:, 33] += 5000  # this is a cut: far more than fits into one byte
    jumped = Performance(
        frames, performance.times, performance.gaze, performance.aperture, performance.identity
    )
    again = from_bytes(to_bytes(jumped, packed=True))
    assert np.abs(again.frames[:, 33] - frames[:, 33]).max() < 0.1
    table = np.zeros((90, 40), np.float32)
    table[:, 28] = 1
    assert len(list(packing.chunks(table, packing.steps_for(table)))) == 3


def test_packing_moves_landmarks_by_less_than_three_thousandths() -> None:
    from app.engine.face.morphable_model import default_model

    model = default_model()
    long = make_performance(100)
    again = from_bytes(to_bytes(long, packed=True))
    worst = 0.0
    for index in range(0, 100, 9):
        before, after = (model.vertices(p.params(index)) for p in (long, again))
        error = np.linalg.norm(before - after, axis=1)[:468].mean() / long.params(index).camera.scale
        worst = max(worst, float(error))
    assert 0 < worst <= 0.003


def test_trimming(performance: Performance) -> None:
    part = performance.trimmed(0.4, 0.8)
    assert len(part) == 10 and part.times[0] == 0 and part.times[-1] == pytest.approx(0.36)
    assert np.array_equal(part.frames, performance.frames[10:20])
    with pytest.raises(EngineError, match="Nothing"):
        performance.trimmed(90, 95)


def test_retiming(performance: Performance) -> None:
    double = performance.retimed(2.0)
    assert len(double) == 50 and double.times[-1] == pytest.approx(performance.times[-1] / 2)
    assert double.rate == 50
    sampled = performance.retimed(1.0, Fraction(50))
    assert len(sampled) == 99 and sampled.rate == 50
    assert np.allclose(sampled.frames[::2], performance.frames, atol=1e-4)
    assert np.allclose(np.linalg.norm(sampled.frames[:, 29:33], axis=1), 1, atol=1e-5)
    with pytest.raises(EngineError, match="speed"):
        performance.retimed(0)


def test_retiming_turns_the_shorter_way() -> None:
    """Quaternions of opposite sign are the same turn; their mean must be too."""
    angles = (20.0, 24.0)
    params = [FaceParams(Identity(), Expression(), Camera.from_angles(a, 0, 0, 50, (0, 0))) for a in angles]
    performance = Performance.of(params, [0, 1], rate=Fraction(1))
    performance.frames[1, 29:33] *= -1
    middle = performance.retimed(1.0, Fraction(2)).params(1)
    assert middle.camera.yaw == pytest.approx(22, abs=0.01)


def test_performances_drive_without_pixels(tmp_path: Path, performance: Performance) -> None:
    write_performance(performance, tmp_path / "a.performance")
    source = open_source(tmp_path / "a.performance")
    assert isinstance(source, PerformanceSource) and source.rate == 25 and source.total == 50
    frames = []
    while not source.ended:
        frames.append(source.take(0))
    assert source.take(0) is None and len(frames) == 50
    last = frames[-1]
    assert last is not None and last.pixels is None and last.params == performance.params(49)


def test_unusable_numbers_are_refused(performance: Performance) -> None:
    for name, value in (("times", performance.times[::-1]), ("gaze", performance.gaze[:3])):
        fields = {n: getattr(performance, n) for n in ("frames", "times", "gaze", "aperture", "identity")}
        with pytest.raises(EngineError):
            Performance(**{**fields, name: value})
    flat = performance.frames.copy()
    flat[0, 28] = 0
    with pytest.raises(EngineError, match="scale"):
        Performance(flat, performance.times, performance.gaze, performance.aperture, performance.identity)
    assert MAGIC == b"MIENPERF"
