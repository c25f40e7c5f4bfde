"""Random numbers that leave the global generator alone."""

import pytest
import torch
from torch import nn

from neuralpaint.renderers.networks.registry import build_network, network_types
from neuralpaint.styles.network import StyleNetwork
from neuralpaint.utils.random import OwnRandom

MAKE = {
    "styles": lambda: StyleNetwork(["a", "b"], "light"),
    "linear": lambda: nn.Linear(7, 5),
    **{name: lambda name=name: build_network(name, "oil", 32) for name in network_types()},
}


def made(name):
    return MAKE[name]().state_dict()


@pytest.mark.parametrize("name", MAKE)
def test_networks_are_those_of_the_seed(name):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        expected = made(name)
    before = torch.get_rng_state()
    with OwnRandom(5):
        found = made(name)
    assert torch.equal(torch.get_rng_state(), before)
    assert found.keys() == expected.keys() and all(torch.equal(found[key], expected[key]) for key in expected)


def test_functions_with_another_overload():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        expected = [torch.rand(3), torch.randn(20), torch.randperm(9), torch.randint(0, 7, (4,))]
    with OwnRandom(2):
        found = [torch.rand(3), torch.randn(20), torch.randperm(9), torch.randint(0, 7, (4,))]
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(found, expected, strict=True))


def test_a_generator_of_the_caller_is_used():
    with OwnRandom(2):
        found = torch.rand(3, generator=torch.Generator().manual_seed(9))
        after = torch.rand(3)
    assert torch.equal(found, torch.rand(3, generator=torch.Generator().manual_seed(9)))
    assert torch.equal(after, torch.rand(3, generator=torch.Generator().manual_seed(2)))
