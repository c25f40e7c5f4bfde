"""What a painting can be written to, one file for each kind. They are imported when they are first used.

To add a kind, write a function (painting, path, settings) and register it here: see `Exporter`.
"""

from neuralpaint.images.io import OUTPUT_SUFFIXES
from neuralpaint.painting.exporters.base import (
    Exporter,
    check_distinct,
    export_suffix,
    export_suffixes,
    find_exporter,
    register,
)
from neuralpaint.painting.exporters.settings import ImageSettings, OutputSettings, SvgSettings, VideoSettings

__all__ = [
    "Exporter",
    "ImageSettings",
    "OutputSettings",
    "SvgSettings",
    "VideoSettings",
    "check_distinct",
    "export_suffix",
    "export_suffixes",
    "find_exporter",
    "register",
]

_HERE = "neuralpaint.painting.exporters"

register(Exporter("image", OUTPUT_SUFFIXES, f"{_HERE}.image:write_image", f"{_HERE}.image:check_image", engines=True))
register(Exporter("strokes", (".safetensors",), f"{_HERE}.strokes:write_strokes", engines=True))
register(Exporter("svg", (".svg", ".svgz"), f"{_HERE}.svg:write_svg"))
register(Exporter("robot", (".json",), f"{_HERE}.robot:write_robot"))
register(Exporter("pdf", (".pdf",), f"{_HERE}.pdf:write_pdf", "", "cairosvg", "svg"))
register(Exporter("height", (".height.png",), f"{_HERE}.maps:write_height", f"{_HERE}.maps:check_map"))
register(Exporter("normals", (".normal.png",), f"{_HERE}.maps:write_normals", f"{_HERE}.maps:check_map"))
register(
    Exporter(
        "video",
        (".mp4", ".webm"),
        f"{_HERE}.video:write_video",
        f"{_HERE}.video:check_video",
        "av",
        "video",
        reports=True,
    )
)
register(
    Exporter(
        "video",
        (".gif", ".apng", ".anim.webp"),
        f"{_HERE}.animation:write_animation",
        f"{_HERE}.animation:check_animation",
        reports=True,
    )
)
