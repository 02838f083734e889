"""MediaPipe's two networks as plain functions: face boxes, and 478 landmarks of an upright crop.

Public FaceMesh hides its region of interest behind its own short-range detector; the landmark subgraph
alone lets us choose the crop (small faces, any rotation, tracking) and read the presence score.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import threading
import types
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

CROP = 192  # input side of the landmark network
GRAPH = """
input_stream: "image"
input_stream: "roi"
input_side_packet: "attention"
output_stream: "landmarks"
node {
  calculator: "FaceLandmarkCpu"
  input_stream: "IMAGE:image"
  input_stream: "ROI:roi"
  input_side_packet: "WITH_ATTENTION:attention"
  output_stream: "LANDMARKS:landmarks"
}
"""
PRESENCE = "facelandmarkcpu__face_presence_score"  # a stream inside FaceLandmarkCpu
_stderr_lock = threading.Lock()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Drop what TFLite and absl print while graphs start: both write to descriptor 2 before any log setting."""
    with _stderr_lock:
        try:
            saved = os.dup(2)
        except OSError:  # a windowed program may have no standard error
            yield
            return
        sys.stderr.flush()
        null = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(null, 2)
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            os.close(null)


@cache
def solutions() -> Any:
    """`mediapipe.solutions` with face_detection and selfie_segmentation only.

    The package's own __init__ pulls in matplotlib and the task API: 0.53 s instead of 0.12 s, for nothing we
    use. Unless somebody imported it already, bare packages stand in for it.
    """
    if "mediapipe" not in sys.modules:
        spec = importlib.util.find_spec("mediapipe")
        assert spec is not None and spec.submodule_search_locations
        root = next(iter(spec.submodule_search_locations))
        package = types.ModuleType("mediapipe")
        package.__path__ = [root]
        package.solutions = types.ModuleType("mediapipe.python.solutions")  # type: ignore[attr-defined]
        package.solutions.__path__ = [os.path.join(root, "python", "solutions")]
        sys.modules["mediapipe"] = package
        sys.modules["mediapipe.python.solutions"] = package.solutions
    import mediapipe
    import mediapipe.python.solutions.face_detection
    import mediapipe.python.solutions.selfie_segmentation

    return mediapipe.solutions


@dataclass(frozen=True)
class Found:
    """One detection, pixels of the picture given: box (x, y, w, h), score in [0, 1], and points (4, 2): in an upright
    picture the left eye, the right one, the tip of the nose, the middle of the mouth."""

    box: tuple[float, float, float, float]
    points: NDArray[np.float64]
    score: float


class FaceBoxes:
    """BlazeFace, short or full range. `find` takes (H, W, 3) uint8 RGB."""

    def __init__(self, full_range: bool, least_score: float) -> None:
        with quiet():
            self._solution = solutions().face_detection.FaceDetection(
                model_selection=int(full_range), min_detection_confidence=least_score
            )
            self._solution.process(np.zeros((64, 64, 3), np.uint8))

    def find(self, pixels: NDArray[np.uint8]) -> list[Found]:
        height, width = pixels.shape[:2]
        answer = self._solution.process(np.ascontiguousarray(pixels)).detections or []
        return [self._found(detection, width, height) for detection in answer]

    @staticmethod
    def _found(detection: Any, width: int, height: int) -> Found:
        location = detection.location_data
        box = location.relative_bounding_box
        points = np.array([[p.x * width, p.y * height] for p in location.relative_keypoints[:4]])
        return Found(
            (box.xmin * width, box.ymin * height, box.width * width, box.height * height),
            points,
            float(detection.score[0]),
        )

    def close(self) -> None:
        self._solution.close()


class LandmarkNet:
    """MediaPipe's attention mesh. `landmarks` takes one (192, 192, 3) uint8 RGB crop with the face upright."""

    def __init__(self) -> None:
        solutions()
        from mediapipe.framework.formats import rect_pb2
        from mediapipe.python import packet_creator, packet_getter
        from mediapipe.python._framework_bindings import calculator_graph, image_frame, resource_util

        root = os.path.dirname(sys.modules["mediapipe"].__path__[0])
        resource_util.set_resource_dir(root)
        self._make, self._read, self._frame = packet_creator, packet_getter, image_frame
        self._whole = rect_pb2.NormalizedRect(x_center=0.5, y_center=0.5, width=1, height=1)
        self._answers: dict[str, Any] = {}
        self._time = 0
        with quiet():
            self._graph = calculator_graph.CalculatorGraph(graph_config=GRAPH)
            for stream in ("landmarks", PRESENCE):
                self._graph.observe_output_stream(stream, self._answers.__setitem__)
            self._graph.start_run({"attention": packet_creator.create_bool(True)})
            self.landmarks(np.zeros((CROP, CROP, 3), np.uint8))

    def landmarks(self, crop: NDArray[np.uint8]) -> tuple[NDArray[np.float64] | None, float]:
        """(478, 3) in crop pixels, z away from the viewer as MediaPipe has it, None without a face; and the
        presence score in [0, 1]."""
        self._answers.clear()
        self._time += 1
        image = self._make.create_image_frame(
            image_format=self._frame.ImageFormat.SRGB, data=np.ascontiguousarray(crop)
        )
        self._graph.add_packet_to_input_stream("image", image.at(self._time))
        self._graph.add_packet_to_input_stream("roi", self._make.create_proto(self._whole).at(self._time))
        self._graph.wait_until_idle()
        score = float(self._read.get_float(self._answers[PRESENCE])) if PRESENCE in self._answers else 0.0
        if "landmarks" not in self._answers:
            return None, score
        points = self._read.get_proto(self._answers["landmarks"]).landmark
        return np.array([(p.x, p.y, p.z) for p in points], dtype=np.float64) * float(CROP), score

    def close(self) -> None:
        self._graph.close_all_packet_sources()
        self._graph.wait_until_done()
