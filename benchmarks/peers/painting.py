"""A whole painting, 500 strokes: SNP's own demo with its light net, and fogleman/primitive where there is one."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import neuralpaint
from benchmarks.peers.context import Context
from benchmarks.peers.row import Row
from benchmarks.peers.snp import SNP, SNPError
from benchmarks.peers.timing import Stats, cores, here, race, reason
from neuralpaint.images.io import load_image
from neuralpaint.images.metrics import psnr
from neuralpaint.images.resample import resize

STROKES, SIZE = 500, 512
TARGETS = {"balanced": 25, "fast": 80}
PUBLISHED = "22.6 dB in its gallery (official weights)"


def rows(context: Context) -> Iterator[Row]:
    if context.photo is None:
        return
    results = {
        brush: {preset: _ours(context, brush, preset) for preset in TARGETS}
        for brush in (["oil", "tape"] if context.primitive else ["oil"])
    }
    if context.snp_folder is not None:
        snp = context.snp(context.threads)
        assert snp is not None
        theirs = _demo(snp, context.photo, context.painting_timeout)
        note = "random weights (the cost is the same), no transport loss, run once, until its strokes are found"
        name = "SNP's demo_prog.py, light net"
        for preset, (stats, decibels) in results["oil"].items():
            yield _row(context, "oil", preset, name, stats, decibels, theirs, note, _published(context.photo))
    if context.primitive is not None:
        theirs, quality = _primitive(context)
        for preset, (stats, decibels) in results["tape"].items():
            note = "500 rotated rectangles of its own opacity; start, reading and writing files included"
            yield _row(context, "tape", preset, "fogleman/primitive", stats, decibels, theirs, note, quality)


def _ours(context: Context, brush: str, preset: str) -> tuple[Stats, float]:
    """Seconds from the photo in memory to strokes, and PSNR."""
    photo = load_image(context.photo)

    def paint() -> neuralpaint.Painting:
        return neuralpaint.paint(photo, brush, STROKES, preset, device=context.device)

    with cores(context.threads):
        quality = paint().psnr(photo, SIZE)
        return race({preset: here(paint)}, rounds=3, budget=20)[preset], quality


def _demo(snp: SNP, photo: Path, timeout: float) -> Stats:
    """Seconds that its search takes, without its imports and the 500 pictures and the film that it then writes."""
    stats = Stats()
    folder = snp.scratch / "checkpoint"
    folder.mkdir(exist_ok=True)
    start = finish = None
    try:
        snp.prepare(
            "checkpoint", renderer="oilpaintbrush", net="zou-fusion-net-light", path=str(folder / "last_ckpt.pt")
        )
        arguments = ["--img_path", str(photo.resolve()), "--renderer", "oilpaintbrush", "--disable_preview"]
        arguments += ["--max_m_strokes", str(STROKES), "--canvas_size", str(SIZE), "--net_G", "zou-fusion-net-light"]
        arguments += ["--renderer_checkpoint_dir", str(folder), "--output_dir", str(snp.scratch / "output")]
        for moment, line in snp.run("demo_prog.py", arguments, timeout):
            if line.startswith("begin drawing"):
                start = moment
            elif line.startswith("saving stroke parameters"):
                finish = moment
                break
        if start is None or finish is None:
            raise SNPError("demo_prog.py ended before it had painted")
        stats.samples.append(finish - start)
    except (SNPError, OSError) as error:
        stats.error = reason(error)
    return stats


def _primitive(context: Context) -> tuple[Stats, str]:
    """Time and PSNR of `primitive`, by its own command line."""
    stats, quality = Stats(), ""
    photo = load_image(context.photo)
    with TemporaryDirectory() as folder:
        output = Path(folder) / "out.png"
        command = [str(context.primitive), "-i", str(context.photo), "-o", str(output), "-n", str(STROKES), "-m", "5"]
        command += ["-r", str(SIZE), "-s", str(SIZE), "-j", str(context.threads)]
        try:
            with cores(context.threads):
                start = time.perf_counter()
                done = subprocess.run(command, capture_output=True, timeout=context.painting_timeout)
                finish = time.perf_counter()
            if done.returncode:
                raise ValueError(f"exit status {done.returncode}")
            stats.samples.append(finish - start)
            picture = load_image(output)
            quality = f"{psnr(picture, resize(photo, *picture.shape[-2:])):.1f} dB"
        except subprocess.TimeoutExpired:
            stats.error = "took longer than it may (--painting-timeout)"
        except (OSError, ValueError) as error:
            stats.error = reason(error)
    return stats, quality


def _published(photo: Path) -> str:
    return PUBLISHED if photo.stem == "apple" else "not measured: the official weights are not available"


def _row(
    context: Context,
    brush: str,
    preset: str,
    name: str,
    stats: Stats,
    decibels: float,
    theirs: Stats,
    note: str,
    quality: str,
) -> Row:
    row = Row(
        "painting",
        f"{STROKES} strokes of {brush}, `{preset}`, {context.photo.name if context.photo else ''},"
        f" {context.on(context.threads)}",
        name,
        target=TARGETS[preset] if brush == "oil" and context.device == "cpu" else None,
        note=note,
        facts={"our PSNR": f"{decibels:.1f} dB", "theirs": quality},
    )
    if stats.samples:
        row.ours, row.ours_spread, row.ours_repeats = stats.median, stats.spread, len(stats.samples)
    if theirs.samples:
        row.theirs, row.theirs_repeats = theirs.median, len(theirs.samples)
    row.error = stats.error or theirs.error
    return row
