// What the kernels of composite need so as not to crash; full checks with kind messages are the Python wrapper's.
#pragma once

#include "torch/tensors.h"

namespace neuralpaint {

inline void check_composite(const Tensor& canvas, const Tensor& foreground, const Tensor& alpha) {
    NP_CHECK(canvas.dim() == 4 && canvas.size(1) == 3, "canvas must be [B, 3, H, W]");
    const int64_t batch = canvas.size(0), height = canvas.size(2), width = canvas.size(3);
    NP_CHECK(foreground.dim() == 5 && foreground.size(0) == batch && foreground.size(2) == 3 &&
                 foreground.size(3) == height && foreground.size(4) == width,
             "foreground must be [B, T, 3, H, W] and match canvas");
    check_sides("canvas", height, width);
    NP_CHECK(alpha.dim() == 5 && alpha.size(0) == batch && alpha.size(1) == foreground.size(1) && alpha.size(2) == 1 &&
                 alpha.size(3) == height && alpha.size(4) == width,
             "alpha must be [B, T, 1, H, W] and match foreground");
    NP_CHECK(foreground.scalar_type() == canvas.scalar_type() && alpha.scalar_type() == canvas.scalar_type(),
             "canvas, foreground and alpha must have one dtype");
    NP_CHECK(foreground.device() == canvas.device() && alpha.device() == canvas.device(),
             "canvas, foreground and alpha must be on one device");
}

inline void check_composite_grad(const Tensor& grad, const Tensor& canvas) {
    NP_CHECK(same_shape(grad, canvas) && grad.scalar_type() == canvas.scalar_type() && grad.device() == canvas.device(),
             "grad must match canvas");
}

}  // namespace neuralpaint
