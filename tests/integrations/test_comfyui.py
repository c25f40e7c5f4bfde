"""The nodes for ComfyUI, loaded as it does, without it."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

FOLDER = Path(__file__).parents[2] / "integrations" / "comfyui"


@pytest.fixture(scope="module")
def nodes():
    spec = importlib.util.spec_from_file_location(
        "custom_nodes_neuralpaint", FOLDER / "__init__.py", submodule_search_locations=[str(FOLDER)]
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module.NODE_CLASS_MAPPINGS
    for name in [name for name in sys.modules if name.startswith(spec.name)]:
        del sys.modules[name]


@pytest.fixture
def images():
    y, x = torch.meshgrid(torch.linspace(0, 1, 32), torch.linspace(0, 1, 40), indexing="ij")
    return torch.stack([torch.stack([x, y, (x - y).abs()], -1)] * 2)


def arguments(node, **given):
    """What ComfyUI passes: the first of each list, the defaults, and what is given."""
    found = {}
    for name, (kind, *rest) in node.INPUT_TYPES()["required"].items():
        if isinstance(kind, list):
            found[name] = rest[0]["default"] if rest else kind[0]
        elif rest:
            found[name] = rest[0]["default"]
    return found | given


def run(node, **given):
    result = getattr(node(), node.FUNCTION)(**arguments(node, **given))
    assert len(result) == len(node.RETURN_TYPES) == len(node.RETURN_NAMES)
    return result


def test_a_batch_is_painted_and_rendered_larger(nodes, images):
    painted, paintings = run(nodes["NeuralpaintPaint"], image=images, strokes=12, preset="fast")
    assert painted.shape == images.shape and painted.dtype == torch.float32
    assert 0 <= painted.min() and painted.max() <= 1
    assert (painted - images).square().mean() < 0.02  # plain white: 0.39; the photo's variance: 0.08
    (larger,) = run(nodes["NeuralpaintRender"], painting=paintings, size=64)
    assert larger.shape == (2, 64, 80, 3)


def test_a_look_and_a_mask(nodes, images):
    mask = torch.zeros(1, 32, 40)
    mask[:, 8:16, 8:16] = 1
    _, paintings = run(nodes["NeuralpaintPaint"], image=images[:1], look="ink", strokes=4, preset="fast", detail=mask)
    assert not paintings[0].finish.flat


def test_images_are_stylized(nodes, images):
    larger = images[:1].repeat_interleave(2, 1).repeat_interleave(2, 2)
    (styled,) = run(nodes["NeuralpaintStylize"], image=larger)
    assert styled.shape == larger.shape and (styled - larger).abs().mean() > 0.02
    (kept,) = run(nodes["NeuralpaintStylize"], image=larger, strength=0.0)
    assert (kept - larger).abs().max() < 1e-5
    (other,) = run(nodes["NeuralpaintStylize"], image=larger, style_image=larger.flip(-1))
    assert other.shape == larger.shape
