#include <tuple>

#include "cuda/sinkhorn.h"
#include "torch/cuda.h"
#include "torch/sinkhorn_checks.h"

namespace neuralpaint {
namespace {

SinkhornShape shape_of(const Tensor& mass, double epsilon, int64_t iterations, int64_t cost) {
    const SinkhornShape shape = sinkhorn_shape(mass, epsilon, iterations, cost);
    NP_CHECK(shape.batch < (int64_t(1) << 31) && shape.height * shape.width < (1 << 28),
             "too many images or pixels for one call");
    return shape;
}

// Maps that don't fit into shared memory; the kernels take null for none.
template <typename T>
T* pointer_or_null(const Tensor& workspace) {
    return workspace.numel() > 0 ? mutable_data<T>(workspace) : nullptr;
}

std::tuple<Tensor, Tensor> sinkhorn_cuda(const Tensor& mass_x_, const Tensor& mass_y_, double epsilon,
                                         int64_t iterations, int64_t cost) {
    check_sinkhorn(mass_x_, mass_y_, epsilon, iterations, cost);
    const DeviceGuard guard(mass_x_.get_device_index());
    const Tensor mass_x = to_contiguous(mass_x_), mass_y = to_contiguous(mass_y_);
    const SinkhornShape shape = shape_of(mass_x, epsilon, iterations, cost);
    Tensor out = make_empty(mass_x, {shape.batch}, mass_x.scalar_type());
    Tensor potentials =
        make_empty(mass_x, {shape.batch, 2 * iterations, shape.height, shape.width}, mass_x.scalar_type());
    with_floating_type("sinkhorn", mass_x.scalar_type(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        const Tensor workspace = make_empty(mass_x, {cuda::sinkhorn_workspace<T>(shape)}, mass_x.scalar_type());
        cuda::launch_sinkhorn<T>(data<T>(mass_x), data<T>(mass_y), mutable_data<T>(out), mutable_data<T>(potentials),
                                 pointer_or_null<T>(workspace), shape, current_stream(mass_x_));
    });
    check_launch();
    return {out, potentials};
}

std::tuple<Tensor, Tensor> sinkhorn_backward_cuda(const Tensor& grad_, const Tensor& mass_x_, const Tensor& mass_y_,
                                                  const Tensor& potentials_, double epsilon, int64_t iterations,
                                                  int64_t cost) {
    check_sinkhorn(mass_x_, mass_y_, epsilon, iterations, cost);
    check_sinkhorn_backward(grad_, mass_x_, potentials_, mass_x_.scalar_type(), iterations);
    const DeviceGuard guard(mass_x_.get_device_index());
    const Tensor grad = to_contiguous(grad_), potentials = to_contiguous(potentials_);
    const Tensor mass_x = to_contiguous(mass_x_), mass_y = to_contiguous(mass_y_);
    const SinkhornShape shape = shape_of(mass_x, epsilon, iterations, cost);
    Tensor grad_x = make_empty(mass_x);
    Tensor grad_y = make_empty(mass_y);
    with_floating_type("sinkhorn_backward", mass_x.scalar_type(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        const Tensor workspace = make_empty(mass_x, {cuda::sinkhorn_workspace<T>(shape)}, mass_x.scalar_type());
        cuda::launch_sinkhorn_backward<T>(data<T>(grad), data<T>(mass_x), data<T>(mass_y), data<T>(potentials),
                                          mutable_data<T>(grad_x), mutable_data<T>(grad_y),
                                          pointer_or_null<T>(workspace), shape, current_stream(mass_x_));
    });
    check_launch();
    return {grad_x, grad_y};
}

}  // namespace

STABLE_TORCH_LIBRARY_IMPL(neuralpaint, CUDA, m) {
    m.impl("sinkhorn", TORCH_BOX(&sinkhorn_cuda));
    m.impl("sinkhorn_backward", TORCH_BOX(&sinkhorn_backward_cuda));
}

}  // namespace neuralpaint
