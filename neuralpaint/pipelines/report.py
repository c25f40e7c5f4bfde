"""A report on one painting: a single HTML page that shows it, how it came about, and how to paint it again."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from neuralpaint._version import __version__
from neuralpaint.utils.files import atomic_write

if TYPE_CHECKING:
    from torch import Tensor

    from neuralpaint.images.streaming import LargePhoto
    from neuralpaint.painting import Painting
    from neuralpaint.painting.exporters import VideoSettings
    from neuralpaint.pipelines.settings import PaintSettings
    from neuralpaint.pipelines.summary import Row
    from neuralpaint.search import Progress

_MOST_EVENTS = 1000
_MOST_LEVELS = 8
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 720, 260, 56, 40, 14  # of the curve, and its margins


@dataclass
class History:
    """What a search has reported: a callback for it, which keeps at most 1000 reports, evenly."""

    events: list[Progress] = field(default_factory=list)
    _every: int = 1
    _seen: int = 0

    def __call__(self, progress: Progress) -> None:
        self._seen += 1
        if self.events and self.events[-1].stage == progress.stage and self._seen % self._every:
            return
        self.events.append(progress)
        if len(self.events) > _MOST_EVENTS:
            self.events, self._every = self.events[1::2], 2 * self._every

    def before(self, callback: Callable[[Progress], None] | None) -> Callable[[Progress], None]:
        """A callback that keeps a report, then hands it on."""

        def both(progress: Progress) -> None:
            self(progress)
            if callback is not None:
                callback(progress)

        return both

    def levels(self, total: int) -> list[int]:
        """Numbers of strokes at the ends of the levels of the search, rising, the last `total`. Without reports, from a
        few strokes to all."""
        counts = sorted({event.strokes for event in self.events if 0 < event.strokes < total})
        if len(counts) < 2:
            counts = [round(total / 2**k) for k in range(5, 0, -1)]
        counts = [count for count in counts if 0 < count < total]
        if len(counts) >= _MOST_LEVELS:
            step = (len(counts) - 1) / (_MOST_LEVELS - 2)
            counts = [counts[round(k * step)] for k in range(_MOST_LEVELS - 1)]
        return [*sorted(set(counts)), total]


@dataclass(frozen=True)
class Report:
    """What a report is about.

    Attributes:
        title: the name of the photo.
        photo: what was painted, `[3, H, W]`; `source` says what it is.
        facts, settings: name and value of what is shown at the top, and in the table.
        command: the command that paints it again, or "".
    """

    title: str
    photo: Tensor | LargePhoto
    painting: Painting
    history: History
    facts: Mapping[str, str]
    settings: Mapping[str, str]
    command: str
    video: VideoSettings
    source: str = "Photo"


def about(
    row: Row, photo: Tensor | LargePhoto, painting: Painting, history: History, settings: PaintSettings
) -> Report:
    """The report on a painting that a run has made.

    Args:
        row: of the summary.
        photo: what was painted, `[3, H, W]`.
    """
    height, width = painting.pixels()
    facts = {
        f"{painting.brush.name} strokes": f"{len(painting):,}",
        "PSNR": f"{row.psnr:.1f} dB",
        "painted in": f"{row.seconds:.0f} s" if row.seconds >= 10 else f"{row.seconds:.1f} s",
        "pixels": f"{width} × {height}",
    }
    described = {
        "Photo": row.photo,
        "Outputs": row.output,
        "Brush": f"{painting.brush.name}: {painting.brush.description}",
        "Strokes": f"{len(painting):,}",
        "Preset": settings.preset.name,
        "Gradient steps": f"{history.events[-1].steps:,}" if history.events else "",
        "Background": "#" + "".join(f"{round(255 * value):02x}" for value in painting.background),
        "Random seed": str(settings.seed),
        "Renderer of the search": _renderer_name(settings.renderer),
        "Device": str(settings.device),
        "Stylized first": "" if settings.stylization is None else "yes",
        "Restyled": row.note,
    }
    return Report(
        title=Path(row.photo).name,
        photo=photo,
        painting=painting,
        history=history,
        facts=facts,
        settings={name: value for name, value in described.items() if value},
        command=settings.command,
        video=settings.outputs.video,
        source="Photo" if settings.stylization is None else "Photo, stylized",
    )


def _renderer_name(renderer: object) -> str:
    name = type(renderer).__name__.removesuffix("Renderer").lower()
    return f"{name} ({renderer.identity})" if hasattr(renderer, "identity") else name


def write_report(report: Report, path: Path) -> None:
    """Writes the page, of about 1.5 MB. It loads nothing from elsewhere.

    Raises:
        WriteError: the file cannot be written; an existing file is left unchanged.
    """
    page = make_page(report)
    with atomic_write(path) as file:
        file.write(page.encode("utf-8", "replace"))


def make_page(report: Report) -> str:
    """The page as text."""
    from neuralpaint.pipelines.report_pictures import (
        RATE,
        SHOWN,
        animate,
        data_url,
        fitted,
        level_pictures,
        photo_picture,
    )

    painting = fitted(report.painting, SHOWN)
    height, width = painting.pixels()
    animation = animate(report.painting, report.video)
    levels = level_pictures(report.painting, report.history.levels(len(painting))) if len(painting) else []
    order = {
        "ease": "Every stroke in its order; large strokes take longer than small ones.",
        "strokes": "Every stroke in its order, each for the same time.",
    }
    fields = {
        "title": _text(report.title),
        "version": _text(__version__),
        "facts": "".join(
            f"<li><b>{_text(value)}</b> <span>{_text(name)}</span></li>" for name, value in report.facts.items()
        ),
        "photo": data_url(photo_picture(report.photo, height, width)),
        "painting": data_url(painting.render()),
        "source": _text(report.source),
        "width": str(width),
        "height": str(height),
        "shown": str(max(200, min(SHOWN, round(720 * width / height)))),
        "level": str(max(100, min(150, round(130 * width / height)))),
        "order": order[report.video.speed],
        "played_width": str(animation.width),
        "played_height": str(animation.height),
        "last": str(len(animation.frames) - 1),
        "rate": f"{RATE / 1000:g}",
        "levels_note": "The painting after each level of the search: first what is large, then ever finer strokes.",
        "levels": "".join(
            f'<figure><img src="{url}" alt="" loading="lazy"><figcaption>{count:,} strokes</figcaption></figure>'
            for count, url in levels
        ),
        "curve": _curve_section(report.history.events),
        "settings": _table(report.settings),
        "command": _command_section(report.command),
        "frames": json.dumps(animation.frames, separators=(",", ":")).replace("<", "\\u003c"),
    }
    template = resources.files("neuralpaint.pipelines").joinpath("report.html").read_text(encoding="utf-8")
    page = _filled(template, fields)
    return page.replace("{{policy}}", _policy(page))


def _filled(template: str, fields: Mapping[str, str]) -> str:
    """The template with its {{names}} replaced, in one pass: what is put in is not looked at again."""
    return re.sub(r"{{(\w+)}}", lambda match: fields.get(match[1], match[0]), template)


def _policy(page: str) -> str:
    """A content security policy that lets nothing in but the page's own style and script, by their hashes."""
    script, style = (
        base64.b64encode(hashlib.sha256(re.findall(pattern, page, re.DOTALL)[-1].encode()).digest()).decode()
        for pattern in (r"<script>(.*?)</script>", r"<style>(.*?)</style>")
    )
    return (
        f"default-src 'none'; img-src data:; script-src 'sha256-{script}'; style-src 'sha256-{style}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _text(text: str) -> str:
    """Any text for HTML, also in an attribute. Braces are escaped too, so that nothing looks like a {{field}}."""
    printable = "".join(c if c.isprintable() and not 0xD800 <= ord(c) <= 0xDFFF else "\ufffd" for c in text)
    return html.escape(printable).replace("{", "&#123;").replace("}", "&#125;")


def _table(settings: Mapping[str, str]) -> str:
    rows = (f"<tr><th scope=row>{_text(name)}</th><td>{_text(value)}</td></tr>" for name, value in settings.items())
    return f"<table>{''.join(rows)}</table>"


def _command_section(command: str) -> str:
    if not command:
        return ""
    return f"<section>\n<h2>Paint it again</h2>\n<pre><code>{_text(command)}</code></pre>\n</section>"


# ---- the curve -------------------------------------------------------------------------------------------------------


def _curve_section(events: Sequence[Progress]) -> str:
    events = [event for event in events if math.isfinite(event.loss) and event.loss > 0]
    if len(events) < 2:
        return ""
    return (
        "<section>\n<h2>The search</h2>\n<p>Mean squared difference between painting and photo, at the resolution the "
        f'search works at, on a logarithmic scale.</p>\n<div class="scroll">{curve(events)}</div>\n</section>'
    )


def curve(events: Sequence[Progress]) -> str:
    """The losses over the steps as an SVG; dashed lines where a stage begins."""
    steps = max(event.step for event in events)
    low, high = (function(math.log10(event.loss) for event in events) for function in (min, max))
    low, high = low - 0.05, max(high, low + 0.1) + 0.05

    def x(step: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - 20) * step / max(1, steps)

    def y(level: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (high - level) / (high - low)

    parts = [f'<svg class="curve" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="Loss over the steps">']
    for value in _ticks(low, high):
        at = y(math.log10(value))
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - 20}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{value:g}</text>')
    before = events[0].stage
    for event in events:
        if event.stage != before:
            parts.append(
                f'<line class="stage" x1="{x(event.step):.1f}" x2="{x(event.step):.1f}" y1="{_TOP}" '
                f'y2="{_HEIGHT - _BOTTOM}"><title>{_text(event.stage)}</title></line>'
            )
            before = event.stage
    line = " ".join(f"{x(event.step):.1f},{y(math.log10(event.loss)):.1f}" for event in events)
    parts.append(f'<polyline class="line" points="{line}"/>')
    for step in range(0, steps + 1, _spacing(steps)):
        parts.append(f'<text x="{x(step):.1f}" y="{_HEIGHT - 20}" text-anchor="middle">{step:,}</text>')
    parts.append(f'<text x="{(_WIDTH + _LEFT) / 2}" y="{_HEIGHT - 4}" text-anchor="middle">gradient steps</text></svg>')
    return "".join(parts)


def _spacing(steps: int) -> int:
    """A round number of steps between labels, of which there are about six."""
    decade = 10 ** max(0, int(math.log10(max(1, steps))) - 1)
    return next(m * decade for m in (1, 2, 5, 10, 20, 50) if steps <= 6 * m * decade)


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers between 10^low and 10^high."""
    decades = range(math.floor(low), math.ceil(high) + 1)
    for mantissas in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9)):
        ticks = [m * 10.0**d for d in decades for m in mantissas if low <= math.log10(m * 10.0**d) <= high]
        if len(ticks) >= 3:
            break
    return [float(f"{tick:.6g}") for tick in ticks]
