"""`projected_adam_` against the same operations of torch one after the other, and what it refuses."""

import pytest
import torch

from neuralpaint import ops
from neuralpaint.brushes.turning import Turning
from neuralpaint.ops import Pull, reference
from neuralpaint.ops.projected_adam import corrections

CPU = torch.device("cpu")
DTYPES = [torch.float32, torch.float64]
STATE = ("parameters", "mean", "square", "age", "values", "points")


def problem(rows: int, columns: int, dtype: torch.dtype, seed: int = 0) -> tuple[dict, dict]:
    """(what a step changes, what else it takes but gradient and rate)"""
    generator = torch.Generator().manual_seed(seed)

    def drawn() -> torch.Tensor:
        return torch.rand(rows, columns, generator=generator, dtype=torch.float64).to(dtype)

    state = {name: torch.zeros(rows, columns, dtype=dtype) for name in STATE}
    state["parameters"], state["age"] = 4 * drawn() - 2, torch.zeros(rows, 1, dtype=dtype)
    limits = {"scale": drawn() + 0.01, "low": 0.2 * drawn(), "high": 0.2 * drawn() + 0.8}
    return state, limits


def gradients(rows: int, columns: int, dtype: torch.dtype, steps: int) -> list[torch.Tensor]:
    """Of many magnitudes, those of the first column always zero."""
    generator = torch.Generator().manual_seed(1)
    found = []
    for _ in range(steps):
        gradient = torch.randn(rows, columns, generator=generator, dtype=torch.float64)
        gradient *= 10 ** (8 * torch.rand(rows, 1, generator=generator, dtype=torch.float64) - 4)
        gradient[:, :1] = 0
        found.append(gradient.to(dtype))
    return found


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows, columns", [(0, 12), (3, 0), (1, 1), (7, 9), (333, 15), (2100, 12)])
@pytest.mark.parametrize("held", [False, True])
def test_against_the_reference(dtype, rows, columns, held):
    state, rest = problem(rows, columns, dtype)
    truth = {name: tensor.clone() for name, tensor in state.items()}
    rest["wraps"], rest["divisor"] = columns // 2 if columns else None, 17.0
    if held:
        rest["moves"] = (torch.rand(rows, columns, generator=torch.Generator().manual_seed(2)) > 0.3).to(dtype)
        extra = torch.randn(rows // 2, columns, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
        rest |= {"extra": extra.to(dtype), "extra_factor": 0.7}
    for step, gradient in enumerate(gradients(rows, columns, dtype, 30)):
        rate = torch.tensor(0.05 * 0.95**step, dtype=dtype)
        ops.projected_adam_(gradient=gradient, rate=rate, **state, **rest)
        reference.projected_adam_(gradient=gradient, rate=rate, **truth, **rest)
    for name in STATE:
        # Torch's square roots are not always the nearest number.
        torch.testing.assert_close(state[name], truth[name], msg=lambda text, name=name: f"{name}: {text}")


TURNINGS = {
    "box": Turning(-1, 4, 2, 2, 0.25),
    "curve": Turning(0, 4, 6, 2, 0.5),
    "line": Turning(0, 2, 4, 1, 0.5),
    "backwards": Turning(5, 3, 0, 2, 2.0),
}


def pulled(turning: Turning, dtype: torch.dtype) -> Pull:
    field = torch.randn(2, 9, 7, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    return Pull(field.to(dtype), 1.5, 1.0, 3.0, turning)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("turning", TURNINGS.values(), ids=TURNINGS)
@pytest.mark.parametrize("rows, columns", [(0, 8), (1, 8), (333, 12), (3, 300)])
def test_pull(turning, rows, columns, dtype):
    state, rest = problem(rows, columns, dtype)
    state["points"] = 3 * torch.rand(rows, columns, generator=torch.Generator().manual_seed(4)).to(dtype) - 1
    if rows > 2:
        state["points"][0] = 0.5  # ends at the same place, a square
        state["points"][1] = 1e9
    truth = {name: tensor.clone() for name, tensor in state.items()}
    rest |= {"pull": pulled(turning, dtype), "wraps": 3, "extra": torch.ones(rows // 3, columns, dtype=dtype)}
    rate = torch.tensor(0.05, dtype=dtype)
    for gradient in gradients(rows, columns, dtype, 3):
        ops.projected_adam_(gradient=gradient, rate=rate, **state, **rest)
        reference.projected_adam_(gradient=gradient, rate=rate, **truth, **rest)
    close = {"rtol": 1e-4, "atol": 1e-5} if dtype == torch.float32 else {"rtol": 1e-9, "atol": 1e-12}
    for name in ("mean", "square", "age"):
        torch.testing.assert_close(state[name], truth[name], **close, msg=lambda text, name=name: f"{name}: {text}")


def test_a_pull_of_nan_strokes_reads_within_the_field():
    state, rest = problem(4, 8, torch.float64)
    state["points"][:] = torch.tensor([torch.nan, torch.inf, -torch.inf, 1e300])[:, None]
    for turning in TURNINGS.values():
        rate, gradient = torch.tensor(0.1).double(), torch.zeros(4, 8).double()
        ops.projected_adam_(gradient=gradient, rate=rate, **state, **rest, pull=pulled(turning, torch.float64))
    assert (state["age"] == len(TURNINGS)).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_values_stay_within_their_limits_and_angles_wrap(dtype):
    state, limits = problem(200, 5, dtype)
    for gradient in gradients(200, 5, dtype, 20):
        ops.projected_adam_(gradient=gradient, rate=torch.tensor(3.0, dtype=dtype), **state, **limits, wraps=3)
        others = [0, 1, 2, 4]
        values, low, high = (part[:, others] for part in (state["values"], limits["low"], limits["high"]))
        assert (values >= low).all() and (values <= high).all()
        assert (state["values"][:, 3] >= 0).all() and (state["values"][:, 3] <= 1).all()
        torch.testing.assert_close(state["points"], state["values"])
        torch.testing.assert_close(state["parameters"] * limits["scale"], state["values"])
    assert (state["values"][:, 3] < limits["low"][:, 3]).any()  # not limited


def test_what_does_not_move_keeps_its_place():
    state, limits = problem(50, 6, torch.float64)
    state["parameters"] = (limits["low"] + limits["high"]) / 2 / limits["scale"]
    before, moves = state["parameters"].clone(), torch.ones(50, 6, dtype=torch.float64)
    moves[::2] = 0
    for gradient in gradients(50, 6, torch.float64, 3):
        ops.projected_adam_(
            gradient=gradient, rate=torch.tensor(0.01, dtype=torch.float64), **state, **limits, moves=moves
        )
    torch.testing.assert_close(state["parameters"][::2], before[::2], rtol=1e-15, atol=0)
    assert (state["parameters"][1::2, 1:] != before[1::2, 1:]).all()


def test_gradients_that_are_not_contiguous():
    state, limits = problem(40, 6, torch.float32)
    twin = {name: tensor.clone() for name, tensor in state.items()}
    gradient, rate = torch.randn(6, 40, generator=torch.Generator().manual_seed(4)), torch.tensor(0.1)
    ops.projected_adam_(gradient=gradient.T, rate=rate, **state, **limits)
    ops.projected_adam_(gradient=gradient.T.contiguous(), rate=rate, **twin, **limits)
    assert all(torch.equal(state[name], twin[name]) for name in STATE)


def test_same_bits_for_any_thread_count():
    found, threads = [], torch.get_num_threads()
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            state, limits = problem(9000, 7, torch.float32)
            for gradient in gradients(9000, 7, torch.float32, 3):
                ops.projected_adam_(gradient=gradient, rate=torch.tensor(0.1), **state, **limits)
            found.append(state)
    finally:
        torch.set_num_threads(threads)
    for other in found[1:]:
        assert all(torch.equal(found[0][name], other[name]) for name in STATE)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("beta", [0.0, 0.5, 0.95, 0.999])
def test_corrections(beta, dtype):
    table = corrections(beta, dtype, CPU)
    steps = torch.arange(1, len(table) + 1, dtype=torch.float64)
    torch.testing.assert_close(
        table.double(), (1 - beta**steps).rsqrt(), rtol=2e-5 if dtype == torch.float32 else 1e-13, atol=0
    )
    assert table[-1] == 1


def test_opcheck():
    state, limits = problem(5, 4, torch.float64)
    (gradient,) = gradients(5, 4, torch.float64, 1)
    table = corrections(0.95, torch.float64, CPU)
    for moves in (torch.ones(5, 4).double(), torch.ones(5, 0).double()):
        arguments = (state["parameters"], state["values"], state["points"], state["mean"], state["square"],
                     state["age"], gradient, torch.tensor(0.1).double(), table, limits["scale"], limits["low"],
                     limits["high"], moves, 2, 0.9, 0.95, 1e-8, 3.0, gradient[:2], 0.5, torch.ones(2, 3, 5).double(),
                     1.5, 1.0, 0.1, 0, 2, 1, 2)  # fmt: skip
        torch.library.opcheck(torch.ops.neuralpaint.projected_adam_.default, arguments)


@pytest.mark.parametrize(
    "name, wrong, error",
    [
        ("parameters", torch.zeros(5, 4, 1), ValueError),
        ("parameters", torch.zeros(4, 5).T, ValueError),
        ("gradient", torch.zeros(5, 3), ValueError),
        ("mean", torch.zeros(5, 4).double(), TypeError),
        ("square", None, TypeError),
        ("age", torch.zeros(5), ValueError),
        ("values", torch.zeros(4, 5).T, ValueError),
        ("points", torch.zeros(5, 4, device="meta"), ValueError),
        ("moves", torch.zeros(4), ValueError),
        ("rate", torch.zeros(1), ValueError),
        ("rate", 0.1, TypeError),
        ("wraps", 4, ValueError),
        ("wraps", -1, ValueError),
        ("divisor", 0.0, ValueError),
        ("epsilon", float("nan"), ValueError),
        ("betas", (1.0, 0.9), ValueError),
        ("extra", torch.zeros(6, 4), ValueError),
        ("extra", torch.zeros(2, 3), ValueError),
        ("extra", torch.zeros(2, 4).double(), TypeError),
        ("extra_factor", -1.0, ValueError),
        ("pull.field", Pull(torch.zeros(2, 0, 3), 1, 1, 1, Turning(-1, 2, 0, 2, 1)), ValueError),
        ("pull.field", Pull(torch.zeros(2, 3, 3).double(), 1, 1, 1, Turning(-1, 2, 0, 2, 1)), TypeError),
        ("pull.field", Pull(None, 1, 1, 1, Turning(-1, 2, 0, 2, 1)), TypeError),
        ("pull.across", Pull(torch.zeros(2, 3, 3), 0, 1, 1, Turning(-1, 2, 0, 2, 1)), ValueError),
        ("pull.strength", Pull(torch.zeros(2, 3, 3), 1, 1, -1, Turning(-1, 2, 0, 2, 1)), ValueError),
        ("pull.turning", Pull(torch.zeros(2, 3, 3), 1, 1, 1, Turning(-1, 4, 0, 2, 1)), ValueError),
        ("pull.turning", Pull(torch.zeros(2, 3, 3), 1, 1, 1, Turning(0, 3, 0, 2, 1)), ValueError),
        ("pull.turning", Pull(torch.zeros(2, 3, 3), 1, 1, 1, Turning(-2, 2, 0, 2, 1)), ValueError),
        ("pull.turning", Pull(torch.zeros(2, 3, 3), 1, 1, 1, Turning(-1, 2, 0, 1, 1)), ValueError),
    ],
)
def test_bad_arguments(name, wrong, error):
    state, limits = problem(5, 4, torch.float32)
    arguments = {**state, **limits, "gradient": torch.zeros(5, 4), "rate": torch.tensor(0.1)}
    arguments[name.partition(".")[0]] = wrong
    with pytest.raises(error, match=name):
        ops.projected_adam_(**arguments)


def test_no_integers():
    whole = {name: torch.zeros(5, 4, dtype=torch.int64) for name in (*STATE, "gradient", "scale", "low", "high")}
    whole |= {"age": torch.zeros(5, 1, dtype=torch.int64), "rate": torch.tensor(1)}
    with pytest.raises(TypeError, match="parameters must be float32 or float64"):
        ops.projected_adam_(**whole)


def test_derivatives_and_vmap_are_refused():
    state, limits = problem(5, 4, torch.float32)
    rate, gradient = torch.tensor(0.1), torch.zeros(5, 4)
    with pytest.raises(NotImplementedError, match="gradient requires gradients"):
        ops.projected_adam_(gradient=gradient.requires_grad_(), rate=rate, **state, **limits)
    version = state["values"]._version
    with torch.no_grad():
        ops.projected_adam_(gradient=gradient, rate=rate, **state, **limits)
    assert state["values"]._version > version  # so that autograd notices
    with pytest.raises(NotImplementedError, match="vmap"):
        torch.vmap(lambda g: ops.projected_adam_(gradient=g, rate=rate, **state, **limits))(torch.zeros(3, 5, 4))


def test_negated_views():
    state, limits = problem(5, 4, torch.float32)
    twin = {name: tensor.clone() for name, tensor in state.items()}
    gradient, rate = torch.randn(5, 4, generator=torch.Generator().manual_seed(4)), torch.tensor(0.1)
    ops.projected_adam_(gradient=torch._neg_view(gradient), rate=rate, **state, **limits)
    ops.projected_adam_(gradient=-gradient, rate=rate, **twin, **limits)
    assert all(torch.equal(state[name], twin[name]) for name in STATE)
    with pytest.raises(ValueError, match="mean must be contiguous, and no negated view"):
        ops.projected_adam_(gradient=gradient, rate=rate, **(state | {"mean": torch._neg_view(gradient)}), **limits)
