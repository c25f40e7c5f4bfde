"""The cache of memory for large CPU results: reuse, limit, release."""

from __future__ import annotations

import threading

import pytest
import torch

from neuralpaint import _extension as extension
from neuralpaint import ops
from neuralpaint.brushes import get_brush

MIB = 1 << 20


@pytest.fixture(autouse=True)
def empty() -> None:
    extension.empty_pool()


def alpha_of(count: int, size: int = 256) -> torch.Tensor:
    strokes = get_brush("tape").sample(count, torch.Generator().manual_seed(0))
    return ops.rasterize(strokes, "tape", size, size)[1]


def test_memory_is_used_again() -> None:
    first = alpha_of(8)  # 2 MiB
    place, pixels = first.data_ptr(), first.clone()
    del first
    assert extension.pooled_bytes() >= 2 * MIB
    again = alpha_of(8)
    assert again.data_ptr() == place and torch.equal(again, pixels)


def test_a_living_result_is_never_handed_out() -> None:
    alive = [alpha_of(8) for _ in range(3)]
    assert len({tensor.data_ptr() for tensor in alive}) == 3
    view = alive.pop()[2:]
    pixels = view.clone()
    del alive
    for _ in range(4):
        alpha_of(8).zero_()
    assert torch.equal(view, pixels)


def test_kept_memory_has_a_limit_and_can_be_given_back() -> None:
    for count in (64, 100, 160, 250, 400):  # 16 to 100 MiB of alpha, three times as much colour
        alpha_of(count)
    assert 0 < extension.pooled_bytes() <= 256 * MIB
    extension.empty_pool()
    assert extension.pooled_bytes() == 0


def test_results_behave_like_any_tensor() -> None:
    alpha = alpha_of(8)
    alpha.resize_(4, 1, 256, 256)
    assert alpha.shape[0] == 4
    with pytest.raises(RuntimeError, match="not resizable"):
        alpha.resize_(16, 1, 256, 256)
    shared = alpha_of(8).share_memory_()
    assert shared.is_shared() and torch.equal(shared, alpha_of(8))


def test_threads_share_the_pool() -> None:
    expected, wrong = alpha_of(8), []

    def work() -> None:
        for _ in range(20):
            if not torch.equal(alpha_of(8), expected):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_limit_zero_keeps_nothing(fork_server) -> None:
    code = (
        "import torch; from neuralpaint import _extension as extension, ops; "
        "ops.rasterize(torch.rand(64, 9), 'tape', 128, 128); print(extension.pooled_bytes())"
    )
    result = fork_server.run(code, env={"NEURALPAINT_POOL_MIB": "0"})
    assert result.out.strip() == "0", result.err
