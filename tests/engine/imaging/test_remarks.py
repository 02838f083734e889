"""The right page of a file is read, at its own depth, and what is lost on the way is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from app.engine.contract import Portrait
from app.engine.engine import Engine
from app.engine.imaging import reading
from app.engine.imaging.icc import srgb_encoded
from app.engine.imaging.options import ExportOptions
from app.engine.imaging.reading import open_photo
from app.engine.imaging.writing import remarks_on
from tests.engine.imaging.heic import PQ, write_heic

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def head(astronaut: Pixels) -> Pixels:
    """Return (240, 240, 3), a picture of the head."""
    return np.ascontiguousarray(astronaut[:240, 110:350])


def test_a_tiff_that_begins_with_its_thumbnail_is_edited_at_full_size(head: Pixels, tmp_path: Path) -> None:
    path = tmp_path / "thumbnail.tif"
    exif = ((271, "s", 0, "Maker", True), (274, "H", 1, 6, True))
    with tifffile.TiffWriter(path) as file:
        thumbnail = head[::3, ::3]
        file.write(thumbnail, photometric="rgb", subfiletype=1, metadata=None, extratags=exif)
        file.write(head[:200], photometric="rgb", metadata=None, compression="adobe_deflate")
    photo = open_photo(path)
    assert np.array_equal(photo.pixels, np.rot90(head[:200], -1))
    assert photo.exif is not None and b"Maker" in photo.exif and photo.remarks == ()


def test_the_full_picture_in_a_sub_directory_is_found(head: Pixels, tmp_path: Path) -> None:
    path = tmp_path / "sub.tif"
    deep = head.astype(np.uint16) * 257 ^ 5
    with tifffile.TiffWriter(path, bigtiff=True) as file:
        file.write(head[::3, ::3], photometric="rgb", subfiletype=1, metadata=None, subifds=1)
        file.write(deep, photometric="rgb", metadata=None)
    assert np.array_equal(open_photo(path).pixels, deep)


def test_other_pages_are_said_and_the_largest_is_read(head: Pixels, tmp_path: Path) -> None:
    path = tmp_path / "pages.tif"
    with tifffile.TiffWriter(path) as file:
        for page in (head[:100, :100], head, head[::-1]):
            file.write(page, photometric="rgb", metadata=None)
    photo = open_photo(path)
    assert np.array_equal(photo.pixels, head)
    assert photo.remarks == ("The file holds 3 pages; only the largest one is edited.",)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.mpo", "2 pictures"),
        ("a.webp", "animation of 2"),
        ("a.avif", "animation of 2"),
        ("a.png", "animation of 2"),
    ],
)
def test_other_frames_of_a_file_are_said(head: Pixels, tmp_path: Path, name: str, words: str) -> None:
    first, second = Image.fromarray(head), Image.fromarray(head[::-1])
    first.save(tmp_path / name, save_all=True, append_images=[second])
    (remark,) = open_photo(tmp_path / name).remarks
    assert words in remark


def test_a_heic_of_ten_bits_keeps_them_and_its_other_pictures_are_said(head: Pixels, tmp_path: Path) -> None:
    deep = head.astype(np.uint16) * 257
    write_heic(tmp_path / "a.heic", [deep, deep[::-1]])
    photo = open_photo(tmp_path / "a.heic")
    assert photo.pixels.dtype == np.uint16 and np.unique(photo.pixels).size > 600
    assert np.abs(photo.pixels.astype(int) - deep).mean() < 3 * 257
    assert photo.remarks == ("The file holds 2 pictures; only its main one is edited.",)
    write_heic(tmp_path / "b.heic", [deep], bits=8)
    assert open_photo(tmp_path / "b.heic").pixels.dtype == np.uint8


def test_an_avif_of_ten_bits_keeps_them_or_says_that_eight_are_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.engine.sound import ffmpeg

    for bits, pixels in ((10, "yuv420p10le"), (8, "yuv420p")):
        path = tmp_path / f"{bits}.avif"
        source = ["-f", "lavfi", "-i", "testsrc2=size=96x96:d=0.1:rate=10", "-frames:v", "1"]
        assert (
            ffmpeg.run(
                [*source, "-c:v", "libaom-av1", "-cpu-used", "8", "-pix_fmt", pixels, str(path)]
            ).returncode
            == 0
        )
    with Image.open(tmp_path / "10.avif") as shallow:
        eight = np.asarray(shallow.convert("RGB")).astype(int)
    deep = open_photo(tmp_path / "10.avif")
    assert deep.pixels.dtype == np.uint16 and deep.remarks == () and np.unique(deep.pixels).size > 256
    assert np.abs(deep.pixels / 257 - eight).mean() < 4  # two ways to bring chroma to the full size
    monkeypatch.setattr(reading, "_deep_avif", lambda *_: None)  # act as an OpenCV without AVIF
    assert open_photo(tmp_path / "10.avif").remarks == ("10 bits per channel were read as 8.",)
    assert open_photo(tmp_path / "8.avif").remarks == ()


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_floating_codes_within_zero_and_one_stay_where_they_are(
    head: Pixels, tmp_path: Path, planar: str
) -> None:
    codes = (head / 255).astype(np.float32)
    stored = codes if planar == "contig" else np.moveaxis(codes, -1, 0)
    path = tmp_path / "float.tif"
    tifffile.imwrite(
        path, stored, photometric="rgb", planarconfig=planar, metadata=None, resolution=(300, 300)
    )
    photo = open_photo(path)
    assert photo.pixels.dtype == np.uint16 and photo.dpi == (300, 300)
    assert np.abs(photo.pixels - codes * 65535).max() <= 1
    assert photo.remarks == ("Floating-point numbers were brought to 16 bits per channel.",)
    tifffile.imwrite(path, codes[..., 0] * 255, metadata=None)
    grey = open_photo(path)
    assert np.abs(grey.pixels[..., 1] - codes[..., 0] / codes[..., 0].max() * 65535).max() <= 1
    assert grey.remarks[0] == "The photo is grey; the result is RGB."


def test_floating_light_is_tone_mapped_to_its_range(head: Pixels, tmp_path: Path) -> None:
    light = (head / 255).astype(np.float32) ** 2.2
    light[:20, :20] = 40.0  # this is a lamp
    light[0, 0] = np.nan
    path = tmp_path / "light.tif"
    tifffile.imwrite(path, light, photometric="rgb", metadata=None)
    photo = open_photo(path)
    assert photo.pixels[5, 5].tolist() == [65535] * 3 and "tone-mapped" in photo.remarks[0]
    order = np.argsort(light[30:, :, 1].ravel())
    assert (np.diff(photo.pixels[30:, :, 1].ravel()[order].astype(int)) >= 0).all()
    middle = photo.pixels[30:, :, 1].mean() / 65535
    assert 0.6 < middle / srgb_encoded(light[30:, :, 1]).mean() <= 1.0


def test_colours_that_become_rgb_are_said(head: Pixels, tmp_path: Path) -> None:
    grey = head[..., 1].astype(np.uint16) * 257
    tifffile.imwrite(tmp_path / "grey.tif", grey, metadata=None)
    Image.fromarray(head).convert("CMYK").save(tmp_path / "cmyk.tif")
    Image.fromarray(head[..., 0]).save(tmp_path / "grey.jpg")
    Image.fromarray(head).save(tmp_path / "rgb.png")
    said = {path.name: " ".join(open_photo(path).remarks) for path in tmp_path.iterdir()}
    assert "grey; the result is RGB" in said["grey.tif"] and "grey" in said["grey.jpg"]
    assert "CMYK colours were turned into sRGB" in said["cmyk.tif"] and said["rgb.png"] == ""


def test_what_the_written_file_cannot_hold_is_said(head: Pixels, tmp_path: Path, engine: Engine) -> None:
    deep = np.dstack([head.astype(np.uint16) * 257, np.full(head.shape[:2], 40000, np.uint16)])
    tifffile.imwrite(tmp_path / "a.tif", deep, photometric="rgb", extrasamples=["unassalpha"], metadata=None)
    photo = open_photo(tmp_path / "a.tif")
    assert (
        remarks_on(photo, Path("b.tif")) == ()
        and remarks_on(photo, Path("b.png"), ExportOptions(eight_bit=True)) == ()
    )
    assert len(remarks_on(photo, Path("b.jpg"))) == 2 and len(remarks_on(photo, Path("b.webp"))) == 1
    steps = list(engine.export(Portrait(photo, ()), {}, tmp_path / "b.jpg"))
    assert steps[-1].remarks == remarks_on(photo, Path("b.jpg"))


def test_an_hdr_photo_opens_and_its_face_is_found(head: Pixels, tmp_path: Path, engine: Engine) -> None:
    """With PQ (SMPTE ST 2084) at 100 nits of white, the codes are dark and flat, and yet show a face."""
    light = np.minimum((head / 255.0) ** 2.2 * 100 / 10_000, 1) ** 0.1593017578125
    codes = ((0.8359375 + 18.8515625 * light) / (1 + 18.6875 * light)) ** 78.84375
    write_heic(tmp_path / "hdr.heic", [np.rint(codes * 65535).astype(np.uint16)], transfer=PQ)
    portrait = engine.open(tmp_path / "hdr.heic")
    assert len(portrait.faces) == 1 and "HDR (PQ)" in portrait.photo.remarks[0]
