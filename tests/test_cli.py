"""The command line works as a person types it, on the sample portrait."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from app.cli import main, parser
from app.commands import print_json, training
from app.commands.editing import jobs, preset_values, report_ignored
from app.engine.engine import Engine
from app.engine.errors import EngineError
from app.engine.face.controls import BY_NAME
from app.engine.face.parameters import FaceEdit
from app.engine.sample import sample_path
from app.engine.sources.performance_files import write_performance
from app.engine.training.steps import TrainingStep
from app.session.presets import SHIPPED, Preset, write_presets
from tests.engine.conftest import make_performance
from tests.engine.networks.test_stylegan2 import parity

SAMPLE = str(sample_path())


def commands(of: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield the parser and those of all its commands."""
    yield of
    for action in of._actions:
        if isinstance(action, argparse._SubParsersAction):
            for one in action.choices.values():
                yield from commands(one)


def test_every_command_says_what_it_does_and_explains_every_argument() -> None:
    """Once, “mien evaluate --help” named no purpose, and “--engine ENGINE” stood without a word."""
    seen = list(commands(parser()))
    assert len(seen) > 25
    for one in seen:
        assert one.description and one.description.endswith("."), one.prog
        silent = [
            a.dest for a in one._actions if not a.help and not isinstance(a, argparse._SubParsersAction)
        ]
        assert not silent, (one.prog, silent)
        # A value that a user may leave out has its default named.
        unsaid = [a.dest for a in one._actions if a.default not in (None, False, []) and a.type is not None]
        assert all("default" in str(a.help) for a in one._actions if a.dest in unsaid), (one.prog, unsaid)


def test_edit_names_every_control_that_can_be_set(capsys: pytest.CaptureFixture[str]) -> None:
    """Once, lids and cheeks were missing."""
    with pytest.raises(SystemExit):
        main(["edit", "--help"])
    words = capsys.readouterr().out.split()
    assert [name for name in BY_NAME if not name.startswith("exp") and name not in words] == []


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def follow(capsys: pytest.CaptureFixture[str]) -> dict:
    """Return the one JSON object on standard output, and nothing else."""
    return json.loads(capsys.readouterr().out)


def test_fit_reports_the_face(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", SAMPLE, "--json"]) == 0
    (face,) = follow(capsys)["faces"]
    assert set(face) >= {"box", "yaw", "pitch", "roll", "scale", "tx", "ty", "gaze", "aperture", "identity"}
    assert len(face["expression"]) == 28 and len(face["aperture"]) == 2
    assert abs(face["yaw"]) < 30 and 30 < face["scale"] < 90


def test_fit_writes_the_faces_mesh(tmp_path: Path) -> None:
    assert main(["fit", SAMPLE, "--mesh", str(tmp_path / "face.obj")]) == 0
    lines = (tmp_path / "face.obj").read_text().splitlines()
    assert sum(line.startswith("v ") for line in lines) > 10_000  # the file holds the whole head
    assert sum(line.startswith("f ") for line in lines) > 20_000


def test_the_window_without_a_display_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert main([SAMPLE]) == 1
    assert "no display" in capsys.readouterr().err


def test_an_edit_of_nothing_is_the_photo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "北京 Ünïcode 😀.png"
    assert main(["edit", SAMPLE, "-o", str(out), "--json"]) == 0
    assert follow(capsys)["changed"] == 0
    assert np.array_equal(pixels(out), pixels(Path(SAMPLE)))


def test_edit_does_and_measures_what_is_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.png"
    assert main(["edit", SAMPLE, "-o", str(out), "--set", "yaw=12", "--set", "smile=0.6", "--json"]) == 0
    report = follow(capsys)
    assert report["asked"]["yaw"] == pytest.approx(12) and report["asked"]["smile"] == pytest.approx(0.6)
    assert report["measured"]["yaw"] == pytest.approx(12, abs=5)
    assert 0.02 < report["changed"] < 1 and report["ms"]["total"] > 0
    before, after = pixels(Path(SAMPLE)), pixels(out)
    assert np.array_equal(before[-1], after[-1]) and not np.array_equal(before, after)


def test_frontalise_turns_the_face_to_the_viewer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    turned = tmp_path / "turned.png"
    main(["edit", SAMPLE, "-o", str(turned), "--set", "yaw=18"])
    capsys.readouterr()
    assert main(["frontalise", str(turned), "-o", str(tmp_path / "front.png"), "--json"]) == 0
    measured = follow(capsys)["measured"]
    assert abs(measured["yaw"]) <= 5 and abs(measured["pitch"]) <= 5


def test_a_released_headgan_is_imported_listed_verified_used_and_removed(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    recipe = parity(shared)
    released, out = tmp_path / "latest_net_G.pth", tmp_path / "turned.png"
    torch.save(recipe.state_dict(recipe.read_keys("headgan_noaudio_keys.tsv"), "public"), released)
    assert main(["models", "import", str(released), "--json"]) == 0
    assert follow(capsys) == {"name": "headgan", "kind": "headgan"}
    assert main(["models", "list", "--json"]) == 0
    listed = {model["name"]: model for model in follow(capsys)["models"]}["headgan"]
    assert listed["source"] == released.name and "not for commercial" in listed["use"].lower()
    assert main(["models", "verify", "headgan"]) == 0
    assert main(["edit", SAMPLE, "-o", str(out), "--engine", "headgan", "--set", "yaw=12"]) == 0
    photo, made = pixels(Path(SAMPLE)), pixels(out)
    changed = (photo != made).any(axis=2)
    assert made.shape == photo.shape and 0.01 < changed.mean() < 0.6, "the head alone"
    assert main(["models", "remove", "headgan"]) == 0
    assert not list((tmp_path / "home" / "models").iterdir())
    assert main(["edit", SAMPLE, "-o", str(out), "--engine", "headgan", "--set", "yaw=12"]) == 1
    assert "mien models import" in capsys.readouterr().err


def test_a_folder_of_photos_names_the_broken_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"not a picture")
    out = tmp_path / "out"
    assert main(["edit", SAMPLE, str(broken), "-o", str(out), "--set", "roll=5"]) == 1
    captured = capsys.readouterr()
    assert "broken.jpg" in captured.err and captured.out == ""
    assert [path.name for path in out.iterdir()] == ["astronaut.png"]


def test_json_has_null_where_a_number_is_not_finite(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": float("nan"), "b": [float("inf"), 0.12345678]})
    assert capsys.readouterr().out == '{"a": null, "b": [null, 0.123457]}\n'


def test_what_the_generator_does_not_obey_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    info = SimpleNamespace(title="Latent directions", controls=("yaw",))
    engine = SimpleNamespace(generator=SimpleNamespace(info=info))
    assert report_ignored(engine, FaceEdit.of(yaw=3, smile=1)) == ["smile"]  # type: ignore[arg-type]
    assert capsys.readouterr().err == "Latent directions does not obey smile\n"


def test_a_preset_file_is_applied(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    preset = tmp_path / "p.json"
    write_presets(preset, [Preset("Tilted", (("roll", 8.0),))])  # the window saves it in the same way
    assert main(["edit", SAMPLE, "-o", str(tmp_path / "o.png"), "--preset", str(preset), "--json"]) == 0
    assert follow(capsys)["asked"]["roll"] == pytest.approx(8)


def test_what_was_asked_is_reported_even_of_a_result_without_a_face(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object) -> None:
        raise EngineError("No face can be measured in the result.", "Ask for a smaller change.")

    monkeypatch.setattr(Engine, "measure", lost)
    assert (
        main(
            ["edit", SAMPLE, "-o", str(tmp_path / "o.png"), "--set", "roll=8", "--set", "smile=0.5", "--json"]
        )
        == 0
    )
    report = follow(capsys)
    assert report["asked"]["roll"] == pytest.approx(8) and report["asked"]["smile"] == 0.5
    assert len(report["asked"]["expression"]) == 28 and report["measured"] == {}


def test_a_reader_that_stops_reading_is_no_crash() -> None:
    listing = [sys.executable, "-m", "app.cli", "models", "list"]
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as nobody:
        done = subprocess.run(listing, stdout=nobody, stderr=subprocess.PIPE, text=True, timeout=120)
    assert done.returncode == 1 and "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr


def test_the_shipped_presets_are_understood() -> None:
    files = sorted(SHIPPED.glob("*.json"))
    assert len(files) >= 12 and all(preset_values(file) for file in files)


@pytest.mark.parametrize(
    "arguments",
    [
        ["fit", "/nowhere/at/all.jpg"],
        ["edit", SAMPLE, "-o", "{tmp}/x.png", "--face", "7"],
        ["edit", SAMPLE, "-o", "{tmp}/x.unknown", "--set", "yaw=3"],
        ["edit", SAMPLE, "-o", "{tmp}/x.png", "--engine", "nothing"],
        ["edit", SAMPLE, "-o", "{tmp}/x.png", "--preset", SAMPLE],
    ],
)
def test_what_goes_wrong_is_one_line_and_leaves_nothing(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([a.replace("{tmp}", str(tmp_path)) for a in arguments]) == 1
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.strip().count("\n") == 0 and captured.err.startswith("mien: ")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "argument",
    ["yaw", "yaw=up", "nose=1", "yaw=nan", "yaw=1e99", "scale=0", "scale=-50", "yaw=500", "smile=1e6"],
)
def test_a_wrong_setting_is_a_usage_error(
    argument: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["edit", SAMPLE, "-o", str(tmp_path / "x.png"), "--set", argument])
    assert exit_.value.code == 2
    if argument == "smile=1e6":
        assert "smile: 1e6 is not from -1.5 to 2" in capsys.readouterr().err


def test_a_preset_beyond_what_a_control_can_mean_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    preset = tmp_path / "p.json"
    write_presets(preset, [Preset("Ruin", (("smile", 1e6),))])
    assert main(["edit", SAMPLE, "-o", str(tmp_path / "o.png"), "--preset", str(preset)]) == 1
    assert "asks for smile 1e+06, which is not from -1.5 to 2" in capsys.readouterr().err


def no_work(*_: object, **__: object) -> None:
    raise AssertionError("the work began before its output was checked")


@pytest.mark.parametrize("command", ["edit", "drive", "track", "fit"])
@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("{tmp}/nowhere/x", "There is no folder"),
        ("{tmp}/file/x", "There is no folder"),
        ("{tmp}/" + "ü" * 130, "too long. Choose a shorter name."),
        ("{tmp}/locked/x", "may not write"),
        ("{tmp}/full/x", "is full"),
        ("{tmp}/proc/x", "may not write"),  # it says that there is no such file
        ("{tmp}/pipe", "cannot be written: not a file"),
    ],
)
def test_an_output_that_cannot_be_is_reported_before_the_work(
    command: str, place: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    ending = {"edit": ".png", "drive": ".mp4", "track": ".csv", "fit": ".obj"}[command]
    codes = {"locked": 13, "full": 28, "proc": 2}
    for folder in codes:
        (tmp_path / folder).mkdir()
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / f"pipe{ending}")
    real = Path.touch

    def touch(self: Path, *args, **kwargs) -> None:
        if self.parent.name in codes:  # root could write there, so the refusal is made up
            raise OSError(codes[self.parent.name], "as the system says it")
        real(self, *args, **kwargs)

    monkeypatch.setattr(Path, "touch", touch)
    monkeypatch.setattr(Engine, "open", no_work)
    for worker in ("acquainted_driver", "Look"):
        monkeypatch.setattr(f"app.engine.driving.clip_driving.{worker}", no_work)
    before = sorted(tmp_path.rglob("*"))
    out = place.replace("{tmp}", str(tmp_path)) + ending
    arguments = {"edit": [SAMPLE, "-o"], "drive": [SAMPLE, SAMPLE, "-o"], "track": [SAMPLE, "-o"]}
    assert main([command, *arguments.get(command, [SAMPLE, "--mesh"]), out]) == 1
    printed = capsys.readouterr().err
    assert words in printed and printed.count("\n") == 1 and sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("command", [["fit"], ["track", "-o", "x.csv"]])
def test_an_input_whose_name_is_too_long_is_no_crash(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command[0], "x" * 300 + ".mp4", *command[1:]]) == 1
    printed = capsys.readouterr().err
    assert "name" in printed.lower() and "Traceback" not in printed


def test_a_folder_takes_a_films_frames(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    performance = tmp_path / "p.performance"
    write_performance(make_performance(3), performance)
    (tmp_path / "there.v2").mkdir()
    for name in ("there.v2", "new"):
        folder = tmp_path / name
        assert main(["drive", SAMPLE, str(performance), "-o", str(folder), "--size", "128", "--json"]) == 0
        assert Path(follow(capsys)["output"]) == folder
        names = sorted(path.name for path in folder.iterdir())
        assert names == ["000001.png", "000002.png", "000003.png", "times.csv"]
    assert main(["drive", SAMPLE, str(performance), "-o", str(folder)]) == 1
    assert "is not empty" in capsys.readouterr().err and len(list(folder.iterdir())) == 4


def test_ctrl_c_before_the_work_begins_ends_in_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("app.cli.parser", interrupted)
    assert main(["fit", SAMPLE]) == 1
    assert capsys.readouterr().err == "mien: stopped.\n"
    heavy = "name.startswith('app.') or name == 'argparse'"
    loaded = f"import sys, app.cli; print([name for name in sys.modules if {heavy}])"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['app.cli']"


@pytest.mark.parametrize(
    "arguments",
    [
        ["edit", SAMPLE, "-o", "{tmp}/x.png", "--strength", "nan"],
        ["frontalise", SAMPLE, "-o", "{tmp}/x.png", "--strength", "5"],
        ["drive", SAMPLE, "x.performance", "-o", "{tmp}/x.mp4", "--size", "-5"],
        ["evaluate", "clip.mp4", "--frames", "-5"],
        ["bench", "--repeats", "1"],
        ["train", "headgan", "{tmp}", "--minutes", "nan"],
        ["train", "headgan", "{tmp}", "-o", "../../elsewhere"],
        ["train", "headgan", "{tmp}", "--shard", "2/2"],
        ["train", "completion", "{tmp}", "--shard", "one"],
    ],
)
def test_a_number_or_name_out_of_range_is_a_usage_error(arguments: list[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as exit_:
        main([a.replace("{tmp}", str(tmp_path)) for a in arguments])
    assert exit_.value.code == 2 and not list(tmp_path.iterdir())


def test_no_result_takes_the_place_of_a_photo_or_of_another_result(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = [tmp_path / "a" / "x.png", tmp_path / "b" / "x.png"]
    for photo in photos:
        photo.parent.mkdir()
        photo.write_bytes(photo.parent.name.encode())
    both = [str(photo) for photo in photos]
    assert main(["edit", *both, "-o", str(tmp_path / "a"), "--set", "yaw=3"]) == 1
    assert "never overwrites" in capsys.readouterr().err
    assert main(["edit", *both, "-o", str(tmp_path / "out"), "--set", "yaw=3"]) == 1
    assert "both become" in capsys.readouterr().err
    assert [photo.read_bytes() for photo in photos] == [b"a", b"b"] and not (tmp_path / "out").exists()


def test_a_format_that_is_only_read_becomes_png_in_a_folder(tmp_path: Path) -> None:
    found = jobs([tmp_path / "a.heic", tmp_path / "b.JPG"], tmp_path / "out")
    assert [job.output.name for job in found] == ["a.png", "b.JPG"]


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["frontalise", SAMPLE, "other.png", "-o", str(tmp_path / "file" / "out")]) == 1
    assert "no folder" in capsys.readouterr().err


def test_a_training_reports_its_curve_and_where_its_pictures_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def steps():
        for k in range(51):
            yield TrainingStep(k, 60, f"step {k}", number=k, losses={"G": 50.0 - k, "D": k})
        return "model"

    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    plain = SimpleNamespace(lines=False, picture=None, output="mine")
    assert training.follow(steps(), plain) == "model"
    *_, last, where = capsys.readouterr().err.splitlines()
    assert last.startswith("50 of 60: step 50  █") and last.endswith("▁") and len(last.split()[-1]) == 24
    assert where.endswith(str(tmp_path / "training" / "mine"))
    assert training.sparkline([3.0, 3.0]) == "▁▁" and training.sparkline([0.0, 7.0, 1.0]) == "▁█▂"
