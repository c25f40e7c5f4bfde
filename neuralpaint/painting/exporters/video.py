"""Writes time-lapse videos by PyAV (the extra `video`): MP4 with H.264, WebM with VP9."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuralpaint.painting.exporters.base import export_suffix
from neuralpaint.painting.exporters.settings import VideoSettings
from neuralpaint.utils.files import WriteError, atomic_path

if TYPE_CHECKING:
    import av
    import numpy as np

    from neuralpaint.painting.painting import Painting

_LONGEST_SIDE = 8192  # pixels: what H.264's highest level and players allow
# yuv420p and faststart, the index at the front, are what browsers and players open.
_X264 = {"preset": "ultrafast", "crf": "19", "x264-params": "cabac=1"}  # half the time of veryfast
_VP9 = {"deadline": "realtime", "cpu-used": "6", "row-mt": "1", "crf": "24", "b": "0"}
_FORMATS: dict[str, tuple[str, str, dict[str, str], dict[str, str]]] = {
    ".mp4": ("mp4", "libx264", _X264, {"movflags": "+faststart"}),
    ".webm": ("webm", "libvpx-vp9", _VP9, {}),
}
_AHEAD = 2  # frames that may wait for the encoder
_BT709 = 1  # the matrix, primaries and transfer of HD video, in the numbers of ITU-T H.273


def write_video(
    painting: Painting,
    path: str | os.PathLike,
    settings: VideoSettings | None = None,
    callback: Callable[[int, int], None] | None = None,
) -> None:
    """Writes a time-lapse, .mp4 or .webm; an odd side is extended by one pixel.

    Frames go to the encoder one at a time, so that memory does not grow with the length of the video.

    Args:
        callback: called with the number of frames drawn so far and of all frames.

    Raises:
        ValueError: a side is too long, or an engine draws the strokes.
        WriteError: the file cannot be written; no partial file is left, and an existing file is unchanged.
    """
    import av

    settings = VideoSettings() if settings is None else settings
    check_video(path, *painting.pixels(), settings)
    with atomic_path(path) as temporary:
        try:
            _encode(painting, temporary, export_suffix(path), settings, callback)
        except (av.FFmpegError, OSError) as error:
            raise _write_error(path, error) from error


def check_video(path: str | os.PathLike, height: int, width: int, settings: VideoSettings | None = None) -> None:
    """Raises ValueError if the frames would be too large."""
    if max(height, width) > _LONGEST_SIDE:
        raise ValueError(
            f"{width}x{height} pixels do not fit in a {Path(path).suffix} file (at most {_LONGEST_SIDE} per side): "
            "choose a smaller --size"
        )


def _encode(
    painting: Painting,
    path: Path,
    suffix: str,
    settings: VideoSettings,
    callback: Callable[[int, int], None] | None,
) -> None:
    import av

    from neuralpaint.painting.timelapse import time_lapse

    container_name, codec, options, container_options = _FORMATS[suffix]
    height, width = (side + side % 2 for side in painting.pixels())
    with av.open(str(path), "w", format=container_name, options=container_options) as container:
        stream: Any = container.add_stream(codec, rate=settings.fps, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.thread_type, stream.thread_count = "AUTO", os.cpu_count() or 1
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        to_yuv = _Converter()

        def put(pixels: np.ndarray | None, numbers: range) -> None:
            """Encodes a picture, None for the one before, as the frames of these numbers."""
            picture = to_yuv.last if pixels is None else to_yuv(pixels)
            for number in numbers:
                picture.pts = number
                container.mux(stream.encode(picture))

        drawn, waiting = 0, deque[Future[None]]()
        with ThreadPoolExecutor(1, "encoder") as encoder:  # while the next frame is drawn
            for frame in time_lapse(painting, settings, even=True, callback=callback):
                changed = drawn == 0 or frame.box is not None
                pixels = frame.pixels.copy() if changed else None
                waiting.append(encoder.submit(put, pixels, range(drawn, drawn + 1)))
                drawn += 1
                if len(waiting) > _AHEAD:
                    waiting.popleft().result()
            waiting.append(encoder.submit(put, None, range(drawn, drawn + round(settings.hold * settings.fps))))
            for result in waiting:
                result.result()
        container.mux(stream.encode())


class _Converter:
    """Turns pixels, uint8 `[H, W, 3]`, into frames in YUV: 4:2:0, limited range, BT.709."""

    def __init__(self) -> None:
        from av.video.reformatter import VideoReformatter

        self._reformatter = VideoReformatter()  # keeps its tables from frame to frame
        self.last: av.VideoFrame

    def __call__(self, pixels: np.ndarray) -> av.VideoFrame:
        import av
        from av.video.reformatter import ColorRange, Colorspace

        self.last = self._reformatter.reformat(
            av.VideoFrame.from_numpy_buffer(pixels, format="rgb24"),
            format="yuv420p",
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            dst_colorspace=Colorspace.ITU709,
        )
        return self.last


def _write_error(path: str | os.PathLike, error: Exception) -> OSError:
    if isinstance(error, WriteError):
        return error
    code = getattr(error, "errno", None)
    text = getattr(error, "strerror", None) or str(error)
    return WriteError(path, OSError(code, text)) if code else OSError(f"cannot write {path}: {text}")
