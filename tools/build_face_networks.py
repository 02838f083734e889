"""Build assets/face_networks: `python tools/build_face_networks.py mediapipe-0.10.21-....whl`.

It takes four TFLite models out of the wheel (`pip download --no-deps mediapipe==0.10.21`) and writes them as
ONNX. It refuses files other than the ones it was written for. It is deterministic with the packages of
tools/face_networks_requirements.txt, which only this tool needs, and takes two seconds.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tools import attention_operators  # noqa: E402
from tools.tflite_models import Model  # noqa: E402
from tools.tflite_to_onnx import Converter  # noqa: E402

TARGET = ROOT / "assets" / "face_networks"
Outputs = dict[str, tuple[str, tuple[int, ...]]]


@dataclass(frozen=True)
class Source:
    """One model: its path and hash in the wheel, the values that the bytes 0 and 255 stand for, and the
    outputs that are used.
    """

    path: str
    sha256: str
    low: float
    high: float
    name: str
    outputs: Callable[[Converter], Outputs]


def _boxes(boxes: str, scores: str) -> Callable[[Converter], Outputs]:
    def outputs(net: Converter) -> Outputs:
        numbers = {"boxes": net.model.outputs[boxes], "scores": net.model.outputs[scores]}
        return {name: (net.operand(number), net.model.shape(number)[1:]) for name, number in numbers.items()}

    return outputs


def _matte(net: Converter) -> Outputs:
    number = net.model.outputs["activation_10"]
    return {"matte": (net.nhwc(number), net.model.shape(number)[1:])}


SOURCES = (
    Source(
        "face_detection/face_detection_short_range.tflite",
        "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
        -1,
        1,
        "near_boxes.onnx",
        _boxes("regressors", "classificators"),
    ),
    Source(
        "face_detection/face_detection_full_range_sparse.tflite",
        "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
        -1,
        1,
        "far_boxes.onnx",
        _boxes("Identity", "Identity_1"),
    ),
    Source(
        "face_landmark/face_landmark_with_attention.tflite",
        "e06a804e0144f9929eda782122916b35d60c697c3c9344013ca2bbe76a6ce2b4",
        0,
        1,
        "landmarks.onnx",
        attention_operators.merged,
    ),
    Source(
        "selfie_segmentation/selfie_segmentation.tflite",
        "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
        0,
        1,
        "matte.onnx",
        _matte,
    ),
)
NOTICE = """Face networks of Mien
Copyright The MediaPipe Authors; licensed under the Apache License 2.0 (the file LICENSE beside this one).

The four .onnx files were converted by Mien's tools/build_face_networks.py from TFLite models of the package
mediapipe 0.10.21 (mediapipe/modules/ in its wheel). Changes: weights stored sparsely are written out; the operators
of MediaPipe's own (Landmarks2TransformMatrix, TransformTensorBilinear, TransformLandmarks,
Convolution2DTransposeBias) are expressed by standard ONNX operators; bytes are scaled within the network; the
landmark network's parts are merged into one list of 478 points. The weights are unchanged.

"""


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    TARGET.mkdir(parents=True, exist_ok=True)
    notice = NOTICE
    with zipfile.ZipFile(sys.argv[1]) as wheel, tempfile.TemporaryDirectory() as folder:
        (TARGET / "LICENSE").write_bytes(wheel.read("mediapipe-0.10.21.dist-info/LICENSE"))
        for source in SOURCES:
            data = wheel.read(f"mediapipe/modules/{source.path}")
            if hashlib.sha256(data).hexdigest() != source.sha256:
                sys.exit(f"{source.path} is not the file of mediapipe 0.10.21: nothing more is written.")
            path = Path(folder) / source.name
            path.write_bytes(data)
            net = Converter(Model(path), source.low, source.high)
            net.write(attention_operators.OPERATORS)
            file = net.model_file(source.outputs(net))
            (TARGET / source.name).write_bytes(file)
            notice += f"{source.name}\n  from   {source.path}\n"
            notice += f"  sha256 {source.sha256}\n  here   {hashlib.sha256(file).hexdigest()}\n"
            print(f"{source.name}: {len(file):,} bytes")
    (TARGET / "NOTICE").write_text(notice, encoding="utf-8")


if __name__ == "__main__":
    main()
