#include <tuple>

#include "cpu/sinkhorn.h"
#include "torch/sinkhorn_checks.h"

namespace neuralpaint {
namespace {

// In the kernel and not in Python: it takes one pass there, and holds under torch.compile too.
template <typename T>
void check_mass(const char* name, const T* mass, const SinkhornShape& shape) {
    const int64_t image = cpu::first_invalid_mass(mass, shape.batch, shape.height * shape.width);
    NP_CHECK_VALUE(image < 0, name, " must be finite, non-negative and not all zero; image ", image, " is not");
}

std::tuple<Tensor, Tensor> sinkhorn_cpu(const Tensor& mass_x_, const Tensor& mass_y_, double epsilon,
                                        int64_t iterations, int64_t cost) {
    check_sinkhorn(mass_x_, mass_y_, epsilon, iterations, cost);
    const Tensor mass_x = to_contiguous(mass_x_), mass_y = to_contiguous(mass_y_);
    const SinkhornShape shape = sinkhorn_shape(mass_x, epsilon, iterations, cost);
    Tensor out = make_empty(mass_x, {shape.batch}, mass_x.scalar_type());
    // At a small epsilon potentials are large numbers, and exp takes their absolute error for a relative one: float64.
    Tensor potentials =
        make_empty(mass_x, {shape.batch, 2 * iterations, shape.height, shape.width}, ScalarType::Double);
    with_floating_type("sinkhorn", mass_x.scalar_type(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        const auto* x = data<T>(mass_x);
        const auto* y = data<T>(mass_y);
        check_mass("mass_x", x, shape);
        check_mass("mass_y", y, shape);
        cpu::sinkhorn<T>(x, y, mutable_data<T>(out), mutable_data<double>(potentials), shape);
    });
    return {out, potentials};
}

std::tuple<Tensor, Tensor> sinkhorn_backward_cpu(const Tensor& grad_, const Tensor& mass_x_, const Tensor& mass_y_,
                                                 const Tensor& potentials_, double epsilon, int64_t iterations,
                                                 int64_t cost) {
    check_sinkhorn(mass_x_, mass_y_, epsilon, iterations, cost);
    check_sinkhorn_backward(grad_, mass_x_, potentials_, ScalarType::Double, iterations);
    const Tensor grad = to_contiguous(grad_), potentials = to_contiguous(potentials_);
    const Tensor mass_x = to_contiguous(mass_x_), mass_y = to_contiguous(mass_y_);
    const SinkhornShape shape = sinkhorn_shape(mass_x, epsilon, iterations, cost);
    Tensor grad_x = make_empty(mass_x);
    Tensor grad_y = make_empty(mass_y);
    with_floating_type("sinkhorn_backward", mass_x.scalar_type(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        const auto* x = data<T>(mass_x);
        const auto* y = data<T>(mass_y);
        check_mass("mass_x", x, shape);
        check_mass("mass_y", y, shape);
        cpu::sinkhorn_backward<T>(data<T>(grad), x, y, data<double>(potentials), mutable_data<T>(grad_x),
                                  mutable_data<T>(grad_y), shape);
    });
    return {grad_x, grad_y};
}

}  // namespace

STABLE_TORCH_LIBRARY_IMPL(neuralpaint, CPU, m) {
    m.impl("sinkhorn", TORCH_BOX(&sinkhorn_cpu));
    m.impl("sinkhorn_backward", TORCH_BOX(&sinkhorn_backward_cpu));
}

}  // namespace neuralpaint
