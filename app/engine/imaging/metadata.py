"""Keeps a picture's EXIF and XMP, and adds the mark that says how the picture was made."""

from __future__ import annotations

import contextlib
import io
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.ExifTags import IFD, Base

# These are terms of https://cv.iptc.org/newscodes/digitalsourcetype (IPTC Photo Metadata 2023.1, Digital Source Type).
# A warped portrait is a composite with synthetic parts (mirrored cheeks, mouth interiors); one that a trained
# network redrew is a composite with trained algorithmic media.
COMPOSITE_SYNTHETIC = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic"
COMPOSITE_TRAINED = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
XMP_META = "{adobe:ns:meta/}xmpmeta"
SOURCE_TYPE = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"
ORIENTATION = "{http://ns.adobe.com/tiff/1.0/}Orientation"
THUMBNAILS = "{http://ns.adobe.com/xap/1.0/}Thumbnails"
PREFIXES = {"x": XMP_META, "rdf": RDF, "Iptc4xmpExt": SOURCE_TYPE, "tiff": ORIENTATION, "xmp": THUMBNAILS}

# Tags of a TIFF or camera file about the picture, rather than about how its pixels are stored.
KEPT_TAGS = {
    Base.ImageDescription,
    Base.Make,
    Base.Model,
    Base.Software,
    Base.DateTime,
    Base.Artist,
    Base.HostComputer,
    Base.Copyright,
    Base.Rating,
    Base.RatingPercent,
    Base.XPTitle,
    Base.XPComment,
    Base.XPAuthor,
    Base.XPKeywords,
    Base.XPSubject,
    IFD.Exif,
    IFD.GPSInfo,
}


def upright(values: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return values (H, W) or (H, W, C) turned upright by EXIF's orientation, 1 to 8 (CIPA DC-008, 4.6.5)."""
    if orientation in (5, 6, 7, 8):
        values = values.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    return np.ascontiguousarray(values)


def orientation_of(image: Image.Image) -> int:
    """Return EXIF's orientation, 1 to 8; 1 where the file has none or nonsense."""
    try:
        orientation = image.getexif().get(Base.Orientation, 1)
    except Exception:  # damaged EXIF raises anything, and is no reason not to open the picture
        return 1
    return orientation if orientation in range(1, 9) else 1


def kept_exif(image: Image.Image, size: tuple[int, int]) -> bytes | None:
    """Return the file's EXIF for an upright picture of (width, height), None where there is none or it is damaged.

    It has no orientation, which is applied already, and no thumbnail, which would show the old face.
    """
    try:
        found = image.getexif()
        kept = Image.Exif()
        for tag, value in found.items():
            if tag in KEPT_TAGS:
                kept[tag] = found.get_ifd(tag) if tag in (IFD.Exif, IFD.GPSInfo) else raw_text(value)
        if not len(kept):
            return None
        details = kept.get(IFD.Exif)
        if details and Base.ExifImageWidth in details:
            details[Base.ExifImageWidth], details[Base.ExifImageHeight] = size
        return kept.tobytes()
    except Exception:  # as above
        return None


def raw_text(value: Any) -> Any:
    """Return a text of EXIF as its bytes, so that it stays the same: Pillow reads Latin-1 and would write ASCII."""
    return value.encode("latin-1") if isinstance(value, str) else value


def kept_xmp(image: Image.Image) -> bytes | None:
    """Return the file's XMP packet without orientation and thumbnails; None where there is none or it is damaged."""
    xmp = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    if not xmp:
        return None
    packet = xmp.encode() if isinstance(xmp, str) else bytes(xmp)
    root = _parsed(packet)
    if root is None:
        return None
    return _packet(root) if _remove(root, {ORIENTATION, THUMBNAILS}) else packet


def marked_xmp(xmp: bytes | None, term: str) -> bytes:
    """Return an XMP packet that says `term` as its IPTC Digital Source Type, and all that `xmp` said besides."""
    root = _parsed(xmp) if xmp else None
    rdf = None if root is None else next(root.iter(f"{RDF}RDF"), None)
    if root is None or rdf is None:
        root = ElementTree.Element(XMP_META)
        rdf = ElementTree.SubElement(root, f"{RDF}RDF")
    _remove(root, {SOURCE_TYPE})
    description = rdf.find(f"{RDF}Description")
    if description is None:
        description = ElementTree.SubElement(rdf, f"{RDF}Description", {f"{RDF}about": ""})
    ElementTree.SubElement(description, SOURCE_TYPE).text = term
    return _packet(root)


def source_type(xmp: bytes | None) -> str | None:
    """Return the Digital Source Type that an XMP packet states, or None."""
    root = _parsed(xmp) if xmp else None
    for element in () if root is None else root.iter():
        if element.tag == SOURCE_TYPE:
            return (element.text or element.get(f"{RDF}resource") or "").strip()
        if SOURCE_TYPE in element.attrib:
            return element.attrib[SOURCE_TYPE]
    return None


def _parsed(xmp: bytes) -> ElementTree.Element | None:
    if b"<!DOCTYPE" in xmp or b"<!ENTITY" in xmp:
        return None  # XMP needs neither of them, and harmful files use both
    try:
        packet = io.BytesIO(xmp.strip(b"\0 \r\n\t"))
        for _, (prefix, uri) in ElementTree.iterparse(packet, events=["start-ns"]):
            with contextlib.suppress(ValueError):  # prefixes such as ns0 are ElementTree's own
                ElementTree.register_namespace(prefix, uri)
        packet.seek(0)
        return ElementTree.parse(packet).getroot()
    except (ElementTree.ParseError, ValueError, LookupError):
        return None


def _remove(root: ElementTree.Element, names: set[str]) -> bool:
    """Remove these properties, written as elements or as attributes, and return whether there were any."""
    removed = False
    for element in list(root.iter()):
        for name in names.intersection(element.keys()):
            del element.attrib[name]
            removed = True
        for child in [c for c in element if c.tag in names]:
            element.remove(child)
            removed = True
    return removed


def _packet(root: ElementTree.Element) -> bytes:
    for prefix, name in PREFIXES.items():
        ElementTree.register_namespace(prefix, name[1 : name.index("}")])
    body: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=False)
    return b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>' + body + b'<?xpacket end="w"?>'
