// What the kernels of sinkhorn need so as not to crash; full checks with kind messages are the Python wrapper's.
#pragma once

#include <cstdint>
#include <limits>

#include "common/shapes.h"
#include "torch/tensors.h"

namespace neuralpaint {

inline void check_sinkhorn(const Tensor& mass_x, const Tensor& mass_y, double epsilon, int64_t iterations,
                           int64_t cost) {
    NP_CHECK(mass_x.dim() == 3 && mass_x.size(1) > 0 && mass_x.size(2) > 0,
             "mass_x must be [B, h, w] and not empty, got ", shape_text(mass_x));
    NP_CHECK(same_shape(mass_y, mass_x), "mass_y must have the shape of mass_x, got ", shape_text(mass_y));
    NP_CHECK(mass_y.scalar_type() == mass_x.scalar_type() && mass_y.device() == mass_x.device(),
             "mass_x and mass_y must have the same dtype and device");
    check_positive("epsilon", epsilon, mass_x.scalar_type());
    NP_CHECK(iterations >= 1, "iterations must be at least 1, got ", iterations);
    NP_CHECK(cost == 0 || cost == 1, "cost must be 0 or 1, got ", cost);
}

inline void check_sinkhorn_backward(const Tensor& grad, const Tensor& mass_x, const Tensor& potentials,
                                    ScalarType potentials_dtype, int64_t iterations) {
    NP_CHECK(grad.dim() == 1 && grad.size(0) == mass_x.size(0) && grad.scalar_type() == mass_x.scalar_type() &&
                 grad.device() == mass_x.device(),
             "grad must be [B] and match the masses");
    NP_CHECK(potentials.dim() == 4 && potentials.size(0) == mass_x.size(0) && potentials.size(1) % 2 == 0 &&
                 potentials.size(1) / 2 == iterations &&  // 2 * iterations could overflow
                 potentials.size(2) == mass_x.size(1) && potentials.size(3) == mass_x.size(2) &&
                 potentials.scalar_type() == potentials_dtype && potentials.device() == mass_x.device(),
             "potentials must be those of sinkhorn with the same masses and iterations");
}

// The arguments of a launch; the masses have been checked.
inline SinkhornShape sinkhorn_shape(const Tensor& mass, double epsilon, int64_t iterations, int64_t cost) {
    constexpr int64_t limit = std::numeric_limits<int>::max();
    NP_CHECK(mass.size(1) <= limit && mass.size(2) <= limit && mass.size(1) * mass.size(2) <= limit &&
                 iterations <= limit / 2,
             "too many pixels or iterations for one call");
    return {mass.size(0), static_cast<int>(mass.size(1)),  static_cast<int>(mass.size(2)), static_cast<int>(iterations),
            epsilon,      static_cast<TransportCost>(cost)};
}

}  // namespace neuralpaint
