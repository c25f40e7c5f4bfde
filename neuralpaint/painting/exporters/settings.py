"""How paintings are written to files: one frozen dataclass for each kind of file. Nothing here imports torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from neuralpaint.images.metadata import PhotoMetadata
from neuralpaint.painting.exporters.pens import Pen, check_pens
from neuralpaint.utils.validation import check_positive, check_weight, check_whole, unknown_name

Speed = Literal["ease", "strokes"]
SvgStyle = Literal["exact", "simple"]
PlotFill = Literal["hatch", "lines"]

MAX_SECONDS = 3600.0
MAX_FPS = 120
MAX_FRAMES = 100_000
MAX_MM = 100_000.0
MAX_PLOT_MM = 10_000.0


@dataclass(frozen=True)
class ImageSettings:
    """Settings of .png, .jpg, .webp and .tiff files.

    Attributes:
        memory: memory limit in bytes, or a string such as "2G"; by default half of the available memory.
        depth: bits per channel: 8, or 16 in .png and .tiff.
        metadata: written as EXIF to images of up to 33 million pixels with 8 bits a channel; None for nothing.

    Raises:
        ValueError: `depth` is another number.
    """

    memory: str | int | None = None
    depth: int = 8
    metadata: PhotoMetadata | None = None

    def __post_init__(self) -> None:
        if self.depth not in (8, 16):
            raise ValueError(f"depth must be 8 or 16 bits, got {self.depth!r}")


@dataclass(frozen=True)
class VideoSettings:
    """Settings of time-lapse videos and animations.

    Attributes:
        seconds: from the first stroke to the last, above 0 and at most 3600.
        fps: frames in a second, 1 to 120.
        hold: seconds that the finished painting is shown at the end, 0 to 3600.
        speed: "ease", large strokes are drawn slowly and small ones quickly; "strokes", the same time for each.

    Raises:
        ValueError: a value is out of range or there would be more than 100,000 frames; the message names it.
    """

    seconds: float = 10.0
    fps: int = 30
    hold: float = 2.0
    speed: Speed = "ease"

    def __post_init__(self) -> None:
        if check_positive("seconds", self.seconds) > MAX_SECONDS:
            raise ValueError(f"seconds must be at most {MAX_SECONDS:g}, got {self.seconds:g}")
        if check_weight("hold", self.hold) > MAX_SECONDS:
            raise ValueError(f"hold must be at most {MAX_SECONDS:g} seconds, got {self.hold:g}")
        check_whole("fps", self.fps, 1, MAX_FPS, "frames per second")
        if self.speed not in get_args(Speed):
            raise ValueError(unknown_name("speed", str(self.speed), get_args(Speed)))
        if (count := (self.seconds + self.hold) * self.fps) > MAX_FRAMES:
            raise ValueError(f"seconds and fps give {count:,.0f} frames, more than {MAX_FRAMES:,}: lower one of them")


@dataclass(frozen=True)
class PlotSettings:
    """Settings of drawings for pen plotters.

    Attributes:
        pens: those to draw with; by default one of 0.5 mm for each colour of the painting's palette, or for the 6 best
            colours of its strokes if it has none.
        size_mm: the painting's shorter side in millimetres, on a page that has margins around it; by default it fills
            an A4 page between the margins.
        margin_mm: 0 to 1000.
        fill: "hatch" fills strokes with lines along them, "lines" draws one line for each.
        spacing: between the lines of a filling, in pen widths, 0.2 to 50.
        edges: whether the edges of filled strokes are drawn too.
        paper: whether strokes stay blank whose colour is nearer to the background than to any pen.
        down_mm_s, up_mm_s: speed of the pen on paper and in the air, for the time.
        lift_s: seconds to lift the pen and to lower it again.

    Raises:
        ValueError: a value is out of range; the message names it.
    """

    pens: tuple[Pen, ...] | None = None
    size_mm: float | None = None
    margin_mm: float = 10.0
    fill: PlotFill = "hatch"
    spacing: float = 1.0
    edges: bool = True
    paper: bool = True
    down_mm_s: float = 40.0
    up_mm_s: float = 120.0
    lift_s: float = 0.3

    def __post_init__(self) -> None:
        if self.pens is not None:
            object.__setattr__(self, "pens", check_pens(self.pens))
        if self.size_mm is not None and not 1 <= check_positive("size_mm", self.size_mm) <= MAX_PLOT_MM:
            raise ValueError(f"size_mm must be from 1 to {MAX_PLOT_MM:g}, got {self.size_mm:g}")
        if check_weight("margin_mm", self.margin_mm) > 1000:
            raise ValueError(f"margin_mm must be at most 1000, got {self.margin_mm:g}")
        if self.size_mm is None and self.margin_mm > 100:
            raise ValueError(f"margin_mm must be at most 100 on an A4 page, got {self.margin_mm:g}: set size_mm")
        if self.fill not in get_args(PlotFill):
            raise ValueError(unknown_name("fill", str(self.fill), get_args(PlotFill)))
        if not 0.2 <= check_positive("spacing", self.spacing) <= 50:
            raise ValueError(f"spacing must be from 0.2 to 50 pen widths, got {self.spacing:g}")
        for name in ("down_mm_s", "up_mm_s"):
            check_positive(name, getattr(self, name))
        check_weight("lift_s", self.lift_s)


@dataclass(frozen=True)
class SvgSettings:
    """Settings of vector files: .svg, .svgz and .pdf.

    Attributes:
        size_mm: length of the shorter side in millimetres, at most 100,000; None for the painting's pixels, 96 to an
            inch.
        style: "exact", with gradients and bristles; or "simple", one path of one flat colour a stroke, for editing and
            for cutting machines.
        plot: for .svg alone: write lines for a pen plotter instead, see `plotter.write_plot`.

    Raises:
        ValueError: a value is out of range; the message names it.
    """

    size_mm: float | None = None
    style: SvgStyle = "exact"
    plot: PlotSettings | None = None

    def __post_init__(self) -> None:
        if self.size_mm is not None and check_positive("size_mm", self.size_mm) > MAX_MM:
            raise ValueError(f"size_mm must be at most {MAX_MM:g}, got {self.size_mm:g}")
        if self.style not in get_args(SvgStyle):
            raise ValueError(unknown_name("style", str(self.style), get_args(SvgStyle)))


@dataclass(frozen=True)
class RobotSettings:
    """Settings of strokes for painting robots.

    Attributes:
        size_mm: the canvas's shorter side in millimetres.

    Raises:
        ValueError: it is not from 1 to 10,000.
    """

    size_mm: float = 200.0

    def __post_init__(self) -> None:
        if not 1 <= check_positive("size_mm", self.size_mm) <= MAX_PLOT_MM:
            raise ValueError(f"size_mm must be from 1 to {MAX_PLOT_MM:g}, got {self.size_mm:g}")


@dataclass(frozen=True)
class OutputSettings:
    """The settings of all kinds of files; a field's name is the `kind` of its exporter."""

    image: ImageSettings = field(default_factory=ImageSettings)
    video: VideoSettings = field(default_factory=VideoSettings)
    svg: SvgSettings = field(default_factory=SvgSettings)
    pdf: SvgSettings = field(default_factory=SvgSettings)
    robot: RobotSettings = field(default_factory=RobotSettings)
