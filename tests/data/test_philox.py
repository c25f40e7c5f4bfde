import pytest
import torch

from neuralpaint.data.philox import philox, uniform

# The known answers of Random123, the authors' own implementation (kat_vectors, philox4x32 10).
KNOWN = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def words(text):
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_known_answers(counter, key, answer):
    low, high = words(key)
    drawn = philox(tuple(torch.tensor([word]) for word in words(counter)), low | high << 32)
    assert [int(word) for word in drawn] == words(answer)


def test_any_number_by_itself():
    index = torch.tensor([5, 0, 2**33 + 1, 5, 2**61])
    together = uniform(index, 7, seed=3)
    for row, number in zip(together, index, strict=True):
        assert torch.equal(uniform(number[None], 7, seed=3)[0], row)
    assert torch.equal(together[0], together[3]) and len(together.unique(dim=0)) == 4
    assert torch.equal(uniform(index, 5, seed=3), together[:, :5])


def test_uniform_and_independent():
    index = torch.arange(50_000)
    numbers = torch.cat([uniform(index, 6, 0), uniform(index, 3, 1), uniform(index, 3, 0, stream=1)], 1).double()
    assert 0 <= numbers.min() < 1e-4 and 1 - 1e-4 < numbers.max() < 1
    assert (numbers.mean(0) - 0.5).abs().max() < 0.005
    assert (numbers.var(0) - 1 / 12).abs().max() < 0.001
    columns = torch.cat([numbers, numbers.roll(1, 0)], 1)  # also against the stroke before
    correlation = torch.corrcoef(columns.T) - torch.eye(24)
    assert correlation.abs().max() < 5 / 50_000**0.5
    counts = torch.histc(numbers[:, 0], 100, 0, 1)
    assert ((counts - 500) ** 2 / 500).sum() < 150  # chi-squared of 99 degrees of freedom: 1 in 1000 beyond 149


def test_largest_seed():
    largest, other = uniform(torch.arange(4), 4, 2**63 - 1), uniform(torch.arange(4), 4, 2**63 - 2)
    assert not (largest == other).any()
