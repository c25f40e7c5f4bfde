#include <ATen/Dispatch.h>
#include <ATen/ops/empty.h>
#include <torch/library.h>

#include <tuple>

#include "cpu/sinkhorn.h"
#include "torch/sinkhorn_checks.h"

namespace neuralpaint {
namespace {

cpu::SinkhornShape shape_of(const at::Tensor& mass, double epsilon, int64_t iterations, int64_t cost) {
    return {mass.size(0), mass.size(1), mass.size(2), iterations, epsilon, static_cast<cpu::TransportCost>(cost)};
}

// In the kernel and not in Python: it takes one pass there, and holds under torch.compile too.
template <typename T>
void check_mass(const char* name, const T* mass, const cpu::SinkhornShape& shape) {
    const int64_t image = cpu::first_invalid_mass(mass, shape.batch, shape.height * shape.width);
    TORCH_CHECK_VALUE(image < 0, name, " must be finite, non-negative and not all zero; image ", image, " is not");
}

std::tuple<at::Tensor, at::Tensor> sinkhorn_cpu(const at::Tensor& mass_x_, const at::Tensor& mass_y_, double epsilon,
                                                int64_t iterations, int64_t cost) {
    check_sinkhorn(mass_x_, mass_y_, epsilon, iterations, cost);
    const at::Tensor mass_x = mass_x_.contiguous(), mass_y = mass_y_.contiguous();
    const cpu::SinkhornShape shape = shape_of(mass_x, epsilon, iterations, cost);
    at::Tensor out = at::empty({shape.batch}, mass_x.options());
    // At a small epsilon potentials are large numbers, and exp takes their absolute error for a relative one: float64.
    at::Tensor potentials =
        at::empty({shape.batch, 2 * iterations, shape.height, shape.width}, mass_x.options().dtype(at::kDouble));
    AT_DISPATCH_FLOATING_TYPES(mass_x.scalar_type(), "sinkhorn", [&] {
        const auto* x = mass_x.const_data_ptr<scalar_t>();
        const auto* y = mass_y.const_data_ptr<scalar_t>();
        check_mass("mass_x", x, shape);
        check_mass("mass_y", y, shape);
        cpu::sinkhorn<scalar_t>(x, y, out.mutable_data_ptr<scalar_t>(), potentials.mutable_data_ptr<double>(), shape);
    });
    return {out, potentials};
}

std::tuple<at::Tensor, at::Tensor> sinkhorn_backward_cpu(const at::Tensor& grad_, const at::Tensor& mass_x_,
                                                         const at::Tensor& mass_y_, const at::Tensor& potentials_,
                                                         double epsilon, int64_t iterations, int64_t cost) {
    check_sinkhorn(mass_x_, mass_y_, epsilon, iterations, cost);
    check_sinkhorn_backward(grad_, mass_x_, potentials_, at::kDouble, iterations);
    const at::Tensor grad = grad_.contiguous(), potentials = potentials_.contiguous();
    const at::Tensor mass_x = mass_x_.contiguous(), mass_y = mass_y_.contiguous();
    at::Tensor grad_x = at::empty(mass_x.sizes(), mass_x.options());
    at::Tensor grad_y = at::empty(mass_y.sizes(), mass_y.options());
    AT_DISPATCH_FLOATING_TYPES(mass_x.scalar_type(), "sinkhorn_backward", [&] {
        cpu::sinkhorn_backward<scalar_t>(grad.const_data_ptr<scalar_t>(), mass_x.const_data_ptr<scalar_t>(),
                                         mass_y.const_data_ptr<scalar_t>(), potentials.const_data_ptr<double>(),
                                         grad_x.mutable_data_ptr<scalar_t>(), grad_y.mutable_data_ptr<scalar_t>(),
                                         shape_of(mass_x, epsilon, iterations, cost));
    });
    return {grad_x, grad_y};
}

}  // namespace

TORCH_LIBRARY_IMPL(neuralpaint, CPU, m) {
    m.impl("sinkhorn", &sinkhorn_cpu);
    m.impl("sinkhorn_backward", &sinkhorn_backward_cpu);
}

}  // namespace neuralpaint
