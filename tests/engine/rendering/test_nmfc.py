"""The OpenGL renderer equals the NumPy reference; the NMFC is what the papers say."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from app.engine.face.parameters import Camera
from app.engine.rendering.nmfc import NmfcRenderer, make_renderer
from app.engine.rendering.reference import ReferenceRenderer
from app.engine.rendering.shading import faces_viewer, normalised_mean, triangle_colours
from tests.engine.rendering.conftest import SIZE

POSES = [(0, 0, 0), (35, 10, -20), (-70, -15, 5), (120, 0, 0)]
EDGE = 0.05  # px; OpenGL rounds corners to 1/256 px, so centres so near to an edge may go either way


def posed(vertices: NDArray, pose: tuple[int, int, int], size: tuple[int, int] = SIZE) -> NDArray:
    return Camera.from_angles(*pose, 29.3, (size[0] / 2 + 0.31, size[1] / 2 - 0.17)).project(vertices)


@pytest.fixture(scope="module")
def gl(dome) -> Iterator[NmfcRenderer]:
    try:
        from app.engine.rendering.gl import GlRenderer

        renderer = GlRenderer(*dome)
    except Exception as reason:
        pytest.skip(f"needs OpenGL 3.3: {reason}")
    yield renderer
    renderer.close()


@pytest.fixture(scope="module")
def reference(dome) -> NmfcRenderer:
    return ReferenceRenderer(*dome)


def near_edge(points: NDArray, triangles: NDArray, centres: NDArray) -> NDArray[np.bool_]:
    """Return whether each (K, 2) pixel centre lies within EDGE of an edge of the projected mesh."""
    edges = np.unique(np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1), axis=0)
    start, along = points[edges[:, 0], :2], points[edges[:, 1], :2] - points[edges[:, 0], :2]
    offset = centres[:, None] - start
    t = np.clip((offset * along).sum(-1) / np.maximum((along**2).sum(-1), 1e-12), 0, 1)
    return (np.linalg.norm(offset - t[..., None] * along, axis=-1) <= EDGE).any(axis=1)


@pytest.mark.parametrize("pose", POSES)
def test_opengl_equals_the_reference_but_on_edges(gl, reference, dome, pose) -> None:
    points = posed(dome[0], pose)
    drawn, expected = gl.nmfc(points, SIZE), reference.nmfc(points, SIZE)
    assert drawn.dtype == np.float32 and drawn.shape == expected.shape == (SIZE[1], SIZE[0], 3)
    assert (expected.any(axis=2)).mean() > 0.01
    rows, columns = np.nonzero((drawn != expected).any(axis=2))
    assert near_edge(points, dome[1], np.c_[columns + 0.5, rows + 0.5]).all()


@pytest.mark.parametrize("pose", POSES)
def test_each_triangle_has_exactly_one_colour(gl, reference, dome, pose) -> None:
    allowed = {tuple(colour) for colour in triangle_colours(*dome).tolist()} | {(0.0, 0.0, 0.0)}
    points = posed(dome[0], pose)
    for renderer in (gl, reference):
        seen = {tuple(pixel) for pixel in renderer.nmfc(points, SIZE).reshape(-1, 3).tolist()}
        assert len(seen) > 20
        assert seen <= allowed


def test_a_pixel_shows_the_triangle_over_it(reference, gl, dome) -> None:
    vertices, triangles = dome
    size = (400, 400)
    points = Camera(150.0, translation=(200.0, 200.0)).project(vertices)
    centres = points[triangles].mean(axis=1)[:, :2]
    for renderer in (reference, gl):
        picture = renderer.nmfc(points, size)
        shown = picture[centres[:, 1].astype(int), centres[:, 0].astype(int)]
        assert np.array_equal(shown, triangle_colours(vertices, triangles))


def test_colours_are_the_mean_face_stretched_per_axis(dome) -> None:
    normalised = normalised_mean(dome[0])
    assert np.allclose(normalised.min(axis=0), 0) and np.allclose(normalised.max(axis=0), 1)
    colours = triangle_colours(*dome)
    assert np.allclose(colours[7], normalised[dome[1][7]].mean(axis=0))


def test_the_hole_and_the_ground_are_black(gl, reference, dome) -> None:
    points = posed(dome[0], (0, 0, 0))
    hole = points[[3 * 13 + 4, 4 * 13 + 8], :2].mean(axis=0).astype(int)
    for renderer in (gl, reference):
        picture = renderer.nmfc(points, SIZE)
        assert not picture[hole[1], hole[0]].any() and not picture[0, 0].any()


def test_the_inside_is_not_drawn(gl, reference, dome) -> None:
    points = posed(dome[0], (180, 0, 0))
    assert not faces_viewer(points, dome[1]).any()
    for renderer in (gl, reference):
        assert not renderer.nmfc(points, SIZE).any()


def test_shaded_mesh_is_lit_from_above_left_and_equals_the_reference(gl, reference, dome) -> None:
    points = posed(dome[0], (0, 0, 0))
    drawn, expected = gl.shaded(points, SIZE), reference.shaded(points, SIZE)
    assert drawn.dtype == np.uint8
    assert np.abs(drawn.astype(int) - expected).mean() < 2.0  # the card smooths the outline
    top_left, bottom_right = drawn[25:35, 30:40].mean(), drawn[50:60, 60:70].mean()
    assert top_left > bottom_right + 20


def test_sizes_may_change_between_calls(gl, reference, dome) -> None:
    for size in ((40, 60), (64, 32), (40, 60)):
        points = posed(dome[0], (10, 0, 0), size)
        assert gl.nmfc(points, size).shape == reference.nmfc(points, size).shape == (size[1], size[0], 3)
        assert gl.shaded(points, size).shape == (size[1], size[0], 3)


def test_points_out_of_the_picture_or_without_area_draw_nothing(gl, reference, dome) -> None:
    for points in (posed(dome[0], (0, 0, 0)) + 500.0, np.zeros_like(dome[0])):
        assert not gl.nmfc(points, SIZE).any()
        assert not reference.nmfc(points, SIZE).any()


def test_the_default_model_is_drawn_whichever_renderer_the_machine_has() -> None:
    from app.engine.face.morphable_model import default_model

    model = default_model()
    renderer = make_renderer()
    points = Camera(40.0, translation=(64.0, 64.0)).project(model.mean)
    assert faces_viewer(points, model.triangles).mean() > 0.9
    picture = renderer.nmfc(points, (128, 128))
    renderer.close()
    assert 0.3 < picture.any(axis=2).mean() < 0.95
    assert picture.min() == 0 and picture.max() > 0.9


def test_without_opengl_numpy_draws(monkeypatch, capsys, caplog) -> None:
    def broken() -> None:
        raise RuntimeError("no driver")

    pytest.importorskip("moderngl")
    monkeypatch.setattr("app.engine.rendering.gl.make_context", broken)
    assert isinstance(make_renderer(), ReferenceRenderer)
    assert "no driver" in capsys.readouterr().err + caplog.text  # wherever the log goes in this process


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Mesa and triton meet on Linux only")
def test_triton_is_loaded_before_mesa(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Training ended in a segmentation fault with torch's CUDA build: its triton came after Mesa's LLVM."""
    import moderngl

    from app.engine.rendering import gl

    (tmp_path / "triton.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "triton", raising=False)
    there: list[bool] = []
    monkeypatch.setattr(moderngl, "create_context", lambda **_: there.append("triton" in sys.modules))
    gl.make_context()
    sys.modules.pop("triton")
    assert there == [True]
