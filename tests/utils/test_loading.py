import io
import json
import tracemalloc
import zlib

import pytest

from neuralpaint.utils import loading, schema
from neuralpaint.utils.loading import BadFile, BoundedFile, read_json, reading
from neuralpaint.utils.torch_files import read_torch


def deep():
    return json.loads("[" * 100_000)


def fail(error):
    raise error


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (deep, "it is nested too deeply"),
        (lambda: {}["x"], "it lacks 'x'"),
        (lambda: [][0], "list index out of range"),
        (lambda: float(10**400), "int too large"),
        (lambda: zlib.decompress(b"xx"), "Error -3"),
        (lambda: None.x, "has no attribute 'x'"),
        (lambda: fail(ValueError("two\nlines")), "two lines"),
        (lambda: fail(RuntimeError("a" * 1000)), "a…"),
        (lambda: fail(AssertionError), "AssertionError"),
    ],
)
def test_whatever_happens_is_one_line_that_names_the_file(act, message):
    with (
        pytest.raises(BadFile, match=r"^f\.npz is damaged \(.*\): get another$") as caught,
        reading("f.npz", "is damaged", "get another"),
    ):
        act()
    assert message in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) < 250


@pytest.mark.parametrize("error", [BadFile("ours"), MemoryError("much"), KeyboardInterrupt()])
def test_what_passes_through(error):
    with pytest.raises(type(error)) as caught, reading("f", "is damaged"):
        raise error
    assert caught.value is error


class Damaged(BadFile):
    pass


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (OSError(5, "input/output error"), Damaged, "f is damaged (input/output error)"),
        (PermissionError(13, "no"), BadFile, "f cannot be read: permission denied"),
        (FileNotFoundError(2, "no"), BadFile, "f cannot be read: it does not exist"),
    ],
)
def test_a_file_that_may_not_be_read_is_not_damaged(error, kind, message):
    with pytest.raises(BadFile) as caught, reading("f", "is damaged", kind=Damaged):
        raise error
    assert type(caught.value) is kind and str(caught.value) == message


def test_a_long_json_file_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(loading, "MAX_JSON", 10)
    (tmp_path / "f").write_text("[1]" + " " * 10)
    with pytest.raises(BadFile, match="the file has 13 bytes, more than 10"), reading(tmp_path / "f", "is damaged"):
        read_json(tmp_path / "f")


COUNT, SHARE = schema.whole(1, 9), schema.number(0, 2)
RECORD = schema.fields({"n": COUNT}, {"name": schema.text(3), "list": schema.listed(SHARE, 1, 2)})


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (COUNT, [1, 9], [0, 10, -5, "5", 5.0, True, None, [1], 10**400, 10**5000]),
        (SHARE, [0, 2, 0.5], [-1, 2.5, float("nan"), float("inf"), 10**400, "1", False, None]),
        (schema.text(3), ["", "abc"], ["abcd", 1, None, ["a"]]),
        (schema.flag, [True, False], [0, 1, None, "true"]),
        (schema.listed(COUNT, 2, 2), [[1, 2]], [[], [1], [1, 2, 3], [1, 0], (1, 2), "12", None]),
        (schema.maybe(COUNT), [None, 3], [0, "3"]),
        (schema.either(COUNT, schema.text(3)), [3, "abc"], [0, None, "abcd"]),
        (RECORD, [{"n": 1}, {"n": 1, "name": "a", "x": 0}], [{}, [], None, {"n": 0}, {"n": 1, "list": []}]),
    ],
)
def test_checks(check, good, bad):
    for value in good:
        check(value, "field")
    for value in bad:
        with pytest.raises(ValueError, match="field") as caught:
            check(value, "field")
        assert len(str(caught.value)) < 200


def test_a_bounded_file_reads_as_any_other(tmp_path):
    data = bytes(range(256)) * 8192  # 2 MiB
    (tmp_path / "file").write_bytes(data)
    with BoundedFile(io.FileIO(tmp_path / "file")) as file:
        assert file.read(100) + file.read(2**31) == data
        assert file.read(2**31) == b""
        file.seek(5)
        assert file.read() == data[5:]


def test_a_length_that_a_weights_file_declares_takes_no_memory(tmp_path):
    """The opcode BINUNICODE and a length of 2 GiB, of which nothing is there."""
    (tmp_path / "weights.pth").write_bytes(b"\x80\x02X\xff\xff\xff\x7fabc")
    tracemalloc.start()
    try:
        with pytest.raises(BadFile, match=r"weights\.pth is damaged"), reading(tmp_path / "weights.pth", "is damaged"):
            read_torch(tmp_path / "weights.pth")
        assert tracemalloc.get_traced_memory()[1] < 8e6
    finally:
        tracemalloc.stop()
