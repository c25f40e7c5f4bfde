"""What a painting keeps of its photo's EXIF: date, artist and copyright, and nothing else.

Source: CIPA DC-008 (Exif 2.32), sections 4.6.4 and 4.6.5, for the tags.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import Any

from PIL import Image

from neuralpaint.images.decoding import find_loader, open_image, open_pixels, pillow_formats
from neuralpaint.images.sources import Source
from neuralpaint.images.vips import forget

MAX_TEXT = 1000  # characters of a field
_CHANGED, _ARTIST, _COPYRIGHT, _EXIF_IFD, _TAKEN = 0x0132, 0x013B, 0x8298, 0x8769, 0x9003
_DATE = re.compile(r"[0-9]{4}:[0-9]{2}:[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")


@dataclass(frozen=True)
class PhotoMetadata:
    """Fields of EXIF, each empty if there is none.

    Attributes:
        taken, changed: DateTimeOriginal and DateTime, "YYYY:MM:DD HH:MM:SS".
        artist, copyright: at most 1,000 printable characters.
    """

    taken: str = ""
    changed: str = ""
    artist: str = ""
    copyright: str = ""

    def save_options(self, kind: str) -> dict[str, Any]:
        """Options of Pillow that write the fields to a file.

        Args:
            kind: name of the format. Pillow writes no second EXIF directory to a compressed TIFF, so that has the date
                taken as its DateTime.
        """
        date = (self.taken or self.changed) if kind == "TIFF" else self.changed
        texts = {_CHANGED: date, _ARTIST: self.artist, _COPYRIGHT: self.copyright}
        # As bytes, because Pillow would replace what is not ASCII.
        encoded = {tag: text.encode() for tag, text in texts.items() if text}
        if kind == "TIFF":
            return {"tiffinfo": {tag: text + b"\0" for tag, text in encoded.items()}}
        exif = Image.Exif()
        exif.update(encoded)
        if self.taken:
            exif.get_ifd(_EXIF_IFD)[_TAKEN] = self.taken
        return {"exif": exif.tobytes()} if self != PhotoMetadata() else {}


def read_metadata(source: Source) -> PhotoMetadata:
    """The fields of a photo that can be read. Broken ones are left out; it never fails for what a file holds."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exif = _read_exif(source)
            inner: Any = exif.get_ifd(_EXIF_IFD)
    except Exception:  # decoders raise many types, and unreadable EXIF is common
        return PhotoMetadata()
    return PhotoMetadata(
        _date(inner.get(_TAKEN)), _date(exif.get(_CHANGED)), _text(exif.get(_ARTIST)), _text(exif.get(_COPYRIGHT))
    )


def _read_exif(source: Source) -> Image.Exif:
    """The EXIF of a file, without its pixels being decoded."""
    if find_loader(source) in (None, "tiffload"):  # libvips does not show the tags of a TIFF
        with open_image(source, pillow_formats()) as opened:
            exif = opened.getexif()
            exif.get_ifd(_EXIF_IFD)  # which is read from the file
            return exif
    image = open_pixels(source, "photo").image
    exif = Image.Exif()
    exif.load(image.get("exif-data") if image.get_typeof("exif-data") else b"")
    forget(image)
    return exif


def _date(value: object) -> str:
    text = _text(value)
    return text if _DATE.fullmatch(text) else ""


def _text(value: object) -> str:
    """The printable characters of a text, in one line. Pillow takes it for Latin-1, but today it is often UTF-8."""
    if not isinstance(value, str):
        return ""
    text = value[: 8 * MAX_TEXT]
    try:
        text = text.encode("latin-1").decode("utf-8", "strict" if len(value) == len(text) else "ignore")
    except UnicodeError:
        pass
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())[:MAX_TEXT]
