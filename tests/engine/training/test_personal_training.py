"""Personal models: bad footage is refused before training, losses fall, and the few-shot conversion is used."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from imageio_ffmpeg import get_ffmpeg_exe

from app.engine.errors import EngineError
from app.engine.face.fitting import fit_face
from app.engine.face.landmarks import DetectedFace
from app.engine.face.morphable_model import default_model
from app.engine.face.parameters import Camera, Expression, FaceParams, Identity
from app.engine.face.video_fitting import fit_video
from app.engine.files import file_sha256
from app.engine.generators import backends
from app.engine.personal.conditioning import Frame2Frame
from app.engine.training.loop import CHECKPOINT, Plan, Stepper, draw_batch, train
from app.engine.training.personal import recipe
from app.engine.training.personal.footage import (
    Footage,
    _check_faces,
    _check_place,
    _is_cut,
    clip_square,
    coverage,
    gaps,
    is_inside,
    prepare,
)
from app.engine.training.personal.head2head import Head2HeadRecipe, held_out, scores
from app.engine.training.personal.head2headfs import FsFineTuning, FsInitialisation
from app.engine.training.personal.recipe import PersonalSettings, train_first_stage, train_head2head
from app.engine.training.personal.sequences import (
    LENGTH,
    STRIDES,
    Sequences,
    disturbed,
    mouth_side,
    mouths_of,
)
from app.engine.training.runs import run_folder
from tests.steps import drained

SIZE = 32  # px
TINY = {"width": 4, "n_down": 2, "n_blocks": 2}


def nod(t: int) -> FaceParams:
    expression = Expression(tuple(np.sin(0.2 * t + np.arange(28)) * 0.5))
    camera = Camera.from_angles(
        15 * np.sin(0.3 * t), 5 * np.cos(0.2 * t), 0, 7, (16 + 2 * np.sin(0.3 * t), 17)
    )
    return FaceParams(Identity((0.3,) * 40), expression, camera)


def footage(count: int = 30, shade: float = 0.6, name: str = "clip", size: int = SIZE) -> Footage:
    """Return a disc that follows the face, brighter on the side it turns to."""
    y, x = np.mgrid[:size, :size] + 0.5
    frames, mattes = [], []
    place = Frame2Frame(size / SIZE, (0.0, 0.0))
    params = tuple(replace(nod(t), camera=place.camera(nod(t).camera)) for t in range(count))
    for p in params:
        cx, cy = p.camera.translation
        inside = np.hypot(x - cx, y - cy) < 10 * size / SIZE
        light = shade + 0.01 * p.camera.yaw * (x - cx) / 10
        frames.append(np.where(inside, light, 0.2)[..., None] * np.array([255, 220, 200]))
        mattes.append(inside * 255)
    return Footage(np.clip(frames, 0, 255).astype(np.uint8), np.array(mattes, np.uint8), params, name)


def test_footage_survives_the_disk_and_knows_its_best_frame(tmp_path):
    clip = footage()
    clip.save(tmp_path / "f.npz")
    back = Footage.load(tmp_path / "f.npz")
    assert np.array_equal(back.frames, clip.frames) and np.array_equal(back.mattes, clip.mattes)
    assert back.params[3].camera.angles == pytest.approx(clip.params[3].camera.angles)
    assert back.params[3].expression.coefficients == pytest.approx(clip.params[3].expression.coefficients)
    assert back.n_train == 27
    yaws = [abs(p.camera.yaw) for p in clip.params]
    assert yaws[clip.best_frame] < np.median(yaws)


def test_coverage_names_its_gaps():
    shown = coverage(footage().params)
    assert shown["yaw"].shape == (30,) and shown["yaw"].max() > 10
    edges = np.array([-40.0, -20, 0, 20, 40])
    assert gaps(shown["yaw"], edges) == [(-40, -20), (20, 40)]


def detected(t: int, noise: float = 0.0, rng: np.random.Generator | None = None) -> DetectedFace:
    model, params = default_model(), nod(t)
    big = replace(params.camera, scale=80.0, translation=(200.0 + t, 180.0))
    points = big.project(model.shape(params.identity, params.expression))
    if rng is not None:
        points = points + rng.normal(0, noise, points.shape)
    return DetectedFace(np.concatenate([points, points[:10]]), (100.0, 80.0, 200.0, 220.0))


def test_the_whole_clip_is_fitted_with_one_identity_and_less_jitter():
    rng, model = np.random.default_rng(0), default_model()
    faces = [fit_face(detected(t, 1.5, rng), model) for t in range(20)]
    video = fit_video(faces, model)
    assert len({p.identity for p in video.frames}) == 1
    single = np.array([f.params.expression.coefficients for f in faces])
    together = np.array([p.expression.coefficients for p in video.frames])
    true = np.array([nod(t).expression.coefficients for t in range(20)])
    jitter = [np.abs(np.diff(e, 2, axis=0)).mean() for e in (single, together, true)]
    assert jitter[1] < 0.7 * jitter[0]
    assert np.abs(together - true).mean() < np.abs(single - true).mean()
    assert np.abs(together).max() <= 4
    assert video.error.max() < 0.05


def test_a_clip_of_two_frames_cannot_be_fitted():
    faces = [fit_face(detected(t), default_model()) for t in range(2)]
    with pytest.raises(ValueError):
        fit_video(faces, default_model())


def test_bad_footage_is_reported_with_what_to_do(tmp_path):
    face = detected(0)
    with pytest.raises(EngineError, match="only 5 frames"):
        _check_faces(tmp_path / "short.mp4", [face] * 5)
    with pytest.raises(EngineError, match="No face was found"):
        _check_faces(tmp_path / "wall.mp4", [None] * 60)
    with pytest.raises(EngineError, match="only 40 of 90"):
        _check_faces(tmp_path / "away.mp4", [face] * 40 + [None] * 50)
    _check_faces(tmp_path / "good.mp4", [face] * 60)


def test_a_head_that_leaves_its_place_is_reported(tmp_path):
    faces = [fit_face(detected(0), default_model())] * 4
    square = clip_square(faces)
    x, y, w, h = faces[0].box
    swaying, gone = (replace(faces[0], box=(x + by * w, y, w, h)) for by in (0.2, 0.8))
    assert is_inside(swaying, square) and not is_inside(gone, square)
    assert not is_inside(replace(gone, box=(x, y - 0.8 * h, w, h)), square)
    _check_place(tmp_path / "still.mp4", [True] * 8 + [False] * 2)
    with pytest.raises(EngineError, match=r"only 7 of 10 frames of pan\.mp4") as raised:
        _check_place(tmp_path / "pan.mp4", [True] * 7 + [False] * 3)
    assert "stands still" in raised.value.remedy


def test_footage_that_changes_its_resolution_is_reported(tmp_path):
    """The footage is two transport streams of different sizes, one after the other in one file."""
    parts = b""
    for name, size in (("a", "128x96"), ("b", "192x144")):
        path = tmp_path / f"{name}.ts"
        words = [
            "-f",
            "lavfi",
            "-i",
            f"testsrc=size={size}:rate=25:duration=1",
            "-c:v",
            "mpeg2video",
            str(path),
        ]
        subprocess.run([get_ffmpeg_exe(), "-v", "error", *words], check=True)
        parts += path.read_bytes()
    clip = tmp_path / "phone.ts"
    clip.write_bytes(parts)
    with pytest.raises(EngineError, match=r"phone\.ts changes its resolution") as raised:
        list(prepare(clip, 64))
    assert "Convert" in raised.value.remedy


def test_a_cut_is_a_change_of_picture_and_place():
    dark, bright = np.zeros((32, 32), np.float32), np.full((32, 32), 0.2, np.float32)
    here = detected(0)
    there = replace(here, box=(400.0, 80.0, 200.0, 220.0))
    assert _is_cut(dark, bright, here, there)
    assert not _is_cut(dark, bright, here, here), "a light that goes on is no cut"
    assert not _is_cut(dark, dark, here, there), "a quick head is no cut"


def test_sequences_line_up_conditions_frames_and_flow():
    clip = footage()
    sequences = Sequences(clip, eyes=True)
    sample = sequences.draw(np.random.default_rng(1))
    start = int(np.random.default_rng(1).integers(2, clip.n_train - LENGTH + 1))
    assert sample["conditions"].shape == (LENGTH, 18, SIZE, SIZE)
    clean = sequences.conditions(start, start + LENGTH)
    gap = np.abs(sample["conditions"] - clean).mean()
    assert 0 < gap < 0.2 * np.abs(sample["conditions"] - sequences.conditions(2, 2 + LENGTH)).mean() + 0.02
    assert np.array_equal(sample["conditions"][3, :12], sample["conditions"][2, 6:])
    expected = clip.frames[start] / 127.5 - 1
    np.testing.assert_allclose(np.moveaxis(sample["frames"][2], 0, -1), expected, atol=1e-6)
    assert sample["flows"].shape == (len(STRIDES), 4, SIZE, SIZE)
    sequences.close()


def test_conditions_are_disturbed_a_little_and_each_part_by_itself():
    planes = np.zeros((6, 64, 64), np.float32)
    planes[:, 24:40, 24:40] = np.float32(0.7)
    rng = np.random.default_rng(0)
    moved = [disturbed(planes, rng) for _ in range(20)]
    assert all(set(np.unique(m)) == {np.float32(0), np.float32(0.7)} for m in moved), (
        "colours stay what they are"
    )

    def centre(plane: np.ndarray) -> np.ndarray:
        return np.argwhere(plane > 0).mean(axis=0)

    shifts = np.array([[centre(m[k]) - centre(planes[k]) for k in (0, 3)] for m in moved])
    assert 0.1 < np.abs(shifts[:, 0]).max() <= 1.5, "1 % of 64 pixels, rounded"
    assert np.abs(shifts[:, 0] - shifts[:, 1]).max() > 0.5, "NMFC and eyes move independently"


def test_mouth_squares_are_cut_where_asked():
    size = 48
    pictures = torch.arange(size * size, dtype=torch.float32).view(1, 1, size, size).repeat(2, 1, 1, 1)
    side = mouth_side(size)
    cut = mouths_of(pictures, torch.tensor([[3, 5], [0, 0]]))
    assert cut.shape == (2, 1, side, side)
    assert cut[0, 0, 0, 0] == pictures[0, 0, 5, 3]


def test_head2head_learns_its_clip(tmp_path):
    recipe = Head2HeadRecipe(footage(), TINY, width=4)
    before = scores(*held_out(recipe.average, recipe.clips[0]))
    lines = list(train(recipe, Plan(tmp_path, 5, batch=1, steps=30), torch.device("cpu")))
    after = scores(*held_out(recipe.average, recipe.clips[0]))
    assert len(lines) == 30 and {"adversarial", "matching", "perceptual", "warp"} <= set(lines[0].losses)
    assert after["l1"] < 0.8 * before["l1"]
    assert recipe.picture().shape == (2 * SIZE, 3 * SIZE, 3)


@pytest.fixture(scope="module")
def started(tmp_path_factory) -> FsInitialisation:
    clips = [footage(shade=0.4, name="a"), footage(shade=0.8, name="b")]
    recipe = FsInitialisation(clips, TINY, width=4)
    plan = Plan(tmp_path_factory.mktemp("fs"), 5, batch=2, steps=25)
    losses = [p.losses for p in train(recipe, plan, torch.device("cpu"))]
    assert {"mask", "match"} <= set(losses[0])
    assert losses[-1]["mask"] < losses[0]["mask"] and losses[-1]["match"] < losses[0]["match"]
    return recipe


def test_few_shot_fine_tuning_starts_at_the_generator_of_h_new(started):
    clip = footage(shade=0.7, name="new")
    tuned = FsFineTuning(clip, started)
    h = started.identity_of(clip)
    conditions, previous = torch.rand(1, 9, SIZE, SIZE), torch.zeros(1, 6, SIZE, SIZE)
    with torch.no_grad():
        wide = started.average.eval()(conditions, previous, h)
        narrow = tuned.generator.eval()(conditions, previous)
    assert (wide - narrow).abs().max() < 1e-5
    afresh = FsFineTuning(clip, None, TINY, width=4)
    row, untrained = (recipe.image.projection.rows.weight for recipe in (tuned, afresh))
    assert torch.nn.functional.cosine_similarity(row, h).item() == pytest.approx(1, abs=1e-5)
    assert row.norm().item() == pytest.approx(untrained.norm().item(), rel=1e-4)
    for name in ("patches.discriminator_0.model0.0.weight", "projection.common"):
        ours, fresh, first = (r.image.state_dict()[name] for r in (tuned, afresh, started))
        assert torch.equal(ours, fresh) and not torch.equal(ours, first), name


def test_initialisation_beats_random_weights_after_the_same_steps(started, tmp_path):
    clip, errors = footage(shade=0.6, name="new"), []
    for k, start in enumerate((started, None)):
        recipe = FsFineTuning(clip, start, TINY, width=4)
        list(train(recipe, Plan(tmp_path / str(k), 5, batch=1, steps=6), torch.device("cpu")))
        real, made = held_out(recipe.average, recipe.clips[0])
        mattes = clip.mattes[clip.n_train :, None] / 255
        clean = (real + 1) * mattes - 1
        errors.append(scores(clean, made[:, :3])["l1"])
    assert errors[0] < errors[1], errors


def test_a_step_depends_only_on_its_batch(tmp_path):
    """Two recipes from the same seed make the same step; resuming and sharing work rest on that."""
    results = []
    for _ in range(2):
        recipe = Head2HeadRecipe(footage(), TINY, width=4)
        batch = draw_batch(recipe, Plan(tmp_path, 1, batch=1), 0)
        torch.manual_seed(0)
        losses = recipe.step(batch, Stepper(torch.device("cpu")))
        results.append({name: float(value.detach()) for name, value in losses.items()})
    assert results[0] == results[1]


def test_a_trained_person_is_in_the_menu_and_renders(tmp_path, monkeypatch):
    """After the footage's preparation, all of `mien train head2head` runs, from the first stage to the
    backend.
    """
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    settings = PersonalSettings(SIZE, TINY, 4)
    for folder, clip in (
        ("base/0000", footage(name="a.mp4")),
        ("base/0001", footage(shade=0.8, name="b.mp4")),
    ):
        run_folder(folder).mkdir(parents=True)
        clip.save(run_folder(folder) / "footage.npz")
    _, base = drained(train_first_stage([Path("a.mp4"), Path("b.mp4")], "base", 5, settings, steps=2))
    for name, start in (("me", None), ("few", base)):
        run_folder(name).mkdir(parents=True)
        footage(name="me.mp4").save(run_folder(name) / "footage.npz")
        steps, model = drained(train_head2head(Path("me.mp4"), name, 5, settings, start, steps=2))
        assert model.kind == ("head2head" if start is None else "head2headfs") and model.name == name
        said = [step.message for step in steps]
        assert said[0].startswith("Measuring") and "before" in said[1] and "after" in said[-1]
        backend = backends()[f"head2head-{name}"]()
        person = backend.renderer().person
        assert np.array_equal(person.portrait, footage().frames[footage().best_frame])
        assert person.identity.coefficients == pytest.approx((0.3,) * 40)
    with pytest.raises(EngineError, match=r"holds a run on me\.mp4"):
        drained(train_head2head(Path("someone-else.mp4"), "me", 5, settings, steps=3))


def test_one_person_is_too_few_for_the_first_stage():
    with pytest.raises(EngineError, match="several people"):
        drained(train_first_stage([Path("a.mp4")], "base", 5))


def test_prepared_footage_belongs_to_its_clip_not_to_its_name(tmp_path, monkeypatch):
    """Two cameras may both call their first clip IMG_0001.mp4."""
    first, second = tmp_path / "a" / "IMG_0001.mp4", tmp_path / "b" / "IMG_0001.mp4"
    for path in (first, second):
        path.parent.mkdir()
        path.write_bytes(str(path).encode())

    def prepare(path, size):
        yield from ()
        return replace(footage(name=path.name), sha256=file_sha256(path))

    monkeypatch.setattr(recipe, "prepare", prepare)
    kept = tmp_path / "run" / "footage.npz"
    for path in (first, second, second):
        _, found = drained(recipe._prepared(path, kept, SIZE))
        assert found.sha256 == file_sha256(path) and Footage.load(kept).sha256 == found.sha256
    (kept.parent / CHECKPOINT).write_bytes(b"trained on the second")
    with pytest.raises(EngineError, match=r"holds a run on IMG_0001\.mp4"):
        drained(recipe._prepared(first, kept, SIZE))
