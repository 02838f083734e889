"""Every format opens upright at its own depth; every bad file gives an EngineError that says what to do."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms

from app.engine.errors import EngineError
from app.engine.imaging import reading
from app.engine.imaging.metadata import upright
from app.engine.imaging.reading import open_photo
from tests.engine.imaging.profiles import gamma, grey_profile

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def pixels(astronaut: Pixels) -> Pixels:
    """Return (80, 100, 3), a picture of the face that is not square, so that turning shows."""
    return np.ascontiguousarray(astronaut[70:150, 170:270])


@pytest.fixture(scope="module")
def deep(pixels: Pixels) -> NDArray[np.uint16]:
    """Return (80, 100, 3) uint16 with low bits that would be lost at 8 bit."""
    rng = np.random.default_rng(0)
    return (pixels.astype(np.uint16) * 257) ^ rng.integers(0, 128, pixels.shape, dtype=np.uint16)


@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "gif", "webp"])
def test_lossless_formats_open_with_their_very_pixels(pixels: Pixels, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"photo.{ending}"
    image = Image.fromarray(pixels)
    image = image.quantize(64) if ending == "gif" else image
    image.save(path, **({"lossless": True} if ending == "webp" else {}))
    photo = open_photo(path)
    assert np.array_equal(photo.pixels, np.asarray(image.convert("RGB")))
    assert photo.pixels.dtype == np.uint8 and photo.alpha is None and photo.path == path
    assert photo.size == (100, 80) and len(photo.key) == 64


@pytest.mark.parametrize("ending", ["jpg", "avif", "mpo"])
def test_lossy_formats_open_close_to_their_pixels(pixels: Pixels, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"photo.{ending}"
    Image.fromarray(pixels).save(path, quality=95)
    assert np.abs(open_photo(path).pixels.astype(int) - pixels).mean() < 3


def test_heic_opens_upright() -> None:
    photo = open_photo(Path(__file__).parent / "data" / "astronaut.heic")  # stored lying, orientation 6
    assert photo.size == (75, 96)
    # The orange suit is below.
    assert photo.pixels[80, 10].tolist()[0] > photo.pixels[80, 10].tolist()[2] + 60


@pytest.mark.parametrize("name", ["a 🙂 smile.png", "Rembrandt à la casquette.png", "横顔.png"])
def test_any_file_name_opens(pixels: Pixels, tmp_path: Path, name: str) -> None:
    Image.fromarray(pixels).save(tmp_path / name)
    assert np.array_equal(open_photo(tmp_path / name).pixels, pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_comes_out_upright(pixels: Pixels, tmp_path: Path, orientation: int) -> None:
    inverse = {6: 8, 8: 6}.get(orientation, orientation)
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "Maker"
    path = tmp_path / "photo.png"
    Image.fromarray(upright(pixels, inverse)).save(path, exif=exif)
    photo = open_photo(path)
    assert np.array_equal(photo.pixels, pixels)
    kept = Image.Exif()
    kept.load(photo.exif)
    assert dict(kept) == {0x010F: "Maker"}


def test_alpha_is_kept_apart_and_turned_too(pixels: Pixels, tmp_path: Path) -> None:
    alpha = np.arange(8000, dtype=np.uint16).reshape(80, 100).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "photo.png"
    Image.fromarray(np.dstack([pixels, alpha])).save(path, exif=exif)
    photo = open_photo(path)
    assert photo.alpha is not None
    assert np.array_equal(photo.alpha, np.rot90(alpha, -1)) and photo.pixels.shape == (100, 80, 3)


def test_a_palette_with_a_transparent_colour_has_alpha(pixels: Pixels, tmp_path: Path) -> None:
    path = tmp_path / "photo.gif"
    Image.fromarray(pixels).quantize(16).save(path, transparency=3)
    photo = open_photo(path)
    assert photo.alpha is not None and set(np.unique(photo.alpha)) == {0, 255}


def test_sixteen_bit_png_keeps_every_bit(deep: NDArray[np.uint16], tmp_path: Path) -> None:
    alpha = deep[..., 0] // 2
    for name, channels in {"rgb": deep, "grey": deep[..., :1], "rgba": np.dstack([deep, alpha])}.items():
        path = tmp_path / f"{name}.png"
        order = [2, 1, 0, 3][: channels.shape[2]] if channels.shape[2] > 1 else [0]
        path.write_bytes(cv2.imencode(".png", channels[..., order])[1].tobytes())
        photo = open_photo(path)
        assert np.array_equal(photo.pixels, np.broadcast_to(channels[..., :3], deep.shape))
        assert (photo.alpha is not None) == (name == "rgba")
    assert photo.alpha is not None and np.array_equal(photo.alpha, alpha)


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_sixteen_bit_tiff_keeps_every_bit(
    deep: NDArray[np.uint16], tmp_path: Path, planar: str, order: str
) -> None:
    stored = deep if planar == "contig" else np.moveaxis(deep, -1, 0)
    path = tmp_path / "photo.tif"
    tifffile.imwrite(path, stored, photometric="rgb", planarconfig=planar, byteorder=order, metadata=None)
    assert np.array_equal(open_photo(path).pixels, deep)


def test_sixteen_bit_tiff_packed_by_lzw_keeps_every_bit(deep: NDArray[np.uint16], tmp_path: Path) -> None:
    path = tmp_path / "photo.tif"
    lzw = [cv2.IMWRITE_TIFF_COMPRESSION, 5]
    path.write_bytes(cv2.imencode(".tiff", deep[..., ::-1], lzw)[1].tobytes())
    photo = open_photo(path)
    assert photo.pixels.dtype == np.uint16 and np.array_equal(photo.pixels, deep)


def test_premultiplied_alpha_of_a_tiff_is_undone(deep: NDArray[np.uint16], tmp_path: Path) -> None:
    alpha = np.full(deep.shape[:2], 32768, np.uint16)
    alpha[:10] = 0
    multiplied = np.rint(deep * (alpha[..., None] / 65535)).astype(np.uint16)
    path = tmp_path / "photo.tif"
    layers = np.dstack([multiplied, alpha])
    tifffile.imwrite(path, layers, photometric="rgb", extrasamples=["assocalpha"], metadata=None)
    photo = open_photo(path)
    assert np.abs(photo.pixels[10:].astype(int) - deep[10:]).max() <= 1
    assert photo.alpha is not None and np.array_equal(photo.alpha, alpha)


def test_white_is_zero_tiff_is_turned_over(deep: NDArray[np.uint16], tmp_path: Path) -> None:
    path = tmp_path / "photo.tif"
    tifffile.imwrite(path, deep[..., 0], photometric="miniswhite", metadata=None)
    assert np.array_equal(open_photo(path).pixels[..., 2], 65535 - deep[..., 0])


def test_grey_becomes_rgb_without_its_grey_profile(pixels: Pixels, tmp_path: Path) -> None:
    linear = grey_profile(gamma(1.0))
    path = tmp_path / "photo.png"
    ramp = np.tile(np.arange(256, dtype=np.uint8), (64, 1))
    Image.fromarray(ramp).save(path, icc_profile=linear)
    photo = open_photo(path)
    assert photo.icc is None
    assert abs(int(photo.pixels[0, 55, 0]) - 128) <= 1  # 0.2159 linear is 128 in sRGB
    assert photo.pixels[0, 255].tolist() == [255] * 3 and photo.pixels[0, 0].tolist() == [0] * 3


def test_grey_without_profile_keeps_its_codes(pixels: Pixels, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    Image.fromarray(pixels[..., 0]).save(path, quality=100)
    photo = open_photo(path)
    assert np.array_equal(photo.pixels[..., 0], np.asarray(Image.open(path)))
    assert np.array_equal(photo.pixels[..., 0], photo.pixels[..., 2])


def test_cmyk_becomes_rgb(pixels: Pixels, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    Image.fromarray(pixels).convert("CMYK").save(path, quality=98)
    photo = open_photo(path)
    assert photo.icc is None and np.abs(photo.pixels.astype(int) - pixels).mean() < 4


def test_lab_tiff_becomes_rgb(pixels: Pixels, tmp_path: Path) -> None:
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    path = tmp_path / "photo.tif"
    ImageCms.profileToProfile(Image.fromarray(pixels), srgb, lab, outputMode="LAB").save(path)
    assert np.abs(open_photo(path).pixels.astype(int) - pixels).mean() < 3


def test_a_profile_of_another_space_is_dropped(pixels: Pixels, tmp_path: Path) -> None:
    for name, profile in {"grey": grey_profile(gamma(2.2)), "broken": b"no profile at all" * 20}.items():
        Image.fromarray(pixels).save(tmp_path / f"{name}.jpg", icc_profile=profile)
        assert open_photo(tmp_path / f"{name}.jpg").icc is None


def encoded(pixels: Pixels, name: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, name, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "AVIF"])
def test_a_file_cut_short_is_an_error(pixels: Pixels, tmp_path: Path, name: str) -> None:
    data = encoded(pixels, name)
    path = tmp_path / "cut"
    path.write_bytes(data[: len(data) * 6 // 10])
    with pytest.raises(EngineError) as caught:
        open_photo(path)
    assert "cut" in caught.value.message and caught.value.remedy.endswith(".")


def test_a_deep_png_cut_short_is_an_error(deep: NDArray[np.uint16], tmp_path: Path) -> None:
    data = cv2.imencode(".png", deep)[1].tobytes()
    (tmp_path / "cut.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(EngineError, match="damaged or cut short"):
        open_photo(tmp_path / "cut.png")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"Dear diary, this is no picture.", "is not a picture"),
        (b"\x89PNG\r\n\x1a\n", "is not a picture|damaged"),
        (b"\xff\xd8\xff\xe0" + bytes(50), "is not a picture|damaged"),
        (b"%PDF-1.7 and then some", "is not a picture"),
    ],
)
def test_what_is_no_picture_is_an_error(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "thing.png").write_bytes(content)
    with pytest.raises(EngineError, match=says):
        open_photo(tmp_path / "thing.png")


def test_damaged_bytes_never_end_in_a_traceback(pixels: Pixels, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    path = tmp_path / "photo"
    opened = failed = 0
    for name in ("JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF", "AVIF"):
        data = encoded(pixels, name)
        for _ in range(12):
            broken = bytearray(data)
            for at in rng.integers(0, len(data), 12):
                broken[at] = rng.integers(256)
            path.write_bytes(broken)
            try:
                opened += open_photo(path).pixels.ndim == 3
            except EngineError:
                failed += 1
    assert opened and failed


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_too_small_and_too_large_are_reported(tmp_path: Path) -> None:
    Image.new("RGB", (63, 300)).save(tmp_path / "small.png")
    with pytest.raises(EngineError, match="63 x 300 pixels"):
        open_photo(tmp_path / "small.png")
    Image.new("1", (12_001, 64)).save(tmp_path / "long.png")
    with pytest.raises(EngineError, match=r"too large \(12001 x 64"):
        open_photo(tmp_path / "long.png")
    Image.new("1", (11_000, 9_500)).save(tmp_path / "big.png")
    with pytest.raises(EngineError, match="too large"):
        open_photo(tmp_path / "big.png")


def test_a_decompression_bomb_is_refused_unopened(tmp_path: Path) -> None:
    header = bytearray(encoded(np.zeros((64, 64, 3), np.uint8), "BMP"))
    header[18:26] = (60_000).to_bytes(4, "little") * 2
    (tmp_path / "bomb.bmp").write_bytes(header)
    with pytest.raises(EngineError, match="too large"):
        open_photo(tmp_path / "bomb.bmp")


def test_samples_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    for name, stored in {
        "grey": np.zeros((80, 80), np.int32),
        "rgb": np.zeros((80, 80, 3), np.uint32),
    }.items():
        path = tmp_path / f"{name}.tif"
        tifffile.imwrite(path, stored, metadata=None)
        with pytest.raises(EngineError, match=r"cannot read \(.*I|uint32") as raised:
            open_photo(path)
        assert "8 or 16 bits" in raised.value.remedy


def test_places_without_a_file_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineError, match="is a folder"):
        open_photo(tmp_path)
    with pytest.raises(EngineError, match="There is no file"):
        open_photo(tmp_path / "missing.png")
    with pytest.raises(EngineError, match=r"There is no file|could not be read"):
        open_photo(Path("a\0b.png"))
    (tmp_path / "raw.NEF").write_bytes(b"II*\0")
    with pytest.raises(EngineError, match="raw file"):
        open_photo(tmp_path / "raw.NEF")

    def locked(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", locked)
    with pytest.raises(EngineError, match="could not be read: Permission denied"):
        open_photo(tmp_path / "raw.NEF")


def test_a_file_of_more_than_a_gigabyte_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "sparse.png"
    with path.open("wb") as file:
        file.truncate(reading.MAX_BYTES + 1)
    with pytest.raises(EngineError, match="too large"):
        open_photo(path)


def test_every_hard_file_opens_or_says_why(shared: Path) -> None:
    refused = {}
    for path in sorted((shared / "media" / "hard").iterdir()):
        try:
            photo = open_photo(path)
        except EngineError as error:
            refused[path.name] = error.message
        else:
            assert photo.pixels.ndim == 3 and photo.pixels.dtype in (np.uint8, np.uint16)
    assert set(refused) == {"a_fmt_truncated_if006.jpg", "a_tiny_48px_if006.png"}


def test_the_hard_orientations_show_one_picture(shared: Path) -> None:
    photos = [open_photo(shared / "media" / "hard" / f"a_exif{i}_if006.jpg").pixels for i in range(1, 9)]
    assert {p.shape for p in photos} == {(640, 560, 3)}
    assert max(np.abs(p.astype(int) - photos[0]).mean() for p in photos) < 1.5  # each was packed by JPEG anew


def test_the_hard_formats_show_one_picture(shared: Path) -> None:
    hard = shared / "media" / "hard"
    reference = open_photo(hard / "a_fmt_bmp_if006.bmp").pixels.astype(float)
    assert open_photo(hard / "a_fmt_16bit_if006.png").pixels.dtype == np.uint16
    for name, tolerance in {"16bit_if006.png": 1, "webp_if006.webp": 4, "cmyk_if006.jpg": 4}.items():
        photo = open_photo(hard / f"a_fmt_{name}")
        codes = photo.pixels / (257 if photo.pixels.dtype == np.uint16 else 1)
        assert np.abs(codes - reference).mean() < tolerance
