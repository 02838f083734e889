"""mesh-warp against the refiner on people neither was trained on.

python tools/refiner_report.py JUDGE OUT [--shared DIR]. JUDGE: the folder in which the judge is kept; it is trained
there first (--minutes) on the portraits of the part "judge", which train nothing else: features that give the
perceptual distance, and a reading of damage that decides the blind comparison. Both methods' pictures are unknown to
it. OUT gets report.json, report.md and the contact sheets.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from app.engine.contract import Origin, SourceImage, Target  # noqa: E402
from app.engine.engine import Engine  # noqa: E402
from app.engine.errors import EngineError  # noqa: E402
from app.engine.evaluation import metrics  # noqa: E402
from app.engine.evaluation.crops import Crop  # noqa: E402
from app.engine.evaluation.protocols import paste  # noqa: E402
from app.engine.face.fitting import fit_face  # noqa: E402
from app.engine.face.landmarks import FaceTracker  # noqa: E402
from app.engine.face.morphable_model import default_model  # noqa: E402
from app.engine.face.parameters import FaceEdit, FaceParams, FittedFace  # noqa: E402
from app.engine.face.semantic import frontalise  # noqa: E402
from app.engine.generators.mesh_warp import MeshWarp  # noqa: E402
from app.engine.generators.refined_warp import RefinedCode, RefinedWarp  # noqa: E402
from app.engine.imaging.colour import to_srgb8  # noqa: E402
from app.engine.imaging.matte import person_matte  # noqa: E402
from app.engine.imaging.reading import open_photo  # noqa: E402
from app.engine.imaging.writing import write_png  # noqa: E402
from app.engine.training.faces import CLIPS, clip_frames  # noqa: E402
from app.engine.training.people import sources  # noqa: E402
from app.engine.training.refiner import data as data  # noqa: E402
from app.engine.warping.evidence import portrait_layers  # noqa: E402

TURNED = 15.0  # degrees of yaw, pitch or roll from the source on
LITTLE = 5.0  # and from which on clips are measured apart, to see that what needs no refining is not harmed
PAIRS = 12  # of a clip and either kind
WOMEN = frozenset(
    ["barbara", "heidemarie", "janet", "kathryn", "lisa"]
)  # first names of NASA's validation people
OPEN, SHUT = 0.06, 0.02  # IOD of lip gap: a mouth that was shut in the source and is open in the truth
METHODS = ("mesh-warp", "refined")
Picture = NDArray[np.uint8]
Judge = Callable[[Picture, Picture], dict[str, NDArray[np.float32]]]


@dataclass(frozen=True, eq=False)
class Case:
    """One thing to be made: a source with its face, target parameters, and the true picture."""

    name: str
    group: str
    source: SourceImage
    params: FaceParams
    truth: Picture
    face: FittedFace  # in the truth
    sex: str = ""


def clip_cases(paths: Sequence[Path]) -> Iterator[Case]:
    """Pairs of a clip's frames that are turned apart by more than TURNED, and by LITTLE to TURNED."""
    for path in paths:
        try:
            frames, faces, _ = clip_frames(path)
        except EngineError as error:
            print(error, file=sys.stderr)
            continue
        pairs = data.apart(faces, 4 * PAIRS, np.random.default_rng(0))
        any_two = np.random.default_rng(1).integers(0, len(faces), (8 * PAIRS, 2)).tolist()
        far = [(a, b) for a, b in pairs if turn(faces[a].params, faces[b].params) > TURNED][:PAIRS]
        near = [(a, b) for a, b in any_two if LITTLE < turn(faces[a].params, faces[b].params) <= TURNED][
            :PAIRS
        ]
        for group, chosen in (("clips", far), ("little", near)):
            for a, b in chosen:
                source = SourceImage(frames[a], None, faces[a], person_matte(frames[a], faces[a]))
                yield Case(path.name, group, source, faces[b].params, frames[b], faces[b])


def portrait_cases(paths: Sequence[Path], most: int) -> Iterator[Case]:
    """Portraits edited away by mesh-warp: turned by more than TURNED, or with their smile shut."""
    with FaceTracker() as tracker:
        for path in paths[:most]:
            pixels = to_srgb8(open_photo(path))
            found = [face for face in tracker.detect(pixels) if face.box[2] >= data.LEAST_FACE]
            if len(found) == 1:
                frame, face = data.enlarged(pixels, fit_face(found[0], default_model()))
                yield from _edited_away(path.stem, frame, face, sex(path))


def sex(path: Path) -> str:
    """As the first name in NASA's file names tells; "" for all others."""
    if path.parent.name != "nasa_astronaut":
        return ""
    return "women" if path.stem.split("_")[0] in WOMEN else "men"


def round_robin(paths: Sequence[Path]) -> list[Path]:
    """One of each folder in turn, in an order that has nothing to do with names."""
    folders: dict[Path, list[Path]] = {}
    for path in sorted(paths, key=lambda path: hashlib.sha256(path.stem.encode()).hexdigest()):
        folders.setdefault(path.parent, []).append(path)
    turns = zip_longest(*(folders[folder] for folder in sorted(folders)))
    return [path for turn in turns for path in turn if path is not None]


def _edited_away(name: str, frame: Picture, face: FittedFace, sex: str) -> Iterator[Case]:
    rng = np.random.default_rng(int.from_bytes(name.encode()[-7:], "little"))
    edits = [data.edited(face.params, rng) for _ in range(2)]
    for params, source in zip(edits, data.edited_away(frame, face, edits), strict=True):
        if turn(params, face.params) > TURNED:
            yield Case(name, "portraits", source, face.params, frame, face, sex)
        if lip_gap(source.face) < SHUT and lip_gap(face) > OPEN:
            yield Case(name, "mouths", source, face.params, frame, face, sex)


def turn(a: FaceParams, b: FaceParams) -> float:
    return float(np.abs(np.subtract(a.camera.angles, b.camera.angles)).max())


def lip_gap(face: FittedFace) -> float:
    """IOD between the inner lips."""
    upper, lower = face.landmarks[[13, 14], :2]
    return float(np.linalg.norm(upper - lower) / face.params.camera.scale)


def both(warp: MeshWarp, refined: RefinedWarp, case: Case) -> tuple[list[Picture], float]:
    """The case by mesh-warp and refined, and the milliseconds that refining took."""
    code = warp.encode_layers(case.source)
    target = Target(case.params, origin=Origin.FILMED)
    seen = RefinedCode(code, portrait_layers(code.face, code.layers.texture))
    patches = (warp.generate(code, target), refined.generate(seen, target))
    return [paste(case.source.pixels, patch) for patch in patches], dict(patches[1].ms).get("refine", 0.0)


def regions(crop: Crop, case: Case) -> dict[str, NDArray[np.bool_]]:
    """Where is measured: the face and the whole crop, and for a mouth the mouth."""
    inside = crop.valid(*case.truth.shape[:2])
    found = {"face": crop.face_mask(case.face) & inside, "full": inside}
    if case.group == "mouths":
        lips = crop.points(case.face.landmarks[list(data_lips()), :2]).astype(np.float32)
        mask = np.zeros(inside.shape, np.uint8)
        cv2.fillConvexPoly(mask, np.round(cv2.convexHull(lips)).astype(np.int32), 1)
        found = {"mouth": cv2.dilate(mask, np.ones((5, 5), np.uint8)) > 0, **found}
    return found


def data_lips() -> tuple[int, ...]:
    from app.engine.warping.topology import LOWER_LIP, UPPER_LIP

    return (*UPPER_LIP, *LOWER_LIP)


def measured(judge: Judge, case: Case, made: Sequence[Picture]) -> tuple[dict[str, Any], Picture]:
    """A row of numbers per region and method, and the pictures side by side: source, both, truth."""
    crop = Crop.around(case.face)
    truth = crop.cut(case.truth)
    cuts = [crop.cut(picture) for picture in made]
    row: dict[str, Any] = {
        "name": case.name,
        "group": case.group,
        "tone": tone(truth, crop.face_mask(case.face)),
        "sex": case.sex,
    }
    for method, picture in zip(METHODS, cuts, strict=True):
        judged = judge(picture, truth)
        for region, mask in regions(crop, case).items():
            row[f"{method} {region}"] = {
                "l1": metrics.l1(picture, truth, mask),
                "psnr": metrics.psnr(picture, truth, mask),
                "sharpness": metrics.sharpness(picture, truth, mask),
                **{name: float(values[mask].mean()) for name, values in judged.items()},
            }
    source = Crop.around(case.source.face).cut(case.source.pixels)
    return row, np.hstack([source, *cuts, truth])


def tone(truth: Picture, face: NDArray[np.bool_]) -> str:
    """Of the skin, by the individual typology angle (Chardon et al. 1991) of the face's median colour: what light and
    exposure leave of it."""
    skin = np.median(truth[face], axis=0).astype(np.float32)
    lightness, _, b = cv2.cvtColor(skin[None, None] / 255, cv2.COLOR_RGB2LAB)[0, 0]
    if float(np.ptp(skin)) < 8:
        return "grey"
    angle = float(np.degrees(np.arctan2(lightness - 50, b)))
    return "light" if angle > 41 else "medium" if angle > 10 else "dark"


def loaded_judge(folder: Path, shared: Path, minutes: float) -> Judge:
    """The judge, trained first where its folder has none."""
    import torch

    from app.engine.training.loop import Plan, train
    from app.engine.training.perceptual import FeatureTraining

    people = sources(shared, "judge")
    for step in data.prepare(people, folder / "data"):
        print(f"{step.done} of {step.total} {step.message}", end="\r", file=sys.stderr)
    recipe = FeatureTraining(folder / "data", seed=1)
    spent = 0.0 if (folder / "judge.done").exists() else minutes
    for progress in train(recipe, Plan(folder, spent, 8), torch.device("cpu")):
        print(progress.step, progress.losses, end="\r", file=sys.stderr)
    (folder / "judge.done").touch()
    return judging(recipe.features.eval())


def judging(features: Any) -> Judge:
    """Distance and damage per pixel of the 256 px crop."""
    import torch
    import torch.nn.functional as F

    from app.engine.networks.face_features import difference

    def tensor(picture: Picture) -> torch.Tensor:
        return torch.from_numpy(picture.transpose(2, 0, 1)[None].astype(np.float32) / 127.5 - 1)

    def judge(picture: Picture, truth: Picture) -> dict[str, NDArray[np.float32]]:
        with torch.inference_mode():
            a, b = tensor(picture), tensor(truth)
            apart = difference(features(a), features(b))
            damage = features.read(a)[1].sigmoid().sum(dim=1, keepdim=True)
            maps = [
                F.interpolate(m, size=a.shape[-2:], mode="bilinear", align_corners=False)[0, 0].numpy()
                for m in (apart, damage)
            ]
        return {"distance": maps[0], "damage": maps[1]}

    return judge


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Per group and region: means of both, and in how many cases the judge prefers the refined one."""
    found: dict[str, Any] = {}
    people = [f"portraits {name}" for name in ("light", "medium", "dark", "grey", "women", "men")]
    for group in ("clips", "little", "portraits", "mouths", *people):
        chosen = [
            row
            for row in rows
            if group in (row["group"], *(f"{row['group']} {row[key]}" for key in ("tone", "sex")))
        ]
        if not chosen:
            continue
        names = [key.removeprefix("mesh-warp ") for key in chosen[0] if key.startswith("mesh-warp ")]
        for region in names[-1:] if group in people else names:
            pairs = [(row[f"mesh-warp {region}"], row[f"refined {region}"]) for row in chosen]
            numbers = {
                key: [float(np.mean([pair[k][key] for pair in pairs])) for k in (0, 1)] for key in pairs[0][0]
            }
            for key, name in (("damage", "blind"), ("distance", "nearer")):
                wins = [(a[key] > b[key]) + 0.5 * (a[key] == b[key]) for a, b in pairs]
                numbers[name] = [1 - float(np.mean(wins)), float(np.mean(wins))]
            found[f"{group} {region}"] = {"cases": len(chosen), **numbers}
    return found


def as_markdown(found: dict[str, Any]) -> str:
    head = "| where | cases | L1 | PSNR | sharpness | distance x 1000 | nearer | damage | blind |"
    lines = ["mesh-warp -> refined; nearer, blind: share of cases in which the refined one wins.", "", head]
    lines.append("|" + "---|" * 9)
    for name, row in found.items():
        cells = [name, str(row["cases"])]
        for key, scale, digits in (("l1", 1, 2), ("psnr", 1, 2), ("sharpness", 1, 3), ("distance", 1000, 2)):
            a, b = row[key]
            cells.append(f"{scale * a:.{digits}f} -> {scale * b:.{digits}f}")
        cells.append(f"{100 * row['nearer'][1]:.0f} %")
        cells.append(f"{row['damage'][0]:.3f} -> {row['damage'][1]:.3f}")
        cells.append(f"{100 * row['blind'][1]:.0f} %")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def edit_sheet(folder: Path, wanted: Callable[[FittedFace], FaceEdit | None], most: int) -> Picture:
    """Photo, mesh-warp, refined for every photo of which an edit is wanted."""
    engines = [Engine(name) for name in ("mesh-warp", "refined-warp")]
    rows: list[Picture] = []
    for path in sorted((folder / "media" / "images").iterdir()):
        portrait = engines[0].open(path)
        edit = wanted(portrait.faces[0]) if len(portrait.faces) == 1 else None
        if edit is None or len(rows) == most:
            continue
        crop = Crop.around(portrait.faces[0])
        made = [engine.render(portrait, {0: edit}).pixels for engine in engines]
        eight = [p if p.dtype == np.uint8 else (p >> 8).astype(np.uint8) for p in made]
        rows.append(np.hstack([crop.cut(p) for p in (to_srgb8(portrait.photo), *eight)]))
    for engine in engines:
        engine.close()
    return in_columns(rows, 3)


def in_columns(rows: list[Picture], columns: int) -> Picture:
    while len(rows) % columns:
        rows.append(np.full_like(rows[0], 255))
    per = len(rows) // columns
    return np.hstack([np.vstack(rows[k * per : (k + 1) * per]) for k in range(columns)])


def turned_to_viewer(face: FittedFace) -> FaceEdit | None:
    return FaceEdit.of(**frontalise(face)) if 10 < abs(face.params.camera.yaw) <= 40 else None


def mouth_opened(face: FittedFace) -> FaceEdit | None:
    return FaceEdit.of(mouth_open=1.0) if lip_gap(face) < SHUT else None


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("judge", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--minutes", type=float, default=8.0, help="to train the judge")
    parser.add_argument("--portraits", type=int, default=60)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    judge = loaded_judge(args.judge, args.shared, args.minutes)
    people = sources(args.shared, "validation")
    clips = [path for path in people if path.suffix.lower() in CLIPS]
    portraits = round_robin([path for path in people if path not in clips])
    warp, refined = MeshWarp(), RefinedWarp()
    rows: list[dict[str, Any]] = []
    pictures: dict[str, list[Picture]] = {}
    for cases in (clip_cases(clips), portrait_cases(portraits, args.portraits)):
        for case in cases:
            made, ms = both(warp, refined, case)
            row, strip = measured(judge, case, made)
            rows.append({**row, "ms": ms})
            pictures.setdefault(case.group, []).append(strip)
            print(len(rows), case.name, file=sys.stderr)
    found = summary(rows)
    (args.out / "report.json").write_text(json.dumps({"summary": found, "rows": rows}, indent=1))
    times = sorted(row["ms"] for row in rows)
    speed = f"\nRefining took {times[0]:.1f} ms at least, {times[len(times) // 2]:.1f} ms in the middle.\n"
    (args.out / "report.md").write_text(as_markdown(found) + speed)
    for group, strips in pictures.items():
        chosen = np.linspace(0, len(strips) - 1, min(16, len(strips))).astype(int)
        write_png(args.out / f"{group}.png", in_columns([strips[k] for k in chosen], 2))
    write_png(args.out / "frontalised.png", edit_sheet(args.shared, turned_to_viewer, 15))
    write_png(args.out / "mouths_opened.png", edit_sheet(args.shared, mouth_opened, 15))
    print(as_markdown(found))


if __name__ == "__main__":
    main()
