"""A brush of MyPaint, driven through libmypaint by ctypes: an engine that nobody can differentiate.

A stroke is a quadratic Bézier of changing width and one colour. libmypaint places the dabs, with all the randomness of
its brush file; every stroke starts from a fresh brush, so the same numbers draw the same stroke.

    apt-get install libmypaint-1.5-1 mypaint-brushes     # Debian, Ubuntu

MYPAINT_BRUSH names another brush file (.myb). See docs/engines.md.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import json
import math
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np

from neuralpaint.engines import BEZIER, ONE_COLOR, EngineSpec

_BRUSHES = ("share/mypaint-data/2.0/brushes", "share/mypaint-data/1.0/brushes")
_FILE = os.environ.get("MYPAINT_BRUSH", "tanda/oil-01-paint.myb")
_FILL = 0.5  # of the outline's radius is the brush's own, whose dabs reach beyond it: 0.8 % of the paint is outside
_PRESSURE = 0.8
_TILE = 64  # pixels of libmypaint's tiles; 16 bits a channel, 2¹⁵ is one, colour times alpha


class _TileRequest(ctypes.Structure):
    _fields_ = [
        ("tx", ctypes.c_int),
        ("ty", ctypes.c_int),
        ("readonly", ctypes.c_int),
        ("buffer", ctypes.POINTER(ctypes.c_uint16)),
        ("context", ctypes.c_void_p),
        ("thread_id", ctypes.c_int),
        ("mipmap_level", ctypes.c_int),
    ]


@lru_cache
def _library() -> ctypes.CDLL:
    name = ctypes.util.find_library("mypaint-1.5") or ctypes.util.find_library("mypaint")
    if name is None:
        raise OSError("libmypaint is not installed: apt-get install libmypaint-1.5-1 mypaint-brushes")
    library = ctypes.CDLL(name)
    pointer, number = ctypes.c_void_p, ctypes.c_float
    for function, result, arguments in (
        ("brush_new", pointer, []),
        ("brush_unref", None, [pointer]),
        ("brush_from_string", ctypes.c_int, [pointer, ctypes.c_char_p]),
        ("brush_set_base_value", None, [pointer, ctypes.c_int, number]),
        ("brush_get_base_value", number, [pointer, ctypes.c_int]),
        ("brush_new_stroke", None, [pointer]),
        ("brush_setting_from_cname", ctypes.c_int, [ctypes.c_char_p]),
        ("brush_stroke_to", ctypes.c_int, [pointer, pointer, *[number] * 5, ctypes.c_double]),
        ("fixed_tiled_surface_new", pointer, [ctypes.c_int, ctypes.c_int]),
        ("surface_begin_atomic", None, [pointer]),
        ("surface_end_atomic", None, [pointer, pointer]),
        ("surface_unref", None, [pointer]),
        ("tile_request_init", None, [ctypes.POINTER(_TileRequest), *[ctypes.c_int] * 4]),
        ("tiled_surface_tile_request_start", None, [pointer, ctypes.POINTER(_TileRequest)]),
        ("tiled_surface_tile_request_end", None, [pointer, ctypes.POINTER(_TileRequest)]),
    ):
        entry = getattr(library, f"mypaint_{function}")
        entry.restype, entry.argtypes = result, arguments
    return library


@lru_cache
def _brush_file() -> bytes:
    """The brush as libmypaint reads it: of the file, but painting one colour on an empty layer, its size ours."""
    folders = [Path(prefix) / folder for prefix in ("/usr", "/usr/local") for folder in _BRUSHES]
    found = next((path for folder in (Path(), *folders) if (path := folder / _FILE).is_file()), None)
    if found is None:
        raise OSError(f"there is no brush {_FILE}: apt-get install mypaint-brushes, or set MYPAINT_BRUSH")
    brush = json.loads(found.read_text())
    settings = brush["settings"]
    for name in list(settings):
        if name.startswith(("smudge", "change_color", "color_", "eraser", "colorize", "lock_alpha", "slow_tracking")):
            settings[name] = {"base_value": 0.0, "inputs": {}}
    settings["radius_logarithmic"]["inputs"] = {}
    return json.dumps(brush).encode()


def _draw(stroke: np.ndarray, size: int) -> np.ndarray:
    """Alpha `[size, size]` of one stroke."""
    library = _library()
    setting = {n: library.mypaint_brush_setting_from_cname(n.encode()) for n in ("radius_logarithmic",)}
    x0, y0, x1, y1, x2, y2, r0, r2 = (float(v) for v in stroke[:8])
    t = np.linspace(0, 1, 33)
    x = size * (x0 + 2 * t * (1 - t) * x1 * (x2 - x0) + t * t * (x2 - x0))
    y = size * (y0 + 2 * t * (1 - t) * y1 * (y2 - y0) + t * t * (y2 - y0))
    radius = np.maximum(size / 4 * (r0 + t * (r2 - r0)), 0.5)
    brush, surface = library.mypaint_brush_new(), library.mypaint_fixed_tiled_surface_new(size, size)
    try:
        if not library.mypaint_brush_from_string(brush, _brush_file()):
            raise ValueError(f"libmypaint cannot read the brush {_FILE}")
        for _, _, tile in _tiles(surface, size, readonly=False):
            tile[:] = 0  # a new surface is white
        library.mypaint_brush_new_stroke(brush)
        library.mypaint_surface_begin_atomic(surface)
        # The first event puts the brush down; it must not draw a line from the corner.
        library.mypaint_brush_stroke_to(brush, surface, x[0], y[0], 0.0, 0.0, 0.0, 10.0)
        for k in range(len(t)):
            library.mypaint_brush_set_base_value(
                brush, setting["radius_logarithmic"], math.log(_FILL * float(radius[k]))
            )
            library.mypaint_brush_stroke_to(brush, surface, x[k], y[k], _PRESSURE, 0.0, 0.0, 0.02)
        library.mypaint_surface_end_atomic(surface, None)
        alpha = np.empty((size, size), np.float32)
        for rows, columns, tile in _tiles(surface, size, readonly=True):
            part = alpha[rows, columns]
            part[:] = tile[: part.shape[0], : part.shape[1], 3] / 32768
        return alpha.clip(0, 1)
    finally:
        library.mypaint_surface_unref(surface)
        library.mypaint_brush_unref(brush)


def _tiles(surface: int, size: int, readonly: bool) -> Iterator[tuple[slice, slice, np.ndarray]]:
    """(rows, columns, `[64, 64, 4]` that lies in libmypaint's memory) of each of a surface's tiles."""
    library = _library()
    for ty, tx in np.ndindex(-(-size // _TILE), -(-size // _TILE)):
        request = _TileRequest()
        library.mypaint_tile_request_init(ctypes.byref(request), 0, tx, ty, int(readonly))
        library.mypaint_tiled_surface_tile_request_start(surface, ctypes.byref(request))
        tile = np.ctypeslib.as_array(request.buffer, (_TILE, _TILE, 4))
        yield slice(ty * _TILE, (ty + 1) * _TILE), slice(tx * _TILE, (tx + 1) * _TILE), tile
        library.mypaint_tiled_surface_tile_request_end(surface, ctypes.byref(request))


@EngineSpec("mypaint-oil", (*BEZIER, *ONE_COLOR, "a"), "bezier", held={"a": 1.0}, version=_FILE)
def oil(params: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Strokes `[N, 12]` in [0, 1] as foreground `[N, 3, size, size]` and alpha `[N, 1, size, size]`."""
    alpha = np.stack([_draw(stroke, size) for stroke in params])[:, None]
    foreground = np.where(alpha > 0, params[:, 8:11, None, None], 0).astype(np.float32)
    return foreground, alpha * params[:, 11, None, None, None]
