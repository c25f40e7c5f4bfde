"""Counter-based random numbers: each is computed independently, with bit-identical results on any device."""

from __future__ import annotations

import torch
from torch import Tensor

# Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011), §4.3: Philox4x32-10.
_MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
_WEYL = 0x9E3779B9, 0xBB67AE85
_ROUNDS = 10
_LOW = 0xFFFFFFFF


def philox(counter: tuple[Tensor, Tensor, Tensor, Tensor], key: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Philox4x32-10: four random 32-bit words for each counter.

    Args:
        counter: four int64 tensors of the same or broadcastable shapes, values in [0, 2³²).
        key: in [0, 2⁶⁴).

    Returns:
        four int64 tensors, values in [0, 2³²).
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key & _LOW, key >> 32
    for _ in range(_ROUNDS):
        # The product of two 32-bit words may overflow into the sign of int64, but its bits are correct.
        p0, p1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0 = (p1 >> 32).bitwise_and_(_LOW).bitwise_xor_(c1).bitwise_xor_(k0)
        c2 = (p0 >> 32).bitwise_and_(_LOW).bitwise_xor_(c3).bitwise_xor_(k1)
        c1, c3 = p1.bitwise_and_(_LOW), p0.bitwise_and_(_LOW)
        k0, k1 = (k0 + _WEYL[0]) & _LOW, (k1 + _WEYL[1]) & _LOW
    return c0, c1, c2, c3


def uniform(index: Tensor, count: int, seed: int, stream: int = 0) -> Tensor:
    """Uniform numbers in [0, 1), multiples of 2⁻²⁴: float32 `[N, count]` on the device of `index`.

    Args:
        index: int64 `[N]`, not negative.
        count: numbers per index.
        seed: in [0, 2⁶⁴).
        stream: in [0, 2³²); different streams are statistically independent.
    """
    blocks = -(-count // 4)
    low, high = (index & _LOW)[:, None].expand(-1, blocks), (index >> 32)[:, None].expand(-1, blocks)
    block = torch.arange(blocks, device=index.device).expand_as(low)
    words = philox((low, high, block, torch.full_like(low, stream)), seed)
    return (torch.stack(words, -1).flatten(1)[:, :count] >> 8).to(torch.float32).mul_(2.0**-24)
