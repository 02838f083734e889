"""EXIF's orientations agree with Pillow's, and XMP gains a mark without losing what it said."""

import io
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image, ImageOps

from app.engine.imaging.metadata import (
    COMPOSITE_SYNTHETIC,
    COMPOSITE_TRAINED,
    kept_exif,
    kept_xmp,
    marked_xmp,
    orientation_of,
    source_type,
    upright,
)

CAPTION = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" '
    'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" photoshop:Headline="Größe 笑" tiff:Orientation="6" {extra}/>'
    "</rdf:RDF></x:xmpmeta>"
)
EXTENSION = 'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
HEADLINE = "{http://ns.adobe.com/photoshop/1.0/}Headline"


def headline(packet: bytes) -> str | None:
    found = [e.get(HEADLINE) for e in ElementTree.fromstring(packet).iter() if e.get(HEADLINE)]
    return found[0] if found else None


@pytest.mark.parametrize("orientation", range(1, 9))
def test_upright_is_what_pillow_shows(orientation: int) -> None:
    pixels = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    image = Image.fromarray(pixels)
    image.getexif()[0x0112] = orientation
    shown = ImageOps.exif_transpose(image)
    assert np.array_equal(upright(pixels, orientation), np.asarray(shown))
    assert np.array_equal(upright(pixels[..., 0], orientation), np.asarray(shown)[..., 0])


@pytest.mark.parametrize("nonsense", [0, 9, 77])
def test_an_orientation_that_does_not_exist_is_upright(nonsense: int) -> None:
    image = Image.new("RGB", (4, 4))
    image.getexif()[0x0112] = nonsense
    assert orientation_of(image) == 1


def test_exif_keeps_the_picture_s_story_and_drops_how_the_file_was_stored() -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x013B], exif[0x0100], exif[0x0111] = "Maker", "Artist", 999, 8  # width, strips
    exif[0x8769] = {0x829A: 0.005, 0xA002: 999, 0xA003: 998}  # exposure, width, height
    exif[0x8825] = {1: "N", 2: (52.0, 31.0, 0.0)}
    buffer = io.BytesIO()
    Image.new("RGB", (30, 20)).save(buffer, "JPEG", exif=exif)
    block = kept_exif(Image.open(buffer), (30, 20))
    assert block is not None
    kept = Image.Exif()
    kept.load(block)
    assert (kept[0x010F], kept[0x013B]) == ("Maker", "Artist")
    assert not {0x0100, 0x0111, 0x0112} & set(kept)
    details = kept.get_ifd(0x8769)
    assert (details[0xA002], details[0xA003]) == (30, 20) and abs(details[0x829A] - 0.005) < 1e-6
    assert kept.get_ifd(0x8825)[2] == (52.0, 31.0, 0.0)


def test_no_exif_stays_none() -> None:
    assert kept_exif(Image.new("RGB", (4, 4)), (4, 4)) is None


def test_a_mark_is_made_where_there_was_no_xmp() -> None:
    assert source_type(marked_xmp(None, COMPOSITE_SYNTHETIC)) == COMPOSITE_SYNTHETIC
    assert source_type(None) is None


@pytest.mark.parametrize(
    "extra", ["", EXTENSION + 'Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/x/digitalCapture"']
)
def test_a_mark_joins_what_the_xmp_said_and_replaces_the_old_one(extra: str) -> None:
    packet = marked_xmp(CAPTION.format(extra=extra).encode(), COMPOSITE_TRAINED)
    assert source_type(packet) == COMPOSITE_TRAINED
    assert packet.count(b"DigitalSourceType>") == 2 and b"digitalCapture" not in packet
    assert headline(packet) == "Größe 笑"
    assert marked_xmp(packet, COMPOSITE_TRAINED) == packet


@pytest.mark.parametrize("bad", [b"<x:xmpmeta", b"\xff\xfe\x00", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'])
def test_damaged_or_hostile_xmp_is_replaced(bad: bytes) -> None:
    packet = marked_xmp(bad, COMPOSITE_SYNTHETIC)
    assert source_type(packet) == COMPOSITE_SYNTHETIC and b"ENTITY" not in packet
    image = Image.new("RGB", (4, 4))
    image.info["xmp"] = bad
    assert kept_xmp(image) is None


def test_orientation_and_thumbnails_leave_the_xmp() -> None:
    image = Image.new("RGB", (4, 4))
    image.info["xmp"] = CAPTION.format(
        extra='xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Thumbnails="old"'
    ).encode()
    packet = kept_xmp(image)
    assert packet is not None
    assert b"Orientation=" not in packet and b"old" not in packet and headline(packet) == "Größe 笑"


def test_xmp_with_nothing_to_remove_stays_byte_for_byte() -> None:
    image = Image.new("RGB", (4, 4))
    image.info["xmp"] = marked_xmp(None, COMPOSITE_SYNTHETIC) + b"\0"
    assert kept_xmp(image) == image.info["xmp"]
