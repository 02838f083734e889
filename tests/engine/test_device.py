"""When a card's memory is full, work goes on with a notice: first at a smaller size, then on the processor."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from app.engine import device
from app.engine.checkpoints.headgan_files import KINDS
from app.engine.checkpoints.kinds import Found
from app.engine.checkpoints.store import save_model
from app.engine.contract import Target
from app.engine.device import CPU, Device, MemoryFallback, best_device, out_of_memory
from app.engine.engine import Engine
from app.engine.face.parameters import FaceEdit
from app.engine.generators import headgan as backend
from app.engine.networks.headgan import HeadGan, HeadGanConfig
from tests.steps import drained

PRETENDED = Device("cpu", "float32", "Pretended card")


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that there is a card, which computes like the processor and whose memory can be said to be
    full.
    """
    monkeypatch.setattr(device, "card", lambda: PRETENDED)
    monkeypatch.setattr(device, "_fallen", 0)


class Code:
    pass


def test_without_a_card_a_full_memory_is_an_error(monkeypatch):
    monkeypatch.setattr(device, "card", lambda: CPU)
    monkeypatch.setattr(device, "_fallen", 0)

    def work():
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(torch.cuda.OutOfMemoryError):
        MemoryFallback().make(work)
    assert device.notice() is None and best_device() == CPU


def test_only_a_card_s_memory_counts():
    assert out_of_memory(torch.cuda.OutOfMemoryError("full"))
    assert out_of_memory(RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"))
    assert not out_of_memory(MemoryError()) and not out_of_memory(RuntimeError("shapes differ"))


def test_other_errors_pass_and_change_nothing(pretended):
    with pytest.raises(RuntimeError, match="shapes"):
        MemoryFallback().make(lambda: (_ for _ in ()).throw(RuntimeError("shapes differ")))
    assert best_device() == PRETENDED


def test_a_code_of_a_device_that_was_given_up_is_made_anew(pretended):
    fallback, made = MemoryFallback(), []

    def make() -> Code:
        made.append(best_device())
        return Code()

    first = fallback.make(make)
    second = fallback.make(make)

    def once(code: Code) -> str:
        if best_device() == PRETENDED:
            raise torch.cuda.OutOfMemoryError("full")
        return "done"

    assert fallback.use(first, once, make) == "done"
    assert best_device().shrink == 2 and "smaller" in str(best_device())
    seen = []
    fallback.use(second, seen.append, make)
    assert seen != [second]  # the second network lay on the card as before, so it is made anew
    fallback.use(second, seen.append, make)
    assert seen[0] is seen[1] and [d.shrink for d in made] == [1, 1, 2, 2]  # the network is made anew once
    assert device.step_down() and best_device() == CPU and not device.step_down()


@pytest.fixture
def narrow(tmp_path, monkeypatch):
    """Return a tiny untrained HeadGAN, imported; its network raises while it works on more than `limit` pixels a
    side.
    """
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    torch.manual_seed(0)
    network = HeadGan(HeadGanConfig(width=4, hidden=8, audio=False, spectral=False))
    config = {"width": 4, "hidden": 8, "audio": False, "spectral": False}
    found = Found(network.state_dict(), config, {"image_size": torch.tensor(64)})
    save_model(found, KINDS[0], "tiny", "tests")
    limits = {"side": 64}
    plain = backend.rendered

    def limited(renderer, *rest):
        if renderer.device != CPU and renderer.size > limits["side"]:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate")
        return plain(renderer, *rest)

    monkeypatch.setattr(backend, "rendered", limited)
    return limits


def test_the_session_goes_on_smaller_then_on_the_processor(pretended, narrow, portrait):
    engine = Engine("headgan")
    edit = {0: FaceEdit.of(yaw=portrait.faces[0].params.camera.yaw + 8)}
    before = engine.render(portrait, edit)
    assert before.notice is None and before.device == "Pretended card float32"
    narrow["side"] = 32
    smaller = engine.render(portrait, edit)
    assert "smaller size" in smaller.notice.message and smaller.device.endswith("smaller")
    assert engine.generator.renderer().size == 32
    narrow["side"] = 8
    last = engine.render(portrait, edit)
    assert "on the processor" in last.notice.message and last.device == "CPU float32"
    assert engine.generator.renderer().size == 64
    assert np.array_equal(before.pixels, last.pixels)  # both come from the same network at the same size
    assert np.array_equal(engine.render(portrait, edit).pixels, last.pixels)
    engine.close()


def test_a_full_memory_while_encoding_is_survived_too(pretended, narrow, portrait):
    narrow["side"] = 8
    engine = Engine("headgan")
    view = engine.view(portrait)
    code = engine.code(portrait, view, 0)
    assert best_device() == CPU
    own = engine.generator.generate(code, Target(portrait.faces[0].params))
    height, width = own.pixels.shape[:2]
    box = np.s_[own.y : own.y + height, own.x : own.x + width]
    assert np.array_equal(own.pixels, portrait.photo.pixels[box])
    engine.close()


def test_work_that_reports_its_steps_begins_anew_on_the_next_way(pretended):
    def steps():
        yield str(best_device())
        if best_device() != CPU:
            raise torch.cuda.OutOfMemoryError("full")
        return Code()

    words, code = drained(MemoryFallback().steps(steps))
    assert isinstance(code, Code)
    assert len(words) == 3 and words[-1] == str(CPU) and best_device() == CPU
