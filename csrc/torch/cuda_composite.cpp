#include <ATen/Dispatch.h>
#include <ATen/ops/empty.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/library.h>

#include <tuple>

#include "cuda/composite.h"
#include "torch/composite_checks.h"

namespace neuralpaint {
namespace {

at::Tensor composite_cuda(const at::Tensor& canvas, const at::Tensor& foreground, const at::Tensor& alpha) {
    check_composite(canvas, foreground, alpha);
    const c10::cuda::CUDAGuard guard(canvas.device());
    const at::Tensor under = canvas.contiguous(), colour = foreground.contiguous(), matte = alpha.contiguous();
    at::Tensor output = at::empty(canvas.sizes(), canvas.options());
    AT_DISPATCH_FLOATING_TYPES(canvas.scalar_type(), "composite", [&] {
        cuda::launch_composite<scalar_t>(under.const_data_ptr<scalar_t>(), colour.const_data_ptr<scalar_t>(),
                                         matte.const_data_ptr<scalar_t>(), output.mutable_data_ptr<scalar_t>(),
                                         canvas.size(0), foreground.size(1), canvas.size(2) * canvas.size(3),
                                         c10::cuda::getCurrentCUDAStream());
    });
    C10_CUDA_CHECK(cudaGetLastError());
    return output;
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> composite_backward_cuda(const at::Tensor& grad, const at::Tensor& canvas,
                                                                       const at::Tensor& foreground,
                                                                       const at::Tensor& alpha) {
    check_composite(canvas, foreground, alpha);
    check_composite_grad(grad, canvas);
    const c10::cuda::CUDAGuard guard(canvas.device());
    const int64_t batch = canvas.size(0), strokes = foreground.size(1), pixels = canvas.size(2) * canvas.size(3);
    const at::Tensor flowing = grad.contiguous(), under = canvas.contiguous();
    const at::Tensor colour = foreground.contiguous(), matte = alpha.contiguous();
    at::Tensor grad_canvas = at::empty(canvas.sizes(), canvas.options());
    at::Tensor grad_foreground = at::empty(foreground.sizes(), canvas.options());
    at::Tensor grad_alpha = at::empty(alpha.sizes(), canvas.options());
    at::Tensor workspace = at::empty({cuda::composite_workspace(batch, strokes, pixels)}, canvas.options());
    AT_DISPATCH_FLOATING_TYPES(canvas.scalar_type(), "composite_backward", [&] {
        cuda::launch_composite_backward<scalar_t>(
            flowing.const_data_ptr<scalar_t>(), under.const_data_ptr<scalar_t>(), colour.const_data_ptr<scalar_t>(),
            matte.const_data_ptr<scalar_t>(), grad_canvas.mutable_data_ptr<scalar_t>(),
            grad_foreground.mutable_data_ptr<scalar_t>(), grad_alpha.mutable_data_ptr<scalar_t>(),
            workspace.mutable_data_ptr<scalar_t>(), batch, strokes, pixels, c10::cuda::getCurrentCUDAStream());
    });
    C10_CUDA_CHECK(cudaGetLastError());
    return {grad_canvas, grad_foreground, grad_alpha};
}

}  // namespace

TORCH_LIBRARY_IMPL(neuralpaint, CUDA, m) {
    m.impl("composite", &composite_cuda);
    m.impl("composite_backward", &composite_backward_cuda);
}

}  // namespace neuralpaint
