#include <ATen/Dispatch.h>
#include <ATen/ops/empty.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/library.h>

#include <tuple>

#include "cuda/sinkhorn.h"
#include "torch/sinkhorn_checks.h"

namespace neuralpaint {
namespace {

cuda::SinkhornShape shape_of(const at::Tensor& mass, double epsilon, int64_t iterations, int64_t cost) {
    TORCH_CHECK(mass.size(0) < (int64_t(1) << 31) && mass.size(1) * mass.size(2) < (int64_t(1) << 28) &&
                    iterations < (int64_t(1) << 30),
                "too many images, pixels or iterations for one call");
    return {mass.size(0),
            static_cast<int>(mass.size(1)),
            static_cast<int>(mass.size(2)),
            static_cast<int>(iterations),
            epsilon,
            cost == 1};
}

// Maps that don't fit into shared memory; the kernels take null for none.
template <typename T>
T* pointer_or_null(const at::Tensor& workspace) {
    return workspace.numel() > 0 ? workspace.mutable_data_ptr<T>() : nullptr;
}

std::tuple<at::Tensor, at::Tensor> sinkhorn_cuda(const at::Tensor& mass_x_, const at::Tensor& mass_y_, double epsilon,
                                                 int64_t iterations, int64_t cost) {
    check_sinkhorn(mass_x_, mass_y_, epsilon, iterations, cost);
    const c10::cuda::CUDAGuard guard(mass_x_.device());
    const at::Tensor mass_x = mass_x_.contiguous(), mass_y = mass_y_.contiguous();
    const cuda::SinkhornShape shape = shape_of(mass_x, epsilon, iterations, cost);
    at::Tensor out = at::empty({shape.batch}, mass_x.options());
    at::Tensor potentials = at::empty({shape.batch, 2 * iterations, shape.height, shape.width}, mass_x.options());
    AT_DISPATCH_FLOATING_TYPES(mass_x.scalar_type(), "sinkhorn", [&] {
        const at::Tensor workspace = at::empty({cuda::sinkhorn_workspace<scalar_t>(shape)}, mass_x.options());
        cuda::launch_sinkhorn<scalar_t>(mass_x.const_data_ptr<scalar_t>(), mass_y.const_data_ptr<scalar_t>(),
                                        out.mutable_data_ptr<scalar_t>(), potentials.mutable_data_ptr<scalar_t>(),
                                        pointer_or_null<scalar_t>(workspace), shape, c10::cuda::getCurrentCUDAStream());
    });
    C10_CUDA_CHECK(cudaGetLastError());
    return {out, potentials};
}

std::tuple<at::Tensor, at::Tensor> sinkhorn_backward_cuda(const at::Tensor& grad_, const at::Tensor& mass_x_,
                                                          const at::Tensor& mass_y_, const at::Tensor& potentials_,
                                                          double epsilon, int64_t iterations, int64_t cost) {
    check_sinkhorn(mass_x_, mass_y_, epsilon, iterations, cost);
    check_sinkhorn_backward(grad_, mass_x_, potentials_, mass_x_.scalar_type(), iterations);
    const c10::cuda::CUDAGuard guard(mass_x_.device());
    const at::Tensor grad = grad_.contiguous(), potentials = potentials_.contiguous();
    const at::Tensor mass_x = mass_x_.contiguous(), mass_y = mass_y_.contiguous();
    const cuda::SinkhornShape shape = shape_of(mass_x, epsilon, iterations, cost);
    at::Tensor grad_x = at::empty(mass_x.sizes(), mass_x.options());
    at::Tensor grad_y = at::empty(mass_y.sizes(), mass_y.options());
    AT_DISPATCH_FLOATING_TYPES(mass_x.scalar_type(), "sinkhorn_backward", [&] {
        const at::Tensor workspace = at::empty({cuda::sinkhorn_workspace<scalar_t>(shape)}, mass_x.options());
        cuda::launch_sinkhorn_backward<scalar_t>(
            grad.const_data_ptr<scalar_t>(), mass_x.const_data_ptr<scalar_t>(), mass_y.const_data_ptr<scalar_t>(),
            potentials.const_data_ptr<scalar_t>(), grad_x.mutable_data_ptr<scalar_t>(),
            grad_y.mutable_data_ptr<scalar_t>(), pointer_or_null<scalar_t>(workspace), shape,
            c10::cuda::getCurrentCUDAStream());
    });
    C10_CUDA_CHECK(cudaGetLastError());
    return {grad_x, grad_y};
}

}  // namespace

TORCH_LIBRARY_IMPL(neuralpaint, CUDA, m) {
    m.impl("sinkhorn", &sinkhorn_cuda);
    m.impl("sinkhorn_backward", &sinkhorn_backward_cuda);
}

}  // namespace neuralpaint
