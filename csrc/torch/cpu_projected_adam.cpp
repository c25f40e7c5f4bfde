#include "cpu/projected_adam.h"

#include "torch/adam_checks.h"

namespace neuralpaint {
namespace {

void projected_adam_cpu(const Tensor& parameters, const Tensor& values, const Tensor& points, const Tensor& mean,
                        const Tensor& square, const Tensor& age, const Tensor& gradient, const Tensor& rate,
                        const Tensor& corrections, const Tensor& scale, const Tensor& low, const Tensor& high,
                        const Tensor& moves, int64_t wraps, double first, double second, double epsilon,
                        double divisor) {
    const AdamTensors tensors{parameters,
                              values,
                              points,
                              mean,
                              square,
                              age,
                              to_contiguous(gradient),
                              rate,
                              to_contiguous(corrections),
                              to_contiguous(scale),
                              to_contiguous(low),
                              to_contiguous(high),
                              to_contiguous(moves)};
    tensors.check(wraps);
    check_adam_settings(first, second, epsilon, divisor, parameters.scalar_type());
    with_floating_type("projected_adam_", parameters.scalar_type(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        const auto adam = tensors.arguments<T>(wraps, first, second, epsilon, divisor);
        cpu::projected_adam<T>(adam);
    });
}

}  // namespace
}  // namespace neuralpaint

STABLE_TORCH_LIBRARY_IMPL(neuralpaint, CPU, m) {
    m.impl("projected_adam_", TORCH_BOX(&neuralpaint::projected_adam_cpu));
}
