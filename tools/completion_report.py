"""Compares the learnt completion of heads with the unlearned fill, on people whom neither it nor its judge
was trained on.

python tools/completion_report.py OUT [--shared DIR] [--most 60] [--minutes 6] [--views 25] [--weights FILE]

OUT gets the data of validation and judge people and of true views (front and three-quarter photos of one
person), the judge, report.md, report.json, and sheets with every person's first view and with the ten worst.
The judge is a set of features learnt on the "judge" people alone. The features give the distance, and a
reading of damage that decides the blind comparison.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from app.engine.errors import EngineError  # noqa: E402
from app.engine.face.fitting import fit_face  # noqa: E402
from app.engine.face.landmarks import FaceTracker  # noqa: E402
from app.engine.face.morphable_model import default_model  # noqa: E402
from app.engine.head.completion import SHIPPED, weights  # noqa: E402
from app.engine.imaging.colour import to_srgb8  # noqa: E402
from app.engine.imaging.reading import open_photo  # noqa: E402
from app.engine.imaging.writing import write_png  # noqa: E402
from app.engine.networks.face_features import FaceFeatures, difference  # noqa: E402
from app.engine.training.completion import data, samples, template  # noqa: E402
from app.engine.training.completion.features import AtlasFeatures  # noqa: E402
from app.engine.training.loop import Plan, train  # noqa: E402
from app.engine.training.people import sources  # noqa: E402

Float32 = NDArray[np.float32]
WORST = 10  # views on the sheet of the worst
KEPT = 3  # index of the input plane that says which texels are kept
FLOOR = 0.04  # share of the largest brightness below which differences are noise
TIE = 0.005  # share of the damage read: readings closer than this are a tie (docs/completion.md)
LIGHT, DARK = 41.0, 10.0  # degrees of the typology angle: light above, dark below, medium between
WOMEN = frozenset(["barbara", "heidemarie", "janet", "kathryn", "lisa"])  # NASA's validation people


@dataclass(frozen=True, eq=False)
class Case:
    """One view of one person: what the network sees, what is true, and where the truth was hidden."""

    name: str
    groups: tuple[str, ...]
    sample: dict[str, Float32]


def views(folder: Path, into: Path, people: int) -> None:
    """Write pairs of true views of `people` people: of front and three-quarter photo, each shows what the
    other does not.
    """
    into.mkdir(parents=True, exist_ok=True)
    with (folder / "metadata.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["expression"] == "neutral"]
    of: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        of.setdefault(row["person"], []).append(row)
    for person in sorted(of)[:people]:
        goal = into / f"{person}.npz"
        if goal.exists():
            continue
        try:
            photos = [_photo(folder / row["file"]) for row in of[person]]
        except EngineError as error:
            print(person, error, file=sys.stderr)
            continue
        truths = [data.truth_of(photo) for photo in photos]
        seen = [data.encoded(data.unlearned_of(photo, photo.own)) for photo in photos]
        pairs = [(a, b) for a in range(len(photos)) for b in range(len(photos)) if a != b]
        about = f"{of[person][0]['gender']},{of[person][0]['age']}"
        np.savez(
            goal,
            allow_pickle=False,
            truth=np.stack(truths),
            seen=np.stack([seen[a] for a, _ in pairs]),
            of=np.array([b for _, b in pairs], np.uint8),
            about=np.array(about),
        )


def _photo(path: Path) -> data.Photo:
    pixels = to_srgb8(open_photo(path))
    with FaceTracker() as tracker:
        found = tracker.detect(pixels)
    if len(found) != 1:
        raise EngineError(f"{path.name} shows {len(found)} faces.", "")
    return data.photo_of(pixels, fit_face(found[0], default_model()))


def cases(folder: Path, what: str) -> Iterator[Case]:
    """Yield the views of a folder of prepared people, with the groups to which each belongs."""
    head = template.head_only()
    for path in sorted(folder.glob("*.npz")):
        with np.load(path, allow_pickle=False) as file:
            about = str(file["about"]).split(",") if "about" in file else []
            truths, seen, of = file["truth"], file["seen"], file["of"]
        groups = [what, f"{what} {tone(truths[0])}"]
        if about:
            groups.append(f"{what} {about[0]}")
            groups += [f"{what} {'under' if float(about[1]) < 30 else 'from'} 30"] if about[1] else []
        elif (first := path.stem.split("_")[0]).islower() and "_" in path.stem:
            groups.append(f"{what} {'female' if first in WOMEN else 'male'} (NASA)")
        for k, view in enumerate(seen):
            if data.hidden(truths[of[k]], view) > data.FEW:
                yield Case(f"{path.stem} {k}", tuple(groups), samples.as_sample(view, truths[of[k]], head))


def tone(truth: NDArray[np.uint8]) -> str:
    """Return the skin tone by the typology angle of the median colour in what a photo shows of the face's
    middle.
    """
    from skimage.color import rgb2lab

    x, y, z = template.template().repeat(2, 1).repeat(2, 2)[:3]
    middle = (np.abs(10 * x) < 5) & (np.abs(10 * y) < 4) & (z > 0.3)
    lab = np.median(rgb2lab(truth[..., :3][middle & (truth[..., 3] > 200)]), axis=0)
    angle = np.degrees(np.arctan2(lab[0] - 50, max(float(lab[2]), 1e-3)))
    return "light" if angle > LIGHT else "dark" if angle < DARK else "medium"


def judge(out: Path, minutes: float) -> FaceFeatures:
    """Return features learnt on the "judge" people for so many minutes."""
    recipe = AtlasFeatures(out / "judge", seed=1)
    for now in train(recipe, Plan(out / "judge_features", minutes, 8), torch.device("cpu")):
        if now.step % 50 == 0:
            print(now.step, now.losses, flush=True)
    return recipe.features.eval().requires_grad_(False)


def figures(features: FaceFeatures, case: Case, used: Float32) -> dict[str, float]:
    """Return distance, L1 (of 255), damage, and sharpness relative to the truth, where the truth was hidden.

    They are those of the fill and of the completion `used`.
    """
    seen, known = case.sample["seen"][:3], case.sample["known"]
    share = np.clip(known / np.maximum(1 - case.sample["seen"][KEPT : KEPT + 1], 1e-3), 0, 1)
    truth = seen + share * (case.sample["truth"] - seen)
    worth, row = float(known.mean()), {}
    pictures = {"fill": seen, "learned": seen + share * (used - seen), "truth": truth}
    tensors = {name: torch.from_numpy(picture[None]) for name, picture in pictures.items()}
    area = torch.nn.functional.avg_pool2d(torch.from_numpy(known[None]), 8)
    with torch.no_grad():
        true = features(tensors["truth"])
        for name, tensor in tensors.items():
            row[f"distance {name}"] = 1000 * float(difference(features(tensor), true).mean()) / worth
            row[f"l1 {name}"] = 127.5 * float(np.abs(pictures[name] - truth).mean()) / worth
            damage = features.read(tensor)[1].sigmoid().amax(dim=1, keepdim=True)
            row[f"damage {name}"] = float((damage * area).sum() / area.sum())
            row[f"edges {name}"] = edges(pictures[name], known[0])
    return row


def edges(picture: Float32, known: Float32) -> float:
    """Return the mean gradient of the logarithm of the grey picture where it is known.

    Light is no detail: of two photos of one side, that in the shade has the smaller differences.
    """
    y, x = np.gradient(np.log(np.maximum(picture.mean(axis=0) + 1, 0) / 2 + FLOOR))
    return float((np.hypot(x, y) * known).sum() / known.sum())


def report(rows: list[tuple[Case, dict[str, float]]]) -> str:
    """Return the table of all groups as Markdown."""
    head = "| group | views | L1 | distance x 1000 | nearer | sharpness | damage | blind |\n|" + "---|" * 8
    lines = [
        "Each cell is fill -> learnt; nearer, blind: share of views in which the learnt atlas wins. Of the blind",
        "choice a tie counts as half; without ties it is in brackets.",
        "",
        head,
    ]
    for group in sorted({group for case, _ in rows for group in case.groups}):
        chosen = [row for case, row in rows if group in case.groups]

        def mean(name: str, chosen: list[dict[str, float]] = chosen) -> NDArray[np.float64]:
            return np.array(
                [[row[f"{name} {side}"] for side in ("fill", "learned", "truth")] for row in chosen]
            )

        l1, distance, damage, sharp = (mean(name) for name in ("l1", "distance", "damage", "edges"))
        nearer = float((distance[:, 1] < distance[:, 0]).mean())
        ratio = sharp[:, :2].sum(axis=0) / sharp[:, 2].sum()
        cells = [group, str(len(chosen)), _two(l1, 2), _two(distance, 1), f"{100 * nearer:.0f} %"]
        cells += [f"{ratio[0]:.3f} -> {ratio[1]:.3f}", _two(damage, 3), blind(damage)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def blind(damage: NDArray[np.float64]) -> str:
    """Return in how many views the judge reads less damage in the learnt atlas.

    damage: (views, 2 or more), of the fill and of the learnt atlas.
    """
    before, after = damage[:, 0], damage[:, 1]
    tie = np.abs(before - after) < TIE * np.maximum(before, after)
    wins = after < before
    alone = f"{100 * wins[~tie].mean():.0f} %" if not tie.all() else "none"
    return f"{100 * np.where(tie, 0.5, wins).mean():.0f} % ({alone})"


def _two(values: NDArray[np.float64], digits: int) -> str:
    a, b = values.mean(axis=0)[:2]
    return f"{a:.{digits}f} -> {b:.{digits}f}"


def sheet(chosen: list[tuple[Case, Float32]], path: Path) -> None:
    """Draw a row for each case: what the photo shows, the fill, the learnt completion, and the truth where it
    is known.
    """
    rows = []
    for case, used in chosen:
        seen, planes = case.sample["seen"][:3], case.sample["seen"]
        shown, known = planes[KEPT : KEPT + 1], case.sample["known"]
        grey = np.full_like(seen, 0.0)
        true = grey + np.maximum(shown, known) * (case.sample["truth"] - grey)
        rows.append(np.concatenate([grey + shown * (seen - grey), seen, used, true], axis=2))
    if rows:
        picture = np.concatenate(rows, axis=1).transpose(1, 2, 0)
        write_png(path, np.round((np.clip(picture, -1, 1) + 1) * 127.5).astype(np.uint8))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--most", type=int, default=60)
    parser.add_argument("--minutes", type=float, default=6.0)
    parser.add_argument("--views", type=int, default=25)
    parser.add_argument("--weights", type=Path, default=weights() or SHIPPED)
    args = parser.parse_args()
    for part in ("judge", "validation"):
        stills = [path for path in sources(args.shared, part) if path.parent.parent.name == "portraits"]
        for step in data.prepare(sorted(stills, key=_shuffled)[: args.most], args.out / part):
            print(part, step.done, step.total, step.error or "", flush=True)
    views(args.shared / "media" / "multiview", args.out / "views", args.views)
    features = judge(args.out, args.minutes)
    session: Any = onnxruntime.InferenceSession(str(args.weights), providers=["CPUExecutionProvider"])
    rows, made = [], []
    for folder, what in (("validation", "validation"), ("views", "true views")):
        for case in cases(args.out / folder, what):
            seen = case.sample["seen"]
            (found,) = session.run(None, {"seen": seen[None]})
            used = np.clip(seen[:3] + found[0], -1, 1)
            rows.append((case, figures(features, case, used)))
            made.append((case, used))
    text = report(rows)
    print(text)
    (args.out / "report.md").write_text(text, encoding="utf-8")
    (args.out / "report.json").write_text(json.dumps([{"name": c.name, **r} for c, r in rows], indent=1))
    firsts = [pair for pair in made if pair[0].name.endswith(" 0")]
    for k in range(0, len(firsts), 8):
        sheet(firsts[k : k + 8], args.out / f"sheet_{k // 8:02d}.png")
    order = np.argsort([row["distance fill"] - row["distance learned"] for _, row in rows])
    sheet([made[k] for k in order[:WORST]], args.out / "worst.png")


def _shuffled(path: Path) -> bytes:
    import hashlib

    return hashlib.sha256(path.name.encode()).digest()


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
