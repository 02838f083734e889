"""Stores what MediaPipe itself answers on given pictures: `python tools/mediapipe_answers.py FOLDER [whole]`.

This script runs in an environment of its own with mediapipe==0.10.21 (Python 3.11 or 3.12), which Mien no
longer needs; tools/face_networks_equality.py starts it. FOLDER holds near_*.npy, far_*.npy, matte_*.npy (H,
W, 3) and landmarks_*.npy (192, 192, 3), uint8 RGB; the answers go to FOLDER/answers.npz. With `whole`, the
package is imported as its documentation says, and overlapping boxes are merged. Without it, every box
arrives, as it once did in Mien.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import types
from functools import cache
from pathlib import Path
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


@cache
def solutions() -> Any:
    """Return `mediapipe.solutions` with face_detection and selfie_segmentation only.

    The package's own __init__ also loads matplotlib and the task API, which are not used here and take 0.53 s
    instead of 0.12 s. So empty packages replace it, unless it was imported already.
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


def boxes(pixels: NDArray[np.uint8], full_range: bool) -> NDArray[np.float64]:
    """Return (K, 13): x, y, w, h, the score, and four points, in pixels."""
    answer = detector(full_range).process(np.ascontiguousarray(pixels)).detections or []
    height, width = pixels.shape[:2]
    rows = []
    for detection in answer:
        box = detection.location_data.relative_bounding_box
        row = [
            box.xmin * width,
            box.ymin * height,
            box.width * width,
            box.height * height,
            detection.score[0],
        ]
        for point in detection.location_data.relative_keypoints[:4]:
            row += [point.x * width, point.y * height]
        rows.append(row)
    return np.array(rows, np.float64).reshape(-1, 13)


@cache
def detector(full_range: bool) -> Any:
    """Return MediaPipe's face detector, for near or (full_range) far faces."""
    return solutions().face_detection.FaceDetection(
        model_selection=int(full_range), min_detection_confidence=0.45
    )


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
        self._graph = calculator_graph.CalculatorGraph(graph_config=GRAPH)
        for stream in ("landmarks", PRESENCE):
            self._graph.observe_output_stream(stream, self._answers.__setitem__)
        self._graph.start_run({"attention": packet_creator.create_bool(True)})

    def landmarks(self, crop: NDArray[np.uint8]) -> tuple[NDArray[np.float64] | None, float]:
        """Return the landmarks and the presence score in [0, 1].

        The landmarks are (478, 3) in crop pixels, with z away from the viewer as MediaPipe has it, or None
        where there is no face.
        """
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


def main() -> None:
    folder, whole = Path(sys.argv[1]), "whole" in sys.argv[2:]
    if whole:
        import mediapipe  # noqa: F401
    net = LandmarkNet()
    segmenter = solutions().selfie_segmentation.SelfieSegmentation(model_selection=0)
    answers: dict[str, NDArray[Any]] = {}
    for path in sorted(folder.glob("*.npy")):
        pixels, kind = np.load(path), path.stem.split("_")[0]
        if kind == "landmarks":
            points, score = net.landmarks(pixels)
            answers[path.stem] = np.zeros((0, 3)) if points is None else points
            answers[path.stem + "_presence"] = np.array(score)
        elif kind == "matte":
            answers[path.stem] = segmenter.process(np.ascontiguousarray(pixels)).segmentation_mask
        else:
            answers[path.stem] = boxes(pixels, kind == "far")
    np.savez_compressed(folder / "answers.npz", **answers)


if __name__ == "__main__":
    main()
