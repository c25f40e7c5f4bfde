// What the kernels of sinkhorn need so as not to crash; full checks with kind messages are the Python wrapper's.
#pragma once

#include <ATen/core/Tensor.h>

#include <cmath>

namespace neuralpaint {

inline void check_sinkhorn(const at::Tensor& mass_x, const at::Tensor& mass_y, double epsilon, int64_t iterations,
                           int64_t cost) {
    TORCH_CHECK(mass_x.dim() == 3 && mass_x.size(1) > 0 && mass_x.size(2) > 0,
                "mass_x must be [B, h, w] and not empty, got ", mass_x.sizes());
    TORCH_CHECK(mass_y.sizes() == mass_x.sizes(), "mass_y must have the shape of mass_x, got ", mass_y.sizes());
    TORCH_CHECK(mass_y.scalar_type() == mass_x.scalar_type() && mass_y.device() == mass_x.device(),
                "mass_x and mass_y must have the same dtype and device");
    TORCH_CHECK(epsilon > 0 && std::isfinite(epsilon), "epsilon must be a finite number above 0, got ", epsilon);
    TORCH_CHECK(iterations >= 1, "iterations must be at least 1, got ", iterations);
    TORCH_CHECK(cost == 0 || cost == 1, "cost must be 0 or 1, got ", cost);
}

inline void check_sinkhorn_backward(const at::Tensor& grad, const at::Tensor& mass_x, const at::Tensor& potentials,
                                    at::ScalarType potentials_dtype, int64_t iterations) {
    TORCH_CHECK(grad.dim() == 1 && grad.size(0) == mass_x.size(0) && grad.scalar_type() == mass_x.scalar_type() &&
                    grad.device() == mass_x.device(),
                "grad must be [B] and match the masses");
    TORCH_CHECK(potentials.dim() == 4 && potentials.size(0) == mass_x.size(0) && potentials.size(1) == 2 * iterations &&
                    potentials.size(2) == mass_x.size(1) && potentials.size(3) == mass_x.size(2) &&
                    potentials.scalar_type() == potentials_dtype && potentials.device() == mass_x.device(),
                "potentials must be those of sinkhorn with the same masses and iterations");
}

}  // namespace neuralpaint
