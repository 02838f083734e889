"""Renders meshes with OpenGL 3.3 core, off screen, by moderngl; on Linux through EGL."""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import moderngl
import numpy as np
from numpy.typing import NDArray

from app.engine.rendering.shading import GROUND, faces_viewer, triangle_colours, vertex_shades

VERTEX = """
#version 330 core
uniform vec2 size;
uniform vec2 depth;  // smallest and largest z
in vec3 position;
in vec3 colour;
flat out vec3 constant;
out vec3 smoothed;
void main() {
    // Row 0 of the picture is the bottom row of the buffer, which is read first: y is not flipped.
    vec2 place = 2.0 * position.xy / size - 1.0;
    float z = 0.98 * (1.0 - 2.0 * (position.z - depth.x) / (depth.y - depth.x));
    gl_Position = vec4(place, z, 1.0);
    constant = colour;
    smoothed = colour;
}
"""
FRAGMENT = """
#version 330 core
uniform bool is_flat;
flat in vec3 constant;
in vec3 smoothed;
out vec4 pixel;
void main() { pixel = vec4(is_flat ? constant : smoothed, 1.0); }
"""


def make_context() -> moderngl.Context:
    """Return a stand-alone context, current in the calling thread."""
    _load_triton()
    attempts: list[dict[str, Any]] = [{}]
    if sys.platform.startswith("linux"):
        # These are the run-time libraries: the names without a number come with development packages only.
        runtime = {"libegl": "libEGL.so.1", "libgl": "libGL.so.1"}
        attempts = [{"backend": "egl", **runtime}, {"backend": "egl"}, {}]
    for options in attempts[:-1]:
        try:
            return moderngl.create_context(standalone=True, require=330, **options)
        except Exception:  # glcontext raises bare Exceptions
            continue
    return moderngl.create_context(standalone=True, require=330, **attempts[-1])


def _load_triton() -> None:
    """Load triton, which comes with torch's CUDA builds, before Mesa loads its LLVM.

    Triton's own LLVM crashes the process when it is loaded second, and torch's optimisers would load it then.
    """
    if sys.platform.startswith("linux") and find_spec("triton") is not None:
        with suppress(Exception):  # without a usable triton, torch does not load it either
            import_module("triton")


class GlRenderer:
    """`NmfcRenderer` on the graphics card, or on Mesa's processor driver."""

    def __init__(self, mean: NDArray, triangles: NDArray) -> None:
        self._triangles = np.asarray(triangles)
        self._colours = triangle_colours(mean, triangles)
        self._context = make_context()
        self._program = self._context.program(vertex_shader=VERTEX, fragment_shader=FRAGMENT)
        self._vertices = self._context.buffer(reserve=len(triangles) * 3 * 6 * 4, dynamic=True)
        self._array = self._context.vertex_array(
            self._program, [(self._vertices, "3f4 3f4", "position", "colour")]
        )
        self._targets: dict[tuple[str, tuple[int, int]], tuple[moderngl.Framebuffer, ...]] = {}

    def nmfc(self, points: NDArray, size: tuple[int, int]) -> NDArray[np.float32]:
        shown = faces_viewer(points, self._triangles)
        colours = np.repeat(self._colours[shown], 3, axis=0)
        with self._context:
            target, _ = self._target("f4", size, samples=0)
            self._draw(target, points, self._triangles[shown], colours, (0, 0, 0), is_flat=True)
            pixels = target.read(components=3, dtype="f4", alignment=1)
        return np.frombuffer(pixels, np.float32).reshape(size[1], size[0], 3)

    def shaded(self, points: NDArray, size: tuple[int, int]) -> NDArray[np.uint8]:
        shades = vertex_shades(points, self._triangles)[self._triangles]
        shades[~faces_viewer(points, self._triangles)] *= 0.5
        with self._context:
            target, resolved = self._target("f1", size, samples=4)
            ground = (GROUND[0] / 255, GROUND[1] / 255, GROUND[2] / 255)
            self._draw(target, points, self._triangles, shades.reshape(-1, 3), ground, is_flat=False)
            self._context.copy_framebuffer(resolved, target)
            pixels = resolved.read(components=3, alignment=1)
        return np.frombuffer(pixels, np.uint8).reshape(size[1], size[0], 3)

    def _draw(
        self,
        target: moderngl.Framebuffer,
        points: NDArray,
        triangles: NDArray,
        colours: NDArray,
        ground: tuple[float, float, float],
        is_flat: bool,
    ) -> None:
        corners = points[triangles].reshape(-1, 3)
        target.use()
        target.clear(color=(*ground, 1.0), depth=1.0)
        if not len(corners):
            return
        low, high = float(points[:, 2].min()), float(points[:, 2].max())
        self._program["size"] = target.size
        self._program["depth"] = (low, max(high, low + 1e-6))
        self._program["is_flat"] = is_flat
        self._vertices.write(np.hstack([corners, colours]).astype("f4").tobytes())
        self._context.enable_only(moderngl.DEPTH_TEST)
        self._array.render(moderngl.TRIANGLES, vertices=len(corners))

    def _target(self, kind: str, size: tuple[int, int], samples: int) -> tuple[moderngl.Framebuffer, ...]:
        """Return the framebuffers to draw into and to read from, which are kept for the size used last."""
        if (kind, size) not in self._targets:
            for old in [key for key in self._targets if key[0] == kind]:
                _release(self._targets.pop(old))
            samples = min(samples, self._context.max_samples)
            drawn = self._buffer(kind, size, samples)
            self._targets[kind, size] = (drawn, self._buffer(kind, size, 0) if samples else drawn)
        return self._targets[kind, size]

    def _buffer(self, kind: str, size: tuple[int, int], samples: int) -> moderngl.Framebuffer:
        return self._context.framebuffer(
            [self._context.renderbuffer(size, 4, samples=samples, dtype=kind)],
            self._context.depth_renderbuffer(size, samples=samples),
        )

    def close(self) -> None:
        self._context.release()


def _release(framebuffers: tuple[moderngl.Framebuffer, ...]) -> None:
    for framebuffer in set(framebuffers):
        attachments = (*framebuffer.color_attachments, framebuffer.depth_attachment)
        framebuffer.release()
        for attachment in attachments:
            attachment.release()
