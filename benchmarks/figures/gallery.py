"""Makes the pictures of docs/ that show photos again, from the photos that come with the repository.

    python benchmarks/figures/gallery.py                                              # some minutes on two cores
    NEURALPAINT_VGG19=vgg19.safetensors python benchmarks/figures/gallery.py --styles DIR

Without --styles it leaves out the pictures whose strokes move towards a painting, which need VGG-19's weights and the
paintings themselves. docs/images/mypaint.jpg, which needs libmypaint, is not made here (docs/engines.md), nor are
docs/images/large_*.jpg (docs/scaling.md).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
GALLERY = HERE.parents[1] / "docs" / "gallery"
FOUR = ("van-gogh-starry-night", "hokusai-great-wave", "kandinsky-composition-vii", "munch-scream")


def run(script: str, *arguments: str) -> None:
    print(f"{script} {' '.join(arguments)}", flush=True)
    subprocess.run([sys.executable, str(HERE / script), *arguments], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--styles", type=Path, help="folder of the paintings, named as the bundled styles are")
    styles: Path | None = parser.parse_args().styles
    run("demo_picture.py")
    run("contact_sheet.py")
    run("style_gallery.py", "--only", "all,grid")
    if styles is None:
        return
    run("style_gallery.py", "--only", "routes", "--styles", str(styles))
    files = {file.stem: str(file) for file in styles.iterdir()}
    paintings = [word for name in FOUR for word in ("--style", files[name])]
    quick = ["--strokes", "700", "--preset", "fast", "--size", "256", "--features", "distilled"]
    run("style_sheet.py", *paintings, *quick, "-o", str(GALLERY / "style_sheet.jpg"))
    coffee = str(HERE.parents[1] / "examples" / "photos" / "coffee.jpg")
    both = ["--features", "vgg19", "--features", "efficientnet-lite0", "--mode", "color+texture"]
    common = [*paintings, "--restyle", "--strokes", "1000"]
    run("style_sheet.py", *common, "--photo", coffee, *both, "-o", str(GALLERY / "style_features.jpg"))


if __name__ == "__main__":
    main()
