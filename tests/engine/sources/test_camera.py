"""Cameras give the newest frame and come back after they were lost; virtual devices and sounds work."""

from __future__ import annotations

import sys
import threading
import time
import types

import numpy as np
import pytest

from app.engine.errors import EngineError
from app.engine.film.virtual_camera import VirtualCameraOutput
from app.engine.sound import audio
from app.engine.sound.audio import LevelMeter, SoundClock, microphones
from app.engine.sources import camera
from app.engine.sources.camera import CameraSource
from app.engine.sources.frames import Frame
from tools.virtual_camera import VirtualCamera, flash_picture, is_on, virtual_sound


class Device:
    """Behaves like cv2.VideoCapture: it gives `frames` pictures, each once `gate` lets it through, and then
    nothing.
    """

    opened = 0

    def __init__(self, frames: int, works: bool = True) -> None:
        self._left, self._works = frames, works
        self.settings: dict[int, float] = {}
        self.released = False
        Device.opened += 1

    def isOpened(self) -> bool:
        return self._works

    def set(self, setting: int, value: float) -> bool:
        self.settings[setting] = value
        return True

    def read(self):
        if self._left == 0:
            return False, None
        self._left -= 1
        time.sleep(0.004)
        picture = np.zeros((12, 16, 3), np.uint8)
        picture[..., 0] = 200  # blue, which is first in OpenCV
        return True, picture

    def release(self) -> None:
        self.released = True


def take_until(source: CameraSource, wanted) -> Frame | None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        frame = source.take(0.1)
        if wanted(frame):
            return frame
    raise AssertionError("it did not happen")


def leave(source: CameraSource, until: int) -> None:
    """Wait until so many frames were captured, without taking one."""
    deadline = time.monotonic() + 20
    while source.captured < until and time.monotonic() < deadline:
        time.sleep(0.01)


def test_the_newest_frame_is_given_and_older_ones_count_as_dropped() -> None:
    device = Device(100000)
    source = CameraSource(0, "Desk", (640, 480), 60, opener=lambda _: device)
    assert source.name == "Desk" and source.live and source.total == 0
    first = take_until(source, lambda f: f is not None)
    assert first is not None and first.pixels is not None
    assert first.pixels[0, 0].tolist() == [0, 0, 200] and abs(first.time - time.monotonic()) < 5
    leave(source, until=first.index + 8)
    later = source.take(0)
    assert later is not None and later.dropped > 3 and later.index - first.index >= 4
    leave(source, until=later.index + 12)
    newest = source.take(0)
    assert newest is not None and newest.index >= later.index + 10
    assert source.size == (16, 12) and source.rate is not None and source.rate > 5
    assert 640 in device.settings.values() and 60 in device.settings.values()
    source.close()
    assert device.released and source.ended


def test_a_lost_camera_pauses_and_comes_back(monkeypatch) -> None:
    monkeypatch.setattr(camera, "RETRY_SECONDS", 0.01)
    devices = [Device(3), Device(0, works=False), Device(0, works=False), Device(100000)]
    source = CameraSource(0, opener=lambda _: devices.pop(0))
    take_until(source, lambda f: source.lost)
    assert source.rate is None and not source.ended
    back = take_until(source, lambda f: f is not None and f.index >= 3)
    assert back is not None and not source.lost
    source.close()


def test_a_camera_that_cannot_be_opened_is_reported() -> None:
    with pytest.raises(EngineError, match="Camera 7"):
        CameraSource(7, opener=lambda _: Device(0, works=False))


def test_taking_without_frames_times_out() -> None:
    gate = threading.Event()

    class Stuck(Device):
        def read(self):
            gate.wait(5)
            return False, None

    source = CameraSource(0, opener=lambda _: Stuck(0))
    assert source.take(0.01) is None and not source.ended
    gate.set()
    source.close()


def test_the_virtual_camera_loses_frames_and_keeps_time() -> None:
    source = VirtualCamera(flash_picture((8, 6)), 4.0, jitter=0.003, lost=0.2)
    frames = []
    while (frame := source.take(0)) is not None:
        frames.append(frame)
    times = [f.time for f in frames]
    assert source.ended and 80 < len(frames) < 115 and frames[-1].dropped > 10
    assert times == sorted(times) and times[-1] == pytest.approx(4.0, abs=0.2)
    assert all((f.pixels is not None and f.pixels.max() == 255) == is_on(f.time) for f in frames)


def test_the_virtual_microphone_runs_fast() -> None:
    blocks = list(virtual_sound(10, drift=0.01))
    assert sum(len(samples) for samples, _ in blocks) == pytest.approx(10 * 48000 * 1.01, abs=480)
    assert blocks[-1][1] == pytest.approx(10, abs=0.02)


def test_the_sound_clock_smooths_jitter_follows_drift_and_jumps_over_gaps() -> None:
    clock, random = SoundClock(48000), np.random.default_rng(0)
    placed, true = [], []
    for k in range(2000):
        moment = k * 0.01 / 1.0002  # the clock is fast by 200 ppm
        true.append(moment)
        placed.append(clock.place(moment + random.normal(0, 0.005), 480))
    error = np.array(placed) - np.array(true)
    assert np.abs(error[500:]).max() < 0.003 and abs(error[1000:].mean()) < 0.0005
    assert clock.place(60.0, 480) == 60.0


def test_the_level_meter_shows_peaks_and_falls() -> None:
    meter = LevelMeter()
    assert meter.add(np.full(10, 0.5, np.float32), 1.0) == pytest.approx(-6.02, abs=0.01)
    assert meter.add(np.zeros(10, np.float32), 2.0) == pytest.approx(-26.02, abs=0.01)
    assert meter.add(np.zeros(0, np.float32), 20.0) == -90


class FakeDevices(types.ModuleType):
    """Behaves like sounddevice, with one input that is heard once when it starts."""

    PortAudioError = RuntimeError

    def __init__(self) -> None:
        super().__init__("sounddevice")
        self.default = types.SimpleNamespace(device=[1, 0])
        self.closed = False

    def query_devices(self, device=None, kind=None):
        if kind:
            return {"default_samplerate": 44100.0}
        names = (("Speaker", 0), ("Desk microphone", 1), ("Headset", 2))
        return [{"name": n, "max_input_channels": c, "index": k} for k, (n, c) in enumerate(names)]

    def InputStream(self, rate, device, channels, dtype, callback):
        def start() -> None:
            times = types.SimpleNamespace(currentTime=8.05, inputBufferAdcTime=8.0)
            callback(np.full((441, channels), 0.25, np.float32), 441, times, None)

        return types.SimpleNamespace(start=start, close=lambda: setattr(self, "closed", True))


def test_a_microphone_reports_when_its_samples_were_heard(monkeypatch) -> None:
    fake = FakeDevices()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    heard: list[tuple[np.ndarray, float]] = []
    before = time.monotonic()
    microphone = audio.Microphone(lambda samples, moment: heard.append((samples, moment)))
    assert microphone.rate == 44100 and microphone.channels == 1
    assert heard[0][0].shape == (441, 1) and heard[0][1] == pytest.approx(before - 0.05, abs=2)
    assert heard[0][1] < time.monotonic() - 0.049
    microphone.close()
    assert fake.closed
    assert microphones() == ("Desk microphone", "Headset")


def test_without_a_sound_system_a_remedy_is_reported(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert microphones() == ()
    with pytest.raises(EngineError, match="PortAudio"):
        audio.Microphone(lambda samples, moment: None)


class FakeCamera:
    def __init__(self, width, height, fps):
        self.width, self.height, self.device, self.sent = width, height, "/dev/video9", []

    def send(self, picture):
        self.sent.append(picture)

    def close(self):
        self.sent.append(None)


def test_pictures_are_sent_to_a_virtual_camera(monkeypatch) -> None:
    fake = types.ModuleType("pyvirtualcam")
    fake.Camera = FakeCamera  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pyvirtualcam", fake)
    output = VirtualCameraOutput((64, 48), 30)
    assert output.name == "/dev/video9"
    output.send(np.full((48, 64, 3), 9, np.uint8))
    output.send(np.full((48, 48, 3), 9, np.uint8))  # this is narrower, so both sides are black
    output.close()
    whole, fitted, end = output._camera.sent
    assert (whole == 9).all() and end is None
    assert fitted.shape == (48, 64, 3) and not fitted[:, :8].any() and (fitted[:, 8:56] == 9).all()


def test_without_a_virtual_camera_a_remedy_is_reported(monkeypatch) -> None:
    fake = types.ModuleType("pyvirtualcam")

    def broken(*_):
        raise RuntimeError("no backend")

    fake.Camera = broken  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pyvirtualcam", fake)
    with pytest.raises(EngineError, match="No virtual camera") as raised:
        VirtualCameraOutput((64, 48), 30)
    assert raised.value.remedy
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    with pytest.raises(EngineError, match="pyvirtualcam"):
        VirtualCameraOutput((64, 48), 30)


def test_a_camera_whose_driver_raises_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera, "RETRY_SECONDS", 0.01)

    class Torn(Device):
        def read(self):
            raise RuntimeError("the device was unplugged")

        def release(self):
            raise RuntimeError("and cannot be closed")

    def opener(_: int | str) -> Device:
        if not devices:
            raise RuntimeError("the bus is gone")
        return devices.pop(0)

    devices = [Torn(3)]
    source = CameraSource(0, opener=opener)
    take_until(source, lambda f: source.lost)
    devices.append(Device(100000))
    assert take_until(source, lambda f: f is not None) is not None and not source.lost
    source.close()
