"""What is saved carries all that was opened, is marked when it was changed, and never harms another file."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image
from PIL.ExifTags import Base

from app.engine.errors import EngineError
from app.engine.imaging import encoding
from app.engine.imaging.colour import srgb_profile, to_srgb8
from app.engine.imaging.endings import ALIASES, PICTURES, WRITTEN
from app.engine.imaging.metadata import COMPOSITE_SYNTHETIC, COMPOSITE_TRAINED, marked_xmp, source_type
from app.engine.imaging.options import ExportOptions
from app.engine.imaging.photo import Photo
from app.engine.imaging.reading import open_photo
from app.engine.imaging.writing import ENCODERS, save_photo, write_bytes
from tests.engine.imaging.profiles import ADOBE_RGB, gamma, rgb_profile

ADOBE = rgb_profile(ADOBE_RGB, gamma(2.2))
WITH_METADATA = [".jpg", ".png", ".webp", ".tif", ".avif"]


@pytest.fixture(scope="module")
def photo(astronaut: NDArray[np.uint8]) -> Photo:
    """Return a 100 x 80 photo with every block a file can carry."""
    exif = Image.Exif()
    exif[0x010F], exif[0x8298] = "Maker", "© nobody".encode()
    exif[0x8769] = {0x829A: 0.005, 0x9003: "2026:11:21 04:00:00"}
    exif[0x8825] = {1: "N", 2: (52.0, 31.0, 0.0)}
    return Photo(
        np.ascontiguousarray(astronaut[70:150, 170:270]),
        icc=ADOBE,
        exif=exif.tobytes(),
        xmp=marked_xmp(None, "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"),
        dpi=(300.0, 300.0),
    )


@pytest.fixture(scope="module")
def edited(photo: Photo) -> NDArray[np.uint8]:
    pixels = photo.pixels.copy()
    pixels[20:40, 20:60] = pixels[20:40, 21:61]
    return pixels


def deepened(pixels: NDArray[np.uint8]) -> NDArray[np.uint16]:
    noise = np.random.default_rng(0).integers(0, 128, pixels.shape, dtype=np.uint16)
    return (pixels.astype(np.uint16) * 257) ^ noise


def test_dialogs_offer_what_can_be_written() -> None:
    assert (
        set(ENCODERS) == set(WRITTEN)
        and set(ALIASES.values()) <= set(WRITTEN)
        and set(ALIASES) <= set(PICTURES)
    )


@pytest.mark.parametrize("ending", [*ENCODERS, *ALIASES])
def test_every_format_comes_back(photo: Photo, edited: Any, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"out 🙂 é{ending.upper()}"
    save_photo(photo, edited, None, path)
    back = open_photo(path)
    wanted = to_srgb8(replace(photo, pixels=edited)) if ending == ".bmp" else edited
    difference = np.abs(back.pixels.astype(int) - wanted)
    exact = ending in (".png", ".tif", ".tiff", ".bmp")
    assert difference.max() == 0 if exact else difference.mean() < 3
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("ending", WITH_METADATA)
def test_profile_exif_and_resolution_are_kept(photo: Photo, edited: Any, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"out{ending}"
    save_photo(photo, edited, None, path)
    back = open_photo(path)
    assert back.icc == ADOBE
    exif = Image.Exif()
    exif.load(back.exif)
    assert exif[0x010F] == "Maker" and exif.get(0x0112, 1) == 1
    assert exif[0x8298].encode("latin-1").decode() == "© nobody"
    assert exif.get_ifd(0x8769)[0x9003] == "2026:11:21 04:00:00"
    assert exif.get_ifd(0x8825)[2] == (52.0, 31.0, 0.0)
    if ending not in (".webp", ".avif"):  # these two have no place for it
        assert back.dpi is not None and abs(back.dpi[0] - 300) < 0.1


@pytest.mark.parametrize("ending", WITH_METADATA)
def test_changed_pixels_are_marked(photo: Photo, edited: Any, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"out{ending}"
    save_photo(photo, edited, None, path)
    assert source_type(open_photo(path).xmp) == COMPOSITE_SYNTHETIC
    save_photo(photo, edited, None, path, ExportOptions(keep_metadata=False), trained=True)
    back = open_photo(path)
    assert source_type(back.xmp) == COMPOSITE_TRAINED
    assert back.exif is None or b"Maker" not in back.exif


def test_an_unchanged_png_is_bit_equal_and_keeps_its_own_mark(photo: Photo, tmp_path: Path) -> None:
    first, second = tmp_path / "first.png", tmp_path / "second.png"
    save_photo(photo, photo.pixels, None, first)
    opened = open_photo(first)
    save_photo(opened, opened.pixels, opened.alpha, second)
    assert np.array_equal(open_photo(second).pixels, photo.pixels)
    assert second.read_bytes() == first.read_bytes()
    assert str(source_type(opened.xmp)).endswith("digitalCapture")


@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_sixteen_bit_and_alpha_are_kept(photo: Photo, tmp_path: Path, ending: str) -> None:
    alpha = np.arange(8000, dtype=np.uint16).reshape(80, 100) * 8
    deep = replace(photo, pixels=deepened(photo.pixels), alpha=alpha)
    path = tmp_path / f"out{ending}"
    save_photo(deep, deep.pixels, alpha, path)
    back = open_photo(path)
    assert back.pixels.dtype == np.uint16 and np.array_equal(back.pixels, deep.pixels)
    assert back.alpha is not None and np.array_equal(back.alpha, alpha)
    assert back.icc == ADOBE
    save_photo(deep, deep.pixels, alpha, path, ExportOptions(eight_bit=True))
    back = open_photo(path)
    assert back.pixels.dtype == np.uint8 and back.alpha is not None
    assert np.abs(back.pixels * 257.0 - deep.pixels).max() <= 128


@pytest.mark.parametrize("ending", [".jpg", ".webp", ".avif", ".bmp"])
def test_sixteen_bit_goes_into_eight_bit_formats(photo: Photo, tmp_path: Path, ending: str) -> None:
    deep = replace(photo, pixels=deepened(photo.pixels), icc=None)
    save_photo(deep, deep.pixels, None, tmp_path / f"out{ending}")
    assert np.abs(open_photo(tmp_path / f"out{ending}").pixels * 257.0 - deep.pixels).mean() < 3 * 257


def test_alpha_survives_or_lies_on_white(photo: Photo, tmp_path: Path) -> None:
    alpha = np.full((80, 100), 255, np.uint8)
    alpha[:40] = 0
    for ending in (".webp", ".avif", ".tif"):
        save_photo(photo, photo.pixels, alpha, tmp_path / f"out{ending}")
        back = open_photo(tmp_path / f"out{ending}").alpha
        assert back is not None and np.array_equal(back > 127, alpha > 127)
    for ending in (".jpg", ".bmp"):
        save_photo(photo, photo.pixels, alpha, tmp_path / f"out{ending}")
        back = open_photo(tmp_path / f"out{ending}")
        assert back.alpha is None and back.pixels[:30].min() > 245 and back.pixels[50:].min() < 60


def test_conversion_to_srgb(photo: Photo, tmp_path: Path) -> None:
    save_photo(photo, photo.pixels, None, tmp_path / "out.png", ExportOptions(srgb=True))
    back = open_photo(tmp_path / "out.png")
    assert np.array_equal(back.pixels, to_srgb8(photo)) and not np.array_equal(back.pixels, photo.pixels)
    assert back.icc == srgb_profile()


def test_quality_changes_the_size_and_100_is_lossless_webp(photo: Photo, tmp_path: Path) -> None:
    for ending in (".jpg", ".webp", ".avif"):
        sizes = []
        for quality in (20, 95):
            save_photo(photo, photo.pixels, None, tmp_path / f"out{ending}", ExportOptions(quality=quality))
            sizes.append((tmp_path / f"out{ending}").stat().st_size)
        assert sizes[0] < sizes[1]
    save_photo(photo, photo.pixels, None, tmp_path / "out.webp", ExportOptions(quality=100))
    assert np.array_equal(open_photo(tmp_path / "out.webp").pixels, photo.pixels)
    with pytest.raises(EngineError, match="quality of 0"):
        save_photo(photo, photo.pixels, None, tmp_path / "out.jpg", ExportOptions(quality=0))


def test_metadata_too_long_for_a_jpeg_is_left_out(photo: Photo, edited: Any, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = "long " * 20_000
    long = replace(photo, exif=exif.tobytes(), xmp=_long_xmp())
    for pixels in (edited, photo.pixels):
        save_photo(long, pixels, None, tmp_path / "out.jpg")
    save_photo(long, edited, None, tmp_path / "out.jpg")
    assert source_type(open_photo(tmp_path / "out.jpg").xmp) == COMPOSITE_SYNTHETIC


def _long_xmp() -> bytes:
    packet = marked_xmp(None, COMPOSITE_TRAINED)
    return packet.replace(b"<rdf:Description ", b'<rdf:Description rdf:ID="' + b"x" * 70_000 + b'" ')


def test_the_opened_photo_is_never_overwritten(photo: Photo, edited: Any, tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    save_photo(photo, photo.pixels, None, path)
    before = path.read_bytes()
    opened = open_photo(path)
    (tmp_path / "link.png").symlink_to(path)
    (tmp_path / "twin.png").hardlink_to(path)
    for target in (path, tmp_path / "." / "photo.png", tmp_path / "link.png", tmp_path / "twin.png"):
        with pytest.raises(EngineError, match="never overwrites"):
            save_photo(opened, edited, None, target)
    assert path.read_bytes() == before


def test_another_file_is_replaced_whole_or_not_at_all(
    photo: Photo, edited: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.png"
    path.write_bytes(b"what was there")

    def full(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[:10])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(EngineError, match="is full"):
        patch.setattr(Path, "write_bytes", full)
        save_photo(photo, edited, None, path)
    assert path.read_bytes() == b"what was there" and len(list(tmp_path.iterdir())) == 1
    save_photo(photo, edited, None, path)
    assert np.array_equal(open_photo(path).pixels, edited)


def test_bad_places_are_reported(photo: Photo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, says in {
        "out.heic": "does not write .heic",
        "out": "without an ending",
        "nowhere/out.png": "There is no folder",
    }.items():
        with pytest.raises(EngineError, match=says):
            save_photo(photo, photo.pixels, None, tmp_path / name)
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(EngineError, match="is a folder"):
        save_photo(photo, photo.pixels, None, tmp_path / "folder.png")
    (tmp_path / "file").touch()
    with pytest.raises(EngineError, match="There is no folder"):
        write_bytes(tmp_path / "folder.png" / ".." / "file" / "out.png", b"")


def test_every_shared_face_photo_survives_as_png(shared: Path, tmp_path: Path) -> None:
    for path in sorted((shared / "media" / "images").glob("a_p*"))[::4]:
        photo = open_photo(path)
        save_photo(photo, photo.pixels, photo.alpha, tmp_path / "out.png")
        back = open_photo(tmp_path / "out.png")
        assert np.array_equal(back.pixels, photo.pixels) and back.icc == photo.icc and back.xmp == photo.xmp


@pytest.mark.parametrize(("value", "back"), [(70_000, 70_000), (-3, -3), (2**40, None), (5, 5)])
def test_whole_numbers_of_any_size_survive_in_a_tiff(
    edited: Any, tmp_path: Path, value: int, back: int | None
) -> None:
    path = tmp_path / "rated.tif"
    tags = encoding._tiff_tags({Base.Rating: value, Base.Artist: "A. N. Other"}, None)
    tifffile.imwrite(path, edited, photometric="rgb", extratags=tags)
    with tifffile.TiffFile(path) as file:
        found = file.pages.first.tags
        assert (found[int(Base.Rating)].value if int(Base.Rating) in found else None) == back
        assert found[int(Base.Artist)].value == "A. N. Other"
