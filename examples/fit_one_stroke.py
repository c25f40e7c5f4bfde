"""Moves one stroke onto another by gradient descent through `render`, with and without the transport loss.

    python examples/fit_one_stroke.py

The two strokes don't overlap at first, so the pixel loss alone has no gradient that pulls one towards the other.
"""

import torch

from neuralpaint import ops
from neuralpaint.losses import TransportLoss

#                        xc   yc   w    h    theta r    g    b    a
START = torch.tensor([[[0.2, 0.25, 0.3, 0.4, 0.2, 0.9, 0.8, 0.3, 1.0]]])
GOAL = torch.tensor([[[0.75, 0.7, 0.5, 0.3, 0.6, 0.9, 0.8, 0.3, 1.0]]])


def fit(transport_weight: float, steps: int = 150) -> float:
    """Distance in units between the centres of stroke and goal after so many steps of Adam."""
    black = torch.zeros(1, 3, 64, 64)
    target = ops.render(black, GOAL, "tape")
    transport = TransportLoss(size=32, mass="light")
    stroke = START.clone().requires_grad_()
    optimizer = torch.optim.Adam([stroke], lr=0.01)
    for _ in range(steps):
        canvas = ops.render(black, stroke.clamp(0, 1), "tape", softness=2.0)
        loss = (canvas - target).square().mean() + transport_weight * transport(canvas, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return float((stroke - GOAL)[0, 0, :2].detach().norm())


def main() -> dict[float, float]:
    distances = {weight: fit(weight) for weight in (0.0, 1.0)}
    print(f"centres apart at first: {float((START - GOAL)[0, 0, :2].norm()):.2f} units")
    for weight, distance in distances.items():
        print(f"after 150 steps, transport weight {weight:g}: {distance:.2f}")
    return distances


if __name__ == "__main__":
    main()
