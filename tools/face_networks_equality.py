"""Compare the face networks with MediaPipe's own answers: `python tools/face_networks_equality.py PYTHON [--goldens]`.

PYTHON is the interpreter of an environment with mediapipe==0.10.21. Networks are compared on fixed crops, since the
program's own crops amplify differences in the last digit. The pictures are those of ../shared/media: every
photo at 640 and 320 pixels for boxes and matte, and its faces upright, turned, shifted and upside down for
landmarks. With --goldens, MediaPipe's answers on the sample portrait are stored for
tests/engine/face/test_face_networks.py instead.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from app.engine.errors import EngineError  # noqa: E402
from app.engine.face import face_networks  # noqa: E402
from app.engine.face.landmarks import FaceTracker  # noqa: E402
from app.engine.face.regions import Region, at_most  # noqa: E402
from app.engine.imaging.colour import to_srgb8  # noqa: E402
from app.engine.imaging.reading import open_photo  # noqa: E402
from app.engine.sample import sample_path  # noqa: E402

MEDIA = ROOT.parent / "shared" / "media"
GOLDENS = ROOT / "tests" / "engine" / "face" / "data" / "face_networks.npz"
Pixels = NDArray[np.uint8]
CORNERS = ((128, 40), (120, 32), (136, 46), (300, 300))  # x, y of the sample's crops; the last has no face


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if "--goldens" in sys.argv:
        write_goldens()
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for key, pixels in questions():
            np.save(folder / f"{key}.npy", pixels)
        answers = asked(folder, whole=False)
        compare({path.stem: np.load(path) for path in folder.glob("*.npy")}, answers)


def asked(folder: Path, whole: bool) -> dict[str, NDArray[np.float64]]:
    """Return MediaPipe's answers on the pictures of a folder, from a process of its own."""
    command = [sys.argv[1], str(ROOT / "tools" / "mediapipe_answers.py"), str(folder)]
    subprocess.run(command + ["whole"] * whole, check=True, stderr=subprocess.DEVNULL)
    with np.load(folder / "answers.npz") as answers:
        return dict(answers)


def questions() -> Iterator[tuple[str, Pixels]]:
    """Yield (name, picture) of everything that both are asked about."""
    paths = sorted((MEDIA / "images").iterdir()) + sorted((MEDIA / "hard").iterdir())
    tracker = FaceTracker()
    for k, path in enumerate(paths):
        try:
            photo = to_srgb8(open_photo(path))
        except EngineError:
            continue
        small, _ = at_most(photo, 640)
        for side in (640, 320):
            smaller, _ = at_most(small, side)
            yield f"near_{k:02}_{side}", smaller
            yield f"far_{k:02}_{side}", smaller
        yield f"matte_{k:02}", small
        for n, face in enumerate(tracker.detect(small)[:3]):
            region = Region.of_landmarks(face.landmarks)
            x, y = region.centre
            shifted = replace(region, centre=(x + 0.07 * region.side, y - 0.05 * region.side))
            for turn in (0, 20, 180):
                turned = replace(region, angle=region.angle + turn)
                yield f"landmarks_{k:02}_{n}_{turn}", turned.crop(small)
            yield f"landmarks_{k:02}_{n}_shifted", shifted.crop(small)


def sample_questions() -> Iterator[tuple[str, Pixels]]:
    """Yield cuts of the sample at whole pixels, so that nothing is resampled before the networks."""
    sample = to_srgb8(open_photo(sample_path()))
    for kind in ("near", "far"):
        yield f"{kind}_whole", sample
        yield f"{kind}_odd", sample[:301, 57:370]
        yield f"{kind}_turned", np.rot90(sample)
    for k, (x, y) in enumerate(CORNERS):
        yield f"landmarks_{k}", sample[y : y + 192, x : x + 192]
    yield "landmarks_mirrored", sample[40:232, 319:127:-1]
    yield "matte_whole", sample
    yield "matte_odd", sample[:301, 17:430]


def write_goldens() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for key, pixels in sample_questions():
            np.save(folder / f"{key}.npy", pixels)
        answers = asked(folder, whole=False)
        merged = {f"{key}_merged": value for key, value in asked(folder, whole=True).items() if "ar_" in key}
    kept = {}
    for key, value in (answers | merged).items():
        kept[key] = (value[::4, ::4] if key.startswith("matte") else value).astype(np.float32)
    GOLDENS.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(GOLDENS, **kept)
    print({key: value.shape for key, value in kept.items()}, GOLDENS.stat().st_size)


def compare(pictures: dict[str, Pixels], answers: dict[str, NDArray[np.float64]]) -> None:
    """Print how far the face networks' answers are from MediaPipe's."""
    boxes, points, presence, mattes, counts, faces = [0.0], [0.0], [0.0], [0.0], [0, 0], [0, 0]
    nets = {kind: face_networks.FaceBoxes(kind == "far") for kind in ("near", "far")}
    net = face_networks.LandmarkNet()
    for key, pixels in pictures.items():
        kind, answer = key.split("_")[0], answers[key]
        if kind == "landmarks":
            found, score = net.landmarks(pixels)
            presence.append(abs(score - float(answers[key + "_presence"])))
            faces[int((found is not None) != bool(len(answer)))] += 1
            if found is not None and len(answer):
                points.append(float(np.abs(found - answer).max()))
        elif kind == "matte":
            mattes.append(float(np.abs(face_networks.person_mask(pixels) - answer).max()))
        else:
            own = np.array([[*f.box, f.score, *f.points.ravel()] for f in nets[kind].find(pixels)])
            counts[int(len(own) != len(answer))] += len(answer) if len(own) == len(answer) else 1
            if len(own) == len(answer) > 0:
                gaps = np.abs(own - answer)
                gaps = np.minimum(
                    gaps.max(axis=1), np.abs(own[:, None] - answer[None]).max(axis=2).min(axis=1)
                )
                boxes.append(float(gaps.max()))
    print(f"  boxes: {counts[0]} in pictures of equal counts, {counts[1]} pictures differ in their count;")
    print(f"    worst {max(boxes):.6f} px")
    print(
        f"  landmarks: {len(points) - 1} faces, {faces[1]} of {sum(faces)} crops disagree on there being one;"
    )
    print(f"    worst {max(points):.6f} px, median {np.median(points):.6f}; presence {max(presence):.7f}")
    print(f"  matte: {len(mattes) - 1}, worst pixel {max(mattes):.6f}")


if __name__ == "__main__":
    main()
