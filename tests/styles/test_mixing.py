import pytest
import torch

from neuralpaint.styles.mixing import corner_mixes, style_mix, sweep_mixes

NAMES = ["munch-scream", "monet-irises", "hokusai-great-wave", "van-gogh-starry-night"]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("monet-irises", [0, 1, 0, 0]),
        ("munch-scream:0.7, monet-irises:0.3", [0.7, 0.3, 0, 0]),
        ("munch-scream,hokusai-great-wave", [0.5, 0, 0.5, 0]),
        ("munch-scream:1,monet-irises:0", [1, 0, 0, 0]),
        ("munch-scream:0.33,monet-irises:0.33,hokusai-great-wave:0.34", [0.33, 0.33, 0.34, 0]),
    ],
)
def test_what_a_person_writes(text, expected):
    torch.testing.assert_close(style_mix(text, NAMES), torch.tensor(expected, dtype=torch.float32))


@pytest.mark.parametrize(
    "text, message",
    [
        ("munch-screem", "unknown style 'munch-screem'.*did you mean 'munch-scream'"),
        ("munch-scream:0.7,monet-irises:0.7", "sum to 1.4, not to 1"),
        ("munch-scream:0.3", "sum to 0.3"),
        ("munch-scream:1.5,monet-irises:-0.5", "at least 0"),
        ("munch-scream:nan", "at least 0"),
        ("munch-scream:much", "'much' is not a number"),
        ("munch-scream:0.5,munch-scream:0.5", "twice"),
        ("munch-scream:0.5,monet-irises", "either all styles a weight"),
        ("munch-scream,,monet-irises", "empty part"),
        ("", "empty part"),
    ],
)
def test_what_is_no_mix(text, message):
    with pytest.raises(ValueError, match=message):
        style_mix(text, NAMES)


def test_corners_of_a_grid_are_the_styles():
    mixes = corner_mixes(torch.eye(4), 3).view(3, 3, 4)
    for row, column, style in ((0, 0, 0), (0, 2, 1), (2, 0, 2), (2, 2, 3)):
        torch.testing.assert_close(mixes[row, column], torch.eye(4)[style])
    torch.testing.assert_close(mixes[1, 1], torch.full((4,), 0.25))


def test_a_sweep_goes_from_one_to_the_other():
    mixes = sweep_mixes(torch.eye(4)[0], torch.eye(4)[2], 5)
    torch.testing.assert_close(mixes[:, 2], torch.linspace(0, 1, 5))
    torch.testing.assert_close(mixes.sum(1), torch.ones(5))
