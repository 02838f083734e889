"""The refiner's data, losses and run: what is learnt, and that a run goes on exactly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from app.engine.checkpoints.store import load_model, models
from app.engine.errors import EngineError
from app.engine.face.fitting import fit_face
from app.engine.face.landmarks import FaceTracker
from app.engine.face.morphable_model import default_model
from app.engine.imaging.writing import write_png
from app.engine.networks.face_features import FaceFeatures, difference
from app.engine.networks.refiner import GATE, Refiner, RefinerConfig, moved_by, share
from app.engine.training import perceptual
from app.engine.training.loop import Plan, Stepper, train
from app.engine.training.people import part_of
from app.engine.training.refiner import data as refiner_data
from app.engine.training.refiner.data import RefinerSamples, SamplesFile, save_samples
from app.engine.training.refiner.recipe import RefinerTraining, Settings, train_refiner
from app.engine.warping.evidence import LAYERS
from tests.steps import drained

TINY = Settings(RefinerConfig((8, 8, 8, 8), 1), crop=32, discriminator=4, batch=2, alone=1)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory, astronaut: NDArray[np.uint8]) -> Path:
    """The sample portrait as a file of the training part."""
    folder = tmp_path_factory.mktemp("portraits")
    names = (f"astronaut{k}.png" for k in range(20))
    path = next(folder / name for name in names if part_of(Path(name)) == "train")
    write_png(path, astronaut[:300, 80:380])
    return path


@pytest.fixture(scope="module")
def samples(picture: Path) -> list[dict[str, NDArray[Any]]]:
    with FaceTracker() as tracker:
        return refiner_data.of_portrait(picture, tracker, edits=2)


@pytest.fixture(scope="module")
def data(samples: list[dict[str, NDArray[Any]]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    save_samples(samples, folder / "astronaut.npz")
    return folder


def test_the_truth_is_the_portrait_and_the_warp_is_near_it(samples: list[dict[str, NDArray[Any]]]) -> None:
    for sample in samples:
        apart = np.abs(sample["warped"].astype(float) - sample["truth"]).mean()
        assert 0.5 < apart < 20, "edited away and brought back, not the same"
        face = sample["planes"][:3].sum(axis=0) > 0
        valid = sample["planes"][LAYERS.index("valid")] > 0.9
        wrong = cv2.resize(np.abs(sample["warped"].astype(np.float32) - sample["truth"]).mean(2), (128, 128))
        assert wrong[face & valid].mean() < wrong[face & ~valid].mean(), "it is wrong where it had no texture"


def test_an_edited_picture_is_seen_as_any_photo_is(astronaut: NDArray[np.uint8]) -> None:
    with FaceTracker() as tracker:
        found = fit_face(tracker.detect(astronaut)[0], default_model())
        frame, face = refiner_data.enlarged(astronaut, found)
        edit = refiner_data.edited(face.params, np.random.default_rng(1))
        away = next(refiner_data.edited_away(frame, face, [edit]))
        afresh = refiner_data.seen_afresh(away, tracker)
        wall = replace(away, pixels=np.full_like(frame, 120))
        assert refiner_data.seen_afresh(wall, tracker) is None
    assert afresh is not None and afresh.pixels is away.pixels
    iod = away.face.params.camera.scale
    apart = np.linalg.norm(afresh.face.landmarks[:468, :2] - away.face.landmarks[:468, :2], axis=1) / iod
    assert 0.005 < np.median(apart) < 0.15, "near where the warp put it, but found"
    assert not np.array_equal(afresh.matte, away.matte)


def test_a_kept_sample_is_the_one_prepared(samples: list[dict[str, NDArray[Any]]], data: Path) -> None:
    file = SamplesFile(data / "astronaut.npz")
    assert len(file) == len(samples)
    for k, sample in enumerate(samples):
        found = file.sample(k)
        assert np.abs(found["truth"].astype(float) - sample["truth"]).mean() < 3
        clipped = np.clip(sample["planes"], -2, 2)
        assert np.abs(found["planes"] - clipped).max() < 0.02
        assert np.abs(found["portrait"] - sample["portrait"]).max() < 0.02
        assert np.array_equal(found["facts"], sample["facts"])


def test_mirroring_twice_gives_the_sample_back(samples: list[dict[str, NDArray[Any]]]) -> None:
    sample = refiner_data.as_tensors(samples[0])
    once = refiner_data.mirrored(sample)
    again = refiner_data.mirrored(once)
    assert not np.array_equal(once["planes"], sample["planes"])
    for key, value in sample.items():
        assert np.allclose(again[key], value, atol=1e-6), key
    x = LAYERS.index("flow_x")
    assert np.allclose(once["planes"][x], -sample["planes"][x][:, ::-1])


def test_drawing_follows_its_random_numbers_and_crops_alike(data: Path) -> None:
    samples = RefinerSamples(data, 64)
    a, b, c = (samples.draw(np.random.default_rng(k)) for k in (1, 1, 2))
    assert all(np.array_equal(a[key], b[key]) for key in a)
    assert not np.array_equal(a["truth"], c["truth"])
    assert a["truth"].shape == (3, 64, 64) and a["planes"].shape == (10, 32, 32)


def test_files_without_a_usable_face_are_told(tmp_path: Path) -> None:
    write_png(tmp_path / "wall.png", np.full((200, 200, 3), 120, np.uint8))
    steps = list(refiner_data.prepare([tmp_path / "wall.png"], tmp_path / "data"))
    assert [step.error for step in steps] == ["wall.png shows 0 faces. Use pictures of one person."]
    with pytest.raises(EngineError, match="no pictures"):
        list(refiner_data.prepare([], tmp_path / "data"))


def test_an_untrained_refiner_adds_nothing() -> None:
    torch.manual_seed(0)
    network = Refiner(TINY.network).eval()
    warped = torch.rand(1, 3, 64, 64) * 2 - 1
    planes, facts, portrait = torch.rand(1, 10, 32, 32), torch.rand(1, 11), torch.rand(1, 6, 32, 32)
    out = network(warped, planes, facts, portrait)
    assert not out.flow.any() and not out.paint.any() and not out.confidence.any()
    assert out.flow.shape == (1, 2, 16, 16) and out.paint.shape == (1, 3, 64, 64)
    assert torch.allclose(moved_by(warped, out.flow, planes[:, GATE : GATE + 1]), warped, atol=1e-5)
    assert not share(out.confidence - 0.1, planes[:, GATE : GATE + 1], (64, 64)).any()


def test_the_confidence_learns_where_the_paint_is_better(data: Path) -> None:
    recipe = RefinerTraining(data, FaceFeatures(8), TINY)
    batch = {"planes": torch.ones(1, 10, 16, 16)}
    confidence = torch.zeros(1, 1, 16, 16, requires_grad=True)
    made = type("M", (), {"confidence": confidence})()
    better, worse = torch.full((1, 1, 8, 8), 0.2), torch.full((1, 1, 8, 8), 0.6)
    worse[..., 4:], better[..., 4:] = 0.2, 0.6  # the paint is better in the left half only
    gradient = torch.autograd.grad(recipe._mistrust(batch, made, worse, better), confidence)[0]
    assert (gradient[..., :4] < 0).all() and (gradient[..., 12:] > 0).all()


@pytest.mark.parametrize("flows", [False, True])
def test_a_flow_is_learnt_only_where_the_model_has_one(data: Path, flows: bool) -> None:
    settings = replace(TINY, network=replace(TINY.network, flow=flows), alone=5)
    recipe = RefinerTraining(data, FaceFeatures(8), settings)
    before = recipe.refiner.flow.weight.detach().clone()
    losses = recipe.step(drawn(recipe), Stepper(CPU))
    assert ("flow" in losses) == flows
    assert torch.equal(recipe.refiner.flow.weight, before) != flows


def test_a_wrong_colour_costs_more_than_a_wrong_brightness(data: Path) -> None:
    recipe = RefinerTraining(data, FaceFeatures(8), TINY)
    batch = drawn(recipe)
    made = recipe.made(batch)
    colour = {}
    for name, change in (("brighter", (0.1, 0.1, 0.1)), ("bluer", (-0.05, -0.05, 0.1))):
        painted = batch["truth"] + torch.tensor(change).reshape(1, 3, 1, 1)
        colour[name] = recipe.terms(batch, replace(made, painted=painted), batch["truth"])["colour"]
    assert float(colour["brighter"]) < 1e-4 < 0.1 < float(colour["bluer"])


def test_a_new_run_starts_from_the_refiner_in_use_if_it_is_as_wide(data: Path) -> None:
    torch.manual_seed(3)
    recipe = RefinerTraining(data, FaceFeatures(8), TINY)
    first = recipe.refiner.first.weight.detach().clone()
    recipe.begin_with(Refiner(RefinerConfig((8, 8, 8, 16), 1)))
    assert torch.equal(recipe.refiner.first.weight, first)
    known = Refiner(TINY.network)
    recipe.begin_with(known)
    assert torch.equal(recipe.refiner.first.weight, known.first.weight)
    assert all(torch.equal(recipe.state["mean"][k], v) for k, v in known.state_dict().items())


def drawn(recipe: RefinerTraining) -> dict[str, torch.Tensor]:
    sample = recipe.draw(np.random.default_rng(0))
    return {key: torch.from_numpy(value[None]) for key, value in sample.items()}


def test_features_learn_to_tell_damage_and_place(data: Path) -> None:
    recipe = perceptual.FeatureTraining(data, width=8)
    plan = Plan(data.parent / "features", 5.0, 4, steps=40)
    losses = [progress.losses for progress in train(recipe, plan, CPU)]
    for name in ("damage", "masks"):
        first, last = (np.mean([row[name] for row in part]) for part in (losses[:5], losses[-5:]))
        assert last < 0.8 * first, name


def test_damage_is_told_where_it_is() -> None:
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


def test_a_run_goes_on_exactly_where_it_stopped(data: Path, tmp_path: Path) -> None:
    def weights(folders: list[tuple[str, int]]) -> dict[str, torch.Tensor]:
        for folder, steps in folders:
            torch.manual_seed(5)
            recipe = RefinerTraining(data, FaceFeatures(8), TINY)
            list(train(recipe, Plan(tmp_path / folder, 5.0, 2, steps=steps), CPU))
        return {**recipe.refiner.state_dict(), **{f"mean.{k}": v for k, v in recipe.state["mean"].items()}}

    whole, parts = weights([("whole", 4)]), weights([("parts", 2), ("parts", 4)])
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_the_command_ends_in_a_model_that_loads(
    picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    monkeypatch.setattr(refiner_data, "EDITS", 1)
    steps = train_refiner(picture.parent, "small", 5.0, TINY, steps=3)
    (*_, step), model = drained(steps)
    assert "3 steps" in step.message and step.picture is not None
    assert [m.name for m in models("refiner") if not m.shipped] == ["small"] and model.kind == "refiner"
    network = load_model("small").network
    assert isinstance(network, Refiner) and network.config == TINY.network
    assert any(float(v.abs().max()) > 0 for k, v in network.state_dict().items() if k.startswith("paint"))
