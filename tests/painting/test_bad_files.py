"""Stroke files made by others: whatever is in them, one line that names the file, and no more memory than they have."""

import io
import json
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save

from neuralpaint.painting.painting import Painting

BOX = ["xc", "yc", "w", "h", "theta", "r", "g", "b", "a"]
HUGE = 10**400
ARRAYS = {"x_ctt": (1, 3, 5), "x_color": (1, 3, 3), "x_alpha": (1, 3, 1)}


def npy(shape=(1, 3, 5), header=None, version=1):
    data = io.BytesIO()
    np.save(data, np.zeros(shape, np.float32))
    if header is None:
        return data.getvalue()
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(header)) + header


def archive(path, compression=zipfile.ZIP_DEFLATED, **members):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, shape in ARRAYS.items():
            file.writestr(f"{name}.npy", members.get(name) or npy(shape))


def flipped(path, at, value):
    """Changes a byte of the first local and the first central header."""
    data = bytearray(path.read_bytes())
    for signature, offset in zip((b"PK\x03\x04", b"PK\x01\x02"), at, strict=True):
        data[data.index(signature) + offset] = value
    path.write_bytes(data)


def bad_stream(path):
    archive(path)
    data = bytearray(path.read_bytes())
    begin = 30 + len("x_ctt.npy")
    data[begin : begin + 6] = b"\xff" * 6
    path.write_bytes(data)


def encrypted(path):
    archive(path)
    flipped(path, (6, 8), 1)


def unknown_method(path):
    archive(path)
    flipped(path, (8, 10), 97)


def header(text):
    return lambda path: archive(path, x_ctt=npy(header=text))


def shaped(shape, descr="<f4"):
    return header(f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode())


def bomb(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        with file.open("x_ctt.npy", "w") as member:
            member.write(npy(header=b"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 5000000, 5), }\n"))
            for _ in range(100):
                member.write(bytes(1_000_000))
        for name in ("x_color", "x_alpha"):
            file.writestr(f"{name}.npy", npy(ARRAYS[name]))


SNP = {
    "a bad stream": (bad_stream, "decompressing"),
    "encrypted": (encrypted, "x_ctt is encrypted"),
    "unknown compression": (unknown_method, "compression"),
    "open brackets": (header(b"((((((((\n"), "damaged"),
    "deep brackets": (header(b"(" * 9000), "damaged"),
    "no header": (lambda path: archive(path, x_ctt=b"\x93NUMPY\x01"), "damaged"),
    "another version": (lambda path: archive(path, x_ctt=npy(header=b"{}", version=9)), "version"),
    "a huge shape": (shaped((10**12, 3, 5)), "is not its shape"),
    "an endless shape": (shaped((HUGE, 3, 5)), "is not its shape"),
    "a negative shape": (shaped((-1, 3, 5)), "shape"),
    "nothing by much": (shaped((0, 10**18, 5)), "too big"),
    "objects": (shaped((1,), "|O"), "not of numbers"),
    "complex": (shaped((0,), "<c8"), "not of numbers"),
    "a bomb": (bomb, "x_ctt has 100,000,"),
    "not there": (lambda path: np.savez(path, x_ctt=np.zeros(3)), "it lacks 'x_color'"),
}


def refused(load, path, message):
    tracemalloc.start()
    try:
        with pytest.raises(ValueError) as caught:
            load(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    text = str(caught.value)
    assert path.name in text and message in text and "\n" not in text and len(text) < 500
    assert peak < 8e6


@pytest.mark.parametrize("kind", SNP)
def test_snp_files(tmp_path, kind):
    make, message = SNP[kind]
    make(tmp_path / "s.npz")
    refused(Painting.from_snp, tmp_path / "s.npz", message)


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int32, bool])
def test_good_snp_files(tmp_path, dtype):
    arrays = {name: np.ones(shape, dtype) for name, shape in ARRAYS.items()}
    np.savez_compressed(tmp_path / "s.npz", **arrays | {"x_ctt": np.asfortranarray(arrays["x_ctt"])})
    assert torch.equal(Painting.from_snp(tmp_path / "s.npz").strokes, torch.ones(3, 9))


def engine(**changes):
    return {"engine_brush": {"kind": 16, "parameters": BOX, "held": []} | changes, "brush": "mine"}


HEADERS = [
    ({"aspect": [1, HUGE]}, "aspect[1] must be a number"),
    ({"aspect": [True, 1]}, "aspect[0] must be a number"),
    ({"aspect": {"0": 1}}, "aspect must be a list of 2"),
    ({"canvas": [HUGE, 0, 0]}, "canvas[0] must be a number"),
    ({"canvas": "no colour"}, "unknown colour"),
    ({"size": HUGE}, "size must be a whole number"),
    ({"size": True}, "size must be a whole number"),
    ({"metadata": [[1]]}, "metadata must be an object"),
    ({"brush": ["oil"]}, "brush must be a text"),
    (engine(parameters=["a"]), "must be distinct and begin with xc yc w h theta"),
    (engine(parameters=[]), "parameters must be a list"),
    (engine(parameters=[*BOX[:5], *BOX[:4]]), "must be distinct"),
    (engine(parameters=["r", "g", "b", "a"], kind=18), "after a shape"),
    (engine(parameters=["s", "a"], kind=18), "must end with r g b a"),
    (engine(parameters="abc"), "parameters must be a list"),
    (engine(kind=0), "parameters of brush 'mine' must be"),
    (engine(kind=3), "is not an engine's"),
    (engine(kind=99), "of no kind"),
    (engine(kind="box"), "kind must be a whole number"),
    (engine(held=[[0, HUGE]]), "held[0][1] must be a number"),
    (engine(held=[[9, 1.0]]), "cannot hold parameter 9"),
    (engine(held=[[0.5, 1.0]]), "cannot hold parameter 0.5"),
    (engine(held=[[0]]), "held[0] must be a list of 2"),
    ({"engine_brush": 5}, "brush must be an object"),
]


def stroke_file(path, **changes):
    header = {"format": "neuralpaint.painting", "version": 1, "brush": "tape", "aspect": [1.0, 1.5]}
    header |= {"canvas": [1, 1, 1], "size": 40, "metadata": {}} | changes
    path.write_bytes(save({"strokes": torch.full((5, 9), 0.5)}, {"painting": json.dumps(header)}))


@pytest.mark.parametrize(("changes", "message"), HEADERS, ids=lambda value: str(value)[:40])
def test_headers_of_stroke_files(tmp_path, changes, message):
    stroke_file(tmp_path / "p", **changes)
    refused(Painting.load, tmp_path / "p", message)


def test_a_stroke_file_is_what_was_written(tmp_path):
    """Whichever byte changes, nothing else is read."""
    stroke_file(tmp_path / "p", metadata={"note": "as was written", "9": [1.5, None, {"10": True}]})
    Painting.load(tmp_path / "p").save(tmp_path / "q")
    written, good = (tmp_path / "q").read_bytes(), Painting.load(tmp_path / "q")
    places, refusals = range(0, len(written), 3), 0
    for at in places:
        value = (0, written[at] ^ 1, written[at] ^ 64, 255)[at % 4]
        (tmp_path / "r").write_bytes(written[:at] + bytes([value]) + written[at + 1 :])
        try:
            found = Painting.load(tmp_path / "r")
        except ValueError as error:
            refusals += 1
            assert "\n" not in str(error)
        else:
            assert torch.equal(found.strokes, good.strokes)
            assert (found.brush, found.aspect, found.background, found.size, found.metadata) == (
                *(good.brush, good.aspect, good.background, good.size, good.metadata),
            )
    assert refusals > 0.9 * len(places)


@pytest.mark.parametrize("change", [{"sha256": None}, {"sha256": "0" * 64}, {"size": 41}, {"more": 1}])
def test_a_changed_header_is_told(tmp_path, change):
    stroke_file(tmp_path / "p")
    Painting.load(tmp_path / "p").save(tmp_path / "q")
    with safe_open(tmp_path / "q", "pt") as file:
        facts = json.loads(file.metadata()["painting"])
    (tmp_path / "q").write_bytes(save({"strokes": torch.full((5, 9), 0.5)}, {"painting": json.dumps(facts | change)}))
    refused(Painting.load, tmp_path / "q", "is damaged (its checksum does not match)")


def test_older_files_have_no_other_fields(tmp_path):
    stroke_file(tmp_path / "p", sha257="0" * 64)
    refused(Painting.load, tmp_path / "p", "it has no checksum, but 'sha257'")


def test_good_headers(tmp_path):
    for changes in ({}, engine(held=[[4, 0.5]]), engine(kind=18, parameters=[*"qwxyzrgba"]), {"canvas": "white"}):
        stroke_file(tmp_path / "p", **changes)
        again = Painting.load(tmp_path / "p")
        again.save(tmp_path / "q")
        assert len(again) == 5 and Painting.load(tmp_path / "q").brush == again.brush


def test_an_aspect_that_is_no_float():
    with pytest.raises(ValueError, match="aspect must be"):
        Painting(torch.zeros(0, 9), "tape", (1, HUGE))
