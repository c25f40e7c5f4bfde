"""Makes the pictures of docs/styles.md in docs/gallery: all styles, four mixed in a grid, and both routes to a style.

    NEURALPAINT_VGG19=vgg19.safetensors python benchmarks/figures/style_gallery.py [--only all,grid,routes] --styles DIR

--styles is the folder of the paintings, for the route that optimises strokes. Some minutes, on two cores.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from PIL import Image

import neuralpaint
from neuralpaint.images.io import load_image, to_pil
from neuralpaint.images.resample import resize
from neuralpaint.styles.mixing import corner_mixes, style_mix
from neuralpaint.styles.sheets import style_sheet
from neuralpaint.styles.stylize import get_style_network, stylize_tensor
from neuralpaint.utils.files import atomic_write

ROOT = Path(__file__).resolve().parents[2]
PHOTOS, GALLERY = ROOT / "examples" / "photos", ROOT / "docs" / "gallery"
FOUR = ("van-gogh-starry-night", "munch-scream", "kandinsky-composition-vii", "monet-irises")
STROKES = 1000


def photo(name: str, size: int) -> torch.Tensor:
    """`[3, H, W]`, the shorter side at `size` pixels."""
    found = load_image(PHOTOS / f"{name}.jpg")
    shorter = min(found.shape[1:])
    return resize(found, *(round(side * size / shorter) for side in found.shape[1:]))


def everything(network: str) -> Image.Image:
    loaded, picture = get_style_network(network), photo("chelsea", 144)
    made = [to_pil(stylize_tensor(loaded, picture[None], mix)[0]) for mix in torch.eye(len(loaded.names))]
    return style_sheet([to_pil(picture), *made], 6, ["photo", *loaded.names])


def grid(network: str) -> Image.Image:
    loaded, picture = get_style_network(network), photo("coffee", 150)
    corners = torch.stack([style_mix(name, loaded.names) for name in FOUR])
    return style_sheet([to_pil(stylize_tensor(loaded, picture[None], mix)[0]) for mix in corner_mixes(corners, 5)], 5)


def routes(network: str, styles: Path) -> Image.Image:
    """A style a column: the network's picture, that painted, and strokes in the style of the painting itself."""
    loaded, picture = get_style_network(network), photo("coffee", 400)
    plain = neuralpaint.paint(picture, strokes=STROKES)
    rows: list[list[Image.Image]] = [[], [], []]
    for name in FOUR:
        made = stylize_tensor(loaded, picture[None], style_mix(name, loaded.names))[0].clone()
        file = next(file for file in styles.iterdir() if file.stem == name)
        own = neuralpaint.paint_in_style(picture, file, strokes=STROKES)
        for row, found in zip(
            rows, (to_pil(made), neuralpaint.paint(made, strokes=STROKES).render(), own.render()), strict=True
        ):
            row.append(found.resize((found.width * 5 // 8, found.height * 5 // 8), Image.Resampling.LANCZOS))
        print(name, flush=True)
    first = to_pil(picture).resize(rows[0][0].size, Image.Resampling.LANCZOS)
    second = plain.render().resize(rows[0][0].size, Image.Resampling.LANCZOS)
    pictures = [first, *rows[0], second, *rows[1], second, *rows[2]]
    captions = [
        *("photo", *(f"{name}: network" for name in FOUR)),
        *("painted", *("network, then painted" for _ in FOUR)),
        *("painted", *("in the picture's style" for _ in FOUR)),
    ]
    return style_sheet(pictures, len(FOUR) + 1, captions)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="all,grid,routes")
    parser.add_argument("--network", default="light")
    parser.add_argument("--styles", type=Path, help="folder of the paintings, for routes")
    options = parser.parse_args()
    for name in options.only.split(","):
        if name == "routes":
            sheet = routes(options.network, options.styles)
        else:
            sheet = {"all": everything, "grid": grid}[name](options.network)
        with atomic_write(GALLERY / f"styles_{name}.jpg") as file:
            sheet.save(file, format="JPEG", quality=80, optimize=True, progressive=True)
        print(GALLERY / f"styles_{name}.jpg", sheet.size)


if __name__ == "__main__":
    main()
