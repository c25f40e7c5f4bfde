"""Contact sheets: many images in one."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

_GAP, _MARGIN = 6, 8  # pixels


def style_sheet(pictures: Sequence[Image.Image], columns: int, names: Sequence[str] | None = None) -> Image.Image:
    """Arranges images of the same size in rows on white, with captions below.

    Args:
        pictures: at least one.
        columns: images per row.
        names: one caption per image; no captions by default.

    Raises:
        ValueError: there are no images, their sizes differ, or the number of names is wrong.
    """
    sizes = {picture.size for picture in pictures}
    if len(sizes) != 1:
        raise ValueError(f"pictures must have the same size, got {sorted(sizes)}")
    if names is not None and len(names) != len(pictures):
        raise ValueError(f"names must have one entry per picture, {len(pictures)}, got {len(names)}")
    if columns < 1:
        raise ValueError(f"columns must be at least 1, got {columns}")
    width, height = sizes.pop()
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    letters = max(11, round(width / 18))
    caption = 0 if names is None else round(1.7 * letters)
    font = ImageFont.load_default(letters)
    across, down = width + _GAP, height + caption + _GAP
    sheet = Image.new("RGB", (columns * across - _GAP + 2 * _MARGIN, rows * down - _GAP + 2 * _MARGIN), "white")
    draw = ImageDraw.Draw(sheet)
    for k, picture in enumerate(pictures):
        left, top = _MARGIN + k % columns * across, _MARGIN + k // columns * down
        sheet.paste(picture, (left, top))
        if names is not None:
            text = names[k]
            while len(text) > 4 and draw.textlength(text, font=font) > width:
                text = text[:-2] + "…"
            draw.text((left + width / 2, top + height + 0.2 * letters), text, "black", font, anchor="ma")
    return sheet
