"""A painting as a sequence of strokes, as a value, and on its way to other processes."""

import copy
import dataclasses
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch

from neuralpaint.brushes import Brush, TexturedBrush, brushes, get_brush
from neuralpaint.painting import Finish, Painting


def painting(name="tape", n=8, seed=0, **more):
    strokes = get_brush(name).sample(n, torch.Generator().manual_seed(seed))
    more = {"aspect": (1.0, 1.5), "background": "#336699", "size": 40, "metadata": {"levels": [n], "seed": 3}} | more
    return Painting(strokes, name, **more)


def dab(value=200):
    return TexturedBrush(name="dab", alpha=np.full((8, 32), value, np.uint8), ridge=np.full((8, 32), 128, np.uint8))


def test_strokes_one_by_one():
    p = painting()
    assert len(p) == 8 and len(list(p)) == 8
    for index, stroke in enumerate(p):
        assert torch.equal(stroke, p.strokes[index]) and torch.equal(p[index - 8], stroke)
    for number in (np.int64(2), torch.tensor(2)):
        assert torch.equal(p[number], p.strokes[2])
    assert list(painting(n=0)) == []


NUMBERS = [6, 1, 1, -1]
MASK = [True, False, False, True, False, False, False, True]


@pytest.mark.parametrize(
    ("index", "rows"),
    [
        (slice(2, 5), [2, 3, 4]),
        (slice(None, None, -3), [7, 4, 1]),
        (slice(5, 2), []),
        (slice(-2, 99), [6, 7]),
        (NUMBERS, [6, 1, 1, 7]),
        (np.array(NUMBERS), [6, 1, 1, 7]),
        (torch.tensor(NUMBERS), [6, 1, 1, 7]),
        (np.array([7, 0], np.uint8), [7, 0]),
        (range(1, 8, 3), [1, 4, 7]),
        ([], []),
        (torch.tensor([], dtype=torch.int64), []),
        (MASK, [0, 3, 7]),
        (np.array(MASK), [0, 3, 7]),
        (torch.tensor(MASK), [0, 3, 7]),
    ],
)
def test_paintings_of_some_strokes(index, rows):
    p = painting(alpha=torch.full((2, 3), 9, dtype=torch.uint8))
    chosen = p[index]
    assert torch.equal(chosen.strokes, p.strokes[rows])
    assert chosen.metadata == {"seed": 3}  # the levels count strokes that are no longer there
    assert (chosen.brush, chosen.aspect, chosen.background, chosen.size) == (p.brush, p.aspect, p.background, p.size)
    assert torch.equal(chosen.alpha, p.alpha)
    chosen.strokes.zero_()
    assert p.strokes.any()  # memory of its own


def test_all_strokes_are_the_painting():
    p = painting()
    assert p[:] == p and p[list(range(8))] == p and p[[True] * 8] == p and p[::-1] != p
    assert p[::-1][::-1].strokes.equal(p.strokes)


@pytest.mark.parametrize(
    ("index", "error", "message"),
    [
        (8, IndexError, "there is no stroke 8: the painting has 8"),
        (-9, IndexError, "there is no stroke -9"),
        ([0, 8], IndexError, "there is no stroke 8"),
        (torch.tensor([-9]), IndexError, "there is no stroke -9"),
        ([True, False], IndexError, "the mask has 2 booleans, the painting 8 strokes"),
        (True, TypeError, "strokes are chosen by a number"),
        (torch.tensor(True), TypeError, "strokes are chosen by"),
        (1.0, TypeError, "strokes are chosen by a number, a slice.* got float"),
        ([0.5], TypeError, r"got list of float64 \[1\]"),
        ([[0]], TypeError, r"got list of int64 \[1, 1\]"),
        ([[0], [1, 2]], TypeError, "got list"),
        ((0, 1), TypeError, "got tuple"),
        ("0", TypeError, "got str"),
        (None, TypeError, "got NoneType"),
    ],
)
def test_bad_indices(index, error, message):
    with pytest.raises(error, match=message):
        painting()[index]


def test_joined():
    p, q = painting(finish=Finish(relief=0.5)), painting(n=3, seed=1, background="white", metadata={})
    both = p + q
    assert torch.equal(both.strokes, torch.cat([p.strokes, q.strokes]))
    assert both.background == p.background and both.finish == p.finish and both.metadata == {"seed": 3}
    assert (p[:3] + p[3:]).strokes.equal(p.strokes)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (painting("watercolor"), "the same brush, got tape and watercolor"),
        (painting(aspect=(1.0, 1.25)), r"the same aspect, got \(1.0, 1.5\) and \(1.0, 1.25\)"),
        (painting(size=41), "the same size, got 40 and 41"),
    ],
)
def test_only_alike_paintings_are_joined(other, message):
    with pytest.raises(ValueError, match=message):
        painting() + other
    with pytest.raises(TypeError):
        painting() + other.strokes


def test_brushes_of_one_name_may_differ():
    strokes = get_brush("oil").sample(2)
    with pytest.raises(ValueError, match="the same brush, got two that are called dab"):
        Painting(strokes, dab()) + Painting(strokes, dab(100))


def test_equality():
    p = painting(alpha=torch.full((2, 3), 9, dtype=torch.uint8))
    same = dataclasses.replace(p, strokes=p.strokes.clone(), metadata=dict(p.metadata))
    assert p == same and hash(p) == hash(same) and len({p, same}) == 1
    moved = p.strokes.clone()
    moved[0, 0] += 1e-3
    changes = {
        "strokes": moved,
        "brush": get_brush("pixel"),
        "aspect": (1.0, 1.2),
        "background": "white",
        "size": 41,
        "metadata": {},
        "finish": Finish(relief=1),
        "alpha": None,
    }
    assert set(changes) == {field.name for field in dataclasses.fields(Painting)}
    for name, value in changes.items():
        if name == "aspect":
            p, same = (dataclasses.replace(each, alpha=None) for each in (p, same))
        assert dataclasses.replace(p, **{name: value}) != p or value is None and p.alpha is None, name
    assert p != p[:-1] and p != p.strokes and p != "tape"


def test_a_file_gives_an_equal_painting(tmp_path):
    p = painting("oil", finish=Finish(relief=0.5), alpha=torch.full((2, 3), 9, dtype=torch.uint8))
    p.save(tmp_path / "p.safetensors")
    assert Painting.load(tmp_path / "p.safetensors") == p


def test_as_an_array():
    p = painting()
    for array in (np.asarray(p), p.numpy(), np.array(p)):
        assert array.dtype == np.float32 and np.array_equal(array, p.strokes.numpy())
        array[:] = 0
    assert p.strokes.any()
    assert np.asarray(p, np.float64).dtype == np.float64
    assert np.shares_memory(np.array(p, copy=False), p.strokes.numpy())
    with pytest.raises(ValueError, match="takes a copy"):
        np.array(p, np.float64, copy=False)


def test_as_a_table():
    pandas = pytest.importorskip("pandas")
    p = painting("round")
    table = p.to_pandas()
    assert list(table.columns) == list(p.brush.parameters) and table.index.name == "stroke"
    assert np.array_equal(table.to_numpy(), p.numpy()) and (table.dtypes == np.float32).all()
    large = p[table["radius"] > table["radius"].median()]
    assert 0 < len(large) < len(p) and isinstance(table, pandas.DataFrame)
    assert painting(n=0).to_pandas().shape == (0, 9)


def test_a_table_without_pandas_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"a table needs pandas: pip install 'neuralpaint\[pandas\]'"):
        painting().to_pandas()


# ---- pickled ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", brushes())
def test_a_pickle_holds_strokes_and_no_texture(name):
    p = painting(name, 60, metadata={"palette": "zorn"})
    data = pickle.dumps(p)
    assert len(data) < 4 * p.strokes.numel() + 2000
    again = pickle.loads(data)
    assert again == p and again.brush is get_brush(name) and again.metadata == p.metadata
    assert copy.deepcopy(p) == p and copy.copy(p) == p


def test_part_of_a_painting_pickles_alone():
    assert len(pickle.dumps(painting(n=5000)[:3])) < 2000


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_other_brushes_pickle_whole(protocol):
    for brush in (dab(), get_brush("oil").held_opaque(), get_brush("tape").held_opaque()):
        p = Painting(brush.sample(4, torch.Generator().manual_seed(1)), brush, size=24)
        again = pickle.loads(pickle.dumps(p, protocol))
        assert again == p and again.brush.fingerprint == brush.fingerprint
        assert torch.equal(again.render_tensor(), p.render_tensor())


def test_a_brush_that_only_shares_a_name_stays_itself():
    brush = dataclasses.replace(get_brush("tape"), description="mine")
    assert pickle.loads(pickle.dumps(brush)) == brush != get_brush("tape")
    assert pickle.loads(pickle.dumps(dab())) != get_brush("dab")


def test_a_brush_arrives_in_a_process_that_has_imported_nothing(tmp_path):
    path = tmp_path / "oil.pickle"
    path.write_bytes(pickle.dumps(get_brush("oil")))
    code = f"import pickle, sys; brush = pickle.load(open({str(path)!r}, 'rb')); print(brush, 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "oil False", done.stderr


def test_a_name_of_another_version_is_named():
    data = pickle.dumps(get_brush("tape")).replace(b"tape", b"type")
    with pytest.raises(ValueError, match="there is no brush 'type' in this version"):
        pickle.loads(data)
    assert isinstance(pickle.loads(pickle.dumps(get_brush("tape"))), Brush)
