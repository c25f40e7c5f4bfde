"""Palettes: the few colours that a painting is made of, from a photo, a file, a list or a painter."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neuralpaint.images.io import parse_color
from neuralpaint.images.oklab import from_oklab, to_oklab
from neuralpaint.utils import schema
from neuralpaint.utils.loading import BadFile, check_length, reading
from neuralpaint.utils.validation import check_whole, unknown_name

MAX_COLORS = 256
MAX_NAME = 100  # characters
_MAX_FILE = 1 << 16  # bytes
_SAMPLES = 1 << 14  # pixels of a photo that its colours are found from
_ROUNDS = 40
_CHECK = schema.listed(schema.fields({"name": schema.text(MAX_NAME), "color": schema.text(7)}), 1, MAX_COLORS)
_GREY = 0.02  # chroma in OKLab below which a colour has no hue to be named by

# Pigments in full strength, on screen: no more than approximately right, because paints of one name differ.
_LEAD_WHITE, _VERMILION, _MADDER = ("lead white", "#f6f3ea"), ("vermilion", "#d83a24"), ("deep madder", "#8a1f33")
PALETTES: dict[str, tuple[tuple[str, str], ...]] = {
    # Anders Zorn, "Self-portrait with model", 1896, Nationalmuseum, Stockholm: white, ochre, red and black.
    "zorn": (_LEAD_WHITE, ("yellow ochre", "#c8963e"), _VERMILION, ("ivory black", "#231f20")),
    # Claude Monet's list in a letter to Georges Durand-Ruel, 3 June 1905; "vert émeraude" is viridian.
    "monet": (
        _LEAD_WHITE,
        ("cadmium yellow", "#f6c20c"),
        _VERMILION,
        _MADDER,
        ("cobalt blue", "#1f4fa3"),
        ("viridian", "#1f6f5c"),
    ),
    # Underpainting in grey: five steps of equal lightness in OKLab.
    "grisaille": (
        ("black", "#141414"),
        ("dark grey", "#434343"),
        ("middle grey", "#7a7a7a"),
        ("light grey", "#b6b6b6"),
        ("white", "#f7f7f7"),
    ),
}
"""Palettes by name: (name, "#rrggbb") of each colour."""


@dataclass(frozen=True)
class Palette:
    """Colours to paint with.

    Attributes:
        colors: sRGB in [0, 1], or anything else that `images.parse_color` accepts; 1 to 256, all different.
        names: one for each; by default what they look like, such as "dark red 1".

    Raises:
        ValueError: too many or too few colours, not colours, the same one twice, or not as many names.
    """

    colors: tuple[tuple[float, float, float], ...]
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_whole("number of colours in a palette", len(self.colors), 1, MAX_COLORS)
        colors = tuple(_rounded(color) for color in self.colors)
        object.__setattr__(self, "colors", colors)
        for index, color in enumerate(colors):
            if color in colors[:index]:
                raise ValueError(f"colour {hex_of(color)} is in the palette twice: remove one")
        names = tuple(self.names) or _described(colors)
        if len(names) != len(colors):
            raise ValueError(f"a palette of {len(colors)} colours needs as many names, got {len(names)}")
        for name in names:
            if not isinstance(name, str) or not 1 <= len(name) <= MAX_NAME or not name.isprintable():
                raise ValueError(f"a colour's name must be a line of 1 to {MAX_NAME} characters, got {name!r:.60}")
        object.__setattr__(self, "names", names)

    def __len__(self) -> int:
        return len(self.colors)

    @property
    def hexes(self) -> tuple[str, ...]:
        """The colours as "#rrggbb"."""
        return tuple(hex_of(color) for color in self.colors)

    @property
    def array(self) -> np.ndarray:
        """`[K, 3]`, float64, sRGB in [0, 1]."""
        return np.array(self.colors, dtype=np.float64)

    def nearest(self, rgb: np.ndarray) -> np.ndarray:
        """Index `[...]` of the colour nearest in OKLab to each of `[..., 3]` sRGB colours in [0, 1]."""
        return nearest_color(rgb, self.array)

    def to_json(self) -> list[dict[str, str]]:
        """`[{"name": …, "color": "#rrggbb"}, …]`, as files keep it."""
        return [{"name": name, "color": color} for name, color in zip(self.names, self.hexes, strict=True)]

    @classmethod
    def from_json(cls, value: Any) -> Palette:
        """The palette of `to_json`. Raises ValueError if it is none."""
        _CHECK(value, "palette")
        return cls(tuple(parse_color(entry["color"]) for entry in value), tuple(entry["name"] for entry in value))

    @classmethod
    def named(cls, name: str) -> Palette:
        """One of `PALETTES`. Raises ValueError if there is none of that name."""
        if name.lower() not in PALETTES:
            raise ValueError(unknown_name("palette", name, list(PALETTES)))
        names, colors = zip(*PALETTES[name.lower()], strict=True)
        return cls(tuple(parse_color(color) for color in colors), names)

    @classmethod
    def read(cls, path: str | os.PathLike) -> Palette:
        """Reads a text file: a line for each colour, "#rrggbb" and after it a name, if it has one. Empty lines and
        those that begin with ";" do not count.

        Raises:
            ValueError: no such file, larger than 64 KiB, not such a text, or a line without a colour, which is named.
        """
        with reading(path, "is no palette", "write a line for each colour, such as: #d83a24 vermilion"):
            with open(path, "rb") as file:
                check_length(os.fstat(file.fileno()).st_size, _MAX_FILE)
                text = file.read(_MAX_FILE + 1)
            lines = text.decode("utf-8-sig").splitlines()
        colors, names = [], []
        for number, line in enumerate(lines, 1):
            words = line.split(maxsplit=1)
            if not words or words[0].startswith(";"):
                continue
            try:
                colors.append(parse_color(words[0]))
            except ValueError as error:
                raise BadFile(f"{path}, line {number}: {error}") from None
            names.append(words[1].strip() if len(words) > 1 else "")
        if not colors:
            raise BadFile(f"{path} has no colours: write a line for each, such as: #d83a24 vermilion")
        try:
            described = cls(tuple(colors)).names
            return cls(tuple(colors), tuple(own or other for own, other in zip(names, described, strict=True)))
        except ValueError as error:
            raise BadFile(f"{path}: {error}") from None

    @classmethod
    def from_colors(cls, rgb: np.ndarray, count: int, weights: np.ndarray | None = None, seed: int = 0) -> Palette:
        """The `count` colours that come nearest to many: k-means in OKLab (Lloyd 1982), started by k-means++ (Arthur &
        Vassilvitskii 2007). Fewer, if there are not as many different ones. From dark to light.

        Args:
            rgb: `[..., 3]`, sRGB in [0, 1]; of more than 16,384 colours as many evenly spaced ones are used.
            weights: `[...]`, at least 0; by default all weigh the same.

        Raises:
            ValueError: `count` is not from 1 to 256, or there are no colours.
        """
        check_whole("number of colours in a palette", count, 1, MAX_COLORS)
        rgb = np.asarray(rgb, dtype=np.float64).reshape(-1, 3)
        weights = np.ones(len(rgb)) if weights is None else np.asarray(weights, dtype=np.float64).reshape(-1)
        rgb, weights = rgb[weights > 0], weights[weights > 0]
        if len(rgb) == 0:
            raise ValueError("a palette needs colours to be made of, there are none")
        step = -(-len(rgb) // _SAMPLES)
        centers = _k_means(to_oklab(rgb[::step]), weights[::step], count, np.random.default_rng(seed))
        centers = centers[np.argsort(centers[:, 0], kind="stable")]
        return cls(tuple(dict.fromkeys(_rounded(color) for color in from_oklab(centers).tolist())))


def parse_palette(text: str) -> Palette | int:
    """What `--palette` says: a number of colours to be found in the photo, colours such as "#102030,#ffffff", the name
    of one of `PALETTES`, or a file (see `Palette.read`).

    Raises:
        ValueError: it is none of these; the message names what is wrong.
    """
    text = text.strip()
    if text.lstrip("+-").isdecimal():
        return check_whole("number of colours in a palette", int(text[:10]), 1, MAX_COLORS)
    if text.lower() in PALETTES:
        return Palette.named(text)
    if "," in text or text.startswith("#"):
        return Palette(tuple(parse_color(part.strip()) for part in text.split(",")))
    if os.path.exists(text):
        return Palette.read(text)
    if os.sep in text or Path(text).suffix:
        raise ValueError(f"palette {text} does not exist: check the path")
    raise ValueError(
        f"{unknown_name('palette', text, list(PALETTES))}; or a number of colours, #rrggbb,#rrggbb,… or a file"
    )


def get_palette(palette: int | str | Palette | Sequence) -> Palette | int:
    """A palette from whatever `paint` accepts: a `Palette` or a number is returned as it is, text is parsed, and a
    sequence holds colours.

    Raises:
        ValueError, TypeError: it is none of these.
    """
    if isinstance(palette, Palette):
        return palette
    if isinstance(palette, str):
        return parse_palette(palette)
    if isinstance(palette, (Sequence, np.ndarray)):
        return Palette(tuple(parse_color(color) for color in palette))
    return check_whole("palette", palette, 1, MAX_COLORS)


def nearest_color(rgb: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Index `[...]` of the one of `colors` `[K, 3]` nearest in OKLab to each of `rgb` `[..., 3]`; sRGB in [0, 1]."""
    rgb = np.asarray(rgb)
    return _nearest(to_oklab(rgb.reshape(-1, 3)), to_oklab(colors))[0].reshape(rgb.shape[:-1])


def hex_of(color: Sequence[float]) -> str:
    """A colour in [0, 1] as "#rrggbb"."""
    return "#" + "".join(f"{round(255 * value):02x}" for value in color)


def _rounded(color: str | Sequence[float]) -> tuple[float, float, float]:
    """To 8 bits, so that it can be written as "#rrggbb"."""
    r, g, b = (round(255 * value) / 255 for value in parse_color(color))
    return r, g, b


def _nearest(points: np.ndarray, centers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(index, squared distance) `[N]` of the nearest center `[K, 3]` to each point `[N, 3]`."""
    distance = np.stack([((points - center) ** 2).sum(1) for center in centers], 1)
    index = distance.argmin(1)
    return index, distance[np.arange(len(points)), index]


def _k_means(points: np.ndarray, weights: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """Up to `count` centers `[K, 3]` of points `[N, 3]`."""
    centers = points[random.choice(len(points), 1, p=weights / weights.sum())]
    distance = ((points - centers[0]) ** 2).sum(1)
    while len(centers) < count and (chances := weights * distance).sum() > 1e-12:
        chosen = points[random.choice(len(points), p=chances / chances.sum())]
        centers = np.concatenate([centers, chosen[None]])
        distance = np.minimum(distance, ((points - chosen) ** 2).sum(1))
    before = None
    for _ in range(_ROUNDS):
        index, _ = _nearest(points, centers)
        if before is not None and (index == before).all():
            break
        before = index
        total = np.bincount(index, weights, len(centers))
        sums = np.stack([np.bincount(index, weights * axis, len(centers)) for axis in points.T], 1)
        centers = np.where(total[:, None] > 0, sums / np.maximum(total, 1e-300)[:, None], centers)
    return centers


def _described(colors: Sequence[Sequence[float]]) -> tuple[str, ...]:
    """What colours look like, numbered where the words are the same: "dark red 1", "dark red 2"."""
    words = [_words(lab) for lab in to_oklab(np.array(colors)).tolist()]
    seen: dict[str, int] = {}
    names = []
    for word in words:
        seen[word] = seen.get(word, 0) + 1
        names.append(f"{word} {seen[word]}" if words.count(word) > 1 else word)
    return tuple(names)


def _words(lab: Sequence[float]) -> str:
    lightness, a, b = lab
    if np.hypot(a, b) < _GREY:
        steps = (("black", 0.25), ("dark grey", 0.5), ("grey", 0.75), ("light grey", 0.93), ("white", 2.0))
        return next(word for word, end in steps if lightness < end)
    hues = (("pink", 10), ("red", 40), ("orange", 75), ("yellow", 115), ("green", 170), ("cyan", 220), ("blue", 290))
    angle = float(np.degrees(np.arctan2(b, a))) % 360
    hue = next((word for word, end in (*hues, ("purple", 340)) if angle < end), "pink")
    return f"{'dark ' if lightness < 0.45 else 'light ' if lightness > 0.8 else ''}{hue}"
