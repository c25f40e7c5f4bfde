import torch
from torch import nn

from neuralpaint.utils.outline import outline


def test_takes_no_memory_and_draws_no_random_numbers():
    state = torch.get_rng_state()
    with outline():
        network = nn.Sequential(nn.Linear(2**20, 2**20), nn.BatchNorm2d(2**30))
    assert all(value.is_meta for value in network.state_dict().values())
    assert network[0].weight.shape == (2**20, 2**20) and network[0].weight.requires_grad
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.ones(1).is_meta


LOADING = """
import sys
from neuralpaint.renderers.networks.registry import build_network
from neuralpaint.renderers.pretrained import bundled_folder, load_network
from neuralpaint.styles.pretrained import load_style_network
from neuralpaint.utils.outline import outline
load_network(bundled_folder("oil"))
load_style_network("light")
with outline():
    for name in ("dual-pathway", "unet", "dcgan", "pixelshuffle"):
        build_network(name, "oil", 128)
assert "torch._dynamo" not in sys.modules and "sympy" not in sys.modules
"""


def test_loading_does_not_import_the_compiler(fork_server):
    done = fork_server.run(LOADING)
    assert done.poll() == 0, done.err
