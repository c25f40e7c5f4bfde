"""Random numbers by counter: any one of them is computed by itself, on any device, to the same bits."""

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
        counter: four int64 tensors of one shape (or that broadcast), values in [0, 2³²).
        key: in [0, 2⁶⁴).

    Returns:
        four int64 tensors, values in [0, 2³²).
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key & _LOW, key >> 32
    for _ in range(_ROUNDS):
        # The product of two 32-bit words wraps around int64's sign, but its bits are the right ones.
        p0, p1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0 = (p1 >> 32).bitwise_and_(_LOW).bitwise_xor_(c1).bitwise_xor_(k0)
        c2 = (p0 >> 32).bitwise_and_(_LOW).bitwise_xor_(c3).bitwise_xor_(k1)
        c1, c3 = p1.bitwise_and_(_LOW), p0.bitwise_and_(_LOW)
        k0, k1 = (k0 + _WEYL[0]) & _LOW, (k1 + _WEYL[1]) & _LOW
    return c0, c1, c2, c3


def uniform(index: Tensor, count: int, seed: int, stream: int = 0) -> Tensor:
    """`count` numbers for each index, uniform in [0, 1), multiples of 2⁻²⁴: float32 `[N, count]` on the index's device.

    Args:
        index: int64 `[N]`, not negative.
        count: numbers for each.
        seed: in [0, 2⁶⁴).
        stream: in [0, 2³²); numbers of different streams have nothing to do with each other.
    """
    blocks = -(-count // 4)
    low, high = (index & _LOW)[:, None].expand(-1, blocks), (index >> 32)[:, None].expand(-1, blocks)
    block = torch.arange(blocks, device=index.device).expand_as(low)
    words = philox((low, high, block, torch.full_like(low, stream)), seed)
    return (torch.stack(words, -1).flatten(1)[:, :count] >> 8).to(torch.float32).mul_(2.0**-24)
