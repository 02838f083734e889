"""The completion's data, losses and run: what is hidden, what is learnt, and that a stopped run goes on
exactly.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from app.engine.errors import EngineError
from app.engine.face.fitting import fit_face
from app.engine.face.landmarks import FaceTracker
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import Camera
from app.engine.head.completion import FILE, SHIPPED, SIDE, _session
from app.engine.imaging.writing import write_png
from app.engine.networks.completion import Completion, CompletionConfig
from app.engine.networks.face_features import FaceFeatures, difference
from app.engine.training import perceptual
from app.engine.training.completion import data as completion_data
from app.engine.training.completion.data import hidden
from app.engine.training.completion.features import AtlasFeatures
from app.engine.training.completion.recipe import CompletionTraining, Settings, train_completion
from app.engine.training.completion.samples import CompletionSamples, as_sample, swapped
from app.engine.training.completion.template import head_only, template
from app.engine.training.completion.trust import learnable, trusted
from app.engine.training.completions import SCORES, keep_score
from app.engine.training.loop import Plan, train
from app.engine.training.people import IDENTITIES, part_of, sources
from tests.steps import drained

TINY = Settings(CompletionConfig((4, 4, 4, 4), 1), critic=4, batch=2, alone=1)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory, astronaut: NDArray[np.uint8]) -> Path:
    """Return the sample portrait as a file of the training part."""
    folder = tmp_path_factory.mktemp("portraits")
    names = (f"astronaut{k}.png" for k in range(20))
    path = next(folder / name for name in names if part_of(Path(name)) == "train")
    write_png(path, astronaut[:300, 80:380])
    return path


@pytest.fixture(scope="module")
def made(picture: Path) -> dict[str, NDArray[np.uint8]]:
    with FaceTracker() as tracker:
        return completion_data.of_portrait(picture, tracker, views=3)


@pytest.fixture(scope="module")
def data(made: dict[str, NDArray[np.uint8]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    np.savez(folder / "astronaut.npz", **made)
    return folder


def test_people_are_split_once_and_for_all() -> None:
    with IDENTITIES.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    people = Counter(row["person"] for row in rows)
    assert len(rows) > 1600 and max(people.values()) == 1
    assert {row["part"] for row in rows} == {"train", "validation", "judge"}
    assert part_of(Path("b_lp_d0.mp4")) == part_of(Path("b_anything.mp4")) == "validation"
    # One person's two photos, which come from two sources, are in one part.
    assert part_of(Path("2016_michael-balint-headshot.jpg")) == part_of(Path("michael-balint.jpg"))


def test_no_sitter_who_consented_to_research_only_is_learnt_from(shared: Path) -> None:
    for part in ("train", "judge", "validation"):
        assert not [path for path in sources(shared, part) if "multiview" in path.parts]
    learnt = {path.name for path in sources(shared, "train")}
    assert not [name for name in learnt if name.startswith("b_")]


def test_what_a_view_hides_the_truth_reports_and_what_it_shows_is_the_photos(
    made: dict[str, NDArray[np.uint8]],
) -> None:
    truth = made["truth"][0]
    for view in made["seen"]:
        assert hidden(truth, view) > completion_data.FEW
        assert (view[..., 3].astype(int) <= truth[..., 3].astype(int) + 40).mean() > 0.99
        shown = (view[..., 3] == 255) & (truth[..., 3] == 255)
        assert shown.sum() > 500
        apart = np.abs(view[shown][:, :3].astype(int) - truth[shown][:, :3]).max(axis=1)
        assert (apart <= 1).mean() > 0.9 and apart.max() < 40  # except at the rim, whose shade is taken out
        sample = as_sample(view, truth, head_only())
        assert not (sample["known"][0] * (view[..., 3] == 255)).any() and sample["known"].max() > 0.9


def test_the_shipped_weights_are_nearer_than_the_fill_to_what_a_view_hides(
    made: dict[str, NDArray[np.uint8]],
) -> None:
    network, apart = _session(SHIPPED, 0), []
    for view in made["seen"]:
        sample = as_sample(view, made["truth"][0], head_only())
        (found,) = network.run(["difference"], {"seen": sample["seen"][None]})
        fill, truth, known = sample["seen"][:3], sample["truth"], sample["known"]
        apart.append(
            [float((np.abs(p - truth) * known).sum() / known.sum()) for p in (fill, fill + found[0])]
        )
    fill, learnt = np.mean(apart, axis=0)
    assert learnt < 0.99 * fill


def test_a_turned_head_is_often_looked_at_from_the_front() -> None:
    rng = np.random.default_rng(0)

    def yaws(yaw: float) -> NDArray[np.float64]:
        camera = Camera.from_angles(yaw, 0.0, 0.0, 100.0, (0.0, 0.0))
        return np.array([completion_data.turned(camera, rng).yaw for _ in range(300)])

    front = completion_data.FRONT + 0.1
    for aside in (-30.0, 30.0):
        assert (np.abs(yaws(aside)) < front).mean() > 0.45
    straight = np.abs(yaws(0.0))
    assert 0.1 < (straight < front).mean() < 0.35 and straight.max() > 50


def test_what_shows_a_side_of_the_head_is_looked_at_more_often(
    picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(completion_data, "VIEWS_ASIDE", 2)
    monkeypatch.setattr(completion_data, "ASIDE", 0.0)
    monkeypatch.setattr(completion_data, "FEW", 0.0)
    with FaceTracker() as tracker:
        assert len(completion_data.of_portrait(picture, tracker, views=1)["seen"]) == 2


def test_a_clip_that_hardly_turns_still_gives_truth_from_another_frame(
    astronaut: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = astronaut[:300, 80:380].copy()
    with FaceTracker() as tracker:
        face = fit_face(tracker.detect(pixels)[0], default_model())
    darker = np.asarray(pixels * 0.5, np.uint8)
    clip = ([pixels, darker], [face, face], 25.0)
    monkeypatch.setattr(completion_data, "clip_frames", lambda path: clip)
    monkeypatch.setattr(completion_data, "CLIP_FRAMES", 2)
    made = completion_data.of_clip(Path("a_still.mp4"))
    assert len(made["truth"]) == 2 and len(made["seen"]) > 0
    for view, of in zip(made["seen"], made["of"], strict=True):
        truth = made["truth"][of]
        both = (view[..., 3] == 255) & (truth[..., 3] == 255)
        bright, other = (float(picture[both][:, :3].mean()) for picture in (view, truth))
        assert max(bright, other) > 1.5 * min(bright, other)  # this is the other frame's


def painted_head() -> NDArray[np.uint8]:
    """Return (S, S, 4) of which all is shown: skin, with brown hair where the template has hair."""
    truth = np.full((SIDE, SIDE, 4), 255, np.uint8)
    truth[..., :3] = (200, 150, 125)
    hairline = template()[5].repeat(2, axis=0).repeat(2, axis=1)
    truth[hairline > 0.2, :3] = (50, 35, 25)
    return truth


def test_hair_and_collars_before_skin_are_no_truth() -> None:
    truth = painted_head()
    x, y, z, face, ear, hairline = template().repeat(2, axis=1).repeat(2, axis=2)
    assert trusted(truth).min() == 1
    ears, neck = ear > 0.5, (10 * y < -5) & (z < 0) & (ear < 0.5)
    beard = (face > 0.5) & (10 * y < -3) & (z > 0.2)
    truth[ears & (x > 0), :3] = (50, 35, 25)  # hair over one ear
    truth[neck & (x > 0), :3] = (240, 240, 250)  # this is a collar
    truth[beard, :3] = (50, 35, 25)
    found = trusted(truth)
    assert found[ears & (x > 0)].mean() < 0.1 and found[neck & (x > 0)].mean() < 0.1
    assert found[ears & (x < 0)].mean() > 0.95 and found[neck & (x < 0)].mean() > 0.9
    assert found[beard].mean() > 0.95 and found[hairline > 0.9].min() == 1


def test_a_photos_outline_is_no_truth_but_an_open_mouth_has_none() -> None:
    truth = painted_head()
    truth[:, :60, 3] = 0
    truth[90:96, 130:136, 3] = 0
    found = trusted(truth)
    assert not found[:, 60:64].any() and found[:, 72:].min() == 1


def test_sides_are_swapped_place_by_place(made: dict[str, NDArray[np.uint8]]) -> None:
    place = np.stack([cv2.resize(plane, (SIDE, SIDE)) for plane in template()]) / 2
    sample = {"seen": place, "truth": place[:3], "known": np.ones((1, SIDE, SIDE), np.float32)}
    found = swapped(sample)
    face = place[3] > 0.4
    x, y, z = found["truth"] - place[:3] * np.array([-1, 1, 1])[:, None, None]
    for apart in (x, y, z):
        assert 20 * np.abs(apart[face]).mean() < 0.3  # cm
    assert found["known"][0][face].mean() > 0.95
    own = as_sample(made["seen"][0], made["truth"][0], head_only())
    again = swapped(swapped(own))
    assert np.abs(again["truth"] - own["truth"])[:, face].mean() < 0.05


def test_portraits_are_drawn_as_often_as_they_have_views(
    made: dict[str, NDArray[np.uint8]], tmp_path: Path
) -> None:
    for name, most in (("few", 1), ("many", 9)):
        views = np.repeat(made["seen"][:1], most, axis=0)
        np.savez(tmp_path / name, truth=made["truth"], seen=views, of=np.zeros(most, np.uint8))
    samples = CompletionSamples(tmp_path)
    assert samples.chances.tolist() == pytest.approx([0.1, 0.9])


def test_clips_are_known_by_their_several_truths(made: dict[str, NDArray[np.uint8]], tmp_path: Path) -> None:
    """They were known by the names of the media that Mien was made with, so that no user's clip counted as one."""
    for name, count in (("a_portrait", 1), ("holiday", 2)):
        truths = np.repeat(made["truth"][:1], count, axis=0)
        np.savez(tmp_path / name, truth=truths, seen=made["seen"][:1], of=np.zeros(1, np.uint8))
    samples = CompletionSamples(tmp_path)
    assert [path.stem for path in samples.of_clips] == ["holiday"]
    assert [path.stem for path in samples.of_portraits] == ["a_portrait"]


def test_samples_leave_out_what_hangs_before_the_skin(data: Path, tmp_path: Path) -> None:
    with np.load(data / "astronaut.npz") as file:
        views, truths, of = file["seen"], painted_head()[None], np.zeros(len(file["seen"]), np.uint8)
    views[..., 3:5] = 0
    neck = (10 * template()[1] < -5) & (template()[2] < 0)
    truths[0, neck.repeat(2, axis=0).repeat(2, axis=1), :3] = (240, 240, 250)
    np.savez(tmp_path / "one.npz", seen=views, truth=truths, of=of)
    samples = CompletionSamples(tmp_path)
    known = samples.draw(np.random.default_rng(0))["known"][0]
    inside = neck & (10 * template()[1] > -8) & (template()[5] < 0.05)
    assert known[::2, ::2][inside].mean() < 0.2 and known.max() > 0.99  # the sides may be swapped
    assert (samples.reach()[0][inside] < 0.05).mean() > 0.3  # away from the borders, which are softened


def lit(detail: NDArray[np.float32], light: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Return a sample whose fill is grey and whose truth has this detail, (S, S), in this light, (3, S, S)."""
    planes = np.zeros((3, SIDE, SIDE), np.float32)
    planes[0, :, :40] = 0.1  # the view shows a little of it
    planes[1, -20:] = 1  # here the other side is mirrored
    seen = np.concatenate([np.zeros((3, SIDE, SIDE), np.float32), planes])
    truth = np.asarray(detail + light, np.float32)
    return {"seen": seen, "truth": truth, "known": np.ones((1, SIDE, SIDE), np.float32)}


def test_another_photos_light_is_not_learnt_but_its_detail_is() -> None:
    detail = np.where(np.indices((SIDE, SIDE)).sum(axis=0) // 3 % 2, 0.1, -0.1).astype(np.float32)
    tint = np.array([0.25, 0.15, -0.1], np.float32)[:, None, None]
    ramp = np.linspace(-0.3, 0.3, SIDE, dtype=np.float32)[:, None]
    for light, left in ((tint, 0.01), (tint + ramp, 0.15)):
        made = learnable(lit(detail, light))
        assert not made["known"][0, :, :40].any() and not made["known"][0, -20:].any()
        assert made["known"][0, :-20, 40:].all()
        inside = (slice(None), slice(30, -30), slice(70, -30))
        assert np.abs((made["truth"] - detail)[inside]).max() < left < np.abs(light).max() / 2


def test_colours_that_change_along_a_cheek_are_learnt() -> None:
    """What changes over some forty texels (ears, stubble, the shade under a jaw) had been taken for light."""
    wave = 0.2 * np.sin(2 * np.pi * np.arange(SIDE) / 80).astype(np.float32)
    shade = np.tile(wave[:, None], (1, SIDE))
    made = learnable(lit(shade, np.zeros((3, 1, 1), np.float32)))
    inside = (slice(None), slice(30, -30), slice(70, -30))
    kept = (made["truth"] * shade)[inside].sum() / np.square(
        np.broadcast_to(shade, made["truth"].shape)[inside]
    ).sum()
    assert kept > 0.85


def test_a_picture_without_a_face_is_reported_and_left(tmp_path: Path) -> None:
    write_png(tmp_path / "wall.png", np.full((120, 120, 3), 90, np.uint8))
    steps = list(completion_data.prepare([tmp_path / "wall.png"], tmp_path / "data"))
    assert "0 faces" in str(steps[0].error) and not list((tmp_path / "data").glob("*.npz"))
    with pytest.raises(EngineError, match="no pictures"):
        list(completion_data.prepare([], tmp_path / "data"))


def test_features_learn_to_report_damage_and_place(data: Path) -> None:
    recipe = AtlasFeatures(data, width=8)
    losses = [now.losses for now in train(recipe, Plan(data.parent / "features", 5.0, 4, steps=40), CPU)]
    for name in ("damage", "masks"):
        first, last = (np.mean([row[name] for row in part]) for part in (losses[:5], losses[-5:]))
        assert last < 0.8 * first, name


def test_damage_is_reported_where_it_is() -> None:
    rng = np.random.default_rng(0)
    clean = rng.uniform(-1, 1, (64, 64, 3)).astype(np.float32)
    seen = set()
    for _ in range(60):
        hurt, where = perceptual.damaged(clean, rng)
        changed = np.abs(hurt - clean).max(axis=2) > 1e-6
        assert not changed[where.max(axis=0) == 0].any()
        seen |= set(np.nonzero(where.any(axis=(1, 2)))[0].tolist())
    assert seen == set(range(len(perceptual.DAMAGE)))


@torch.no_grad()
def test_the_distance_knows_blur_from_the_same() -> None:
    torch.manual_seed(0)
    features = FaceFeatures(8)
    a = torch.rand(1, 3, 64, 64)
    assert float(difference(features(a), features(a)).max()) == 0
    blurred = torch.nn.functional.avg_pool2d(a, 5, 1, 2)
    assert float(difference(features(a), features(blurred)).mean()) > 1e-3


def test_only_what_was_hidden_and_is_known_is_compared(data: Path) -> None:
    recipe = CompletionTraining(data, FaceFeatures(8), TINY)
    batch = drawn(recipe)
    torch.nn.init.constant_(recipe.network.paint.bias, 0.5)  # type: ignore[arg-type]
    with torch.no_grad():
        made = recipe.made(batch)
    unknown = (batch["known"] == 0).expand(-1, 3, -1, -1)
    assert torch.equal(made.painted[unknown], made.truth[unknown])
    known = (batch["known"] > 0.9).expand(-1, 3, -1, -1)
    assert (made.truth - batch["truth"])[known].abs().max() < 0.2
    with torch.no_grad():
        terms = recipe.terms({**batch, "known": torch.zeros_like(batch["known"])}, made, False)
    assert float(terms["confidence"]) == 0


def test_training_comes_nearer_to_what_was_hidden(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    settings = replace(TINY, network=CompletionConfig((8, 8, 8, 8), 1), rate=2e-3, alone=10**6)
    recipe = CompletionTraining(data, FaceFeatures(8), settings, data)
    before = recipe.score()
    assert before["l1"] == before["l1_fill"]  # an untrained network gives the fill
    sample = recipe.held_out[0]
    monkeypatch.setattr(recipe, "draw", lambda rng: sample)
    list(train(recipe, Plan(tmp_path / "run", 5.0, 1, steps=200), CPU))
    with torch.no_grad():
        made = recipe.made({key: torch.from_numpy(value[None]) for key, value in sample.items()})
    apart = [float((p - made.truth).abs().mean()) for p in (made.unlearned, made.painted)]
    assert apart[1] < 0.9 * apart[0]


def drawn(recipe: CompletionTraining) -> dict[str, torch.Tensor]:
    sample: dict[str, NDArray[Any]] = recipe.draw(np.random.default_rng(0))
    return {key: torch.from_numpy(value[None]) for key, value in sample.items()}


def test_a_run_goes_on_exactly_where_it_stopped(data: Path, tmp_path: Path) -> None:
    def weights(folders: list[tuple[str, int]]) -> dict[str, torch.Tensor]:
        for folder, steps in folders:
            torch.manual_seed(5)
            recipe = CompletionTraining(data, FaceFeatures(8), TINY)
            list(train(recipe, Plan(tmp_path / folder, 5.0, 2, steps=steps), CPU))
        return {**recipe.network.state_dict(), **{f"mean.{k}": v for k, v in recipe.state["mean"].items()}}

    whole, parts = weights([("whole", 4)]), weights([("parts", 2), ("parts", 4)])
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_the_command_ends_in_weights_that_are_used(
    picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnx")
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    monkeypatch.setattr(completion_data, "VIEWS", 1)
    steps = train_completion(picture.parent, "small", 5.0, TINY, steps=3)
    (*_, step), path = drained(steps)
    assert "3 steps" in step.message and step.picture is not None
    assert path == tmp_path / FILE and path.is_file()
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"seen": np.zeros((1, 6, SIDE, SIDE), np.float32)})
    assert found.shape == (1, 3, SIDE, SIDE)


def test_people_held_out_are_scored(data: Path, tmp_path: Path) -> None:
    recipe = CompletionTraining(data, FaceFeatures(8), TINY, data)
    keep_score(recipe, tmp_path)
    keep_score(recipe, tmp_path)
    lines = [json.loads(line) for line in (tmp_path / SCORES).read_text().splitlines()]
    assert len(lines) == 2 and lines[0]["distance"] == lines[0]["distance_fill"] > 0


def test_a_network_keeps_its_template_and_reach(data: Path) -> None:
    recipe = CompletionTraining(data, FaceFeatures(8), TINY)
    again = recipe.meant()
    assert isinstance(again, Completion) and again.place.abs().max() > 0.5
    assert 0 < float(again.reach.mean()) < 0.9  # nobody photographed a head all round
